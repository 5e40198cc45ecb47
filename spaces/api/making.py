"""Doors of making: generate, derive, refine, batches, retry, copies, and what people bring in."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from generations.operations.picturing import SHAPES
from generations.queries import money
from genproj.kernel.api import describing as say
from genproj.kernel.api import read_body
from genproj.kernel.errors import Invalid, TooLarge
from genproj.runtime.answers import answered, idempotent
from spaces import queries
from spaces.api import docs
from spaces.api.acting import given
from spaces.api.answers import ANY_LABEL, answer
from spaces.api.doors import SpaceDoor
from spaces.operations import making, retrying, uploading
from spaces.operations.recipes import with_wish
from spaces.permissions import Act
from spaces.queries.results import result_json

NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 120, "pattern": "\\S"}
TYPE: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "\\S"}
PROMPT: dict[str, Any] = {"type": "string", "minLength": 2, "maxLength": 3000}
PARENT: dict[str, Any] = {**docs.ID, "type": ["string", "null"]}
IDS: dict[str, Any] = {"type": "array", "items": docs.ID, "maxItems": 14, "default": []}
SEED: dict[str, Any] = {"type": ["integer", "null"], "minimum": 1, "maximum": 2**63 - 1}
FEW: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 8, "default": 1}
#: of every request for pictures
PICTURE: dict[str, Any] = {
    "model": {"type": "string", "maxLength": 120, "default": ""},
    "reference_variant_ids": IDS,
    "reference_asset_ids": IDS,
    "aspect_ratio": {"enum": ["", *SHAPES], "default": ""},
    "parameters": {"type": "object", "default": {}},
    "use_style": {"type": "boolean", "default": True},
}
#: of every request for a new asset
NEW: dict[str, Any] = {"name": NAME, "asset_type": TYPE, "parent_asset_id": PARENT}
ONE: dict[str, Any] = {"prompt": PROMPT, "count": FEW, "seed": {**SEED, "default": None}}

GENERATE = docs.body("name", "asset_type", "prompt", **NEW, **PICTURE, **ONE)
REFINE = docs.body("asset_id", "prompt", asset_id=docs.ID, source_variant_ids=IDS, **PICTURE, **ONE)
BATCH = docs.body(
    *("name", "asset_type", "prompt", "count", "mode"),
    **NEW,
    **PICTURE,
    prompt=PROMPT,
    count={"type": "integer", "minimum": 2, "maximum": 8},
    mode={"enum": list(making.MODES)},
)
MATRIX = docs.body(
    *("name", "asset_type", "prompts"),
    **NEW,
    **{name: schema for name, schema in PICTURE.items() if name != "model"},
    prompts={"type": "array", "items": PROMPT, "minItems": 1, "maxItems": 8},
    models={
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": 120},
        "maxItems": 8,
        "default": [],
    },
    seeds={"type": "array", "items": SEED, "maxItems": 8, "default": []},
)
ESTIMATE = docs.body("prompt", prompt=PROMPT, count=FEW, source_variant_ids=IDS, **PICTURE)
FORK = docs.body(
    "name",
    "asset_type",
    **{**NEW, "parent_asset_id": {**PARENT, "default": None}},
    source_variant_id=docs.ID,
)
BRINGS: dict[str, Any] = {
    "asset_id": docs.ID,
    "name": NAME,
    "asset_type": TYPE,
    "parent_asset_id": docs.ID,
}
ADD = docs.body("artifact_id", artifact_id=docs.ID, **BRINGS)
UPLOAD = docs.body("file", file={}, **BRINGS)

MADE = docs.one_of("SpaceMade", "Placeholders; their pictures are on their way.")
BROUGHT = docs.one_of("SpaceBrought", "The variant and its asset.")
FORKED = docs.one_of("SpaceForked", "The copy.")
VARIANT = docs.one_of("Variant", "The variant.")
COSTS = docs.one_of("SpaceEstimate", "What it would cost; null: not known.")
MONEY = {"s402": "The budget does not allow it.", "s410": "The model is retired."}
UPLOADS = extend_schema(
    operation_id="spaces_upload",
    tags=docs.TAGS,
    summary="Bring in a file: to an asset, or as a new one; `uploading` until it is stored.",
    parameters=[say.ONCE],
    request={
        "multipart/form-data": {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "format": "binary"}, **BRINGS},
        }
    },
    responses={
        201: BROUGHT,
        **say.problems(
            **docs.USUAL,
            s413="It is too large.",
            s422=say.WRONG,
            s503="It cannot be stored just now.",
        ),
    },
)
#: what a multipart body has beside its file
OVERHEAD = 2**20


class _Ask(SpaceDoor):
    """Asks for pictures, answered with their placeholders."""

    needs = {"POST": Act.GENERATE}
    asks: Callable[..., Any]
    takes = GENERATE

    def ask(self, request: Request, id: UUID) -> Response:
        body = with_wish(given(read_body(request.data, self.takes)))
        made = type(self).asks(actor=request.user, space_id=id, **body)
        return answer(result_json(made), status=202)


class Generate(_Ask):
    """New assets from words, or from words and pictures."""

    asks = staticmethod(making.generate)

    @docs.act(
        "generate", "Make an asset with pictures to come.", MADE, takes=GENERATE, statuses=[202],
        **MONEY,
    )  # fmt: skip
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Ask for it."""
        return self.ask(request, id)


class Derive(_Ask):
    """New assets from others."""

    asks = staticmethod(making.derive)

    @docs.act(
        "derive", "As `generate`, from at least one reference.", MADE, takes=GENERATE,
        statuses=[202], **MONEY,
    )  # fmt: skip
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Ask for it."""
        return self.ask(request, id)


class Refine(_Ask):
    """New variants from an asset's own."""

    asks, takes = staticmethod(making.refine), REFINE

    @docs.act(
        "refine", "Another variant of an asset; by default from its active one.", MADE,
        takes=REFINE, statuses=[202], **MONEY,
    )  # fmt: skip
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Ask for it."""
        return self.ask(request, id)


class Batch(_Ask):
    """Several pictures at once."""

    asks, takes = staticmethod(making.batch), BATCH

    @docs.act(
        "batch", "Two to eight: variants of one asset (`explore`), or an asset each (`set`).",
        MADE, takes=BATCH, statuses=[202], **MONEY,
    )  # fmt: skip
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Ask for them."""
        return self.ask(request, id)


class Matrix(_Ask):
    """Each prompt by each model with each seed."""

    asks, takes = staticmethod(making.matrix), MATRIX

    @docs.act(
        "matrix", "One asset; prompts times models times seeds, eight pictures at most.", MADE,
        takes=MATRIX, statuses=[202], **MONEY,
    )  # fmt: skip
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Ask for them."""
        return self.ask(request, id)


class Estimate(SpaceDoor):
    """What a request would cost."""

    needs = {"POST": Act.GENERATE}

    @docs.act("estimate", "What it would cost, and who would do it.", COSTS, takes=ESTIMATE)
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Ask before asking; nothing is made."""
        body = with_wish(given(read_body(request.data, ESTIMATE)))
        found = making.estimate(actor=request.user, space_id=id, **body)
        cost = money(found.cost)
        return Response({"cost": cost, "count": found.count, "model": found.model})


class Fork(SpaceDoor):
    """A copy of an asset's picture under a name of its own."""

    needs = {"POST": Act.CHANGE_ASSETS}

    @docs.act(
        "assets_fork", "Copy its active picture, or the variant named; spends nothing.", FORKED,
        takes=FORK, statuses=[201],
    )  # fmt: skip
    @idempotent
    def post(self, request: Request, id: UUID, asset_id: UUID) -> HttpResponse:
        """Copy it."""
        body = given(read_body(request.data, FORK))
        queries.asset_view(viewer=request.user, space_id=id, asset_id=asset_id)
        if "source_variant_id" not in body:
            body["source_asset_id"] = asset_id
        forked = making.fork(actor=request.user, space_id=id, **body)
        return answer(result_json(forked), status=201)


class VariantRetry(SpaceDoor):
    """Once more."""

    needs = {"POST": Act.GENERATE}
    parser_classes = ANY_LABEL

    @docs.act(
        "variants_retry", "Have a failed variant's whole recipe carried out again.", VARIANT,
        s409="It has not failed; or `recipe_incomplete`: what made it is not known here.", **MONEY,
    )  # fmt: skip
    @idempotent
    def post(self, request: Request, id: UUID, variant_id: UUID) -> HttpResponse:
        """Retry it."""
        read_body(request.data or {}, docs.body())
        variant = retrying.retry(actor=request.user, space_id=id, variant_id=variant_id)
        return answer(queries.variant_frame(variant))


class VariantCancel(SpaceDoor):
    """Stop."""

    needs = {"POST": Act.GENERATE}
    parser_classes = ANY_LABEL

    @docs.act(
        "variants_cancel", "Stop waiting for it; what still comes is kept.", VARIANT,
        s409="It has already settled.",
    )  # fmt: skip
    @idempotent
    def post(self, request: Request, id: UUID, variant_id: UUID) -> HttpResponse:
        """Cancel it."""
        read_body(request.data or {}, docs.body())
        variant = retrying.cancel(actor=request.user, space_id=id, variant_id=variant_id)
        return answer(queries.variant_frame(variant))


class Add(SpaceDoor):
    """What one has already."""

    needs = {"POST": Act.UPLOAD}
    parser_classes = (JSONParser,)

    @docs.act(
        "add", "Bring in a picture or film of one's gallery: to an asset, or as a new one.",
        BROUGHT, takes=ADD, statuses=[201],
    )  # fmt: skip
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Add it."""
        body = given(read_body(request.data, ADD))
        brought = uploading.add_artifact(actor=request.user, space_id=id, **body)
        return answer(result_json(brought), status=201)


class Upload(SpaceDoor):
    """One's own files."""

    needs = {"POST": Act.UPLOAD}
    parser_classes = (MultiPartParser,)

    @UPLOADS
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Bring in a file; everybody sees it `uploading` meanwhile."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > settings.MAX_UPLOAD_BYTES + OVERHEAD:
            raise TooLarge  # before a byte of it is read
        begun: list[uploading.Begun] = []
        ended: list[uploading.Brought] = []

        def act(_: None) -> Response:
            ended.append(uploading.end(actor=request.user, begun=begun[0]))
            return answer(result_json(ended[-1]), status=201)  # the last, if repeated

        try:
            return answered(request, prepare=lambda: begun.append(_begun(request, id)), act=act)
        finally:
            if begun and not ended:
                uploading.withdraw(begun=begun[0])


def _begun(request: Request, id: UUID) -> uploading.Begun:
    if len(request.FILES.getlist("file")) > 1:
        raise Invalid.one("/file", "too_many", "One file at a time.")
    fields = request.data.items() if hasattr(request.data, "items") else ()
    body = {name: value for name, value in fields if name != "file"}
    file = request.FILES.get("file")
    body = read_body(body | ({"file": file} if file else {}), UPLOAD)
    if file is None or file.size > settings.MAX_UPLOAD_BYTES:
        raise TooLarge
    return uploading.begin(actor=request.user, space_id=id, filename=file.name or "", **given(body))
