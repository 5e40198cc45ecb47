"""What pages show of a space's conversation and of its proposals: names, pictures, who decides."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from genproj.assistant.models import Turn
from genproj.kernel.clock import now
from genproj.usage.queries import budgets
from spaces.models import Approval, Asset, Member, Variant
from spaces.permissions import Act, Role, allows
from spaces.queries.membership import space_ids_of
from spaces.states import ApprovalStatus, VariantStatus

#: as pages read it
Proposal = Approval
#: assets that a form or a picker offers
MOST_OFFERED = 500
DECIDERS = [role for role in Role if allows(role, Act.DECIDE_APPROVALS)]


@dataclass(frozen=True)
class Named:
    """An asset or a variant by what people know it as. `asset` is the asset's id."""

    id: str
    name: str
    kind: str  # asset | variant
    thumb_url: str
    asset: str
    state: str = ""
    note: str = ""
    shown: str = ""  # the variant that stands for an asset, once it has its picture

    @property
    def url(self) -> str:
        """Its page."""
        return f"/assets/{self.asset}/" + ("" if self.kind == "asset" else f"?variant={self.id}")


@dataclass(frozen=True)
class TurnState:
    """How the newest turn of a conversation stands."""

    working: bool = False
    waiting: bool = False
    stopped: bool = False


def turn_state(conversation_id: UUID | str | None) -> TurnState:
    """Whether an answer is being worked out, waits for people, or was cut short."""
    if conversation_id is None:
        return TurnState()
    turns = Turn.objects.filter(conversation=conversation_id)
    open_turns = list(turns.filter(done_at__isnull=True).values_list("waiting_at", flat=True))
    newest = turns.order_by("-created_at", "-pk").values_list("done_at", "outcome").first()
    cut = newest is not None and newest[0] is not None
    return TurnState(
        working=any(at is None for at in open_turns),
        waiting=any(at is not None for at in open_turns),
        stopped=cut and newest is not None and newest[1] not in ("", Turn.Outcome.ANSWERED),
    )


def proposals_of(message_ids: Iterable[UUID]) -> dict[str, list[Approval]]:
    """The proposals of some messages, in the order they were made."""
    found: dict[str, list[Approval]] = {}
    for row in _rows().filter(message__in=list(message_ids)).order_by("created_at", "id"):
        found.setdefault(str(row.message), []).append(row)
    return found


def proposal(*, space_id: UUID, approval_id: UUID) -> Approval | None:
    """One proposal of a space."""
    return _rows().filter(space=space_id, pk=approval_id).first()


def waiting_for(viewer: User) -> list[Approval]:
    """What waits in the spaces of somebody, by space, what expires first at its top."""
    found = _rows().filter(space__in=space_ids_of(user_id=viewer.pk), expires_at__gt=now())
    return list(found.filter(status=ApprovalStatus.PENDING).order_by("expires_at", "id"))


def decided_for(viewer: User, *, limit: int, days: int) -> list[Approval]:
    """What was decided lately in the spaces of somebody, the newest first."""
    found = _rows().filter(space__in=space_ids_of(user_id=viewer.pk))
    found = found.filter(updated_at__gt=now() - timedelta(days=days))
    return list(found.exclude(status=ApprovalStatus.PENDING).order_by("-updated_at", "-id")[:limit])


def waiting_count(viewer: User) -> int:
    """How many proposals somebody may decide on."""
    spaces = Member.objects.filter(
        user=viewer.pk, role__in=DECIDERS, space__trashed_at__isnull=True
    ).values("space")
    found = Approval.objects.filter(space__in=spaces, status=ApprovalStatus.PENDING)
    return found.filter(expires_at__gt=now()).count()


def _rows() -> "QuerySet[Approval]":
    return Approval.objects.select_related("requested_by", "decided_by", "space").order_by()


def deciders_in(space_ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """Who may decide in some spaces, by name."""
    found = Member.objects.filter(space__in=list(space_ids), role__in=DECIDERS)
    people: dict[UUID, list[str]] = {}
    for space, name in found.order_by("user__username").values_list("space", "user__username"):
        people.setdefault(space, []).append(name)
    return people


def named_in(
    *, space_ids: Collection[UUID], ids: Iterable[str] | None = None
) -> Mapping[str, Named]:
    """Assets and variants of some spaces by id; without `ids` every asset, for choosing."""
    assets = Asset.objects.filter(space__in=list(space_ids)).select_related("active_variant")
    if ids is None:
        rows = assets.order_by("name", "id")[:MOST_OFFERED]
        return {str(row.pk): _asset(row) for row in rows}
    wanted = list(set(ids))
    found = {str(row.pk): _asset(row) for row in assets.filter(pk__in=wanted)}
    variants = Variant.objects.filter(space__in=list(space_ids), pk__in=wanted)
    found |= {str(row.pk): _variant(row) for row in variants.select_related("asset")}
    return found


def _asset(row: Asset) -> Named:
    shown = row.active_variant
    return Named(
        id=str(row.pk),
        name=row.name,
        kind="asset",
        thumb_url=_thumb(shown),
        asset=str(row.pk),
        note=row.asset_type,
        shown=str(shown.pk) if shown is not None and _thumb(shown) else "",
    )


def _variant(row: Variant) -> Named:
    return Named(
        id=str(row.pk),
        name=row.label or row.asset.name,
        kind="variant",
        thumb_url=_thumb(row),
        asset=str(row.asset_id),
        state=str(row.status),
        note=row.asset.name if row.label else "variant",
    )


def _thumb(row: Any) -> str:
    done = row is not None and row.artifact and row.status == VariantStatus.COMPLETED
    return f"/media/{row.artifact}/thumb" if done else ""


def left_after(*, space_id: UUID, owner_id: int | None, cost: Decimal | None) -> Decimal | None:
    """What the month's tightest budget leaves once something is paid; None without a budget."""
    rooms = budgets.room_for(audience=f"space:{space_id}", owner_id=owner_id, models=[""])
    return rooms[""].left - (cost or 0) if rooms else None
