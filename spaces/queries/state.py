"""Everything of a space at once, as a reader of its stream is given it first."""

from typing import Any
from uuid import UUID

from genproj.assistant.queries import newest_messages
from spaces.models import Approval, Asset, Lineage, Member, Space, Variant
from spaces.queries import frames
from spaces.queries.plans import plans_of
from spaces.states import ApprovalStatus

#: decided proposals and messages that a state holds
NEWEST = 50


def full_state_of(key: str) -> dict[str, Any]:
    """The state of a space without its `seq` and without who is present."""
    space = Space.objects.select_related("created_by").get(pk=UUID(str(key)))
    return {
        **small_state_of(space),
        "assets": _rows(Asset, space, frames.ASSET, frames.asset_json),
        "variants": _rows(Variant, space, frames.VARIANT, frames.variant_json),
        "lineage": [
            frames.lineage_frame(line)
            for line in Lineage.objects.filter(space=space).values_list(*frames.LINEAGE, named=True)
        ],
    }


def small_state_of(space: Space) -> dict[str, Any]:
    """Those parts of the state that are never large."""
    members = Member.objects.filter(space=space).select_related("user")
    return {
        "space": frames.space_frame(space),
        "members": [frames.member_frame(member) for member in members],
        "approvals": approvals_of(space),
        "plans": plans_of(space.pk),
        "messages": _messages_of(space),
    }


def _rows(model: Any, space: Space, fields: tuple[str, ...], to_json: Any) -> list[dict[str, Any]]:
    """All rows of a space, oldest first. As tuples: thousands of model instances cost too much."""
    found = model.objects.filter(space=space).order_by("created_at", "id")
    rows = found.values_list(*fields, "created_by__username", named=True)
    return [to_json(row, row.created_by__username) for row in rows]


def approvals_of(space: Space) -> list[dict[str, Any]]:
    """What waits for somebody, and the newest of what was decided; oldest first."""
    found = Approval.objects.filter(space=space).select_related("requested_by", "decided_by")
    waiting = list(found.filter(status=ApprovalStatus.PENDING))
    decided = list(found.exclude(status=ApprovalStatus.PENDING)[:NEWEST])
    rows = sorted([*waiting, *decided], key=lambda row: (row.created_at, row.id))
    return [frames.approval_frame(row) for row in rows]


def _messages_of(space: Space) -> list[dict[str, Any]]:
    if space.conversation_id is None:
        return []
    return newest_messages(space.conversation_id, NEWEST)
