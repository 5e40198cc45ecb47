"""The assistant's turns in a space: rounds of words and tools, until there are only words.

What reads runs at once. What changes or spends is proposed, and the turn waits, held by nobody,
until people have decided on all of it; then it goes on.
"""

import contextlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from genproj.assistant import client
from genproj.assistant.models import Message, Turn
from genproj.assistant.operations import asking, messages, rounds, turns
from genproj.assistant.transcript import transcript
from genproj.events import whispers
from genproj.kernel import leases, logs, rows
from genproj.kernel.errors import Forbidden, Refusal
from genproj.usage.operations import tokens
from spaces import prompts
from spaces.models import Approval, Asset, Space, Variant
from spaces.operations import approvals, calls, describing, looking
from spaces.operations.entering import locked
from spaces.operations.talking import clear, retry, send, stop
from spaces.operations.telling import tell_deciders
from spaces.permissions import Act
from spaces.tools import Kind, Mode, Tool, declared

__all__ = ["answer", "clear", "retry", "send", "stop"]

MOST_TOKENS = 2048
SECONDS = 120.0
MOST_CALLS = 12
MOST_DESCRIBED = 4
#: times that a failure is met with another attempt before it is told
MOST_FAILURES = 2
USED_UP = "The assistant's calls of today, or the money for them, are used up."
NOT_HERE = "Whoever asked this may no longer speak here."
ENOUGH = "That took more steps than one answer may have. Say “go on” to have it continued."
WORDS: Mapping[str, str] = {
    "refused": "The model would not answer this. Say it differently, please.",
    "rejected": "The model's service did not take the request. An administrator can see why.",
}
AWAY = "The model cannot be reached just now. Your message is kept; press Retry in a moment."

log = logs.component("answering")


def answer(turn: Turn) -> None:
    """Work on a turn until it has ended, or waits for people. The model is asked, and pictures
    are looked at, outside of any transaction."""
    space_id = UUID(turn.conversation.audience.partition(":")[2])
    try:
        asker = calls.require_rights(person=turn.asked.author, space_id=space_id, act=Act.CHAT)
    except Forbidden:
        _end(turn, NOT_HERE)
        return
    if rounds.newest_round(turn) is None:
        _look_at_tray(turn, asker, space_id)
    while True:
        newest = rounds.newest_round(turn)
        if newest is not None and newest.state == Message.State.COMPLETE:
            if rounds.unanswered(newest) and not _answer_calls(turn, newest, asker, space_id):
                return
            if Turn.objects.values_list("rounds", flat=True).get(pk=turn.pk) >= rounds.MOST_ROUNDS:
                _end(turn, ENOUGH)
                return
        if not _speak(turn, asker, space_id):
            return


# ── words ─────────────────────────────────────────────────────────────────────────────────────


def _speak(turn: Turn, asker: User, space_id: UUID) -> bool:
    """One round of the model. Whether it asks for tools, so that there is more to do."""
    audience = f"space:{space_id}"
    message = rounds.open_round(turn)
    if message is None:
        return False
    if not tokens.take_call(owner=asker, audience=audience):
        rounds.break_off(turn, message=message, words=USED_UP)
        return False
    mode = _mode(turn)
    space = Space.objects.get(pk=space_id)
    try:
        reply = rounds.stream_into(
            turn,
            message=message,
            pieces=asking.stream(
                system=prompts.system(mode=mode, space=_facts(space)),
                messages=transcript(turn, words=lambda said: _words(said, space_id)),
                tools=declared(mode),
                max_tokens=MOST_TOKENS,
                seconds=SECONDS,
                silence=settings.LEASE_SECONDS * 0.7,
            ),
        )
    except client.ModelFailure as failure:
        _meet(turn, message, failure)
        return False
    return reply is not None and _close(turn, message, reply, space)


def _facts(space: Space) -> dict[str, Any]:
    style = space.style_description if space.style_enabled else ""
    return {"space": space.name, "style": style}


def _mode(turn: Turn) -> Mode:
    return Mode(turn.asked.context.get("mode", Mode.ACTOR))


def _words(message: Message, space_id: UUID) -> str:
    """What somebody said, with the facts of what their tray listed."""
    context = message.context
    tray: dict[str, Any] = {}
    if context.get("asset_ids"):
        assets = Asset.objects.filter(space=space_id, pk__in=context["asset_ids"])
        tray["assets"] = looking.assets_told(list(assets))
    if context.get("variant_ids"):
        variants = Variant.objects.filter(space=space_id, pk__in=context["variant_ids"])
        tray["variants"] = [looking.variant_told(one) for one in variants]
    if context.get("prompt"):
        tray["prompt"] = context["prompt"]
    return prompts.said(message.content, tray)


def _meet(turn: Turn, message: Message, failure: client.ModelFailure) -> None:
    """Try again in a moment where that may help and nothing was said yet; else tell it plainly."""
    log.warning("model_failed", conversation=str(turn.conversation_id), error=failure.code)
    waits = failure.retry_after or leases.backoff(turn.failures)
    patient = turn.failures < MOST_FAILURES and waits <= leases.LONGEST_WAIT
    if failure.retryable and patient and not message.content.strip():
        leases.put_off(turn, seconds=waits, error=str(failure))
        return
    rounds.break_off(turn, message=message, words=WORDS.get(failure.code, AWAY))


@rows.atomically
def _close(turn: Turn, message: Message, reply: client.Reply, space: Space) -> bool:
    """Keep what the model said, and propose what it asks for: one transaction, so that nothing is
    shown that is not kept. Whether there is more to do in the turn."""
    tokens.charge_tokens(
        audience=f"space:{space.pk}",
        owner=turn.asked.author,
        model=settings.ANTHROPIC_MODEL,
        tokens_in=reply.usage.input_tokens,
        tokens_out=reply.usage.output_tokens,
        key=f"{message.pk}:{turn.attempts}",
        subject=f"turn:{turn.pk}",
    )
    locked(space.pk)
    if not rounds.close_round(turn, message=message, reply=reply):
        return False
    asked = rounds.calls_of(message)
    if not asked:
        cut = message.state == Message.State.INTERRUPTED
        turns.settle(turn, outcome=Turn.Outcome.INTERRUPTED if cut else Turn.Outcome.ANSWERED)
        return False
    _propose(turn, message, space, asked)
    return True


def _propose(turn: Turn, message: Message, space: Space, asked: list[dict[str, Any]]) -> None:
    """Proposals of the calls that people decide on; what is refused is told to the model, and so
    is what was drafted."""
    answered: dict[str, calls.Result] = {}
    proposed: list[Approval] = []
    for place, call in enumerate(asked):
        try:
            if place >= MOST_CALLS:
                raise Forbidden(f"At most {MOST_CALLS} calls at once.")
            tool = calls.tool_of(call["name"], mode=_mode(turn))
            if tool.kind == Kind.READS:
                continue
            if tool.drafts:
                answered[call["id"]] = _drafted(turn, space, tool, call["input"])
                continue
            with rows.atomic():  # a call that is refused undoes itself only
                one = approvals.propose(
                    turn,
                    message=message,
                    space=space,
                    call_id=call["id"],
                    name=call["name"],
                    arguments=call["input"],
                )
            proposed.append(one)
        except Refusal as refusal:
            answered[call["id"]] = calls.bad(refusal)
    if answered:
        messages.answer_calls(message, results=answered)
    tell_deciders(proposed)


def _drafted(turn: Turn, space: Space, tool: Tool, given: Mapping[str, Any]) -> calls.Result:
    asker = calls.require_rights(person=turn.asked.author, space_id=space.pk, act=tool.act)
    checked = calls.checked(tool, arguments=given, space_id=space.pk)
    with rows.atomic():
        return calls.good(calls.run(tool, actor=asker, space_id=space.pk, arguments=checked))


# ── tools ─────────────────────────────────────────────────────────────────────────────────────


def _answer_calls(turn: Turn, message: Message, asker: User, space_id: UUID) -> bool:
    """Run what reads. Whether every call of the round has its result; else the turn now waits for
    people, or is somebody else's."""
    for call in rounds.unanswered(message):
        with contextlib.suppress(calls.UnknownTool):
            tool = calls.tool_of(call["name"])
            if tool.kind != Kind.READS:
                continue
        result = _looked(call, asker, space_id)
        if not rounds.keep_results(turn, message=message, results={call["id"]: result}):
            return False
    return _wait_or_go_on(turn, message, space_id)


def _looked(call: Mapping[str, Any], asker: User, space_id: UUID) -> calls.Result:
    try:
        tool = calls.tool_of(call["name"])
        calls.require_rights(person=asker, space_id=space_id, act=tool.act)
        given = calls.checked(tool, arguments=call["input"], space_id=space_id)
        return calls.good(calls.run(tool, actor=asker, space_id=space_id, arguments=given))
    except Refusal as refusal:
        return calls.bad(refusal)


@rows.atomically
def _wait_or_go_on(turn: Turn, message: Message, space_id: UUID) -> bool:
    """Whoever decides holds the space, so no decision falls between the look and the wait."""
    locked(space_id)
    messages.locked(turn.conversation_id)
    message.refresh_from_db(fields=["results", "version"])
    if not rounds.unanswered(message):
        return True
    turns.wait(turn)
    return False


def _look_at_tray(turn: Turn, asker: User, space_id: UUID) -> None:
    """Have pictures of the tray described that nobody has described yet; best effort."""
    ids = turn.asked.context.get("variant_ids", ())
    new = Variant.objects.filter(space=space_id, pk__in=ids, description="", artifact__isnull=False)
    for variant in new[:MOST_DESCRIBED]:
        leases.extend([turn])
        frame = {"type": "chat:progress", "variant_id": str(variant.pk), "phase": "describing"}
        whispers.whisper(stream=f"space:{space_id}", frame=frame)
        with contextlib.suppress(Refusal):
            describing.describe(actor=asker, space_id=space_id, variant_id=variant.pk)


@rows.atomically
def _end(turn: Turn, words: str) -> None:
    """End a turn in plain words of our own."""
    messages.locked(turn.conversation_id)
    if turns.settle(turn):
        messages.add(conversation_id=turn.conversation_id, type=Message.Type.ERROR, content=words)
