"""A conversation as the language model is given it: ascending, and no tool call unanswered."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from genproj.assistant.models import Message, Turn

Block = dict[str, Any]
#: a round of a turn may have brought much; no more messages than these are looked at
MOST_SAID = 60
LONGEST_SAID = 8000


def transcript(
    turn: Turn, *, words: Callable[[Message], str], most: int = MOST_SAID
) -> list[dict[str, Any]]:
    """What the model reads before it goes on with `turn`; `words` is what it reads of a person.

    Answers stand behind the message that they answer, whenever they came; the turn's own message
    and rounds come last. A call that is not answered, as of a turn that waits for people, is left
    out with whatever stands beside it but its words.
    """
    said: list[tuple[str, list[Block]]] = []
    for message in _in_order(turn, most):
        if message.role == Message.Role.USER:
            _say(said, "user", [_text(words(message))])
            continue
        blocks, results = _round(message)
        _say(said, "assistant", blocks)
        _say(said, "user", results)
    while said and said[0][0] != "user":
        said.pop(0)
    return [{"role": role, "content": blocks} for role, blocks in said]


def _in_order(turn: Turn, most: int) -> list[Message]:
    found = Message.objects.filter(conversation=turn.conversation_id).exclude(of_turn=turn)
    found = found.select_related("of_turn__asked")
    newest = found.filter(created_at__lt=turn.asked.created_at).order_by("-created_at", "-id")
    late = found.filter(of_turn__asked__created_at__lt=turn.asked.created_at)
    late = late.order_by("-created_at", "-id")
    rows = {row.pk: row for row in (*newest[:most], *late[:most])}
    before = sorted(rows.values(), key=_place)[-most:]
    own = Message.objects.filter(of_turn=turn).order_by("created_at", "id")
    return [*before, turn.asked, *own]


def _place(message: Message) -> tuple[datetime, datetime]:
    turn = message.of_turn
    return (turn.asked.created_at if turn else message.created_at, message.created_at)


def _round(message: Message) -> tuple[list[Block], list[Block]]:
    """What the model said, and the results that answer the calls in it."""
    if message.state == Message.State.FAILED or message.type == Message.Type.ERROR:
        return [], []
    calls = [block["id"] for block in message.blocks if block["type"] == "tool_use"]
    whole = message.state == Message.State.COMPLETE
    if not calls or not whole or any(call not in message.results for call in calls):
        return [_text(message.content)], []
    kept = [block for block in message.blocks if block["type"] != "text" or block["text"].strip()]
    return kept, [_result(call, message.results[call]) for call in calls]


def _result(call: str, result: Mapping[str, Any]) -> Block:
    block = {"type": "tool_result", "tool_use_id": call, "content": result["content"]}
    return {**block, "is_error": True} if result.get("is_error") else block


def _say(said: list[tuple[str, list[Block]]], role: str, blocks: list[Block]) -> None:
    """Add blocks, to the message before when the same one goes on speaking."""
    blocks = [block for block in blocks if block["type"] != "text" or block["text"].strip()]
    if not blocks:
        return
    if said and said[-1][0] == role:
        said[-1][1].extend(blocks)
    else:
        said.append((role, blocks))


def _text(words: str) -> Block:
    return {"type": "text", "text": words[:LONGEST_SAID]}
