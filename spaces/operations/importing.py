"""Makes a space out of an exported one: all of it, or nothing."""

import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from generations.operations import adopting
from generations.operations.keeping import StoredUpload
from genproj.assistant.models import Conversation, Message
from genproj.kernel import logs, media, rows, storage
from genproj.kernel.archives import Archive, ArchiveRefused
from genproj.kernel.clock import now
from genproj.kernel.errors import Refusal
from genproj.kernel.ids import uuid7
from spaces.models import Asset, Lineage, Snippet, Space, Variant
from spaces.operations import spaces
from spaces.operations.manifests import NewIds, manifest_in, moment_of, refused
from spaces.operations.opening import holder_of
from spaces.operations.telling import (
    tell_asset,
    tell_lineage,
    tell_message,
    tell_space,
    tell_variant,
)
from spaces.queries.manifest import artifacts_in
from spaces.queries.state import NEWEST

MANIFEST = "manifest.json"
LARGEST_MANIFEST = 64 * 2**20
MOST_FILES = 20_001
BATCH = 200

log = logs.component("spaces")
_busy = threading.Lock()


class ImportBusy(Refusal):
    """Another space is being imported just now; try again in a moment."""

    code, status, title, retryable = "import_busy", 503, "Another import runs", True


@dataclass(frozen=True)
class Unpacked:
    """An archive that was looked through, its pictures in storage, and no row of it written."""

    manifest: Mapping[str, Any]
    adopted: Mapping[str, StoredUpload]


@dataclass(frozen=True)
class Imported:
    """A new space, and what each old id has become."""

    space: Space
    ids: dict[str, str]


def unpack(*, file: IO[bytes]) -> Unpacked:
    """Look through an archive and store its pictures; in no transaction, because it takes its time.

    Raises:
        Invalid: whatever is wrong with it; nothing is left behind.
        StorageUnavailable: a picture could not be stored; nothing is left behind.
        ImportBusy: this process does one at a time, so that they do not use up its threads.
    """
    if not _busy.acquire(blocking=False):
        raise ImportBusy
    try:
        return _unpacked(file)
    except ArchiveRefused as problem:
        words = f"{problem.detail} ({problem.name})" if problem.name else problem.detail
        raise refused(code=problem.code, detail=words) from None
    finally:
        _busy.release()


def _unpacked(file: IO[bytes]) -> Unpacked:
    archive = Archive(file, most_files=MOST_FILES, most_bytes=settings.MAX_IMPORT_BYTES)
    if MANIFEST not in archive.sizes:
        raise refused(code="manifest_missing", detail=f"It has no {MANIFEST}.")
    with tempfile.SpooledTemporaryFile(max_size=2**20) as spool:
        archive.copy(MANIFEST, into=cast(IO[bytes], spool), most=LARGEST_MANIFEST)
        spool.seek(0)
        manifest = manifest_in(spool.read())
    _require_these(archive, manifest)
    files = {file["sha256"]: file for file in manifest["files"]}
    adopted: dict[str, StoredUpload] = {}
    is_whole = False
    try:
        for artifact in manifest["artifacts"]:
            adopted[artifact["id"]] = _adopted(
                archive, files[artifact["sha256"]], prompt=artifact["prompt"]
            )
        is_whole = True
    finally:
        if not is_whole:
            adopting.disown(adopted=adopted.values())
    return Unpacked(manifest, adopted)


def _require_these(archive: Archive, manifest: Mapping[str, Any]) -> None:
    """The archive has exactly the files of its manifest, and stored they are not too much."""
    files = {file["path"]: file for file in manifest["files"]}
    sizes = dict(archive.sizes)
    del sizes[MANIFEST]
    if strange := sorted(sizes.keys() - files.keys()):
        raise refused(
            code="unknown_file", detail=f"Its manifest does not name a file of it ({strange[0]})."
        )
    if missing := sorted(files.keys() - sizes.keys()):
        raise refused(
            code="file_missing", detail=f"A file of its manifest is missing ({missing[0]})."
        )
    for path, file in files.items():
        if sizes[path] != file["size"]:
            raise refused(
                code="wrong_size", detail=f"A file is not as large as it should be ({path})."
            )
    by_hash = {file["sha256"]: file["size"] for file in manifest["files"]}
    if sum(by_hash[one["sha256"]] for one in manifest["artifacts"]) > settings.MAX_IMPORT_BYTES:
        raise refused(code="too_large_unpacked", detail="Its pictures together are too large.")


def _adopted(archive: Archive, file: Mapping[str, Any], *, prompt: str) -> StoredUpload:
    """One picture, unpacked beside the others, looked at, and stored."""
    is_film = file["content_type"].startswith("video/")
    most = settings.MAX_OUTPUT_BYTES["video" if is_film else "image"]
    with storage.scratch() as part:
        size, found = archive.copy(file["path"], into=part, most=most)
        if found != file["sha256"]:
            raise refused(
                code="wrong_checksum", detail=f"A file is not what it should be ({file['path']})."
            )
        part.seek(0)
        try:
            one = adopting.adopt(file=part, sha256=found, size=size, prompt=prompt)
        except media.NotMedia as problem:
            words = f"A file is no picture or film that can be kept ({file['path']})."
            raise refused(code="not_media", detail=words) from problem
    if one.facts["content_type"] != file["content_type"]:
        adopting.disown(adopted=[one])
        raise refused(
            code="wrong_type", detail=f"A file is not of the type it claims ({file['path']})."
        )
    return one


def bring_in(*, actor: User, file: IO[bytes]) -> Imported:
    """Unpack an archive and make its space; in no transaction, because it takes its time.

    Raises:
        The refusals of `unpack`; nothing is left behind.
    """
    unpacked, made = unpack(file=file), None
    try:
        made = settle_in(actor=actor, unpacked=unpacked)
    finally:
        if made is None:
            withdraw(unpacked=unpacked)
    return made


def withdraw(*, unpacked: Unpacked) -> None:
    """The space was not made after all: its pictures go."""
    adopting.disown(adopted=unpacked.adopted.values())


@rows.atomically
def settle_in(*, actor: User, unpacked: Unpacked) -> Imported:
    """Make the space, with `actor` as its owner and as the maker of all that is in it: names in an
    archive are anybody's word. One transaction."""
    manifest, adopted = unpacked.manifest, unpacked.adopted
    space = spaces.create(actor=actor, name=manifest["space"]["name"])
    audience = f"space:{space.pk}"
    pictures = {UUID(old): one.output_id for old, one in adopted.items()}
    ids = NewIds({UUID(manifest["space"]["id"]): space.pk, **pictures}, uuid7)
    adopting.record_adopted(adopted=list(adopted.values()), actor=actor, audience=audience)
    assets = _assets(space, manifest, ids)
    variants = _variants(space, manifest, ids)
    _set_active(manifest, ids, assets)
    _give_entries(variants, adopted)
    lines = _lines(space, manifest, ids)
    _snippets(space, manifest, ids)
    _style(space, manifest, ids)
    _chat(space, manifest)
    uses = _uses(space, variants, set(pictures.values()))
    adopting.use_adopted(uses=uses, audience=audience)
    _tell(space, assets, variants, lines)
    facts = {"space": str(space.pk), "user": actor.pk, "variants": len(variants)}
    rows.after_commit(lambda: log.info("imported", **facts))
    kinds = ("artifacts", "assets", "variants", "lineage", "snippets")
    named = [manifest["space"]["id"], *(row["id"] for kind in kinds for row in manifest[kind])]
    return Imported(space, {id: str(ids.of(id)) for id in named})


def _at(text: str) -> datetime:
    """A moment of the manifest; what lies in the future is now."""
    moment = moment_of(text)
    return min(moment, now()) if moment else now()


def _assets(space: Space, manifest: Mapping[str, Any], ids: NewIds) -> dict[UUID, Asset]:
    found = [
        Asset(
            id=ids.of(row["id"]),
            space=space,
            name=row["name"],
            asset_type=row["asset_type"],
            parent_id=ids.maybe(row["parent_asset_id"]),
            tags=row["tags"],
            created_by=space.created_by,
            created_at=_at(row["created_at"]),
            updated_at=_at(row["updated_at"]),
        )
        for row in manifest["assets"]
    ]
    # parents first, for databases that look at once
    Asset.objects.bulk_create(_from_the_top(found), batch_size=BATCH)
    return {asset.pk: asset for asset in found}


def _from_the_top(assets: list[Asset]) -> list[Asset]:
    below: dict[UUID | None, list[Asset]] = {}
    for asset in assets:
        below.setdefault(asset.parent_id, []).append(asset)
    ordered = list(below.get(None, []))
    for asset in ordered:  # grows while it is walked
        ordered += below.get(asset.pk, [])
    return ordered


def _variants(space: Space, manifest: Mapping[str, Any], ids: NewIds) -> list[Variant]:
    found = [
        Variant(
            id=ids.of(row["id"]),
            space=space,
            asset_id=ids.of(row["asset_id"]),
            status=row["status"],
            error=ids.within(row["error"]),
            attempt=row["attempt"],
            artifact=ids.maybe(row["artifact"]),
            recipe=ids.within(row["recipe"]),
            batch=ids.maybe(row["batch"]),
            starred=row["starred"],
            rating=row["rating"] or "",
            comment=row["comment"],
            rated_by=space.created_by if row["rating"] else None,
            label=row["label"],
            position=row["position"],
            description=row["description"],
            created_by=space.created_by,
            created_at=_at(row["created_at"]),
            updated_at=_at(row["updated_at"]),
        )
        for row in manifest["variants"]
    ]
    Variant.objects.bulk_create(found, batch_size=BATCH)
    return found


def _set_active(manifest: Mapping[str, Any], ids: NewIds, assets: Mapping[UUID, Asset]) -> None:
    for row in manifest["assets"]:
        assets[ids.of(row["id"])].active_variant_id = ids.maybe(row["active_variant_id"])
    chosen = [asset for asset in assets.values() if asset.active_variant_id]
    Asset.objects.bulk_update(chosen, ["active_variant"], batch_size=BATCH)


def _give_entries(variants: list[Variant], adopted: Mapping[str, StoredUpload]) -> None:
    """The first variant of each picture has its entry, so that it goes to the trash with it."""
    entries = {one.output_id: one.entry_id for one in adopted.values()}
    given = []
    for variant in variants:
        if variant.artifact and (entry := entries.pop(variant.artifact, None)):
            variant.generation = entry
            given.append(variant)
    Variant.objects.bulk_update(given, ["generation"], batch_size=BATCH)


def _lines(space: Space, manifest: Mapping[str, Any], ids: NewIds) -> list[Lineage]:
    """Lines of descent, also those of variants that are no more."""
    found = [
        Lineage(
            id=ids.of(row["id"]),
            space=space,
            parent_variant=ids.of(row["parent_variant_id"]),
            child_variant=ids.of(row["child_variant_id"]),
            parent_name=row["parent_name"],
            child_name=row["child_name"],
            relation=row["relation"],
            created_at=_at(row["created_at"]),
            severed_at=_at(row["severed_at"]) if row["severed_at"] else None,
            severed_by=space.created_by if row["severed_at"] else None,
        )
        for row in manifest["lineage"]
    ]
    Lineage.objects.bulk_create(found, batch_size=BATCH)
    return found


def _snippets(space: Space, manifest: Mapping[str, Any], ids: NewIds) -> None:
    Snippet.objects.bulk_create(
        Snippet(
            id=ids.of(row["id"]),
            space=space,
            name=row["name"],
            text=row["text"],
            created_by=space.created_by,
            created_at=_at(row["created_at"]),
        )
        for row in manifest["snippets"]
    )


def _style(space: Space, manifest: Mapping[str, Any], ids: NewIds) -> None:
    style = manifest["space"]["style"]
    space.style_description = style["description"]
    space.style_artifacts = [str(ids.of(id)) for id in style["artifacts"]]
    space.style_enabled = style["enabled"]
    space.created_at = _at(manifest["space"]["created_at"])
    space.save(
        update_fields=["style_description", "style_artifacts", "style_enabled", "created_at"]
    )


def _chat(space: Space, manifest: Mapping[str, Any]) -> None:
    """What was said, to be read; nobody here said it, so it has names and no authors."""
    if not manifest["chat"]:
        return
    times = [_at(row["created_at"]) for row in manifest["chat"]]
    talk = Conversation.objects.create(
        id=uuid7(),
        talk="space",
        audience=f"space:{space.pk}",
        owner=space.created_by,
        title=space.name,
        created_at=times[0],
        updated_at=max(times),
    )
    Message.objects.bulk_create(
        [
            Message(
                id=uuid7(),
                conversation=talk,
                role=row["role"],
                type=Message.Type.TEXT,
                content=row["content"],
                context={"said_by": row["author"]} if row["author"] else {},
                created_at=at,
                updated_at=at,
            )
            for row, at in zip(manifest["chat"], times, strict=True)
        ],
        batch_size=BATCH,
    )
    space.conversation = talk
    space.save(update_fields=["conversation"])


def _uses(space: Space, variants: list[Variant], here: set[UUID]) -> dict[str, set[UUID]]:
    """Which pictures each variant and the style need, of those that came along."""
    uses = {f"style:{space.pk}": {UUID(id) for id in space.style_artifacts} & here}
    for variant in variants:
        needed = {*artifacts_in(variant.recipe), *([variant.artifact] if variant.artifact else [])}
        uses[holder_of(variant)] = needed & here
    return uses


def _tell(
    space: Space, assets: Mapping[UUID, Asset], variants: list[Variant], lines: list[Lineage]
) -> None:
    """Tell all of it, so that who follows from the first frame on has what a full state has."""
    tell_space(space)
    for asset in assets.values():
        tell_asset(asset, kind="asset:created")
    for variant in variants:
        tell_variant(variant, kind="variant:created")
    for line in lines:
        tell_lineage(line, kind="lineage:created")
    said = Message.objects.filter(conversation=space.conversation_id)
    newest = said.select_related("conversation").order_by("-created_at", "-id")[:NEWEST]
    for message in reversed(newest):
        tell_message(message)
