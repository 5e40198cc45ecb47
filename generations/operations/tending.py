"""What staff do to rows that wait: ask the provider now, try again now, release a lease."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import F, Q

from generations import providers
from generations.errors import OutputError
from generations.models import Act, Output, Preview, Projection, RegisterEntry
from generations.operations import desk
from genproj.kernel import logs, rows
from genproj.kernel.clock import now
from genproj.kernel.errors import Forbidden
from genproj.kernel.leases import Leased
from genproj.kernel.wake import wake
from genproj.webhooks.models import Receipt

#: what may be tended -> its rows, and the job that works them
WORK: dict[str, tuple[type[Leased], str]] = {
    "entries": (RegisterEntry, "generations.jobs.call_providers"),
    "outputs": (Output, "generations.jobs.collect_outputs"),
    "projections": (Projection, "generations.jobs.project"),
    "previews": (Preview, "generations.jobs.make_previews"),
    "receipts": (Receipt, "generations.jobs.apply_receipts"),
}
#: errors of outputs that another look at the same address may mend
FETCHABLE = (OutputError.FETCH_FAILED.value, OutputError.STORAGE_FAILED.value)

log = logs.component("tending")


@rows.atomically
def ask_now(*, actor: User | None, entry_ids: Collection[UUID]) -> int:
    """Have the provider called about entries at once, settled ones too. Safe to repeat.

    An open entry that was never accepted is submitted; all others are asked about, and what a
    settled one still yields is kept and marked late. Returns how many will be asked about.
    """
    require_staff(actor)
    found = RegisterEntry.objects.filter(
        pk__in=entry_ids, purged_at__isnull=True, provider__in=list(providers.PROVIDERS)
    ).exclude(completed_at__isnull=False, submit_started_at__isnull=True)
    asked = list(found.values_list("pk", flat=True))
    found.update(due_at=now())
    if actor is not None:
        note(actor=actor, entry_ids=asked, act="ask", reason="")
    wake("generations.jobs.call_providers")
    wake("generations.jobs.paint")
    return len(asked)


@rows.atomically
def try_now(*, actor: User | None, kind: str, ids: Collection[Any]) -> int:
    """Have waiting rows worked at once, whatever their last failure said; who holds one keeps it.

    An output that was given up at its address is tried there again; previews that were given up
    are made again. Returns how many rows are due now.
    """
    require_staff(actor)
    model, job = WORK[kind]
    found = model._default_manager.filter(pk__in=ids)
    waiting = Q(due_at__isnull=False)
    if kind == "previews":
        waiting |= Q(made_at__isnull=True)
    count = found.filter(waiting).update(due_at=now(), failures=0)
    if kind == "outputs":
        count += _fetch_again(found.filter(due_at__isnull=True).values_list("pk", flat=True))
    wake(job)
    log.info("tried_now", kind=kind, count=count, user=actor.pk if actor else None)
    return count


def _fetch_again(ids: Collection[UUID]) -> int:
    """Forget that some outputs were given up; the error becomes history."""
    given_up = Output.objects.filter(pk__in=list(ids), stored_at__isnull=True).exclude(url="")
    at, count = now(), 0
    opened = desk.open_entries(set(given_up.values_list("entry_id", flat=True)))
    for item in opened.values():
        for row in item.outputs:
            if row.pk in ids and row.url and row.error and row.error.get("code") in FETCHABLE:
                item.change_output(
                    row,
                    error=None,
                    error_history=[*row.error_history, row.error][-10:],
                    due_at=at,
                    failures=0,
                    late=item.entry.completed_at is not None,
                )
                item.notable = True
                count += 1
    desk.put_back(opened.values(), at=at)
    return count


@rows.atomically
def release_lease(*, actor: User | None, kind: str, ids: Collection[Any]) -> int:
    """Take rows from whoever holds them. Who held one cannot record its result any more, because
    `attempts` is the fencing token and is raised. Returns how many were held."""
    require_staff(actor)
    model, job = WORK[kind]
    held = model._default_manager.filter(pk__in=ids, leased_until__gte=now())
    count = held.update(leased_until=None, due_at=now(), attempts=F("attempts") + 1)
    wake(job)
    log.info("released", kind=kind, count=count, user=actor.pk if actor else None)
    return count


def require_staff(actor: User | None) -> None:
    """Forbidden for everybody else; None is the command line."""
    if actor is not None and not actor.is_staff:
        raise Forbidden


def note(*, actor: User | None, entry_ids: Collection[UUID], act: str, reason: str) -> None:
    """Write down on entries what staff did to them."""
    at = now()
    Act.objects.bulk_create(
        Act(entry_id=entry_id, actor=actor, act=act, reason=reason[:300], at=at)
        for entry_id in entry_ids
    )
