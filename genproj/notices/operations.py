"""Writes notices: what a person should come to know, and that they have."""

from collections.abc import Collection
from uuid import UUID

from django.contrib.auth.models import User

from genproj.events import log
from genproj.kernel import rows
from genproj.kernel.clock import after, now
from genproj.kernel.ids import uuid7
from genproj.notices import queries
from genproj.notices.models import Notice

READ_KEPT_DAYS = 90
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
    """Delete notices that were read long ago. Returns how many."""
    oldest = after(-READ_KEPT_DAYS * 86400)
    return Notice.objects.filter(read_at__lt=oldest).delete()[0]
