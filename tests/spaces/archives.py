"""Spaces with a bit of everything, and archives of them, good and bad."""

import io
import json
import random
import zipfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from generations.models import Output
from generations.operations import keeping
from genproj.assistant.models import Conversation, Message
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from spaces.models import Asset, Space, Variant
from spaces.operations import lineage, style, variants
from spaces.states import Relation
from tests import world
from tests.people import Person
from tests.spaces.world import asset_in, line_between, space_of, variant_of

IMPORT = "/api/v1/spaces/import/"


def output_in(space: Space, colour: str) -> Output:
    """A picture that really lies in the space."""
    file = SimpleUploadedFile("fox.png", world.picture(colour), "image/png")
    entry = keeping.keep_upload(
        actor=space.created_by, audience=f"space:{space.pk}", file=file, filename="a fox.png"
    )
    return Output.objects.get(entry=entry)


def rich_space(owner: User, seed: int) -> Space:
    """A space whose tree, pictures, marks, lines, style and talk are drawn by lot."""
    lot = random.Random(seed)
    space = space_of(owner, name=f"Lighthouse {seed}")
    outputs = [output_in(space, f"#{lot.randrange(0xFFFFFF):06x}") for _ in range(4)]
    assets: list[Asset] = []
    for number in range(lot.randint(2, 6)):
        parent = lot.choice([None, *assets])
        tags = tuple(lot.sample(["glass", "fog", "Nebel – naß", "🔦"], lot.randint(0, 3)))
        assets.append(asset_in(space, f"Asset {number} “Ä”", parent=parent, tags=tags))
    made: list[Variant] = []
    for _ in range(lot.randint(3, 9)):
        made.append(_variant(space, lot, assets, outputs, made))
    for child in made[1:]:
        line = line_between(
            lot.choice(made[: made.index(child)]), child, relation=lot.choice(list(Relation))
        )
        if lot.random() < 0.4:
            lineage.sever(actor=owner, space_id=space.pk, lineage_id=line.pk)
    done = [one for one in made if one.status == "completed"]
    variants.delete(actor=owner, space_id=space.pk, variant_id=made[0].pk)
    for one in done[1:]:
        Asset.objects.filter(pk=one.asset_id).update(active_variant=one)
    style.set_style(
        actor=owner,
        space_id=space.pk,
        description="gouache",
        artifacts=[outputs[0].pk],
        enabled=True,
    )
    style.add_snippet(actor=owner, space_id=space.pk, name="Fog", text="in fog")
    _talk(space)
    return space


def _variant(
    space: Space,
    lot: random.Random,
    assets: list[Asset],
    outputs: list[Output],
    made: list[Variant],
) -> Variant:
    status = lot.choice(["completed", "completed", "failed", "processing", "pending"])
    reference = lot.choice(outputs)
    recipe = {
        "version": 1,
        "operation": "derive",
        "prompt": f"a lamp {lot.random()}",
        "model": "runware:100@1",
        "parameters": {"steps": lot.randint(1, 9)},
        "references": [
            {
                "role": "reference",
                "artifact": str(reference.pk),
                "variant": str(lot.choice(made).pk) if made else str(uuid4()),
                "name": "Lamp",
            }
        ],
        "sent": {"prompt": "a lamp", "reference_artifacts": [str(reference.pk)]},
    }
    rating = lot.choice(["", "approved", "rejected", "needs_changes"])
    more: dict[str, Any] = {"artifact": lot.choice(outputs).pk} if status == "completed" else {}
    if status == "failed":
        more["error"] = {"code": "content_blocked", "message": "No.", "retryable": False}
    variant = variant_of(
        lot.choice(assets),
        status=status,
        starred=lot.random() < 0.5,
        rating=rating,
        comment="warmer" if rating else "",
        rated_by=space.created_by if rating else None,
        label=lot.choice(["", "final"]),
        position=lot.uniform(-5, 5),
        description=lot.choice(["", "A lamp."]),
        attempt=lot.randint(1, 4),
        batch=lot.choice([None, uuid4()]),
        **more,
    )
    Variant.objects.filter(pk=variant.pk).update(recipe=recipe)
    return variant


def _talk(space: Space) -> None:
    at = now()
    talk = Conversation.objects.create(
        id=uuid7(), talk="space", audience=f"space:{space.pk}", created_at=at, updated_at=at
    )
    for role, words in (("user", "Hello"), ("assistant", "Hello, Alice.")):
        Message.objects.create(
            id=uuid7(),
            conversation=talk,
            role=role,
            type="text",
            content=words,
            author=space.created_by if role == "user" else None,
            created_at=now(),
            updated_at=now(),
        )
    Space.objects.filter(pk=space.pk).update(conversation=talk)


def exported(person: Person, space_id: Any, *, chat: bool = True) -> bytes:
    """The archive of a space."""
    answer = person.send("GET", f"spaces/{space_id}/export/?chat={'true' if chat else 'false'}")
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def imported(person: Person, body: bytes, **headers: str) -> Any:
    """The answer to an archive that is brought in."""
    file = SimpleUploadedFile("space.zip", body, "application/zip")
    client: Client = person.client
    return client.post(IMPORT, {"file": file}, headers=headers)


def opened(body: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Manifest and files of an archive."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names[0] == "manifest.json"
        files = {name: archive.read(name) for name in names[1:]}
        return json.loads(archive.read("manifest.json")), files


def packed(
    manifest: Any, files: Mapping[str, bytes], *, compress: int = zipfile.ZIP_STORED
) -> bytes:
    """An archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compress) as archive:
        text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        archive.writestr("manifest.json", text)
        for name, body in files.items():
            archive.writestr(name, body)
    return out.getvalue()


def renewed(value: Any, ids: Mapping[str, str]) -> Any:
    """The value with old ids as new ones."""
    if isinstance(value, dict):
        return {key: renewed(one, ids) for key, one in value.items()}
    if isinstance(value, list):
        return [renewed(one, ids) for one in value]
    return ids.get(value, value) if isinstance(value, str) else value


def plain(manifest: dict[str, Any], ids: Mapping[str, str] | None = None) -> Any:
    """A manifest without what differs from export to export: when, who, and the ids of what is
    named only, which are numbered by where they come first."""
    told = renewed({**manifest, "exported_at": ""}, ids or {})
    known = {
        row["id"]
        for kind in ("artifacts", "assets", "variants", "lineage", "snippets")
        for row in told[kind]
    }
    known.add(told["space"]["id"])
    gone: dict[str, str] = {}

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            kept = {key: one for key, one in value.items() if key not in {"created_by", "rated_by"}}
            return {key: walk(one) for key, one in kept.items()}
        if isinstance(value, list):
            return [walk(one) for one in value]
        if isinstance(value, str) and _is_id(value) and value not in known:
            return gone.setdefault(value, f"gone {len(gone)}")
        return value

    told["chat"] = [{**row, "id": ""} for row in told["chat"] or ()]
    told["artifacts"] = sorted(told["artifacts"], key=lambda row: row["id"])
    told["files"] = sorted(told["files"], key=lambda row: row["path"])
    return walk(told)


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def digest(body: bytes) -> str:
    """The name of a content."""
    return sha256(body).hexdigest()


Change = Callable[[dict[str, Any]], object]
