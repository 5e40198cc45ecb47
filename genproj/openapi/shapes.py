"""The named shapes of the API, and the addresses that are not served by its doors."""

from typing import Any

from generations.states import GenerationState, Kind, Phase
from genproj.accounts.scopes import SCOPES

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
UUID: Schema = {"type": "string", "format": "uuid"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
URL: Schema = {"type": "string", "format": "uri-reference"}
MONEY: Schema = {"type": "string", "pattern": r"^\d+(\.\d+)?$", "description": "US dollars."}
ANY: Schema = {"type": "object", "additionalProperties": True}


def ref(name: str) -> Schema:
    """A reference to a named shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def maybe(schema: Schema) -> Schema:
    """The shape, or null."""
    if "$ref" in schema:
        return {"oneOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def several(schema: Schema) -> Schema:
    """A list of the shape."""
    return {"type": "array", "items": schema}


def words(*values: str) -> Schema:
    """One of a few words."""
    return {"type": "string", "enum": list(values)}


def shape(words: str, /, **fields: Schema) -> Schema:
    """An object that has all of these fields."""
    return {
        "type": "object",
        "description": words,
        "required": list(fields),
        "properties": fields,
    }


PROBLEM = shape(
    "A refusal (RFC 9457). `code` is the contract; `detail` is for people.",
    type=URL,
    title=TEXT,
    status=NUMBER,
    detail=TEXT,
    instance=TEXT,
    code=TEXT,
    retryable=FLAG,
    request_id=maybe(TEXT),
)
PROBLEM["properties"] |= {
    "errors": several(shape("One wrong field.", pointer=TEXT, code=TEXT, detail=TEXT)),
    "replacement": maybe(TEXT) | {"description": "Of a retired model."},
}

SHAPES: dict[str, Schema] = {
    "Problem": PROBLEM,
    "Error": shape(
        "What went wrong; `detail` is for staff.",
        code=TEXT,
        message=TEXT,
        retryable=FLAG,
        at=MOMENT,
        detail=maybe(ANY),
    ),
    "Output": shape(
        "What came of one slot. An error without `index` fills no slot.",
        index=maybe(NUMBER),
        type=words("success", "error"),
        artifact=maybe(UUID),
        url=maybe(URL),
        thumb_url=maybe(URL),
        preview_url=maybe(URL),
        colour=TEXT,
        content_type=maybe(TEXT),
        width=maybe(NUMBER),
        height=maybe(NUMBER),
        size=maybe(NUMBER),
        sha256=maybe(TEXT),
        seed=maybe(NUMBER),
        cost=maybe(MONEY),
        late=FLAG,
        error=maybe(ref("Error")),
    ),
    "Generation": shape(
        "One request and what came of it. Its state is read off what happened.",
        id=UUID,
        kind=words(*(kind.value for kind in Kind)),
        provider=TEXT,
        model=TEXT,
        state=words(*(state.value for state in GenerationState)),
        phase=words(*(phase.value for phase in Phase)),
        prompt=TEXT,
        input=ANY,
        expected_count=NUMBER,
        artifact_count=NUMBER,
        outputs=several(ref("Output")),
        error=maybe(ref("Error")),
        progress=shape(
            "`percent` only where the provider says so.",
            done=NUMBER,
            expected=NUMBER,
            percent=maybe(NUMBER),
        ),
        tags=several(TEXT),
        cost=maybe(MONEY),
        retry_of=maybe(UUID),
        created_at=MOMENT,
        dispatched_at=maybe(MOMENT),
        deadline_at=MOMENT,
        completed_at=maybe(MOMENT),
        trashed_at=maybe(MOMENT),
        urls=shape("", self=URL, events=URL, timeline=URL, cancel=URL, retry=URL),
    ),
    "Artifact": shape(
        "One picture or film.",
        id=UUID,
        generation=UUID,
        index=NUMBER,
        kind=words(*(kind.value for kind in Kind)),
        provider=TEXT,
        model=TEXT,
        prompt=TEXT,
        url=URL,
        preview_url=URL,
        thumb_url=URL,
        poster_url=maybe(URL),
        colour=TEXT,
        content_type=TEXT,
        width=NUMBER,
        height=NUMBER,
        size=NUMBER,
        sha256=TEXT,
        seed=maybe(NUMBER),
        cost=maybe(MONEY),
        duration=maybe({"type": "number"}),
        starred=FLAG,
        tags=several(TEXT),
        late=FLAG,
        created_at=MOMENT,
        trashed_at=maybe(MOMENT),
        urls=shape("", self=URL, generation=URL),
    ),
    "Model": shape(
        "One model; `registered` false: of the provider's catalogue, usable all the same.",
        id=TEXT,
        provider=TEXT,
        kind=words(*(kind.value for kind in Kind)),
        name=TEXT,
        description=TEXT,
        parameters=maybe(ANY) | {"description": "The JSON schema of `parameters`."},
        sizes=maybe(ANY),
        max_count=maybe(NUMBER),
        max_references=maybe(NUMBER),
        price=maybe(MONEY),
        price_unit=words("output", "second"),
        sunset_at=maybe(MOMENT),
        retired=FLAG,
        replacement=maybe(TEXT),
        seconds=maybe(ref("Seconds")),
        registered=FLAG,
    ),
    "Seconds": shape("What it has taken here.", p50={"type": "number"}, p90={"type": "number"}),
    "Timeline": shape(
        "What happened, oldest first.",
        results=several(
            shape(
                "`seconds` since the step before; `detail` is for staff.",
                at=MOMENT,
                step=TEXT,
                title=TEXT,
                seconds=maybe({"type": "number"}),
                actor=TEXT,
                failed=FLAG,
                detail=maybe(ANY),
            )
        ),
    ),
    "Token": shape("A bearer token.", token=TEXT, expires_at=MOMENT),
    "Ticket": shape("A right to open one socket.", ticket=TEXT, expires_at=MOMENT),
    "Key": shape(
        "A key, without its secret.",
        id=NUMBER,
        kind=words("token", "key"),
        name=TEXT,
        prefix=TEXT,
        scopes=several(words(*SCOPES)),
        created_at=MOMENT,
        expires_at=maybe(MOMENT),
        last_used_at=maybe(MOMENT),
        revoked_at=maybe(MOMENT),
    ),
    "KeyPage": shape(
        "One's keys.", next=maybe(TEXT), previous=maybe(TEXT), results=several(ref("Key"))
    ),
    "NewKey": {
        "allOf": [
            ref("Key"),
            shape("Shown this once; null when an answer is repeated.", secret=maybe(TEXT)),
        ]
    },
}


def _parameter(name: str, place: str, description: str = "", **schema: Any) -> Schema:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": schema or TEXT,
    }


def _answer(description: str, **content: Schema) -> Schema:
    answer: Schema = {"description": description}
    if content:
        answer["content"] = {kind.replace("_", "/", 1): schema for kind, schema in content.items()}
    return answer


def _operation(name: str, tag: str, summary: str, **more: Any) -> Schema:
    return {"operationId": name, "tags": [tag], "summary": summary, **more}


ID = _parameter("id", "path", **UUID)
LOST = _answer("There is none, or one may not see it.")

ELSEWHERE: dict[str, Schema] = {
    "/api/v1/generations/{id}/events/": {
        "get": _operation(
            "generations_events",
            "generations",
            "Follow it as it happens.",
            description="Server-sent events: first `snapshot`, then `update` whenever it changes, "
            "each with an `id`; the data is the generation. The stream ends when it has settled.",
            parameters=[ID, _parameter("Last-Event-ID", "header", "Resume after this one.")],
            responses={
                "200": {
                    "description": "The stream.",
                    "content": {"text/event-stream": {"schema": TEXT}},
                },
                "404": LOST,
            },
        )
    },
    "/media/{id}/{variant}": {
        "get": _operation(
            "media_read",
            "artifacts",
            "The bytes of an artifact.",
            description="Permission is checked at every read. Smaller forms are the original "
            "until they are made.",
            parameters=[
                ID,
                _parameter("variant", "path", **words("original", "preview", "thumb", "poster")),
                _parameter("download", "query", "`1`: save instead of show."),
                _parameter("Range", "header", "A part of the file."),
                _parameter("If-None-Match", "header", "The ETag one has."),
            ],
            responses={
                "200": _answer("The bytes."),
                "206": _answer("The part asked for."),
                "302": _answer("A signed address in the bucket, for a few minutes."),
                "304": _answer("It is as the caller knows it."),
                "404": LOST,
                "416": _answer("No such part."),
            },
        )
    },
    "/webhooks/runware/": {
        "post": _operation(
            "webhooks_runware",
            "webhooks",
            "Where Runware delivers results.",
            description="Kept byte for byte before it is answered; repeated deliveries change "
            "nothing. The token is made for one generation.",
            security=[],
            parameters=[
                _parameter("generation_id", "query", **UUID),
                _parameter("token", "query"),
            ],
            requestBody={"content": {"application/json": {"schema": ANY}}},
            responses={
                "200": _answer("Kept; whatever it says is applied later."),
                "404": _answer("Not a token of this generation."),
                "413": _answer("Over 1 MiB."),
                "503": _answer("It cannot be kept just now; deliver it again."),
            },
        )
    },
}
