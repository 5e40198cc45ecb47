"""The named shapes of videos and of the queue."""

from genproj.openapi.shapes import (
    ANY,
    FLAG,
    MOMENT,
    MONEY,
    NUMBER,
    TEXT,
    URL,
    UUID,
    Schema,
    maybe,
    ref,
    several,
    shape,
    words,
)
from videos.states import VideoStatus

REAL: Schema = {"type": "number"}
VALUE: Schema = {"description": "A value of the question's type."}

PLACE = shape("", position=NUMBER, ahead=NUMBER, eta_seconds=maybe(REAL))
PROGRESS = shape(
    "`source` is `provider` for the provider's own figure, `history` for an estimate of ours.",
    percent=maybe(NUMBER),
    source=words("provider", "history"),
    elapsed_seconds=NUMBER,
    usual_seconds=maybe(REAL),
)
QUESTION: Schema = {
    "type": "object",
    "required": ["key", "question", "type", "default"],
    "properties": {
        "key": TEXT,
        "question": TEXT,
        "type": words("choice", "number", "text"),
        "choices": {"type": "array"},
        "min": maybe(REAL),
        "max": maybe(REAL),
        "default": VALUE,
    },
}
RESULT = shape(
    "The stored film. `late`: it came after its video had ended.",
    artifact=UUID,
    url=URL,
    thumbnail_url=URL,
    duration=maybe(REAL),
    width=maybe(NUMBER),
    height=maybe(NUMBER),
    resolution=TEXT,
    file_size=maybe(NUMBER),
    format=TEXT,
    processing_time=maybe(REAL),
    cost=maybe(MONEY),
    late=FLAG,
)
ERROR = shape("Why it failed.", code=TEXT, message=TEXT, retryable=FLAG, detail=ANY)
STATUS = words(*(status.value for status in VideoStatus))

SHAPES: dict[str, Schema] = {
    "Video": shape(
        "A wish on its way to a film.",
        id=UUID,
        status=STATUS,
        owner=TEXT,
        conversation=maybe(UUID),
        message=maybe(UUID),
        job=maybe(UUID),
        generation=maybe(UUID),
        prompt=TEXT,
        provider=TEXT,
        model=TEXT,
        parameters=ANY,
        priority=NUMBER,
        clarification_questions=maybe(several(QUESTION)),
        clarification_responses=ANY,
        asked_by=TEXT,
        summary=ANY,
        changes=several(shape("", field=TEXT, before=VALUE, now=VALUE)),
        estimate=shape("", cost=maybe(MONEY), seconds=maybe(REAL)),
        held=maybe(MONEY),
        queue=maybe(PLACE),
        progress=maybe(PROGRESS),
        attempt=NUMBER,
        max_attempts=NUMBER,
        provider_ref=maybe(TEXT),
        last_asked_at=maybe(MOMENT),
        result=maybe(RESULT),
        error=maybe(ERROR),
        created_at=MOMENT,
        updated_at=MOMENT,
        confirmed_at=maybe(MOMENT),
        started_at=maybe(MOMENT),
        completed_at=maybe(MOMENT),
        failed_at=maybe(MOMENT),
        cancelled_at=maybe(MOMENT),
        trashed_at=maybe(MOMENT),
        version=NUMBER,
        actions=several(TEXT),
        urls={"type": "object", "additionalProperties": URL},
    ),
    "VideoProgress": shape(
        "The little of a video that polling needs; poll until `is_final`.",
        id=UUID,
        status=STATUS,
        progress=maybe(PROGRESS),
        queue=maybe(PLACE),
        attempt=NUMBER,
        max_attempts=NUMBER,
        result=maybe(RESULT),
        error=maybe(ERROR),
        is_final=FLAG,
        updated_at=MOMENT,
        version=NUMBER,
    ),
    "VideoStep": shape(
        "One step of a video's timeline.", at=MOMENT, step=TEXT, title=TEXT, actor=TEXT, detail=ANY
    ),
    "Queue": shape(
        "What waits, what runs, who works. Of other people's rows `video` is null.",
        paused=FLAG,
        queue=several(
            shape(
                "",
                job=UUID,
                video=maybe(UUID),
                priority=NUMBER,
                position=NUMBER,
                created_at=MOMENT,
                mine=FLAG,
            )
        ),
        active=several(
            shape(
                "",
                job=UUID,
                video=maybe(UUID),
                worker=maybe(TEXT),
                started_at=maybe(MOMENT),
                mine=FLAG,
            )
        ),
        workers=several(ref("QueueWorker")),
    ),
    "QueueWorker": shape(
        "Somebody who renders; `engine` is the installation itself.",
        id=TEXT,
        name=TEXT,
        status=words("idle", "active", "lost"),
        last_heartbeat=maybe(MOMENT),
        current_job=maybe(UUID),
    ),
}
