"""Compares storage with the register, both ways, and mends what can be mended without loss."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from generations.errors import OutputError, error
from generations.models import Output, Preview
from generations.operations import desk, reaching, tending
from genproj.kernel import http, logs, rows, storage
from genproj.kernel.clock import now

#: where orphans are moved; what lies there is looked at by a person, never by this program
SET_ASIDE = "orphans/"
#: prefixes of objects that the register does not speak of
NOT_OURS = (SET_ASIDE, "exports/", "uploads/", "videos/incoming/")
#: an object that belongs to an id younger than this may be about to be recorded
YOUNG_SECONDS = 900
CHUNK = 2**20
UUID_TEXT = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
ORIGINAL = re.compile(rf".*/{UUID_TEXT}\.[a-z0-9]+")
SMALL = re.compile(rf"thumbnails/{UUID_TEXT}/(?:thumb|preview|poster)\.webp")

log = logs.component("verification")


@dataclass(frozen=True)
class Fault:
    """One thing that is not as the register says. `repaired` says in words what was done."""

    kind: str  # missing | orphaned | wrong_size | wrong_hash
    key: str
    form: str  # original | thumb | preview | poster | ""
    artifact: UUID | None
    detail: str
    repaired: str = ""
    mended: bool = False


def objects_to_verify() -> int:
    """How many steps `verify` takes, for a bar."""
    listed = storage.keys()
    return _stored().count() + sum(1 for _ in listed)


def verify(*, step: Callable[[], None] = lambda: None) -> Iterator[Fault]:
    """Every fault: missing, wrong_size, wrong_hash, orphaned. Changes nothing.

    Objects are listed before rows are read, so that what is stored meanwhile is no orphan.
    """
    kept = dict(storage.keys())
    known: set[str] = set()
    for output in _stored().iterator(chunk_size=500):
        known.add(output.storage_key)
        yield from _of_original(output, kept)
        preview = getattr(output, "preview", None)
        if preview is not None:
            known.update(key for _, key in _forms(preview))
            yield from _of_preview(preview, kept)
        step()
    for key, size in kept.items():
        if key not in known and _is_orphan(key):
            yield Fault("orphaned", key, "", None, f"{size} bytes that no row speaks of")
        step()


def _stored() -> "QuerySet[Output]":
    return Output.objects.filter(stored_at__isnull=False).select_related("preview").order_by("pk")


def _forms(preview: Preview) -> list[tuple[str, str]]:
    forms = (
        ("thumb", preview.thumb_key),
        ("preview", preview.preview_key),
        ("poster", preview.poster_key),
    )
    return [(form, key) for form, key in forms if key]


def _of_original(output: Output, kept: dict[str, int]) -> Iterator[Fault]:
    key = output.storage_key

    def fault(kind: str, detail: str) -> Fault:
        return Fault(kind, key, "original", output.pk, detail)

    size = kept.get(key)
    if size is None and (found := storage.stat(key)):
        size = found.size  # stored after the list was made
    if size is None:
        yield fault("missing", f"{output.size} bytes are gone")
    elif size != output.size:
        yield fault("wrong_size", f"{size} bytes instead of {output.size}")
    elif (found_hash := hash_of(key)) != output.sha256:
        yield fault("wrong_hash", f"{found_hash[:12]}… instead of {output.sha256[:12]}…")


def _of_preview(preview: Preview, kept: dict[str, int]) -> Iterator[Fault]:
    for form, key in _forms(preview):
        if key not in kept and storage.stat(key) is None:
            yield Fault("missing", key, form, preview.pk, "a small picture is gone")
        elif kept.get(key) == 0:
            yield Fault("wrong_size", key, form, preview.pk, "a small picture is empty")


def hash_of(key: str) -> str:
    """The SHA-256 of what is kept, read whole."""
    digest = hashlib.sha256()
    with storage.open_read(key) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _is_orphan(key: str) -> bool:
    """Whether nobody can be about to record this object."""
    if key.startswith(NOT_OURS):
        return False
    if small := SMALL.fullmatch(key):
        return not Preview.objects.filter(pk=small[1], due_at__isnull=False).exists()
    if own := ORIGINAL.fullmatch(key):
        id = UUID(own[1])
        row = Output.objects.filter(pk=id).first()
        return row.is_terminal if row else _age(id) > YOUNG_SECONDS
    return True


def _age(id: UUID) -> float:
    """Seconds since a UUIDv7 was made; others are old."""
    if id.version != 7:
        return float("inf")
    made = datetime.fromtimestamp((id.int >> 80) / 1000, UTC)
    return (now() - made).total_seconds()


def repair(fault: Fault, *, actor: User | None) -> Fault:
    """Mend one fault if that is possible without losing anything. Safe to repeat.

    An orphan is moved under `orphans/`, never deleted. An original is fetched again where its
    provider still serves the very same bytes; what stands in rows never changes for it. Where
    that cannot be, the fault is noted on the output, and the damaged object stays as it is.
    Small pictures are made again by the workers.
    """
    tending.require_staff(actor)
    if fault.kind == "orphaned":
        done = _set_aside(fault)
    elif fault.form == "original":
        done = _restore_original(fault)
    else:
        done = _remake(fault)
    log.info("repaired", fault=fault.kind, key=fault.key, done=done.repaired)
    return done


def _set_aside(fault: Fault) -> Fault:
    target = f"{SET_ASIDE}{fault.key}"
    try:
        digest = hash_of(fault.key)
        found = storage.stat(fault.key)
        with storage.open_read(fault.key) as file:
            storage.put(
                target,
                file,
                sha256=digest,
                size=found.size if found else 0,
                content_type="application/octet-stream",
            )
        storage.delete(fault.key)
    except storage.KeyMissing:
        return replace(fault, repaired="it is gone by now", mended=True)
    except storage.StorageFailure as problem:
        return replace(fault, repaired=f"could not be moved: {problem.cause}")
    return replace(fault, repaired=f"moved to {target}", mended=True)


def _restore_original(fault: Fault) -> Fault:
    output = Output.objects.select_related("entry").get(pk=fault.artifact)
    why = _fetched_again(output)
    if not why:
        return replace(fault, repaired="fetched again, the very same bytes", mended=True)
    note_loss(output_id=output.pk, fault=fault, why=why)
    return replace(fault, repaired=f"noted on the output; {why}")


def _fetched_again(output: Output) -> str:
    """Fetch an original to its own key if it is still the same; else say why not."""
    address = reaching.address_of(output) if output.url else None
    if address is None:
        return "no address is kept that it could be fetched from"
    limits = http.Limits(max_bytes=(output.size or 0) + CHUNK)
    guard = reaching.download_guard(output.entry.provider)
    try:
        with storage.scratch() as file:
            got = http.download(
                address.url, guard=guard, limits=limits, into=file, headers=address.headers
            )
            if (got.size, got.sha256) != (output.size, output.sha256):
                return "its address now holds other bytes"
            storage.put(
                output.storage_key,
                file,
                sha256=got.sha256,
                size=got.size,
                content_type=output.content_type,
            )
    except http.HttpFailure as problem:
        return f"its address answered {problem.status or problem.kind}"
    except storage.StorageFailure as problem:
        return f"it could not be stored: {problem.cause}"
    return ""


@rows.atomically
def note_loss(*, output_id: UUID, fault: Fault, why: str) -> None:
    """Note on an output that its bytes are damaged or gone; its state does not change. Once."""
    entry_id = Output.objects.values_list("entry_id", flat=True).get(pk=output_id)
    opened = desk.open_entries([entry_id])
    for item in opened.values():
        [row] = [output for output in item.outputs if output.pk == output_id]
        words = f"Its file is {fault.kind.replace('_', ' ')}: {fault.detail}"
        if any(past.get("message") == words for past in row.error_history):
            return
        problem = error(OutputError.STORAGE_FAILED, words, key=fault.key, cause=why)
        item.change_output(row, error_history=[*row.error_history, problem][-10:])
    desk.put_back(opened.values())


@rows.atomically
def _remake(fault: Fault) -> Fault:
    """Have a stored output's small pictures made again, where there is an original to make of."""
    output = Output.objects.get(pk=fault.artifact)
    if storage.stat(output.storage_key) is None:
        return replace(fault, repaired="there is no original to make it of")
    if fault.kind == "wrong_size":
        storage.delete(fault.key)
    Preview.objects.filter(pk=fault.artifact).update(
        due_at=now(), made_at=None, leased_until=None, failures=0
    )
    return replace(fault, repaired="is made again", mended=True)


def confirmed(fault: Fault) -> Fault:
    """A repaired fault, after another look: a small picture may not have come out."""
    if not fault.mended or fault.kind == "orphaned" or storage.stat(fault.key) is not None:
        return fault
    return replace(fault, repaired="could not be made again", mended=False)
