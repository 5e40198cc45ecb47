"""What the card of a proposal shows: while it waits, and as the record of what became of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User

from genproj.kernel.clock import now
from spaces import queries
from spaces.pages.forms import GONE, Field, Row, fields_of, ids_in, rows_of
from spaces.permissions import Act, allows
from spaces.queries import proposals
from spaces.queries.membership import role_in
from spaces.queries.proposals import Named, Proposal
from spaces.states import ApprovalStatus
from spaces.tools import TABLE, Kind

S = ApprovalStatus
#: what it does at worst -> (words, tone, icon)
RISKS = {
    Kind.READS: ("Only looks", "", "zoom"),
    Kind.CHANGES: ("Changes the space", "", "pencil"),
    Kind.SPENDS: ("Spends money", "partial", "usage"),
    Kind.DELETES: ("Deletes", "failed", "trash"),
}
#: status -> (word, tone, icon)
STATES = {
    S.PENDING: ("Waits for a decision", "partial", "question"),
    S.APPROVED: ("Being carried out", "running", "running"),
    S.REJECTED: ("Rejected", "", "slash"),
    S.EXPIRED: ("Expired", "", "clock"),
    S.EXECUTED: ("Approved", "done", "check"),
    S.FAILED: ("Failed", "failed", "failed"),
}
#: said in the title or as the card's text, not in its list
APART = {"name", "prompt", "asset_id", "source_asset_id", "count", "mode"}
MOST_NAMED = 3


@dataclass(frozen=True)
class Card:
    """A proposal as its card shows it; `v` is its JSON."""

    v: Mapping[str, Any]
    row: Proposal
    verb: str
    thing: str
    rest: str
    state: tuple[str, str, str]
    risk: tuple[str, str, str]
    prompt: str
    rows: Sequence[Row]
    changes: Sequence[Row]
    fields: Sequence[Field]
    cost: Decimal | None
    left: Decimal | None
    deciders: str
    may_decide: bool
    made: Sequence[Named]
    where: str

    @property
    def id(self) -> str:
        """The proposal's id."""
        return str(self.row.pk)

    @property
    def title(self) -> str:
        """Verb and object in one line."""
        return f"{self.verb} {self.thing}{self.rest}"

    @property
    def is_open(self) -> bool:
        """Whether it waits for a decision."""
        return self.row.status == S.PENDING and self.row.expires_at > now()

    @property
    def spends(self) -> bool:
        """Whether carrying it out costs money."""
        return self.risk == RISKS[Kind.SPENDS]

    @property
    def may_be_always(self) -> bool:
        """Whether its tool can be allowed once and for all."""
        return self.risk in {RISKS[Kind.CHANGES], RISKS[Kind.SPENDS]}

    @property
    def verb_alone(self) -> str:
        """What its tool does, in a word."""
        return self.row.tool.replace("_", " ")

    @property
    def is_edited(self) -> bool:
        """Whether it is no longer what the assistant asked for."""
        return bool(self.changes)

    @property
    def error(self) -> Mapping[str, Any]:
        """Why carrying it out failed."""
        return (self.row.result or {}).get("error") or {}


@dataclass(frozen=True)
class Group:
    """Proposals that are decided on together."""

    cards: Sequence[Card]

    @property
    def waiting(self) -> list[Card]:
        """Those that wait, and that the viewer may decide on."""
        return [card for card in self.cards if card.is_open and card.may_decide]

    @property
    def cost(self) -> Decimal | None:
        """What those cost together; None when a price is not known."""
        costs = [card.cost for card in self.waiting if card.spends]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(costs) else None


def cards_of(rows: Sequence[Proposal], viewer: User) -> list[Card]:
    """The cards of some proposals; a handful of queries, however many they are."""
    spaces = {row.space_id for row in rows}
    roles = {space: role_in(viewer=viewer, space_id=space) for space in spaces}
    people = proposals.deciders_in(spaces)
    wanted = {one for row in rows for one in (*_ids(row), *_made_ids(row))}
    names = proposals.named_in(space_ids=spaces, ids=wanted) if wanted else {}
    offered = {
        space: list(proposals.named_in(space_ids=[space]).values())
        for space in {row.space_id for row in rows if row.status == S.PENDING}
    }
    return [
        _card(
            row,
            names,
            offered.get(row.space_id, []),
            may_decide=allows(roles[row.space_id], Act.DECIDE_APPROVALS),
            deciders=people.get(row.space_id, []),
        )
        for row in rows
    ]


def _ids(row: Proposal) -> Iterable[str]:
    return (*ids_in(row.arguments), *ids_in(row.original_arguments))


def _made_ids(row: Proposal) -> list[str]:
    result = row.result or {}
    return [str(one) for one in result.get("variant_ids") or ()] or (
        [str(result["asset_id"])] if result.get("asset_id") else []
    )


def _card(
    row: Proposal,
    names: Mapping[str, Named],
    offered: Sequence[Named],
    *,
    may_decide: bool,
    deciders: Sequence[str],
) -> Card:
    tool = TABLE.get(row.tool)
    given, before = row.arguments, row.original_arguments
    verb, thing, rest = _title(row, names)
    is_open = row.status == S.PENDING and row.expires_at > now()
    spends = tool is not None and tool.kind == Kind.SPENDS
    rows = rows_of(given, before, names, APART)
    return Card(
        v=queries.approval_frame(row),
        row=row,
        verb=verb,
        thing=thing,
        rest=rest,
        state=STATES[S(row.status)] if is_open or row.status != S.PENDING else STATES[S.EXPIRED],
        risk=RISKS[tool.kind if tool else Kind.CHANGES],
        prompt=str(given.get("prompt", "")),
        rows=[one for one in rows if not one.is_changed],
        changes=[one for one in rows if one.is_changed],
        fields=fields_of(row.tool, given, names=names, offered=offered)
        if is_open and may_decide and tool
        else (),
        cost=row.cost,
        left=proposals.left_after(
            space_id=row.space_id, owner_id=row.requested_by_id, cost=row.cost
        )
        if is_open and spends
        else None,
        deciders=_people(deciders),
        may_decide=may_decide,
        made=[names[one] for one in _made_ids(row) if one in names],
        where=row.space.name,
    )


def _people(names: Sequence[str]) -> str:
    if not names or len(names) > MOST_NAMED:
        return "editors and owners"
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _title(row: Proposal, names: Mapping[str, Named]) -> tuple[str, str, str]:
    """Verb, object and what is said after it, of what is proposed."""
    given = row.arguments
    name = str(given.get("name", ""))

    def called(key: str) -> str:
        id = given.get(key)
        return names[id].name if id in names else GONE

    if row.tool == "batch_generate":
        noun = "assets" if given.get("mode") == "set" else "variants"
        return f"Generate {given.get('count')} {noun} of", name, ""
    if row.tool in {"generate", "derive"}:
        return row.tool.capitalize(), name, ""
    if row.tool == "fork":
        source = given.get("source_asset_id") or given.get("source_variant_id")
        return "Fork", names[source].name if source in names else GONE, f" as {name}"
    if row.tool == "rename":
        before = called("asset_id")  # as it is called now, which may be the new name already
        return ("Rename to", name, "") if before == name else ("Rename", before, f" to {name}")
    if row.tool == "move":
        where = called("parent_asset_id") if given.get("parent_asset_id") else ""
        return "Move", called("asset_id"), f" below {where}" if where else " to the top"
    if "asset_id" in given:
        return row.tool.capitalize(), called("asset_id"), ""
    return row.tool.replace("_", " ").capitalize(), name, ""
