"""The assistant's turns: claimed in order within a conversation, answered, settled once."""

import contextlib
from collections.abc import Callable
from pkgutil import resolve_name
from uuid import UUID

from django.db import OperationalError
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from genproj.assistant.models import Message, Turn
from genproj.assistant.operations import messages
from genproj.kernel import leases, logs, rows
from genproj.kernel.clock import now
from genproj.kernel.errors import InvalidTransition
from genproj.kernel.wake import wake
from genproj.talks import TALKS

JOB = "genproj.assistant.jobs.answer_turns"
MOST_FAILURES = 3
#: a turn whose workers die again and again is not tried for ever
MOST_ATTEMPTS = 20
SORRY = (
    "Something went wrong on our side while I worked out an answer. Your message is kept. "
    "Please send it again; if that does not help, an administrator can see what happened."
)

log = logs.component("assistant")


class Unsettled(Exception):
    """An answer came to its end and left its turn open."""


def turns_to_answer() -> QuerySet[Turn]:
    """Open turns before which nothing is open in their conversation but what waits for people."""
    before = Q(created_at__lt=OuterRef("created_at")) | Q(
        created_at=OuterRef("created_at"), pk__lt=OuterRef("pk")
    )
    earlier = Turn.objects.filter(
        before, conversation=OuterRef("conversation"), done_at=None, waiting_at=None
    )
    return Turn.objects.filter(~Exists(earlier), due_at__isnull=False)


def answer_turns() -> int:
    """Answer one turn, in no transaction. Safe to ring twice or never."""
    taken = leases.claim(turns_to_answer().select_related("conversation", "asked"), limit=1)
    for turn in taken:
        with logs.bound(request_id=turn.request_id, turn=str(turn.pk)):
            _work(turn)
    return len(taken)


def _work(turn: Turn) -> None:
    if turn.attempts > MOST_ATTEMPTS:
        give_up(turn, reason="its workers never came back")
        return
    try:
        if leases.attempt(lambda: _answer(turn), failed=_failed(turn)):
            log.info("answered", conversation=str(turn.conversation_id))
    except OperationalError as error:
        # Somebody waits: sooner than the lease would bring it back, and without blame.
        with contextlib.suppress(OperationalError):
            wait = leases.backoff(turn.attempts - 1)
            leases.put_off(turn, seconds=wait, error=repr(error), counts=False)
        raise


def _answer(turn: Turn) -> None:
    answer: Callable[[Turn], object] = resolve_name(TALKS[turn.conversation.talk].answer)
    answer(turn)
    if leases.held(turn).filter(done_at__isnull=True, leased_until__isnull=False).exists():
        raise Unsettled(f"{turn.conversation.talk} left its turn open")


def _failed(turn: Turn) -> Callable[[BaseException], None]:
    def failed(reason: BaseException) -> None:
        log.exception("answer_failed", conversation=str(turn.conversation_id), error=repr(reason))
        if turn.failures + 1 >= MOST_FAILURES:
            give_up(turn, reason=repr(reason))
        else:
            leases.put_off(turn, seconds=leases.backoff(turn.failures), error=repr(reason))

    return failed


@rows.atomically
def give_up(turn: Turn, *, reason: str) -> None:
    """End a turn with an apology instead of an answer."""
    messages.locked(turn.conversation_id)
    if not settle(turn, outcome=Turn.Outcome.FAILED):
        return
    log.error("gave_up", conversation=str(turn.conversation_id), error=reason)
    begun = unfinished(turn)
    if begun is None:
        messages.add(conversation_id=turn.conversation_id, type=Message.Type.ERROR, content=SORRY)
    else:
        words = f"{begun.content}\n\n{SORRY}".strip()
        messages.revise(begun, content=words, state=Message.State.FAILED, type=Message.Type.ERROR)
    Turn.objects.filter(pk=turn.pk).update(last_error=reason[:2000])


@rows.atomically
def settle(turn: Turn, *, outcome: str = Turn.Outcome.ANSWERED) -> bool:
    """End a turn, in the transaction that adds its answer.

    False: another attempt has it, or it is settled already; then the caller must add nothing.
    Locks the turn, before anything of an app and before the conversation.
    """
    return bool(
        leases.held(turn)
        .filter(done_at__isnull=True)
        .update(due_at=None, leased_until=None, last_error="", done_at=now(), outcome=outcome)
    )


def unfinished(turn: Turn) -> Message | None:
    """The message of the turn's newest round, if not all of it was said."""
    newest = Message.objects.filter(of_turn=turn).order_by("-created_at", "-id")
    message = newest.select_related("conversation").first()
    if message is None or message.state == Message.State.COMPLETE:
        return None
    return message


@rows.atomically
def wait(turn: Turn) -> bool:
    """Let a turn wait for people: nobody works on it until `resume`. False: it is lost.

    The caller holds the conversation.
    """
    held = leases.held(turn).filter(done_at__isnull=True)
    if not held.update(due_at=None, leased_until=None, waiting_at=now(), failures=0):
        return False
    messages.tell_waiting(turn)
    return True


@rows.atomically
def resume(*, turn_id: UUID) -> bool:
    """Have a turn that waits for people gone on with. False: it does not wait."""
    waiting = Turn.objects.filter(pk=turn_id, done_at__isnull=True, waiting_at__isnull=False)
    if not waiting.update(due_at=now(), waiting_at=None):
        return False
    wake(JOB)
    return True


@rows.atomically
def stop(*, conversation_id: UUID) -> Message | None:
    """End the turn that is being answered, at once; what was said of its answer stays.

    Whoever works on it finds its lease lost. Returns the message that was cut short, if any.
    The caller has judged who asks. Locks the conversation.
    """
    messages.locked(conversation_id)
    turn = _open(conversation_id).filter(waiting_at__isnull=True).first()
    return _stop(turn) if turn else None


@rows.atomically
def stop_all(*, conversation_id: UUID) -> int:
    """End every open turn of a conversation that ends. Returns how many."""
    messages.locked(conversation_id)
    open_ones = list(_open(conversation_id))
    for turn in open_ones:
        _stop(turn)
    return len(open_ones)


def _open(conversation_id: UUID) -> QuerySet[Turn]:
    found = Turn.objects.filter(conversation=conversation_id, done_at__isnull=True)
    return found.order_by("created_at", "pk")


def _stop(turn: Turn) -> Message | None:
    at = now()
    Turn.objects.filter(pk=turn.pk).update(
        due_at=None,
        leased_until=None,
        waiting_at=None,
        done_at=at,
        stopped_at=at,
        outcome=Turn.Outcome.STOPPED,
        attempts=F("attempts") + 1,
    )
    begun = unfinished(turn)
    if begun is not None:
        messages.revise(begun, content=begun.content, state=Message.State.STOPPED)
    elif turn.waiting_at is not None:
        messages.tell_waiting(turn)
    log.info("stopped", conversation=str(turn.conversation_id), turn=str(turn.pk))
    return begun


@rows.atomically
def retry(*, conversation_id: UUID) -> Turn:
    """Have the newest turn, which did not come to its end, gone on with: the round that was cut
    short is asked for again. An open one is left as it is. Locks the conversation.

    Raises:
        InvalidTransition: there is nothing to be gone on with.
    """
    messages.locked(conversation_id)
    newest = Turn.objects.filter(conversation=conversation_id).order_by("-created_at", "-pk")
    turn = newest.first()
    if turn is None or (turn.done_at and turn.outcome in ("", Turn.Outcome.ANSWERED)):
        raise InvalidTransition("The last answer came to its end.")
    if turn.done_at is not None:
        Turn.objects.filter(pk=turn.pk).update(
            due_at=now(), done_at=None, stopped_at=None, outcome="", failures=0, last_error=""
        )
        wake(JOB)
    return turn
