"""The shapes that doors read: frozen, never rows."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class ErrorView:
    """What went wrong; `detail` (urls, bodies, causes) only for staff."""

    code: str
    message: str
    retryable: bool
    at: datetime
    detail: dict[str, Any] | None


@dataclass(frozen=True)
class OutputView:
    """One slot of a generation: `type` is pending | success | error."""

    index: int | None
    type: str
    artifact: str | None
    url: str | None
    content_type: str | None
    width: int | None
    height: int | None
    size: int | None
    sha256: str | None
    seed: int | None
    cost: Decimal | None
    late: bool
    colour: str
    thumb_url: str | None
    preview_url: str | None
    error: ErrorView | None


@dataclass(frozen=True)
class Progress:
    """How far it is; `percent` only if the provider says so."""

    done: int
    expected: int
    percent: int | None


@dataclass(frozen=True)
class GenerationView:
    """One generation as its owner sees it; contract §4 gives the JSON, made by `api`."""

    id: str
    kind: str
    audience: str
    provider: str
    model: str
    model_name: str
    state: str
    phase: str
    prompt: str
    input: dict[str, Any]
    expected_count: int
    artifact_count: int
    outputs: tuple[OutputView, ...]
    error: ErrorView | None
    errors: tuple[ErrorView, ...]  # the history, newest last
    progress: Progress
    tags: tuple[str, ...]
    cost: Decimal | None
    owner: str | None  # user name
    owner_id: int | None
    retry_of: str | None
    trashed_at: datetime | None
    created_at: datetime
    dispatched_at: datetime | None
    deadline_at: datetime
    completed_at: datetime | None
    next_attempt_at: datetime | None
    usual_seconds: tuple[float, float] | None  # p50, p90 of our own history of this model
    version: str  # for the ETag
    acts: dict[str, bool] = field(default_factory=dict)  # cancel, retry, delete, restore, replay


@dataclass(frozen=True)
class ArtifactView:
    """One picture or film."""

    id: str
    generation: str
    index: int
    kind: str
    provider: str
    model: str
    model_name: str
    prompt: str
    url: str
    preview_url: str
    thumb_url: str
    colour: str
    content_type: str
    width: int
    height: int
    size: int
    sha256: str
    seed: int | None
    cost: Decimal | None
    duration: float | None
    starred: bool
    tags: tuple[str, ...]
    late: bool
    owner: str | None
    trashed_at: datetime | None
    created_at: datetime
    metadata: dict[str, Any] = field(default_factory=dict)
    storage_key: str | None = None  # staff only
    poster_url: str | None = None
    state: str = ""  # of its generation


@dataclass(frozen=True)
class Page:
    """A page of a list, and the opaque cursors of its neighbours."""

    results: list[Any]
    next: str | None
    previous: str | None


@dataclass(frozen=True)
class Step:
    """One row of a timeline."""

    at: datetime
    step: str  # created submitted accepted receipt announced stored settled projected …
    title: str
    seconds: float | None  # since the step before
    actor: str
    failed: bool
    detail: dict[str, Any] | None  # payloads only for staff


@dataclass(frozen=True)
class ModelView:
    """One model, of our registry or of a provider's catalogue (`registered` false)."""

    id: str
    provider: str
    kind: str
    name: str
    description: str
    parameters: dict[str, Any]
    sizes: dict[str, Any]
    max_count: int
    max_references: int
    price: Decimal | None
    price_unit: str  # output, or second of a film
    sunset_at: datetime | None
    replacement: str | None
    enabled: bool
    retired: bool
    usual_seconds: tuple[float, float] | None


@dataclass(frozen=True)
class MediaFile:
    """Where the bytes behind a media address are, and how they are called."""

    key: str
    content_type: str
    filename: str
    version: str  # for the ETag


@dataclass(frozen=True)
class GenerationFilters:
    """What a list of generations is narrowed to; None: not narrowed."""

    state: str | None = None
    model: str | None = None
    provider: str | None = None
    kind: str | None = None
    tag: str | None = None
    q: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    has_artifacts: bool | None = None
    owner_id: int | None = None
    trashed: bool = False


@dataclass(frozen=True)
class ArtifactFilters(GenerationFilters):
    """What a list of artifacts is narrowed to."""

    starred: bool | None = None
    orientation: str | None = None  # landscape, portrait, square
    generation: str | None = None
