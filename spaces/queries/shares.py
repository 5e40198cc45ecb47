"""Links to pictures, as members see them, and what stands behind one for who has it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from generations.errors import ArtifactNotFound
from generations.queries.originals import form_of, originals_of
from generations.queries.views import MediaFile
from genproj.kernel.clock import now, zulu
from spaces.errors import ShareGone, ShareNotFound
from spaces.models import ShareLink, Variant
from spaces.permissions import Act, require
from spaces.queries.frames import name_of
from spaces.queries.membership import role_in
from spaces.states import VariantStatus


@dataclass(frozen=True)
class SharedPicture:
    """A picture as the public page shows it; `number` is its place in the link."""

    number: int
    is_film: bool
    prompt: str


def shares_of(*, viewer: User, space_id: UUID) -> list[ShareLink]:
    """The space's links, the newest first.

    Raises:
        SpaceNotFound: there is none that `viewer` can see.
        Forbidden: the role does not allow it.
    """
    require(role_in(viewer=viewer, space_id=space_id), Act.SHARE)
    found = ShareLink.objects.filter(space=space_id).select_related("created_by")
    return list(found.order_by("-created_at", "-pk"))


def share_of(*, viewer: User, space_id: UUID, share_id: UUID) -> ShareLink:
    """One of them. ShareNotFound: there is none here."""
    for link in shares_of(viewer=viewer, space_id=space_id):
        if link.pk == share_id:
            return link
    raise ShareNotFound


def status_of(link: ShareLink) -> str:
    """Whether it still opens."""
    if link.revoked_at:
        return "revoked"
    return "expired" if link.expires_at and link.expires_at <= now() else "open"


def share_json(link: ShareLink) -> dict[str, Any]:
    """A link, without its secret."""
    return {
        "id": str(link.pk),
        "name": link.name,
        "asset_id": str(link.asset_id) if link.asset_id else None,
        "variant_ids": link.variants,
        "download": link.download,
        "show_prompt": link.show_prompt,
        "has_password": bool(link.password),
        "status": status_of(link),
        "created_by": name_of(link.created_by),
        "created_at": zulu(link.created_at),
        "expires_at": zulu(link.expires_at),
        "revoked_at": zulu(link.revoked_at),
        "views": link.views,
        "last_viewed_at": zulu(link.last_viewed_at),
        "downloads": link.downloads,
    }


def link_behind(*, token: str) -> ShareLink:
    """The link of a token, read anew every time.

    Raises:
        ShareGone: there is none, or it was revoked, has expired, or its space lies in the trash;
            who asks is not told which.
    """
    digest = hashlib.sha256(token.encode()).hexdigest()
    link = ShareLink.objects.filter(token_hash=digest).select_related("space").first()
    if link is None or status_of(link) != "open" or link.space.trashed_at:
        raise ShareGone
    return link


def pictures_behind(link: ShareLink) -> Sequence[SharedPicture]:
    """The pictures that a link shows, as far as they are still in the space."""
    variants = _variants(link)
    originals = originals_of(ids={one.artifact for one in variants.values() if one.artifact})
    return [
        SharedPicture(
            number=number,
            is_film=originals[variant.artifact].content_type.startswith("video/"),
            prompt=str(variant.recipe.get("prompt") or "") if link.show_prompt else "",
        )
        for number, id in enumerate(link.variants)
        if (variant := variants.get(UUID(id))) and variant.artifact in originals
    ]


def media_behind(link: ShareLink, *, number: int, form: str, is_saved: bool) -> MediaFile:
    """The bytes of one form of a link's picture.

    Raises:
        ShareGone: it is no longer in the space, or the link does not give this form.
    """
    allowed = {"original"} if link.download == "original" else set()
    if link.download != "off" or not is_saved:
        allowed |= {"thumb", "preview", "poster"}
    if number >= len(link.variants) or form not in allowed:
        raise ShareGone
    id = UUID(link.variants[number])
    variant = _variants(link, only=id).get(id)
    if variant is None or variant.artifact is None:
        raise ShareGone
    try:
        return form_of(id=variant.artifact, variant=form)
    except ArtifactNotFound:
        raise ShareGone from None


def _variants(link: ShareLink, only: UUID | None = None) -> dict[UUID, Variant]:
    ids = [only] if only else [UUID(id) for id in link.variants]
    found = Variant.objects.filter(space=link.space_id, status=VariantStatus.COMPLETED)
    if link.asset_id is not None:
        found = found.filter(asset=link.asset_id)
    return found.in_bulk(ids)
