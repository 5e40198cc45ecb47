"""What the one card of a video shows, in every state."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from generations import queries as engine
from generations.queries import FilmModel
from genproj import audiences
from genproj.templatetags.ui import money
from genproj.usage import queries as ledger
from videos import queries
from videos.pages import words
from videos.pages.fields import Field, asked, changeable, other_models, served
from videos.pages.words import Failure
from videos.queries import LABELS, VideoView
from videos.queries.mine import films_behind
from videos.states import ENDED, VideoStatus

STEPS = ("Clarify", "Confirm", "Queue", "Process", "Complete")
PLACES = {
    VideoStatus.PENDING_CLARIFICATION: 0,
    VideoStatus.PENDING_CONFIRMATION: 1,
    VideoStatus.QUEUED: 2,
    VideoStatus.PROCESSING: 3,
    VideoStatus.COMPLETED: 4,
}
PATIENCE = 1.5  # times the usual
LABELS_MORE = {"style": "Style", "detail": "Details"}


@dataclass(frozen=True)
class Step:
    """One of the five steps. `state` is done | now | stopped | next."""

    number: int
    label: str
    state: str


@dataclass(frozen=True)
class Row:
    """One line of the summary, with what it said before if that differs."""

    label: str
    value: Any
    before: Any = None
    is_changed: bool = False


@dataclass(frozen=True)
class Making:
    """How a film that is being made is getting on."""

    phase: str
    since: datetime
    percent: int | None
    source: str  # what the percentage is
    usual: str
    usual_seconds: float | None
    slow_at: datetime | None
    deadline_at: datetime | None
    asked_at: datetime | None
    ref: str


@dataclass(frozen=True)
class Card:
    """A video as its card shows it; `v` is its JSON."""

    v: dict[str, Any]
    row: Any
    state: tuple[str, str, str]
    steps: Sequence[Step]
    summary: Sequence[Row]
    fields: Sequence[Field]
    change: Sequence[Field]
    models: Sequence[FilmModel]
    others: Sequence[FilmModel]
    price: str
    lasts: str
    place: str
    waits: str
    making: Making | None
    failure: Failure | None
    money: str
    late: str
    is_staff: bool
    may_act: bool

    @property
    def id(self) -> str:
        """The video's id."""
        return str(self.v["id"])

    @property
    def is_final(self) -> bool:
        """Whether it has come to an end."""
        return self.row.status in ENDED


def cards_of(views: Iterable[VideoView], viewer: User, *, model: str = "") -> list[Card]:
    """The cards of some videos.

    Args:
        model: the model that the form for changes is shown for, instead of the video's own.
    """
    return [_card(view, viewer, model) for view in views]


def card_of(view: VideoView, viewer: User, *, model: str = "") -> Card:
    """The card of one video."""
    return cards_of([view], viewer, model=model)[0]


def _card(view: VideoView, viewer: User, model: str) -> Card:
    video, status = view.row, VideoStatus(view.row.status)
    can_change = status in {VideoStatus.PENDING_CONFIRMATION, VideoStatus.FAILED}
    chosen = engine.film_model(model or video.model) if can_change else None
    unhappy = status in {VideoStatus.FAILED, VideoStatus.CANCELLED}
    lines = ledger.lines_of(f"video:{video.pk}") if unhappy else []
    return Card(
        v=queries.video_json(view),
        row=video,
        state=words.STATES[status],
        steps=_steps(view, status),
        summary=_summary(view),
        fields=asked(view) if status is VideoStatus.PENDING_CLARIFICATION else (),
        change=changeable(view, chosen) if chosen else (),
        models=_offered(chosen) if chosen else (),
        others=other_models(view) if status is VideoStatus.FAILED else (),
        price=money(video.estimate_cost),
        lasts=words.about(video.estimate_seconds),
        place=words.place_words(view) if status is VideoStatus.QUEUED else "",
        waits=words.about(view.place.eta_seconds) if view.place else "",
        making=_making(view) if status is VideoStatus.PROCESSING else None,
        failure=words.failure_of(video.error),
        money=words.money_words(view, lines) if unhappy else "",
        late=words.late_words(view) if status is VideoStatus.CANCELLED else "",
        is_staff=viewer.is_staff,
        may_act=audiences.may(viewer, video.audience, "editor"),
    )


def _offered(chosen: FilmModel) -> list[FilmModel]:
    """The models of the form for changes, the one that is shown first."""
    return [chosen, *(model for model in served() if model.id != chosen.id)]


def _steps(view: VideoView, status: VideoStatus) -> list[Step]:
    here = PLACES.get(status)
    stopped = here is None
    if here is None:
        video = view.row
        moments = (video.told_summary, video.confirmed_at, video.started_at)
        here = sum(1 for moment in moments if moment)
    last = "done" if status is VideoStatus.COMPLETED else "stopped" if stopped else "now"
    return [
        Step(number + 1, label, "done" if number < here else last if number == here else "next")
        for number, label in enumerate(STEPS)
    ]


def _summary(view: VideoView) -> list[Row]:
    changed = {change["field"]: change.get("before") for change in view.row.changes or []}
    if view.row.status != VideoStatus.PENDING_CONFIRMATION:
        changed = {}
    rows = queries.summary_of(view.row)
    found = [
        Row(label_of(name), value, changed.get(name), is_changed=name in changed)
        for name, value in rows.items()
    ]
    gone = (name for name in changed if name not in rows)
    return found + [Row(label_of(name), None, changed[name], is_changed=True) for name in gone]


def label_of(name: str) -> str:
    """What a field of the summary is called."""
    return LABELS.get(name) or LABELS_MORE.get(name) or name.replace("_", " ").capitalize()


def _making(view: VideoView) -> Making:
    video, film, progress = view.row, view.film, view.progress
    since = video.started_at or video.updated_at
    usual = video.estimate_seconds
    told = progress is not None and progress.source == "provider"
    made = 0 if told else films_behind(video)
    in_time = progress is not None and progress.elapsed_seconds <= (usual or 0)
    percent = progress.percent if progress and (told or (made and in_time)) else None
    films = "1 earlier film" if made == 1 else f"{made} earlier films"
    return Making(
        phase=_phase(view),
        since=since,
        percent=percent,
        source="the provider's own figure" if told else f"estimated from {films}",
        usual=f"Usually {words.about(usual)}." if usual else "",
        usual_seconds=usual if percent is not None and not told else None,
        slow_at=since + timedelta(seconds=usual * PATIENCE) if usual else None,
        deadline_at=film.deadline_at if film else None,
        asked_at=film.last_asked_at if film else None,
        ref=film.provider_ref if film else "",
    )


def _phase(view: VideoView) -> str:
    film = view.film
    if film is None or film.dispatched_at is None:
        return "Sending to the provider"
    if film.fetching or film.artifact_id is not None:
        return "Fetching and keeping the film"
    return "Rendering"
