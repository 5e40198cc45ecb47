"""What doors read of notices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel import paging
from genproj.kernel.clock import zulu
from genproj.kernel.paging import Cursor
from genproj.notices.models import Notice

#: notices at the bell, and in the state that a stream's reader is given first
IN_STATE = 20


@dataclass(frozen=True)
class NoticeView:
    """One notice."""

    id: str
    kind: str
    title: str
    url: str
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True)
class Page:
    """One page and the cursors of its neighbours."""

    results: Sequence[NoticeView]
    next: str | None
    previous: str | None


def notice_page(
    *, owner: User, cursor: Cursor | None, size: int, unread: bool | None = None
) -> Page:
    """A page of a person's notices, newest first."""
    found = Notice.objects.filter(owner=owner)
    if unread is not None:
        found = found.filter(read_at__isnull=unread)
    slice = paging.merge([paging.keys(found, cursor, size)], cursor, size)
    by_id = Notice.objects.in_bulk(slice.ids)
    views = [notice_view(by_id[id]) for id in slice.ids if id in by_id]
    return Page(views, slice.next, slice.previous)


def url_of(*, owner: User, id: UUID) -> str | None:
    """Where a notice of this person leads; None when there is none."""
    return Notice.objects.filter(owner=owner, pk=id).values_list("url", flat=True).first()


def unread_count(*, owner_id: int) -> int:
    """How many notices a person has not read."""
    return Notice.objects.filter(owner=owner_id, read_at__isnull=True).count()


def full_state_of(key: int) -> dict[str, Any]:
    """The newest notices of one person, as a stream's reader gets them first."""
    newest = Notice.objects.filter(owner=key).order_by("-created_at", "-id")[:IN_STATE]
    return {
        "notices": [notice_json(notice_view(row)) for row in newest],
        "unread_notices": unread_count(owner_id=key),
    }


def notice_view(notice: Notice) -> NoticeView:
    """The view of a notice."""
    return NoticeView(
        id=str(notice.pk),
        kind=notice.kind,
        title=notice.title,
        url=notice.url,
        created_at=notice.created_at,
        read_at=notice.read_at,
    )


def notice_json(view: NoticeView) -> dict[str, Any]:
    """One notice."""
    return {
        "id": view.id,
        "kind": view.kind,
        "title": view.title,
        "url": view.url,
        "created_at": zulu(view.created_at),
        "read_at": zulu(view.read_at),
    }
