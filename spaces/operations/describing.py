"""Has the language model look at pictures: describe one, compare several. What can be seen in a
picture is kept on its variant, so it is asked once."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from generations import queries as engine
from genproj.assistant import client
from genproj.assistant.operations import asking
from genproj.kernel import ids, logs, storage
from genproj.kernel.errors import ProviderUnavailable, RateLimited, StorageUnavailable
from genproj.runtime.breakers import storage_asked
from genproj.usage.operations import tokens
from spaces import prompts, queries
from spaces.errors import NothingToSee, VariantNotFound
from spaces.models import Variant
from spaces.operations import variants
from spaces.permissions import Act, require

LONGEST_PICTURE = 4 * 2**20
LONGEST_ANSWER = 1024
SECONDS = 20.0

log = logs.component("describing")


@dataclass(frozen=True)
class Seen:
    """What was said of one or several pictures. `kept`: it was known already."""

    text: str
    kept: bool = False


def describe(
    *, actor: User, space_id: UUID, variant_id: UUID, focus: str = "", question: str = ""
) -> Seen:
    """What can be seen in a variant's picture; asked for once, unless something else is asked.

    In no transaction, because the model is asked.

    Raises:
        SpaceNotFound, VariantNotFound: it is not here for `actor`.
        NothingToSee: it has no picture yet.
        RateLimited: the day's calls, or the money for them, are used up.
        ProviderUnavailable: the model gave no answer.
    """
    require(queries.role_in(viewer=actor, space_id=space_id), Act.DESCRIBE)
    variant = _variant(space_id, variant_id)
    asked = " ".join(part for part in (focus and f"Look at: {focus}.", question) if part)
    if variant.description and not asked:
        return Seen(variant.description, kept=True)
    said = [_picture(variant, actor), _text(asked or "Describe the picture.")]
    text = _asked(actor, space_id, system=prompts.DESCRIBE, said=said)
    if not asked:
        variants.describe_as(
            actor=actor, space_id=space_id, variant_id=variant_id, description=text
        )
    return Seen(text)


def compare(
    *, actor: User, space_id: UUID, variant_ids: Sequence[UUID], aspects: Sequence[str] = ()
) -> Seen:
    """How the pictures of several variants differ, in the order given.

    Raises:
        The refusals of `describe`.
    """
    require(queries.role_in(viewer=actor, space_id=space_id), Act.DESCRIBE)
    said: list[dict[str, Any]] = []
    for place, variant_id in enumerate(variant_ids, start=1):
        variant = _variant(space_id, variant_id)
        said += [_text(f"Picture {place}:"), _picture(variant, actor)]
    wanted = f"Compare them in: {', '.join(aspects)}." if aspects else "Compare the pictures."
    return Seen(_asked(actor, space_id, system=prompts.COMPARE, said=[*said, _text(wanted)]))


def _variant(space_id: UUID, variant_id: UUID) -> Variant:
    variant = Variant.objects.filter(pk=variant_id, space=space_id).first()
    if variant is None:
        raise VariantNotFound
    if variant.artifact is None:
        raise NothingToSee
    return variant


def _picture(variant: Variant, actor: User) -> dict[str, Any]:
    """The picture as a block of a message: small where a smaller form is made."""
    if variant.artifact is None:
        raise NothingToSee
    try:
        file = engine.media_file(viewer=actor, id=variant.artifact, variant="preview")
        with storage_asked(), storage.open_read(file.key) as source:
            content = source.read(LONGEST_PICTURE + 1)
    except storage.KeyMissing as error:
        raise NothingToSee from error
    except storage.StorageFailure as error:
        raise StorageUnavailable from error
    if len(content) > LONGEST_PICTURE:
        raise NothingToSee("The picture is too large to be looked at before its preview is made.")
    data = base64.b64encode(content).decode()
    source_block = {"type": "base64", "media_type": file.content_type, "data": data}
    return {"type": "image", "source": source_block}


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def _asked(actor: User, space_id: UUID, *, system: str, said: Sequence[Mapping[str, Any]]) -> str:
    """What the model says of the pictures; charged to whoever asks."""
    audience = f"space:{space_id}"
    if not tokens.take_call(owner=actor, audience=audience):
        raise RateLimited(
            "The assistant's calls of today, or the money for them, are used up.", retry_after=3600
        )
    try:
        reply = asking.complete(
            system=system,
            messages=[{"role": "user", "content": [dict(block) for block in said]}],
            max_tokens=LONGEST_ANSWER,
            seconds=min(SECONDS, settings.LEASE_SECONDS * 0.7),
        )
    except client.ModelFailure as failure:
        log.warning("model_failed", space=str(space_id), error=failure.code)
        raise ProviderUnavailable("The assistant cannot look at pictures just now.") from failure
    tokens.charge_tokens(
        audience=audience,
        owner=actor,
        model=settings.ANTHROPIC_MODEL,
        tokens_in=reply.usage.input_tokens,
        tokens_out=reply.usage.output_tokens,
        key=f"describe:{ids.uuid7()}",
    )
    return reply.text.strip()
