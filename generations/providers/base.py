"""What every provider is translated into; the words between the engine and its adapters."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from genproj.kernel.http import Guard, HttpFailure, Origin

BODY_KEPT = 2_000
MESSAGE_KEPT = 1_000
# A seed is stored as a signed 64-bit number; a price of more than this is a mistake.
LARGEST_SEED = 2**63 - 1
LARGEST_COST = 100_000


@dataclass(frozen=True)
class Connection:
    """Where a provider is and with which key. Its own origin is trusted: the operator chose it."""

    api_key: str = field(repr=False)
    base_url: str
    allowed_hosts: tuple[str, ...] = ()

    @property
    def guard(self) -> Guard:
        """For calls: the configured origin and nothing else."""
        origin = Origin.of(self.base_url)
        return Guard(hosts=(origin.host,), excepted=(origin,))

    @property
    def downloads(self) -> Guard:
        """For result files: the provider's hosts, and its own origin when that is plain http."""
        origin = Origin.of(self.base_url)
        excepted = (origin,) if origin.scheme == "http" else ()
        return Guard(hosts=(origin.host, *self.allowed_hosts), excepted=excepted)


@dataclass(frozen=True)
class Task:
    """One request: `id` is the entry's, `input` is in our words, `count` the results wanted."""

    id: str
    kind: str
    model: str
    input: Mapping[str, Any]
    count: int
    callback_url: str | None = None


@dataclass(frozen=True)
class ResultOutput:
    """One finished result; `ref` is the provider's own id of it, `cost` in US dollars.

    Its bytes are at `url`, or came along as `data`, or lie in our storage under `storage_key`.
    """

    ref: str
    url: str | None
    seed: int | None
    cost: Decimal | None
    raw: Mapping[str, Any]
    data: bytes | None = field(default=None, repr=False)
    storage_key: str = ""


Failure = Literal["webhook_error", "content_blocked", "no_result", "provider_failed", "validation"]


@dataclass(frozen=True)
class ResultError:
    """One failed result; `ref` only where the provider says which one failed.

    `retryable` None: as is usual for the code.
    """

    code: Failure
    message: str
    provider_code: str
    raw: Mapping[str, Any]
    ref: str | None = None
    content_blocked: bool = False
    retryable: bool | None = None


@dataclass(frozen=True)
class Address:
    """Where the file of a result is fetched, and what is sent along to that host alone."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ProviderUpdate:
    """What one message of a provider says.

    `ref` is its id of the task. `processing` is None when the message says nothing about it.
    `progress` is a percentage. `issues` tell of parts that could not be understood beside parts
    that could.
    """

    ref: str | None
    outputs: tuple[ResultOutput, ...] = ()
    errors: tuple[ResultError, ...] = ()
    processing: bool | None = None
    progress: int | None = None
    raw: Any = None
    issues: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Submission:
    """The provider has the task; `ref` is what to ask it for."""

    ref: str
    update: ProviderUpdate | None = None


@dataclass(frozen=True)
class FoundModel:
    """One hit of a provider's catalogue search."""

    id: str
    name: str
    raw: Mapping[str, Any]


@dataclass(frozen=True)
class FoundModels:
    total: int
    models: tuple[FoundModel, ...]


class ProviderError(Exception):
    """A call that the provider did not carry out, or that may not have reached it.

    `permanent`: the same call cannot succeed later. `accepted`: the refusal means that an earlier
    call with this task id was taken. `in_doubt`: the reply was lost, the task may exist.
    `retry_after` is in seconds.
    """

    def __init__(
        self,
        code: Literal["http_error", "api_rejected", "unreachable", "model_retired"],
        *,
        url: str,
        status: int = 0,
        body: str = "",
        errors: Sequence[ResultError] = (),
        permanent: bool = False,
        accepted: bool = False,
        in_doubt: bool = False,
        retry_after: float | None = None,
    ) -> None:
        told = errors[0].provider_code if errors else status or "no answer"
        super().__init__(f"{code}: {told}")
        self.code = code
        self.url = url
        self.status = status
        self.body = clean(body[:BODY_KEPT])
        self.errors = [
            {"code": one.provider_code, "message": one.message, "raw": one.raw} for one in errors
        ]
        self.content_blocked = any(one.content_blocked for one in errors)
        self.permanent = permanent
        self.accepted = accepted
        self.in_doubt = in_doubt
        self.retry_after = retry_after

    @classmethod
    def of(cls, failure: HttpFailure) -> "ProviderError":
        """The same news from the transport: what never left is not in doubt."""
        return cls(
            "http_error" if failure.status else "unreachable",
            url=failure.url,
            status=failure.status,
            body=failure.body,
            permanent=failure.kind == "refused",
            in_doubt=failure.kind in ("timeout", "cut", "too_large"),
            retry_after=failure.retry_after,
        )


class UnknownTask(Exception):  # noqa: N818 - an answer to a question
    """The provider does not know this task id."""

    def __init__(self, ref: str) -> None:
        super().__init__(ref)
        self.ref = ref


class Unparsable(Exception):  # noqa: N818 - a finding about a message
    """The message is authentic, but not one that its provider is known to send.

    `issues` are objects with "pointer" and "detail".
    """

    def __init__(self, *issues: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{one['pointer']} {one['detail']}" for one in issues))
        self.issues = [dict(one) for one in issues]


class ProviderClient(Protocol):
    """Speaks to one provider; made with a Connection, holds no state between calls."""

    takes_task_id: bool
    kind_of_answer: Literal["callback", "poll", "inline"]

    def submit(self, task: Task) -> Submission:
        """Hand over a task; ProviderError when that failed or is in doubt."""

    def ask(self, ref: str) -> ProviderUpdate:
        """Everything known of a task so far; UnknownTask, ProviderError.

        `ref` is what the submission was answered with, or else the task's id.
        """

    def address_of(self, url: str) -> Address | None:
        """How the file behind an announced url is fetched; None: by no way we know."""

    def search_models(self, **filters: Any) -> FoundModels:
        """The provider's catalogue; ProviderError."""


class Inbound(Protocol):
    """Reads one provider's deliveries; every method is pure."""

    def authenticate(
        self,
        secrets: Sequence[bytes],
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> str | None:
        """The id of the entry that the delivery may speak for, or None."""

    def delivery_id(self, entry_id: str, body: bytes) -> str:
        """The same for a repetition, different for any other delivery; at most 64 characters."""

    def translate(self, body: bytes, *, task: str) -> ProviderUpdate:
        """The delivery in our words; Unparsable when it has none."""


# ── reading what others wrote ─────────────────────────────────────────────────────────────────


def issue(pointer: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "detail": detail}


def read_json(body: bytes) -> Any:
    """A JSON text that a database can keep, whatever was in it; Unparsable when it is none.

    NaN and infinities, which JSON does not have, are refused; NUL and lone surrogates in strings,
    which databases refuse, are replaced.
    """
    try:
        return clean(json.loads(body, parse_constant=_no_constant))
    except (ValueError, RecursionError) as error:
        raise Unparsable(issue("", f"not JSON: {str(error)[:200]}")) from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def clean(value: Any) -> Any:
    """A copy without characters that cannot be stored, and without numbers that cannot."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {clean(name): clean(one) for name, one in value.items()}
    if isinstance(value, list):
        return [clean(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def read_seed(value: Any) -> int | None:
    """A seed as a number; some providers write it as a string, because it may exceed 2^53."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= LARGEST_SEED else None


def read_cost(value: Any) -> Decimal | None:
    """A price in US dollars, exact to what was written; None when it is no plausible one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value)) if 0 <= value <= LARGEST_COST else None


def read_progress(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return min(100, max(0, int(value)))


def digest_id(entry_id: str, body: bytes) -> str:
    """A delivery id for providers that give none."""
    return hashlib.sha256(entry_id.encode() + b"\n" + body).hexdigest()
