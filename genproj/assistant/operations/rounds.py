"""One round of a streamed answer: a message that grows, and what the model gets to read again."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db.models import F

from genproj.assistant.client import ModelFailure, Piece, Reply
from genproj.assistant.models import Message, Turn
from genproj.assistant.operations import messages, turns
from genproj.events import whispers
from genproj.kernel import leases, rows
from genproj.kernel.clock import after

MOST_ROUNDS = 10
#: seconds between two looks at the row, which keep the words and the lease
KEEP_EVERY = 0.25
#: seconds between two whispers
WHISPER_EVERY = 0.05
LONGEST_WHISPER = 500
#: blocks of the model that are given back to it
KEPT = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})
CUT = frozenset({"max_tokens", "model_context_window_exceeded"})


@rows.atomically
def open_round(turn: Turn) -> Message | None:
    """The message that the model's next words go into. None: the turn is lost to somebody else.

    A round that was cut short, whether by a killed worker, a failure or a person, begins anew in
    the same message, so that nothing is said twice.
    """
    conversation = messages.locked(turn.conversation_id)
    if conversation is None or not _is_held(turn):
        return None
    begun = turns.unfinished(turn)
    if begun is None:
        begun = messages.write(
            conversation,
            role=Message.Role.ASSISTANT,
            type=Message.Type.TEXT,
            content="",
            turn=turn,
            state=Message.State.WORKING,
        )
        messages.tell(begun, kind="message:created")
    else:
        messages.revise(begun, content="", state=Message.State.WORKING, type=Message.Type.TEXT)
    return begun


def stream_into(turn: Turn, *, message: Message, pieces: Iterator[Piece]) -> Reply | None:
    """Say what comes, as it comes: whispered at once, kept a few times a second.

    Outside of any transaction. None: the turn was stopped, or another attempt has it.

    Raises:
        ModelFailure: what came until then is kept in the message.
    """
    said = Said(turn, message)
    try:
        for piece in pieces:
            if piece.reply is not None:
                return piece.reply
            if not said.take(piece.text):
                return None
    except ModelFailure:
        said.keep()
        raise
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    raise ModelFailure("cut_off", retryable=True, kind="no reply")


class Said:
    """The words of a message that is being said."""

    def __init__(self, turn: Turn, message: Message) -> None:
        self.turn, self.message = turn, message
        self.text = ""
        self.told = 0
        self.told_at = self.kept_at = time.monotonic()

    def take(self, text: str) -> bool:
        """Add some words. False: the turn is lost."""
        self.text += text
        at = time.monotonic()
        if len(self.text) > self.told and at - self.told_at >= WHISPER_EVERY:
            self._tell()
            self.told_at = at
        if at - self.kept_at < KEEP_EVERY:
            return True
        self.kept_at = at
        return self.keep()

    def _tell(self) -> None:
        """Whisper what is new; `at` is where it begins, so that nobody adds it twice."""
        while self.told < len(self.text):
            part = self.text[self.told : self.told + LONGEST_WHISPER]
            frame = {"type": "chat:delta", "message_id": str(self.message.pk)}
            whispers.whisper(
                stream=self.message.conversation.audience,
                frame={**frame, "at": self.told, "text": part},
            )
            self.told += len(part)

    @rows.atomically
    def keep(self) -> bool:
        """Have the words outlive this process, and the lease last. False: the turn is lost."""
        held = leases.held(self.turn).filter(done_at__isnull=True)
        if not held.update(leased_until=after(settings.LEASE_SECONDS)):
            return False
        Message.objects.filter(pk=self.message.pk).update(content=self.text)
        self.message.content = self.text
        return True


@rows.atomically
def close_round(turn: Turn, *, message: Message, reply: Reply) -> bool:
    """Keep the whole of what the model said. False: the turn is lost, nothing is kept.

    Joins the transaction of the caller, who owes what is to follow: calls, or the turn's end.
    """
    messages.locked(turn.conversation_id)
    counted = {
        "rounds": F("rounds") + 1,
        "input_tokens": F("input_tokens") + reply.usage.input_tokens,
        "output_tokens": F("output_tokens") + reply.usage.output_tokens,
        "failures": 0,
    }
    if not leases.held(turn).filter(done_at__isnull=True).update(**counted):
        return False
    blocks = [block for block in reply.content if block.get("type") in KEPT]
    state = Message.State.INTERRUPTED if reply.stop_reason in CUT else Message.State.COMPLETE
    messages.revise(message, content=reply.text, blocks=blocks, state=state)
    return True


@rows.atomically
def break_off(turn: Turn, *, message: Message, words: str) -> bool:
    """End a turn whose answer failed: with what was said of it, or with `words` alone."""
    messages.locked(turn.conversation_id)
    said = message.content.strip()
    outcome = Turn.Outcome.INTERRUPTED if said else Turn.Outcome.FAILED
    if not turns.settle(turn, outcome=outcome):
        return False
    if said:
        messages.revise(message, content=message.content, state=Message.State.INTERRUPTED)
    else:
        messages.revise(message, content=words, state=Message.State.FAILED, type=Message.Type.ERROR)
    return True


@rows.atomically
def keep_results(turn: Turn, *, message: Message, results: Mapping[str, Mapping[str, Any]]) -> bool:
    """Keep what calls of a round brought. False: the turn is lost, nothing is kept."""
    messages.locked(turn.conversation_id)
    if not _is_held(turn):
        return False
    message.refresh_from_db(fields=["results", "version"])
    messages.answer_calls(message, results=results)
    leases.extend([turn])
    return True


def newest_round(turn: Turn) -> Message | None:
    """The last message that the turn has brought."""
    found = Message.objects.filter(of_turn=turn).select_related("conversation")
    return found.order_by("-created_at", "-id").first()


def calls_of(message: Message) -> list[dict[str, Any]]:
    """The tool calls of a round."""
    return [block for block in message.blocks if block.get("type") == "tool_use"]


def unanswered(message: Message) -> list[dict[str, Any]]:
    """The tool calls of a round that have no result yet."""
    return [block for block in calls_of(message) if block["id"] not in message.results]


def _is_held(turn: Turn) -> bool:
    return leases.held(turn).filter(done_at__isnull=True).exists()
