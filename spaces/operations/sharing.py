"""Opens links under which some of a space's pictures can be seen without being in it."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.db.models import F

from genproj.kernel import logs, rows
from genproj.kernel.api import limits
from genproj.kernel.clock import now
from genproj.kernel.errors import Forbidden, Invalid
from genproj.kernel.ids import uuid7
from spaces.errors import ShareGone, ShareNotFound
from spaces.models import ShareLink, Variant
from spaces.operations import words
from spaces.operations.entering import Here, asset_in, entered
from spaces.operations.invitations import SECRET_BYTES, digest_of
from spaces.permissions import Act, Role
from spaces.states import VariantStatus

USUAL_DAYS = 30
MOST_DAYS = 365
MOST_VARIANTS = 200
SHORTEST_PASSWORD = 4
LONGEST_PASSWORD = 128
DOWNLOADS = ("off", "preview", "original")

log = logs.component("spaces")


class Unsaid(Enum):
    """What a caller did not say, where null means "never"."""

    UNSAID = "unsaid"


UNSAID: Final = Unsaid.UNSAID


@dataclass(frozen=True)
class Shared:
    """A new link, and its secret, which is readable this once."""

    link: ShareLink
    token: str


@rows.atomically
def share(
    *,
    actor: User,
    space_id: UUID,
    asset_id: UUID | None = None,
    variant_ids: Sequence[UUID] = (),
    name: str = "",
    expires_in_days: int | None = USUAL_DAYS,
    password: str = "",
    download: str = "preview",
    show_prompt: bool = False,
) -> Shared:
    """Open a link to the pictures that an asset has now, or to a selection; what comes later is
    not among them.

    Args:
        expires_in_days: None: it never expires, which is for owners.

    Raises:
        Invalid: a field is not acceptable, or there is nothing to see.
        Forbidden: only owners open a link for ever.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.SHARE)
    if (asset_id is None) == (not variant_ids):
        raise Invalid.one("/variant_ids", "required", "Name either an asset or some variants.")
    token = secrets.token_urlsafe(SECRET_BYTES)
    link = ShareLink(
        id=uuid7(),
        space=here.space,
        token_hash=digest_of(token),
        asset=asset_in(here, asset_id=asset_id) if asset_id else None,
        variants=[str(id) for id in _shown(here, asset_id, variant_ids)],
        name=words.line(name, pointer="/name", longest=words.LONGEST_NAME, may_be_empty=True),
        password=_sealed(password),
        download=_download(download),
        show_prompt=show_prompt,
        created_by=actor,
        created_at=now(),
        expires_at=_end(here, expires_in_days),
    )
    link.save(force_insert=True)
    facts = {"space": str(space_id), "user": actor.pk, "share": str(link.pk)}
    rows.after_commit(lambda: log.info("shared", **facts))
    return Shared(link, token)


def _shown(here: Here, asset_id: UUID | None, variant_ids: Sequence[UUID]) -> list[UUID]:
    """What is shared: completed variants of this space."""
    done = Variant.objects.filter(space=here.space, status=VariantStatus.COMPLETED)
    if asset_id is not None:
        found = list(done.filter(asset=asset_id).values_list("pk", flat=True)[:MOST_VARIANTS])
        if not found:
            raise Invalid.one("/asset_id", "not_completed", "It has no picture yet.")
        return found
    wanted = list(dict.fromkeys(variant_ids))
    if len(wanted) > MOST_VARIANTS:
        detail = f"Must have at most {MOST_VARIANTS} items."
        raise Invalid.one("/variant_ids", "too_many", detail)
    known = set(done.filter(pk__in=wanted).values_list("pk", flat=True))
    detail = "There is no such picture here."
    wrong = [
        {"pointer": f"/variant_ids/{place}", "code": "not_found", "detail": detail}
        for place, id in enumerate(wanted)
        if id not in known
    ]
    if wrong:
        raise Invalid(wrong)
    return wanted


def _end(here: Here, days: int | None) -> datetime | None:
    if days is None:
        if here.role != Role.OWNER:
            raise Forbidden("Only owners open a link for ever.")
        return None
    if not 1 <= days <= MOST_DAYS:
        raise Invalid.one("/expires_in_days", "max", f"Must be between 1 and {MOST_DAYS}.")
    return now() + timedelta(days=days)


def _sealed(password: str) -> str:
    if not password:
        return ""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        detail = f"Must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        raise Invalid.one("/password", "length", detail)
    return make_password(password)


def _download(word: str) -> str:
    if word not in DOWNLOADS:
        raise Invalid.one("/download", "choice", f"Must be one of {', '.join(DOWNLOADS)}.")
    return word


@rows.atomically
def change(
    *,
    actor: User,
    space_id: UUID,
    share_id: UUID,
    name: str | None = None,
    expires_in_days: int | None | Unsaid = UNSAID,
    password: str | None = None,
    download: str | None = None,
    show_prompt: bool | None = None,
) -> ShareLink:
    """Change what is given, of an expired link, too; an empty password takes it away. What it
    shows does not change.

    Raises:
        ShareNotFound: there is none here.
        ShareGone: it was revoked, which is for ever.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.SHARE)
    link = _link(here, share_id)
    if link.revoked_at:
        raise ShareGone
    facts: dict[str, Any] = {}
    if name is not None:
        facts["name"] = words.line(
            name, pointer="/name", longest=words.LONGEST_NAME, may_be_empty=True
        )
    if expires_in_days is not UNSAID:
        facts["expires_at"] = _end(here, expires_in_days)
    if password is not None:
        facts["password"] = _sealed(password)
    if download is not None:
        facts["download"] = _download(download)
    if show_prompt is not None:
        facts["show_prompt"] = show_prompt
    _write(link, facts)
    return link


def _link(here: Here, share_id: UUID) -> ShareLink:
    found = ShareLink.objects.filter(pk=share_id, space=here.space).select_related("created_by")
    link = found.first()
    if link is None:
        raise ShareNotFound
    return link


def _write(link: ShareLink, facts: Mapping[str, Any]) -> None:
    for name, value in facts.items():
        setattr(link, name, value)
    if facts:
        link.save(update_fields=list(facts))


@rows.atomically
def revoke(*, actor: User, space_id: UUID, share_id: UUID) -> ShareLink:
    """Close a link for ever; from its next read on it shows nothing. Repeated: no change.

    Raises:
        ShareNotFound: there is none here.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.SHARE)
    link = _link(here, share_id)
    if link.revoked_at is None:
        _write(link, {"revoked_at": now()})
    return link


@rows.atomically
def revoke_all(*, actor: User, space_id: UUID) -> int:
    """Close every link of the space for ever. How many were open until now."""
    here = entered(actor=actor, space_id=space_id, act=Act.SHARE)
    open_ones = ShareLink.objects.filter(space=here.space, revoked_at__isnull=True)
    return open_ones.update(revoked_at=now())


def is_password(link: ShareLink, *, given: str) -> bool:
    """Whether it opens the link; five may be tried a minute, by all who have the link together.

    Raises:
        RateLimited: there were more.
    """
    if allowance := limits.use("share_password", str(link.pk)):
        allowance.require()
    return check_password(given[:LONGEST_PASSWORD], link.password)


@rows.atomically
def count_view(link: ShareLink) -> None:
    """Somebody looked."""
    seen = ShareLink.objects.filter(pk=link.pk)
    seen.update(views=F("views") + 1, last_viewed_at=now())


@rows.atomically
def count_download(link: ShareLink) -> None:
    """Somebody took a picture away."""
    ShareLink.objects.filter(pk=link.pk).update(downloads=F("downloads") + 1)
