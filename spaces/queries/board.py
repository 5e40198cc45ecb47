"""What the pages of spaces show: cards of spaces and assets, one asset with its variants."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, Max, Q

from genproj.kernel.clock import now
from spaces.errors import AssetNotFound, VariantNotFound
from spaces.models import Asset, Invitation, Lineage, Member, Space, Variant
from spaces.permissions import Role
from spaces.queries.membership import role_in
from spaces.states import VariantStatus

COVERS = 4
OPEN = (VariantStatus.PENDING, VariantStatus.PROCESSING, VariantStatus.UPLOADING)


@dataclass(frozen=True)
class SpaceCard:
    """A space in the list of one's spaces."""

    id: UUID
    name: str
    role: str
    people: Sequence[str]
    covers: Sequence[str]
    asset_count: int
    open_count: int
    newest_at: datetime
    trashed_at: datetime | None


@dataclass(frozen=True)
class InvitationCard:
    """An invitation that waits for the person it names."""

    id: UUID
    space: str
    role: str
    host: str
    expires_at: datetime


@dataclass(frozen=True)
class AssetCard:
    """An asset on the board, with the variant that stands for it."""

    id: str
    name: str
    asset_type: str
    tags: Sequence[str]
    parent: str
    created_by: str
    thumb_url: str
    state: str  # pending | processing | uploading | failed | completed | empty
    error: Mapping[str, Any] | None
    variant: str
    variant_count: int
    open_count: int
    child_count: int
    starred: bool
    rating: str


@dataclass(frozen=True)
class BoardFilters:
    """What of the board is asked for; empty means any."""

    q: str = ""
    asset_type: str = ""
    tag: str = ""
    person: str = ""
    state: str = ""
    starred: bool = False
    below: str = ""

    @property
    def some(self) -> bool:
        """Whether anything is asked for."""
        return any((self.q, self.asset_type, self.tag, self.person, self.state, self.starred))


@dataclass(frozen=True)
class Choices:
    """What the board can be narrowed by."""

    types: Sequence[str]
    tags: Sequence[str]
    people: Sequence[str]


def space_cards(*, viewer: User, trashed: bool = False) -> list[SpaceCard]:
    """The person's spaces, the newest activity first; `trashed`: those of their own trash."""
    mine = Member.objects.filter(user=viewer, space__trashed_at__isnull=not trashed)
    if trashed:
        mine = mine.filter(role=Role.OWNER)
    roles = dict(mine.values_list("space_id", "role"))
    spaces = list(Space.objects.filter(pk__in=roles))
    people, covers = _people_of(roles), _covers_of(roles)
    assets = dict(_grouped(Asset, roles).values_list("space_id", "many"))
    figures = {
        row["space_id"]: row
        for row in _grouped(Variant, roles).annotate(
            newest=Max("updated_at"), waiting=Count("pk", filter=Q(status__in=OPEN))
        )
    }
    cards = [
        SpaceCard(
            id=space.pk,
            name=space.name,
            role=str(roles[space.pk]),
            people=people[space.pk],
            covers=covers[space.pk],
            asset_count=assets.get(space.pk, 0),
            open_count=figures.get(space.pk, {}).get("waiting", 0),
            newest_at=max(
                space.updated_at, figures.get(space.pk, {}).get("newest") or space.updated_at
            ),
            trashed_at=space.trashed_at,
        )
        for space in spaces
    ]
    return sorted(cards, key=lambda card: card.newest_at, reverse=True)


def _grouped(model: Any, spaces: Iterable[UUID]) -> Any:
    found = model.objects.filter(space__in=list(spaces)).order_by()
    return found.values("space_id").annotate(many=Count("pk"))


def _people_of(spaces: Iterable[UUID]) -> dict[UUID, list[str]]:
    people: dict[UUID, list[str]] = defaultdict(list)
    rows = Member.objects.filter(space__in=list(spaces)).order_by("created_at", "pk")
    for space, name in rows.values_list("space_id", "user__username"):
        people[space].append(name)
    return people


def _covers_of(spaces: Iterable[UUID]) -> dict[UUID, list[str]]:
    """The newest pictures that stand for assets, a few of each space."""
    covers: dict[UUID, list[str]] = {}
    for space in spaces:
        found = Asset.objects.filter(space=space, active_variant__artifact__isnull=False)
        newest = found.order_by("-active_variant__created_at", "-pk")[:COVERS]
        ids = newest.values_list("active_variant__artifact", flat=True)
        covers[space] = [f"/media/{id}/thumb" for id in ids]
    return covers


def invitations_open(*, viewer: User) -> list[InvitationCard]:
    """The invitations that wait for this person."""
    found = Invitation.objects.filter(
        user=viewer,
        accepted_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=now(),
        space__trashed_at__isnull=True,
    )
    return [
        InvitationCard(
            id=row.pk,
            space=row.space.name,
            role=str(row.role),
            host=row.created_by.get_username() if row.created_by else "",
            expires_at=row.expires_at,
        )
        for row in found.select_related("space", "created_by")
    ]


def asset_cards(*, space_id: UUID, filters: BoardFilters) -> list[AssetCard]:
    """The assets of a space that match, the newest first."""
    found = Asset.objects.filter(space=space_id).order_by("-created_at", "-pk")
    if filters.q:
        found = found.filter(name__icontains=filters.q)
    if filters.asset_type:
        found = found.filter(asset_type=filters.asset_type)
    if filters.person:
        found = found.filter(created_by__username=filters.person)
    rows = list(found.select_related("active_variant", "created_by"))
    variants = _variants_of(space_id)
    children = _child_counts(space_id)
    below = _below(space_id, filters.below) if filters.below else None
    cards = [_card(row, variants[row.pk], children.get(row.pk, 0)) for row in rows]
    return [card for card in cards if _matches(card, filters, below)]


def _variants_of(space_id: UUID) -> dict[UUID, list[Any]]:
    rows: dict[UUID, list[Any]] = defaultdict(list)
    fields = ("id", "asset_id", "status", "artifact", "starred", "rating", "error")
    found = Variant.objects.filter(space=space_id).order_by("created_at", "id")
    for row in found.values_list(*fields, named=True):
        rows[row.asset_id].append(row)
    return rows


def _child_counts(space_id: UUID) -> dict[UUID, int]:
    found = Asset.objects.filter(space=space_id, parent__isnull=False).order_by()
    rows = found.values("parent_id").annotate(many=Count("pk")).values_list("parent", "many")
    return {parent: many for parent, many in rows if parent is not None}


def _below(space_id: UUID, root: str) -> set[str]:
    """The ids of what lies below an asset, and the asset's own."""
    children: dict[str, list[str]] = defaultdict(list)
    for id, parent in Asset.objects.filter(space=space_id).values_list("pk", "parent"):
        children[str(parent)].append(str(id))
    found, left = {root}, [root]
    while left:
        news = [id for id in children[left.pop()] if id not in found]
        found.update(news)
        left += news
    return found


def _card(asset: Asset, variants: Sequence[Any], children: int) -> AssetCard:
    shown = asset.active_variant
    picture = shown.artifact if shown else None
    newest = variants[-1] if variants else None
    state = "empty" if newest is None else str(newest.status)
    if newest is not None and picture and newest.status == VariantStatus.COMPLETED:
        state = "completed"
    return AssetCard(
        id=str(asset.pk),
        name=asset.name,
        asset_type=asset.asset_type,
        tags=asset.tags,
        parent=str(asset.parent_id or ""),
        created_by=asset.created_by.get_username() if asset.created_by else "",
        thumb_url=f"/media/{picture}/thumb" if picture else "",
        state=state,
        error=newest.error if newest and newest.status == VariantStatus.FAILED else None,
        variant=str(shown.pk) if shown else "",
        variant_count=len(variants),
        open_count=sum(row.status in OPEN for row in variants),
        child_count=children,
        starred=any(row.starred for row in variants),
        rating=str(shown.rating) if shown else "",
    )


def _matches(card: AssetCard, filters: BoardFilters, below: set[str] | None) -> bool:
    if filters.tag and filters.tag not in card.tags:
        return False
    if filters.starred and not card.starred:
        return False
    if filters.state == "making" and not card.open_count:
        return False
    if filters.state in {"failed", "empty", "completed"} and card.state != filters.state:
        return False
    return below is None or card.id in below


def choices_in(*, space_id: UUID) -> Choices:
    """The types, tags and people that the space's assets have."""
    rows = Asset.objects.filter(space=space_id).values_list(
        "asset_type", "tags", "created_by__username"
    )
    types, tags, people = set(), set(), set()
    for asset_type, words, person in rows:
        types.add(asset_type)
        tags.update(words)
        if person:
            people.add(person)
    return Choices(sorted(types), sorted(tags), sorted(people))


def asset_seen(*, viewer: User, id: UUID) -> tuple[Asset, Role]:
    """An asset wherever it is, and as what `viewer` sees its space.

    Raises:
        AssetNotFound: there is none that `viewer` can see.
    """
    asset = Asset.objects.filter(pk=id).select_related("space", "created_by", "parent").first()
    if asset is None:
        raise AssetNotFound
    return asset, role_in(viewer=viewer, space_id=asset.space_id)


def variants_in(*, asset_id: UUID) -> list[Variant]:
    """The variants of an asset in the order of its strip."""
    found = Variant.objects.filter(asset=asset_id).select_related("created_by", "rated_by")
    return list(found.order_by("position", "created_at", "pk"))


def variants_called(*, space_id: UUID, ids: Sequence[UUID]) -> list[Variant]:
    """Variants of one space that have a picture, in the order asked for.

    Raises:
        VariantNotFound: one of them is not here.
    """
    found = Variant.objects.filter(space=space_id, pk__in=ids, artifact__isnull=False)
    rows = {row.pk: row for row in found.select_related("asset", "created_by", "rated_by")}
    if len(rows) != len(set(ids)):
        raise VariantNotFound
    return [rows[id] for id in ids]


def variants_by_id(*, space_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Variant]:
    """Those of these variants that are still there, with their assets."""
    found = Variant.objects.filter(space=space_id, pk__in=set(ids)).select_related("asset")
    return {row.pk: row for row in found}


def lines_around(*, space_id: UUID, ids: Iterable[UUID], depth: int) -> list[Lineage]:
    """The lines of descent within some steps of these variants, oldest first."""
    seen, edge = set(ids), set(ids)
    lines: dict[UUID, Lineage] = {}
    for _ in range(depth):
        found = Lineage.objects.filter(space=space_id).filter(
            Q(parent_variant__in=edge) | Q(child_variant__in=edge)
        )
        new = {line.pk: line for line in found}
        lines |= new
        ends = {end for line in new.values() for end in (line.parent_variant, line.child_variant)}
        edge, seen = ends - seen, seen | ends
        if not edge:
            break
    return sorted(lines.values(), key=lambda line: (line.created_at, line.pk))
