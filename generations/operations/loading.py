"""Fills tables with plausible rows for measurements, in bulk and not by way of a provider."""

import io
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import AutoField, Model

from generations.models import (
    Artifact,
    ArtifactTag,
    EntryTag,
    Generation,
    Output,
    Preview,
    Projection,
    ProviderModel,
    RegisterEntry,
)
from generations.operations import registry
from generations.states import Kind
from genproj.kernel import media, rows, storage
from genproj.kernel.clock import now

#: marks what was loaded
MARK = {"load": True}
BATCH = 500
SPREAD = timedelta(days=365)
SUBJECTS = (
    *("a lighthouse", "a fox asleep", "a night train", "an orchard", "a street market"),
    *("a heron", "paper boats", "a glass city", "an old radio", "a tea house", "two kites"),
    *("a greenhouse", "a stone bridge", "a whale", "a violin maker", "a bakery at dawn"),
)
PLACES = (
    *("in fog", "after rain", "under the milky way", "in a field of poppies", "at low tide"),
    *("on a rooftop", "behind glass", "in the first snow", "by candlelight", "in the desert"),
)
MANNERS = (
    *("oil on linen", "gouache on paper", "35 mm photograph", "woodcut", "soft morning light"),
    *("wide shot", "macro", "isometric", "charcoal", "cyanotype", "long exposure"),
)
TAGS = ("coast", "animals", "travel", "garden", "city", "series", "night", "draft")
COLOURS = (
    (36, 68, 119),
    (124, 92, 60),
    (58, 104, 82),
    (150, 74, 70),
    (90, 82, 130),
    (180, 160, 120),
)
SHAPES = ((1024, 1024), (1344, 768), (768, 1344), (1152, 896), (896, 1152), (1536, 640))


@dataclass(frozen=True)
class Sample:
    """One of the few real pictures that all loaded rows share."""

    key: str
    sha256: str
    size: int
    width: int
    height: int
    colour: str
    thumb_key: str
    preview_key: str


@dataclass
class _Batch:
    """The rows of some generations, table by table, in the order they are inserted."""

    entries: list[RegisterEntry]
    outputs: list[Output]
    previews: list[Preview]
    projections: list[Projection]
    generations: list[Generation]
    artifacts: list[Artifact]
    entry_tags: list[EntryTag]
    artifact_tags: list[ArtifactTag]


def is_register_empty() -> bool:
    """Whether nothing was ever asked for."""
    return not RegisterEntry.objects.exists()


def load(
    *,
    owner: User,
    generations: int,
    artifacts_per: int,
    step: Callable[[int], None] = lambda count: None,
) -> tuple[int, int]:
    """Insert that many settled generations with `artifacts_per` artifacts each on average.

    One in fifty has failed, and its neighbour has as many more. Every batch is one transaction.
    Returns how many generations and artifacts were made.
    """
    registry.sync_models()
    models = list(ProviderModel.objects.filter(kind=Kind.IMAGE, sunset_at__isnull=True))
    samples = _samples()
    chance = random.Random(20261120)
    newest, artifacts = now(), 0
    for first in range(0, generations, BATCH):
        numbers = range(first, min(first + BATCH, generations))
        batch = _Batch([], [], [], [], [], [], [], [])
        for number in numbers:
            at = newest - SPREAD * ((generations - number) / generations)
            count = _count(number, generations, artifacts_per)
            _add(batch, owner, chance.choice(models), at, count, artifacts_per, samples, chance)
            artifacts += count
        _insert(batch)
        step(len(numbers))
    return generations, artifacts


def _count(number: int, generations: int, per: int) -> int:
    if number % 50 == 48 and number + 1 < generations:
        return 0
    return per * 2 if number % 50 == 49 else per


def _id(at: datetime, chance: random.Random) -> UUID:
    """A UUIDv7 of a past moment."""
    value = int(at.timestamp() * 1000) << 80 | 0x7 << 76 | chance.getrandbits(12) << 64
    return UUID(int=value | 0b10 << 62 | chance.getrandbits(62))


def _add(
    batch: _Batch,
    owner: User,
    model: ProviderModel,
    at: datetime,
    count: int,
    per: int,
    samples: list[Sample],
    chance: random.Random,
) -> None:
    entry = _entry(owner, model, at, max(count, per), chance)
    if count == 0:
        entry.error = {
            "code": "timeout",
            "message": "The provider did not answer in time.",
            "retryable": True,
            "at": at.isoformat(),
            "detail": {},
        }
    batch.entries.append(entry)
    batch.generations.append(_generation(entry, count))
    batch.projections.append(
        Projection(
            entry=entry,
            projector="catalogue",
            stage="settled",
            created_at=entry.completed_at,
            done_at=entry.catalogued_at,
            attempts=1,
        )
    )
    tags = chance.sample(TAGS, chance.choice((0, 0, 1, 2)))
    batch.entry_tags += [EntryTag(entry=entry, name=tag) for tag in tags]
    for index in range(count):
        sample = chance.choice(samples)
        output = _output(entry, model, index, sample, chance)
        batch.outputs.append(output)
        batch.previews.append(_preview(output, sample))
        batch.artifacts.append(_artifact(entry, output))
        batch.artifact_tags += [ArtifactTag(output=output, name=tag) for tag in tags]


def _entry(
    owner: User, model: ProviderModel, at: datetime, expected: int, chance: random.Random
) -> RegisterEntry:
    id = _id(at, chance)
    words = (chance.choice(SUBJECTS), chance.choice(PLACES), chance.choice(MANNERS))
    took = timedelta(seconds=chance.uniform(2, 12))
    width, height = chance.choice(SHAPES)
    return RegisterEntry(
        id=id,
        kind=model.kind,
        provider=model.provider,
        model=model.pk,
        input={
            "prompt": f"{words[0]} {words[1]}, {words[2]}",
            "negative_prompt": "",
            "width": width,
            "height": height,
            "seed": None,
            "output_format": "PNG",
            "reference_artifacts": [],
            "parameters": {},
        },
        expected_count=expected,
        audience=f"user:{owner.pk}",
        owner=owner,
        key_prefix=f"generations/{id}",
        annotations=MARK,
        attempts=1,
        created_at=at,
        submit_started_at=at,
        dispatched_at=at,
        deadline_at=at + timedelta(seconds=300),
        completed_at=at + took,
        catalogued_at=at + took,
    )


def _generation(entry: RegisterEntry, count: int) -> Generation:
    return Generation(
        id=entry.pk,
        kind=entry.kind,
        provider=entry.provider,
        model=entry.model,
        input=entry.input,
        audience=entry.audience,
        owner_id=entry.owner_id,
        prompt=entry.input["prompt"],
        expected_count=entry.expected_count,
        artifact_count=count,
        created_at=entry.created_at,
        completed_at=entry.completed_at,
    )


def _output(
    entry: RegisterEntry, model: ProviderModel, index: int, sample: Sample, chance: random.Random
) -> Output:
    at = entry.completed_at or entry.created_at
    id = _id(at, chance)
    return Output(
        id=id,
        entry=entry,
        index=index,
        ref=str(id),
        seed=Decimal(chance.getrandbits(31) or 1),
        cost=model.price,
        announced_at=at,
        stored_at=at,
        attempts=1,
        storage_key=sample.key,
        content_type="image/png",
        size=sample.size,
        sha256=sample.sha256,
        width=sample.width,
        height=sample.height,
    )


def _preview(output: Output, sample: Sample) -> Preview:
    return Preview(
        output=output,
        colour=sample.colour,
        thumb_key=sample.thumb_key,
        preview_key=sample.preview_key,
        made_at=output.stored_at,
        attempts=1,
    )


def _artifact(entry: RegisterEntry, output: Output) -> Artifact:
    return Artifact(
        id=output.pk,
        generation_id=entry.pk,
        index=output.index,
        kind=entry.kind,
        provider=entry.provider,
        model=entry.model,
        audience=entry.audience,
        owner_id=entry.owner_id,
        prompt=entry.input["prompt"],
        storage_key=output.storage_key,
        content_type=output.content_type,
        seed=output.seed,
        cost=output.cost,
        width=output.width,
        height=output.height,
        size=output.size,
        sha256=output.sha256,
        created_at=output.stored_at,
    )


@rows.atomically
def _insert(batch: _Batch) -> None:
    for table in vars(batch).values():
        _insert_rows(table)


def _insert_rows(table: Sequence[Model]) -> None:
    """`bulk_create` compiles a statement for every forty rows of SQLite; this one for all."""
    if not table:
        return
    connection = connections[DEFAULT_DB_ALIAS]
    meta, quote = type(table[0])._meta, connection.ops.quote_name
    fields = [field for field in meta.concrete_fields if not isinstance(field, AutoField)]
    names = ", ".join(quote(field.column or "") for field in fields)
    places = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {quote(meta.db_table)} ({names}) VALUES ({places})",
            [
                [
                    field.get_db_prep_save(getattr(row, field.attname), connection)
                    for field in fields
                ]
                for row in table
            ],
        )


def _samples() -> list[Sample]:
    """Keep a handful of real pictures with their small forms; repeated it keeps the same ones."""
    return [
        _sample(number, shape, colour)
        for number, (shape, colour) in enumerate(zip(SHAPES, COLOURS, strict=True))
    ]


def _sample(number: int, shape: tuple[int, int], colour: tuple[int, int, int]) -> Sample:
    width, height = shape
    body = gradient(width=width, height=height, colour=colour)
    key, digest = f"generations/load/{number}.png", sha256(body).hexdigest()
    _put(key, body, "image/png")
    made = media.renditions(io.BytesIO(body), "image/png")
    thumb, preview = (
        f"thumbnails/load/{number}/thumb.webp",
        f"thumbnails/load/{number}/preview.webp",
    )
    _put(thumb, made.thumb.bytes, made.thumb.content_type)
    _put(preview, made.preview.bytes, made.preview.content_type)
    return Sample(key, digest, len(body), width, height, made.colour, thumb, preview)


def _put(key: str, body: bytes, content_type: str) -> None:
    digest = sha256(body).hexdigest()
    storage.put(key, io.BytesIO(body), sha256=digest, size=len(body), content_type=content_type)


def gradient(*, width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A PNG that falls from a colour to its shade."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    lines = (
        b"\0" + bytes(int(part * (1.25 - 0.75 * y / height)) & 0xFF for part in colour) * width
        for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(lines), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
