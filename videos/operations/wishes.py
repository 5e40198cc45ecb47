"""Writes down wishes and what people answer about them, up to the summary to be confirmed."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from generations import queries as engine
from generations.operations import filming
from genproj.assistant.operations import conversations
from genproj.kernel import logs, rows
from genproj.kernel.api.bodies import errors_in
from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid, InvalidTransition
from genproj.kernel.ids import uuid7
from videos import queries
from videos.models import Video
from videos.operations.opening import change, move, opened
from videos.operations.telling import tell
from videos.queries.wishes import (
    LONGEST_WORDS,
    WORDS,
    Question,
    changes_between,
    defaults_of,
    fields_of,
    full_prompt,
    questions_of,
    with_defaults,
)
from videos.states import NEEDS_ANSWER, VideoStatus

LONGEST_PROMPT = 3000
USUAL_PRIORITY = 5
TEXT = {"type": ["string", "null"], "maxLength": LONGEST_WORDS}
PROMPT = {"type": "string", "minLength": 2, "maxLength": LONGEST_PROMPT}
MODEL = {"type": "string", "minLength": 1, "maxLength": 120}


def usual_model() -> engine.FilmModel:
    """The model that is taken when nobody names one: the registry's first that serves.

    Raises:
        Invalid: this installation has none.
    """
    for model in engine.film_models():
        if not model.retired:
            return model
    raise Invalid.one("/model", "unknown", "There is no model here that makes films.")


@rows.atomically
def open_video(
    *,
    actor: User,
    prompt: str,
    model: str = "",
    choices: Mapping[str, Any] | None = None,
    conversation_id: UUID | None = None,
    message_id: UUID | None = None,
    priority: int = USUAL_PRIORITY,
    question_words: Mapping[str, str] | None = None,
    asked_by: str = "rule",
) -> Video:
    """Write a wish down and ask for what it lacks; a complete one goes on to confirmation at once.

    Args:
        choices: what was already said: the model's parameters, and `style` and `detail`.
        question_words: how the language model asks, by key.
        asked_by: `model`, `heuristic` (it stood in for the model) or `rule` (no talk).

    Raises:
        Invalid: the model is unknown or a choice is not possible with it.
        ModelRetired: with its replacement.
        NotFound: the conversation is not one in which `actor` may speak.
    """
    row = _model_called(model) if model else usual_model()
    given, parameters = _chosen(prompt, choices or {}, row)
    if conversation_id is not None:
        conversations.find_for_act(actor=actor, conversation_id=conversation_id)
    questions = questions_of(prompt.strip(), given, row.parameters, words=question_words)
    video = Video(
        **_new(actor, row),
        conversation_id=conversation_id,
        message_id=message_id,
        prompt=prompt.strip(),
        parameters=parameters,
        clarification_responses=given,
        clarification_questions=questions or None,
        asked_by=asked_by,
        priority=priority,
    )
    estimate(video, model=row)
    video.save(force_insert=True)
    tell(video, news="created", actor=actor)
    if questions:
        tell(video, news="clarification_requested", detail={"asked_by": asked_by})
    else:
        put_before_owner(video, actor=actor)
    return video


def _new(actor: User, model: engine.FilmModel) -> dict[str, Any]:
    at = now()
    return {
        "id": uuid7(),
        "owner": actor,
        "audience": f"user:{actor.pk}",
        "status": VideoStatus.PENDING_CLARIFICATION,
        "provider": model.provider,
        "model": model.id,
        "request_id": logs.request_id.get() or "",
        "created_at": at,
        "updated_at": at,
    }


def _model_called(name: str, *, at: str = "/model") -> engine.FilmModel:
    model = engine.film_model(name)
    if model is None:
        raise Invalid.one(at, "unknown", "There is no such model here.")
    return model


def _chosen(
    prompt: str, choices: Mapping[str, Any], model: engine.FilmModel
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was chosen, and the model's parameters that it comes to."""
    _require_well_formed(choices, model, at="/parameters")
    given = {name: value for name, value in choices.items() if value is not None}
    wish = filming.checked(
        model=model.id,
        prompt=full_prompt(prompt, given),
        parameters=with_defaults(given, model.parameters),
    )
    return given, dict(wish.parameters)


def estimate(video: Video, *, model: engine.FilmModel) -> None:
    """Set what the film will cost and how long it will take."""
    guess = engine.estimate_of(model, video.parameters)
    video.estimate_cost, video.estimate_seconds = guess.cost, guess.seconds


def put_before_owner(video: Video, *, actor: User | None = None) -> None:
    """Put the summary before the owner, with what differs from the last one."""
    summary = queries.summary_of(video)
    facts = {
        "told_summary": summary,
        "changes": changes_between(video.told_summary, summary),
        "error": None,
        "parameters": video.parameters,
        "prompt": video.prompt,
        "model": video.model,
        "provider": video.provider,
        "clarification_responses": video.clarification_responses,
        "estimate_cost": video.estimate_cost,
        "estimate_seconds": video.estimate_seconds,
    }
    if video.status == VideoStatus.PENDING_CONFIRMATION:
        change(video, facts=facts)
    else:
        move(video, to=VideoStatus.PENDING_CONFIRMATION, facts=facts)
    tell(video, news="confirmation_requested", actor=actor)


@rows.atomically
def clarify(*, actor: User, video_id: UUID, responses: Mapping[str, Any]) -> Video:
    """Take answers, with the defaults for what is not answered, and put the summary up.

    In `pending_confirmation` it changes what was answered before. Keys are those of the
    questions, any parameter of the model, `style`, `detail`, `prompt` and `model`.

    Raises:
        InvalidTransition: the video is past its confirmation.
        Invalid: every answer that cannot be taken, at `/responses/{key}`.
        ModelRetired: with its replacement.
    """
    video = opened(actor=actor, video_id=video_id)
    if video.status not in NEEDS_ANSWER:
        raise InvalidTransition(f"It is {video.status}; there is nothing to be answered.")
    fresh = video.status == VideoStatus.PENDING_CLARIFICATION
    revise(video, responses=responses, defaults=video.clarification_questions if fresh else None)
    tell(video, news="clarified", actor=actor, detail={"keys": sorted(responses)})
    put_before_owner(video, actor=actor)
    return video


def revise(
    video: Video, *, responses: Mapping[str, Any], defaults: Sequence[Question] | None = None
) -> None:
    """Work answers into the video, in memory; Invalid or ModelRetired when they do not fit."""
    model = _model_called(str(responses.get("model") or video.model), at="/responses/model")
    _require_well_formed(responses, model, at="/responses", prompt=PROMPT, model=MODEL)
    answers = {name: value for name, value in responses.items() if value is not None}
    prompt = str(answers.pop("prompt", video.prompt)).strip()
    answers.pop("model", None)
    known = set(fields_of(model.parameters)) | set(WORDS)
    before = {k: v for k, v in video.clarification_responses.items() if k in known}
    choices = {**defaults_of(defaults or []), **before, **answers}
    wish = _checked(model, prompt, choices)
    video.prompt, video.model, video.provider = prompt, model.id, model.provider
    video.parameters, video.clarification_responses = dict(wish.parameters), choices
    estimate(video, model=model)


def _require_well_formed(
    given: Mapping[str, Any],
    of: engine.FilmModel,
    *,
    at: str,
    **more: Mapping[str, Any],
) -> None:
    fields = {name: _answer_schema(field) for name, field in fields_of(of.parameters).items()}
    words = dict.fromkeys(WORDS, TEXT)
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {**fields, **words, **more},
    }
    if found := errors_in(given, schema, at):
        raise Invalid(found)


def _answer_schema(field: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter as an answer: also null for "as you think", and on/off for a switch."""
    if field.get("type") == "boolean":
        return {"enum": [True, False, "on", "off", None]}
    bare = {k: v for k, v in field.items() if k not in {"default", "title", "type", "enum"}}
    if field.get("enum"):
        return {"enum": [*field["enum"], None]}
    kind = field.get("type", "string")
    return bare | {"type": [kind, "null"]}


def _checked(
    model: engine.FilmModel, prompt: str, choices: Mapping[str, Any]
) -> filming.FilmRequest:
    """The request that the choices amount to; what does not fit is told at the answers."""
    parameters = with_defaults(choices, model.parameters)
    try:
        return filming.checked(
            model=model.id, prompt=full_prompt(prompt, choices), parameters=parameters
        )
    except Invalid as problem:
        raise Invalid(
            [
                row | {"pointer": row["pointer"].replace("/parameters", "/responses", 1)}
                for row in problem.errors
            ]
        ) from None
