"""What people do with the conversation of a space: speak, stop, go on, begin anew."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from genproj.assistant.models import Conversation, Message, Turn
from genproj.assistant.operations import conversations, turns
from genproj.kernel import rows
from genproj.kernel.api import bodies
from genproj.kernel.errors import Invalid, InvalidTransition
from spaces.operations import approvals, calls
from spaces.operations.entering import Here, change, entered
from spaces.operations.telling import tell_space
from spaces.permissions import Act
from spaces.tools import ASSET, VARIANT, Mode, some

LONGEST_WORDS = 10_000
MOST_IN_TRAY = 20
TRAY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "asset_ids": some(ASSET, most=MOST_IN_TRAY),
        "variant_ids": some(VARIANT, most=MOST_IN_TRAY),
        "prompt": {"type": "string", "maxLength": 4000},
    },
}


@rows.atomically
def send(
    *,
    actor: User,
    space_id: UUID,
    content: str,
    mode: str = Mode.ACTOR,
    context: Mapping[str, Any] | None = None,
) -> Message:
    """Say something in the space's conversation, which begins with it if there is none.

    Args:
        context: the tray, kept with the message exactly as it is: what the assistant sees.

    Raises:
        Invalid: there are no words, no such mode, or the tray names what is not in the space.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.CHAT)
    if not content.strip():
        raise Invalid.one("/content", "too_short", "A message needs words.")
    if len(content) > LONGEST_WORDS:
        words = f"Must have at most {LONGEST_WORDS} characters."
        raise Invalid.one("/content", "too_long", words)
    if mode not in set(Mode):
        raise Invalid.one("/mode", "choice", f"Must be one of {', '.join(Mode)}.")
    tray = _tray(context or {}, space_id)
    return conversations.say(
        actor=actor,
        conversation_id=_conversation(here).pk,
        content=content,
        context={"mode": str(mode), **tray},
        audience=f"space:{space_id}",
    )


def _tray(context: Mapping[str, Any], space_id: UUID) -> dict[str, Any]:
    errors = bodies.errors_in(dict(context), TRAY, "/context")
    errors = errors or calls.strangers(context, space_id=space_id, pointer="/context")
    if errors:
        raise Invalid(errors)
    return dict(context)


def _conversation(here: Here) -> Conversation:
    """The space's conversation; a new one when there is none, or it lies in the trash."""
    known = here.space.conversation
    if known is not None and known.trashed_at is None:
        return known
    begun = conversations.begin(
        actor=here.actor,
        talk="space",
        title=here.space.name,
        audience=f"space:{here.space.pk}",
    )
    change(here.space, facts={"conversation": begun})
    tell_space(here.space)
    return begun


@rows.atomically
def stop(*, actor: User, space_id: UUID) -> Message | None:
    """End the answer that is being worked out; what was said of it stays. Nothing: no change."""
    here = entered(actor=actor, space_id=space_id, act=Act.CHAT)
    if here.space.conversation_id is None:
        return None
    return turns.stop(conversation_id=here.space.conversation_id)


@rows.atomically
def retry(*, actor: User, space_id: UUID) -> Turn:
    """Have the last answer, which did not come to its end, gone on with.

    Raises:
        InvalidTransition: it did, or there is none.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.CHAT)
    if here.space.conversation_id is None:
        raise InvalidTransition("Nothing was said here yet.")
    return turns.retry(conversation_id=here.space.conversation_id)


@rows.atomically
def clear(*, actor: User, space_id: UUID) -> dict[str, str]:
    """Begin a new conversation; what waits for a decision in the old one is rejected.

    An empty one stays as it is.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.CHAT)
    old = here.space.conversation
    if old is not None and old.messages.exists():
        approvals.reject_open(here, conversation_id=old.pk, reason="The chat was cleared.")
        turns.stop_all(conversation_id=old.pk)
        change(here.space, facts={"conversation": None})
    return {"conversation": str(_conversation(here).pk)}
