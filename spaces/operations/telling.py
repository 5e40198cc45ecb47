"""Tells a space of its changes: a frame in its stream, and what is owed to webhooks, in the
transaction of the change. A row must be as it is after it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from genproj.assistant.models import Message
from genproj.assistant.queries import message_json, message_view
from genproj.events import log
from genproj.notices.operations import notify
from genproj.webhooks import outbox
from spaces.models import Approval, Asset, Lineage, Member, Plan, Space, Variant
from spaces.operations import acting
from spaces.permissions import Role
from spaces.queries import frames
from spaces.queries.plans import plan_json
from spaces.states import ApprovalStatus


def tell_space(space: Space, *, kind: str = "space:updated") -> None:
    """Its name, style, conversation or place in the trash has changed."""
    _append(space.pk, kind, space=frames.space_frame(space))


def tell_member(member: Member, *, kind: str = "member:updated") -> None:
    """Somebody came, or has another role."""
    _append(member.space_id, kind, member=frames.member_frame(member))


def tell_left(member: Member) -> None:
    """Somebody is no longer in the space: the frame's role is null."""
    _append(member.space_id, "member:updated", member=frames.left_frame(member))


def tell_asset(asset: Asset, *, kind: str) -> None:
    """`asset:created` or `asset:updated`."""
    _append(asset.space_id, kind, asset=frames.asset_frame(asset))


def tell_forked(asset: Asset, *, variant: Variant, lineage: Sequence[Lineage]) -> None:
    """An asset came from another: it, its variant and its lines of descent in one frame."""
    _append(
        asset.space_id,
        "asset:forked",
        asset=frames.asset_frame(asset),
        variant=frames.variant_frame(variant),
        lineage=[frames.lineage_frame(line) for line in lineage],
    )


def tell_variant(variant: Variant, *, kind: str, webhook: str = "") -> None:
    """`variant:created` or `variant:updated`; `webhook` is what is owed, as `variant.failed`."""
    _append(variant.space_id, kind, variant=frames.variant_frame(variant))
    if webhook:
        facts = {"variant": variant.pk, "asset": variant.asset_id, "generation": variant.generation}
        about = {"status": variant.status, "error": _code(variant.error)}
        _owe(webhook, variant.space_id, variant.created_by_id, {**facts, **about})


def tell_lineage(line: Lineage, *, kind: str) -> None:
    """`lineage:created` or `lineage:severed`."""
    _append(line.space_id, kind, lineage=frames.lineage_frame(line))


def tell_approval(approval: Approval, *, kind: str, webhook: str = "") -> None:
    """`approval:created` or `approval:updated`; `webhook` is what is owed."""
    _append(approval.space_id, kind, approval=frames.approval_frame(approval))
    if webhook:
        data = {"approval": approval.pk, "tool": approval.tool, "status": approval.status}
        _owe(webhook, approval.space_id, approval.requested_by_id, data)


def tell_plan(plan: Plan, *, kind: str) -> None:
    """`plan:created` or `plan:updated`, with its steps."""
    _append(plan.space_id, kind, plan=plan_json(plan))


def tell_deciders(proposed: Sequence[Approval], /) -> None:
    """One notice of what waits of what a round has proposed, for those who may decide on it;
    whoever asked sees it anyway."""
    proposed = [one for one in proposed if one.status == ApprovalStatus.PENDING]
    if not proposed:
        return
    first = proposed[0]
    asker = first.requested_by
    more = f" and {len(proposed) - 1} more" if len(proposed) > 1 else ""
    members = Member.objects.filter(space=first.space_id, role__in=(Role.EDITOR, Role.OWNER))
    for member in members.exclude(user=asker).select_related("user").order_by("user"):
        notify(
            owner=member.user,
            kind="approval.requested",
            title=f"{first.space.name}: {asker} asks to {first.tool.replace('_', ' ')}{more}",
            url=f"/spaces/{first.space_id}/?tab=chat#approval-{first.pk}",
        )


def tell_message(message: Message) -> None:
    """Something was said in the space's conversation, or a message has grown or ended. Of one that
    was cleared nobody hears any more."""
    space_id = UUID(message.conversation.audience.partition(":")[2])
    if Space.objects.filter(pk=space_id, conversation=message.conversation_id).exists():
        _append(space_id, "chat:message", message=message_json(message_view(message)))


def tell_deleted(*, space_id: UUID, kind: str, id: UUID) -> None:
    """`asset:deleted` or `variant:deleted`: of what is gone only the id is told."""
    noun = kind.partition(":")[0]
    _append(space_id, kind, **{noun: {"id": str(id)}})


def _append(space_id: UUID, kind: str, **data: Any) -> None:
    if who := acting.name():
        data["who"] = who
    log.append(f"space:{space_id}", kind, **data)


def _owe(type: str, space_id: UUID, owner_id: int | None, data: Mapping[str, Any]) -> None:
    said = {name: None if value is None else str(value) for name, value in data.items()}
    outbox.owe(
        type=type,
        audience=f"space:{space_id}",
        owner_id=owner_id,
        data={"space": str(space_id), **said, "url": f"/spaces/{space_id}/"},
    )


def _code(error: Mapping[str, Any] | None) -> str | None:
    return error.get("code") if error else None
