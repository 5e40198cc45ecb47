"""What a language model is asked with and answers, in our words; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from genproj.kernel.http import Guard, Origin

Code = Literal[
    "unreachable",  # never sent
    "timeout",
    "refused",  # the model would not answer
    "cut_off",  # the answer ended before it was whole
    "bad_answer",  # an answer that nobody can use
    "rejected",  # the service would not take the request
    "rate_limited",
    "overloaded",
]


@dataclass(frozen=True)
class ModelConnection:
    """Where a model is and with which key. Its own origin is trusted: the operator chose it."""

    api_key: str = field(repr=False)
    base_url: str
    model: str

    @property
    def guard(self) -> Guard:
        """The configured origin and nothing else."""
        origin = Origin.of(self.base_url)
        return Guard(hosts=(origin.host,), excepted=(origin,))


@dataclass(frozen=True)
class ToolCall:
    """A tool that the model asks for. Name and input are its word only: judge both."""

    id: str
    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True)
class ToolResult:
    """What came of a tool call; `is_error` for a refusal or a failure."""

    id: str
    content: str
    is_error: bool = False


@dataclass(frozen=True)
class Usage:
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens
        )


@dataclass(frozen=True)
class Reply:
    """An answer. `content` holds its blocks as they came, ready to be given back in a history.

    After the stop reasons "max_tokens" and "model_context_window_exceeded" text may end in the
    middle; tool calls, which may be half as well, are left out of both lists.
    """

    text: str
    structured: Any | None
    tool_calls: tuple[ToolCall, ...]
    stop_reason: str
    usage: Usage
    content: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Piece:
    """A part of a streamed answer: some text, or at the very end the whole reply."""

    text: str = ""
    reply: Reply | None = None


class ModelFailure(Exception):  # noqa: N818 - it is the failure of an exchange, not of the program
    """No usable answer. Neither prompts nor keys are in its text.

    `retryable`: the same request may succeed later. `status` is 0 without an answer.
    `retry_after` is in seconds. `detail` is the service's own sentence, which may quote the
    request: show it to staff, log it nowhere.
    """

    def __init__(
        self,
        code: Code,
        *,
        retryable: bool,
        status: int = 0,
        retry_after: float | None = None,
        kind: str = "",
        detail: str = "",
        request_id: str = "",
    ) -> None:
        told = (code, f"status {status}" if status else "", kind, request_id)
        super().__init__(", ".join(part for part in told if part))
        self.code = code
        self.retryable = retryable
        self.status = status
        self.retry_after = retry_after
        self.kind = kind
        self.detail = detail[:300]
        self.request_id = request_id
