"""Writes notices: what a person should come to know, and that they have."""

from collections.abc import Collection
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from genproj.events import log
from genproj.kernel import retention, rows
from genproj.kernel.clock import after, now
from genproj.kernel.ids import first_of, uuid7
from genproj.notices import queries
from genproj.notices.models import Notice

#: unread ones are kept so much longer
UNREAD_TIMES = 4
LONGEST_TITLE = 200


@rows.atomically
def notify(*, owner: User, kind: str, title: str, url: str) -> Notice:
    """Tell one person of something, in the transaction that made it true."""
    notice = Notice.objects.create(
        id=uuid7(),
        owner=owner,
        kind=kind,
        title=title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…",
        url=url,
        created_at=now(),
    )
    view = queries.notice_json(queries.notice_view(notice))
    log.append(f"user:{owner.pk}", "notice:created", notice=view)
    return notice


@rows.atomically
def mark_read(*, actor: User, ids: Collection[UUID] | None = None) -> int:
    """Record that a person knows of these notices, or of all. Returns how many were new.

    Others' notices and those that are gone are passed over.
    """
    found = Notice.objects.filter(owner=actor, read_at__isnull=True)
    if ids is not None:
        found = found.filter(pk__in=ids)
    return found.update(read_at=now())


def forget_old_notices() -> int:
    """Sweep: delete notices that were read long ago, or told even longer ago. Returns how many."""
    days = settings.KEEP_NOTICES_DAYS * 86_400
    told = Notice.objects.filter(pk__lt=first_of(after(-days * UNREAD_TIMES)))
    read = Notice.objects.filter(read_at__lt=after(-days))
    return retention.forget(read, by="read_at") + retention.forget(told, by="pk")
