"""Answers in the conversation about films: asks the language model what is meant, acts on it.

A model that is slow, away, refuses, is cut off or answers nonsense blocks nobody: a rule stands
in for it, and the timeline says so.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from generations import queries as engine
from generations.errors import ModelRetired
from genproj.assistant import client
from genproj.assistant import queries as talk
from genproj.assistant.models import Message, Turn
from genproj.assistant.operations import asking, messages, turns
from genproj.kernel import figures, logs, rows
from genproj.kernel.errors import Invalid
from genproj.usage import operations as money
from videos import prompts
from videos.models import Video
from videos.operations import wishes
from videos.operations.gates import retry
from videos.queries import hearing, summary_of
from videos.states import NEEDS_ANSWER, VideoStatus

#: of the ten seconds within which a person is answered
MODEL_SECONDS = 6.0
MOST_SAID = 20
LONGEST_SAID = 4000
MOST_TOKENS = 1024

HINT = (
    "Tell me what you would like to see, for example: “Create a video of a sunset over Lisbon”. "
    "I ask for what is missing, and nothing is spent before you confirm."
)
PRESS = "Nothing is spent until you press Confirm on the film's card."

log = logs.component("answering")


@dataclass(frozen=True)
class Meant:
    """What somebody meant, as far as it was understood, and who understood it."""

    intent: str
    reply: str
    by: str
    prompt: str = ""
    choices: Mapping[str, Any] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)


def answer(turn: Turn) -> None:
    """Answer one message. The model is asked outside of any transaction; what it means for
    videos and what is said about it are one."""
    said = turn.asked.content
    film = _film_of(turn)
    model = _model_of(film)
    meant = _understood(turn, said, film, model)
    log.info("intent", conversation=str(turn.conversation_id), intent=meant.intent, by=meant.by)
    figures.INTENTS.labels(intent=meant.intent, by=meant.by).inc()
    _act(turn, meant, model)


def _film_of(turn: Turn) -> Video | None:
    """The film that the conversation is about: its newest that can still be changed."""
    newest = Video.objects.filter(conversation=turn.conversation_id, trashed_at__isnull=True)
    open_ones = {*NEEDS_ANSWER, VideoStatus.FAILED}
    return newest.filter(status__in=open_ones).order_by("-created_at").first()


def _model_of(film: Video | None) -> engine.FilmModel:
    named = engine.film_model(film.model) if film else None
    return named or wishes.usual_model()


def _understood(turn: Turn, said: str, film: Video | None, model: engine.FilmModel) -> Meant:
    if film is not None and hearing.wants_defaults(said):
        return Meant("change", "", by="rule")
    whose: dict[str, Any] = {"audience": turn.conversation.audience, "owner": turn.asked.author}
    if not money.take_call(**whose):
        return by_rule(said, film=film)
    messages = _messages(turn)
    began = time.monotonic()
    try:
        reply = asking.complete(
            system=prompts.system(model=model.parameters, film=_facts(film)),
            messages=messages,
            schema=prompts.INTENT,
            max_tokens=MOST_TOKENS,
            seconds=MODEL_SECONDS,
        )
    except client.ModelFailure as failure:
        _measure(turn, outcome=str(failure.code), seconds=time.monotonic() - began)
        return by_rule(said, film=film)
    outcome = "bad_answer" if reply.structured is None else "answered"
    _measure(turn, outcome=outcome, seconds=time.monotonic() - began)
    money.charge_tokens(
        **whose,
        model=settings.ANTHROPIC_MODEL,
        tokens_in=reply.usage.input_tokens,
        tokens_out=reply.usage.output_tokens,
        key=f"turn:{turn.pk}:{turn.attempts}",
        subject=f"turn:{turn.pk}",
    )
    if reply.structured is None:  # it called a tool, and none was offered
        return by_rule(said, film=film)
    return _meant(reply.structured, film)


def _measure(turn: Turn, *, outcome: str, seconds: float) -> None:
    figures.MODEL_SECONDS.labels(outcome=outcome).observe(seconds)
    facts = {"conversation": str(turn.conversation_id), "seconds": round(seconds, 3)}
    if outcome == "answered":
        log.info("model_answered", **facts)
    else:
        log.warning("model_failed", **facts, error=outcome)


def _facts(film: Video | None) -> dict[str, Any] | None:
    if film is None:
        return None
    asked = [row["key"] for row in film.clarification_questions or []]
    return {
        "status": film.status,
        "prompt": film.prompt,
        "summary": summary_of(film),
        "asked": asked,
    }


def _messages(turn: Turn) -> list[dict[str, Any]]:
    """The conversation up to the message that is answered, roles taking turns."""
    merged: list[dict[str, Any]] = []
    for line in talk.history(turn.conversation_id, limit=MOST_SAID):
        if line.created_at > turn.asked.created_at:
            continue
        content = line.content[:LONGEST_SAID]
        if merged and merged[-1]["role"] == line.role:
            merged[-1]["content"] += f"\n\n{content}"
        elif merged or line.role == Message.Role.USER:
            merged.append({"role": str(line.role), "content": content})
    return merged


def _meant(found: Mapping[str, Any], film: Video | None) -> Meant:
    intent = found["intent"]
    if intent == "change" and film is None:
        intent = "video" if found.get("prompt") else "talk"
    asked = {row["key"]: row["question"] for row in found.get("questions", [])}
    return Meant(
        intent=intent,
        reply=found["reply"].strip(),
        by="model",
        prompt=(found.get("prompt") or "").strip(),
        choices=found.get("parameters") or {},
        questions=asked,
    )


def by_rule(said: str, *, film: Video | None) -> Meant:
    """What a sentence means by our own rules."""
    choices = hearing.choices_in(said)
    if hearing.is_wish(said):
        return Meant("video", "", by="heuristic", prompt=hearing.prompt_in(said), choices=choices)
    if film is not None and choices:
        return Meant("change", "", by="heuristic", choices=choices)
    return Meant("talk", PRESS if film is not None else HINT, by="heuristic")


@rows.atomically
def _act(turn: Turn, meant: Meant, model: engine.FilmModel) -> None:
    if not turns.settle(turn):
        return
    actor = turn.asked.author
    if meant.intent == "talk" or actor is None:
        _say(turn, meant.reply or HINT)
        return
    try:
        with rows.atomic():  # a wish that cannot be taken undoes itself, not the turn
            if meant.intent == "video":
                _open(turn, meant, model, actor=actor)
            else:
                _change(turn, meant, model, actor=actor)
    except (Invalid, ModelRetired) as refusal:
        _say(turn, _why(refusal), type=Message.Type.ERROR)


def _open(turn: Turn, meant: Meant, model: engine.FilmModel, *, actor: User) -> None:
    prompt = meant.prompt if len(meant.prompt) > 1 else turn.asked.content
    wishes.open_video(
        actor=actor,
        prompt=prompt[: wishes.LONGEST_PROMPT],
        model=model.id,
        choices=hearing.fitting(meant.choices, model.parameters),
        conversation_id=turn.conversation_id,
        message_id=turn.asked_id,
        question_words=meant.questions,
        asked_by=meant.by,
    )


def _change(turn: Turn, meant: Meant, model: engine.FilmModel, *, actor: User) -> None:
    film = _film_of(turn)  # again, now in the transaction
    if film is None:
        _say(turn, meant.reply or HINT)
        return
    choices = hearing.fitting(meant.choices, model.parameters)
    if meant.prompt and meant.prompt != film.prompt:
        choices["prompt"] = meant.prompt
    nothing = not choices and film.status != VideoStatus.PENDING_CLARIFICATION
    if nothing or (not choices and meant.by != "rule"):
        _say(turn, meant.reply or PRESS)
    elif film.status == VideoStatus.FAILED:
        retry(actor=actor, video_id=film.pk, edits=choices)
    else:
        wishes.clarify(actor=actor, video_id=film.pk, responses=choices)


def _why(refusal: Invalid | ModelRetired) -> str:
    if isinstance(refusal, ModelRetired):
        return "The model for this film has been retired. Choose another on the film's card."
    details = "; ".join(
        f"{row['pointer'].rsplit('/', 1)[-1]}: {row['detail']}" for row in refusal.errors
    )
    return f"That cannot be made as it stands ({details}). Say it differently, please."


def _say(turn: Turn, words: str, *, type: str = Message.Type.TEXT) -> None:
    messages.add(conversation_id=turn.conversation_id, type=type, content=words)
