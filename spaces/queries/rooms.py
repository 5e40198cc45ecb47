"""What the page of one space shows around its board: its people, its doors, what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel.clock import now
from spaces.models import (
    AccessRequest,
    Approval,
    Asset,
    Invitation,
    Lineage,
    Member,
    Snippet,
    Space,
    Variant,
)
from spaces.permissions import Role
from spaces.queries.board import OPEN
from spaces.queries.membership import role_in
from spaces.states import ApprovalStatus, VariantStatus

HAPPENED = 60
#: relation of a variant to what it came from -> what its maker did
DID = {"derived": "derived", "refined": "refined", "forked": "forked"}


@dataclass(frozen=True)
class Room:
    """A space as its page shows it."""

    space: Space
    role: Role
    members: Sequence[Member]
    open_count: int
    failed_count: int
    asset_count: int
    variant_count: int


@dataclass(frozen=True)
class Doors:
    """How people come in: invitations that can be used, and requests that wait."""

    invitations: Sequence[Invitation]
    requests: Sequence[AccessRequest]


@dataclass(frozen=True)
class Happening:
    """One line of what happened in a space."""

    at: datetime
    who: str
    what: str
    name: str
    href: str = ""
    thumb_url: str = ""
    tone: str = ""


def room_of(*, viewer: User, space_id: UUID) -> Room:
    """A space with its people and figures.

    Raises:
        SpaceNotFound: there is none that `viewer` can see.
    """
    role = role_in(viewer=viewer, space_id=space_id)
    space = Space.objects.select_related("created_by").get(pk=space_id)
    states = list(Variant.objects.filter(space=space).order_by().values_list("status", flat=True))
    return Room(
        space=space,
        role=role,
        members=list(Member.objects.filter(space=space).select_related("user")),
        open_count=sum(state in OPEN for state in states),
        failed_count=sum(state == VariantStatus.FAILED for state in states),
        asset_count=Asset.objects.filter(space=space).count(),
        variant_count=len(states),
    )


def doors_of(*, space_id: UUID) -> Doors:
    """The space's open invitations and access requests."""
    invitations = Invitation.objects.filter(
        space=space_id,
        accepted_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=now(),
    )
    requests = AccessRequest.objects.filter(space=space_id, decided_at__isnull=True)
    return Doors(
        list(invitations.select_related("user", "created_by")),
        list(requests.select_related("user")),
    )


def snippets_in(*, space_id: UUID) -> list[Snippet]:
    """The space's snippets by name."""
    return list(Snippet.objects.filter(space=space_id))


def pictures_in(*, space_id: UUID, limit: int) -> list[tuple[str, str]]:
    """The artifacts that stand for assets, with the assets' names; the newest first."""
    found = Asset.objects.filter(space=space_id, active_variant__artifact__isnull=False)
    rows = found.order_by("-updated_at").values_list("active_variant__artifact", "name")[:limit]
    return [(str(artifact), name) for artifact, name in rows]


def happened_in(*, space_id: UUID) -> list[Happening]:
    """The newest of what people did, as far as the rows tell; the newest first."""
    lines = [
        *(*_variants(space_id), *_assets(space_id), *_people(space_id)),
        *(*_severed(space_id), *_decided(space_id)),
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:HAPPENED]


def _variants(space_id: UUID) -> list[Happening]:
    rows = Variant.objects.filter(space=space_id).select_related("asset", "created_by", "rated_by")
    found = list(rows.order_by("-created_at", "-pk")[:HAPPENED])
    lines = Lineage.objects.filter(space=space_id, child_variant__in=[row.pk for row in found])
    relations = dict(lines.values_list("child_variant", "relation"))
    told = []
    for row in found:
        verb = DID.get(relations.get(row.pk, ""), "generated")
        if row.recipe.get("operation") == "upload":
            verb = "uploaded"
        failed = row.status == VariantStatus.FAILED
        verb = "did not get" if failed else verb
        told.append(
            Happening(
                at=row.created_at,
                who=_name(row.created_by),
                what=f"{verb} a variant of",
                name=row.asset.name,
                href=f"/assets/{row.asset_id}/?variant={row.pk}",
                thumb_url=f"/media/{row.artifact}/thumb" if row.artifact else "",
                tone="failed" if failed else "",
            )
        )
    return told + _rated(rows)


def _rated(rows: Any) -> list[Happening]:
    words = {"approved": "approved", "rejected": "rejected", "needs_changes": "wants changes to"}
    found = rows.exclude(rating="").order_by("-updated_at")[: HAPPENED // 2]
    return [
        Happening(
            at=row.updated_at,
            who=_name(row.rated_by),
            what=words.get(str(row.rating), "rated"),
            name=row.asset.name,
            href=f"/assets/{row.asset_id}/?variant={row.pk}",
            thumb_url=f"/media/{row.artifact}/thumb" if row.artifact else "",
        )
        for row in found
    ]


def _assets(space_id: UUID) -> list[Happening]:
    rows = Asset.objects.filter(space=space_id).select_related("created_by", "active_variant")
    return [
        Happening(
            at=row.created_at,
            who=_name(row.created_by),
            what="made the asset",
            name=row.name,
            href=f"/assets/{row.pk}/",
            thumb_url=_thumb(row.active_variant),
        )
        for row in rows.order_by("-created_at", "-pk")[:HAPPENED]
    ]


def _people(space_id: UUID) -> list[Happening]:
    rows = Member.objects.filter(space=space_id).select_related("user").order_by("-created_at")
    return [
        Happening(at=row.created_at, who=_name(row.user), what="joined as", name=str(row.role))
        for row in rows[:HAPPENED]
    ]


def _severed(space_id: UUID) -> list[Happening]:
    rows = Lineage.objects.filter(space=space_id, severed_at__isnull=False)
    return [
        Happening(
            at=row.severed_at,
            who=_name(row.severed_by),
            what=f"severed {row.child_name} from",
            name=row.parent_name,
        )
        for row in rows.select_related("severed_by").order_by("-severed_at")[:HAPPENED]
        if row.severed_at
    ]


def _decided(space_id: UUID) -> list[Happening]:
    """What people decided of the assistant's proposals; what was always allowed was theirs too."""
    rows = Approval.objects.filter(space=space_id, decided_at__isnull=False)
    rows = rows.exclude(status=ApprovalStatus.EXPIRED).select_related("decided_by")
    return [
        Happening(
            at=row.decided_at,
            who=_name(row.decided_by),
            what="rejected" if row.status == ApprovalStatus.REJECTED else "approved",
            name=f"the proposal to {row.tool.replace('_', ' ')}",
            href=f"/spaces/{space_id}/?tab=chat#approval-{row.pk}",
        )
        for row in rows.order_by("-decided_at")[:HAPPENED]
        if row.decided_at
    ]


def _thumb(variant: Variant | None) -> str:
    return f"/media/{variant.artifact}/thumb" if variant and variant.artifact else ""


def _name(person: Any) -> str:
    return person.get_username() if person is not None else "Somebody"
