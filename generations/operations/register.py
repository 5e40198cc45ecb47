"""Opens, cancels and retries entries: what people ask of the register."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from generations.errors import (
    FilmOfAVideo,
    GenerationNotFound,
    NothingToRetry,
    PictureOfAVariant,
)
from generations.models import EntryTag, ProviderModel, RegisterEntry
from generations.operations import desk, frames, money, naming, pressure
from generations.providers import inline_providers
from generations.states import GenerationState
from genproj import audiences
from genproj.kernel import bulk, figures, logs, rows
from genproj.kernel.clock import now
from genproj.kernel.errors import Forbidden, InvalidTransition
from genproj.kernel.ids import uuid7
from genproj.kernel.wake import wake
from genproj.usage.operations import Cost, lock_budgets

log = logs.component("register")


def open_entry(
    *,
    actor: User | None,
    audience: str,
    model: ProviderModel,
    input: Mapping[str, Any],
    expected_count: int,
    deadline_seconds: int,
    tags: Sequence[str] = (),
    request_id: str = "",
    retry_of: RegisterEntry | None = None,
    key_prefix: str = "",
    annotations: Mapping[str, Any] | None = None,
    hold: str = "",
) -> RegisterEntry:
    """Write down a request, whole, and have it submitted after commit.

    The entry is committed before any provider hears of it; its id is the provider's task id.

    Args:
        deadline_seconds: how long the provider may take to answer.
        key_prefix: where the outputs are stored; by default `generations/{id}`.
        hold: the subject under which an app holds its money and answers for it; by default the
            entry's own, held and closed here.
    """
    at, id = now(), uuid7()
    entry = RegisterEntry(
        id=id,
        kind=model.kind,
        provider=model.provider,
        model=model.pk,
        input=dict(input),
        expected_count=expected_count,
        audience=audience,
        owner=actor,
        key_prefix=key_prefix or f"generations/{id}",
        annotations=dict(annotations or {}),
        request_id=request_id or logs.request_id.get() or "",
        retry_of=retry_of,
        hold=hold,
        created_at=at,
        deadline_at=at + timedelta(seconds=deadline_seconds),
        due_at=at,
    )
    cost = money.hold_for(entry, model=model)
    _write(entry, tags, cost=cost, frame=frames.frame_of_new(entry, tags=tags))
    return entry


@rows.atomically
def _write(
    entry: RegisterEntry, tags: Sequence[str], *, cost: Cost | None, frame: Mapping[str, Any]
) -> None:
    """One short transaction: what can be made before it is."""
    money.hold(entry, cost=cost)  # first, because it may lock budgets
    bulk.insert_all([entry])
    if tags:
        EntryTag.objects.bulk_create(
            [EntryTag(entry=entry, name=tag) for tag in dict.fromkeys(tags)]
        )
    frames.tell_created(entry, frame=frame)
    job = "paint" if entry.provider in inline_providers() else "call_providers"
    wake(f"generations.jobs.{job}")
    rows.after_commit(lambda: _announce(entry))


def _announce(entry: RegisterEntry) -> None:
    figures.CREATED.labels(kind=entry.kind, provider=entry.provider).inc()
    log.info(
        "created",
        **naming.ids_of(entry),
        model=entry.model,
        count=entry.expected_count,
        user=entry.owner_id,
    )


def find_for_act(*, actor: User, entry_id: UUID) -> RegisterEntry:
    """The entry, if `actor` may change it.

    Raises:
        GenerationNotFound: there is none, or it may not be seen.
        Forbidden: it may be seen but not changed.
    """
    entry = RegisterEntry.objects.filter(pk=entry_id, purged_at__isnull=True).first()
    if entry is None:
        raise GenerationNotFound
    if actor.is_staff:
        return entry
    level = audiences.level(actor, entry.audience)
    if level is None:
        raise GenerationNotFound
    if level == "viewer":
        raise Forbidden
    return entry


def find_to_delete(*, actor: User, entry_id: UUID) -> RegisterEntry:
    """The entry, if `actor` may throw it away and take it back.

    Raises:
        GenerationNotFound: there is none, or it may not be seen.
        Forbidden: it may be seen but not thrown away.
    """
    entry = find_for_act(actor=actor, entry_id=entry_id)
    least = audiences.level_to_delete(entry.audience)
    if not (actor.is_staff or audiences.may(actor, entry.audience, least)):
        raise Forbidden
    return entry


@rows.atomically
def cancel_entry(*, actor: User, entry_id: UUID) -> RegisterEntry:
    """Stop waiting for an open entry. Repeated on a cancelled one it changes nothing.

    What the provider was already told may still come; it is kept, and marked late.

    Raises:
        InvalidTransition: it has already settled otherwise.
    """
    find_for_act(actor=actor, entry_id=entry_id)
    entry = drop_entry(entry_id=entry_id)
    if not entry.cancelled_at:
        raise InvalidTransition("It has already settled.")
    return entry


@rows.atomically
def drop_entry(*, entry_id: UUID) -> RegisterEntry:
    """Cancel an entry on nobody's behalf; one that has settled stays as it is."""
    at = now()
    item = desk.open_entries([entry_id])[entry_id]
    entry = item.entry
    if entry.completed_at:
        return entry
    item.change(cancelled_at=at, completed_at=at)
    if entry.submit_started_at is None:
        item.change(due_at=None)  # nobody was told; otherwise polls go on to the deadline
    item.notable = True
    desk.put_back([item], at=at)
    return entry


@rows.atomically
def retry_entry(*, actor: User, entry_id: UUID) -> RegisterEntry:
    """Open a new entry for what is missing of a settled one; the same one while that is open.

    Raises:
        InvalidTransition: it is still open.
        NothingToRetry: everything that was asked for has come.
        FilmOfAVideo, PictureOfAVariant: it is no generation of its own.
        BudgetExhausted, PriceUnknown: the money cannot be held.
        RateLimited, Overloaded: too much is under way already.
    """
    seen = find_for_act(actor=actor, entry_id=entry_id)
    if seen.annotations.get("video"):
        raise FilmOfAVideo("This film belongs to a video; retry the video.")
    if seen.annotations.get("variant"):
        raise PictureOfAVariant("This picture belongs to a variant; retry the variant.")
    pressure.require_room(owner_id=actor.pk)
    lock_budgets(audience=seen.audience, owner_id=actor.pk)
    entry = desk.open_entries([entry_id])[entry_id].entry  # of two at once, the second waits
    if entry.state is GenerationState.PENDING:
        raise InvalidTransition("It is still open; wait or cancel it first.")
    missing = entry.expected_count - entry.success_count
    model = ProviderModel.objects.filter(pk=entry.model).first()
    if missing <= 0 or model is None:
        raise NothingToRetry
    if begun := entry.retries.filter(completed_at__isnull=True).first():
        return begun
    return open_entry(
        actor=actor,
        audience=entry.audience,
        model=model,
        input=entry.input,
        expected_count=missing,
        deadline_seconds=round((entry.deadline_at - entry.created_at).total_seconds()),
        tags=[tag.name for tag in entry.tags.all()],
        retry_of=entry,
        annotations={name: value for name, value in entry.annotations.items() if name != "drill"},
    )


def callback_wanted(*, base_url: str) -> bool:
    """Whether a provider at `base_url` could reach our callback address."""
    public = settings.PUBLIC_URL
    return (public.startswith("https://") and not is_loopback(public)) or is_loopback(base_url)


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine, by name or number."""
    host = url.split("//", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1]
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return name in {"localhost", "[::1]"} or name.startswith("127.")
