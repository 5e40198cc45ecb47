"""Brings pictures into a space: people's files, and what they have in their galleries."""

from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from django.contrib.auth.models import User

from generations.errors import ArtifactNotFound, GenerationNotFound
from generations.operations import keeping, uses
from generations.operations.keeping import CheckedUpload
from generations.queries.belonging import is_trashed
from genproj.kernel import rows
from genproj.kernel.clock import after, now, zulu
from genproj.kernel.errors import Forbidden, Invalid, StorageUnavailable
from spaces import queries
from spaces.errors import VariantNotFound
from spaces.models import Asset, Variant
from spaces.operations.assets import open_asset
from spaces.operations.entering import Here, asset_in, change, entered, locked
from spaces.operations.opening import audience_of, holder_of, open_variant
from spaces.operations.recipes import VERSION
from spaces.operations.settling import complete, fail
from spaces.operations.telling import tell_asset, tell_variant
from spaces.permissions import Act
from spaces.states import VariantStatus

#: seconds after which an upload that has not ended has been lost with its process
PATIENCE = 900


@dataclass(frozen=True)
class Brought:
    """A picture that was brought in, and the asset that has it."""

    asset: Asset
    variant: Variant


@dataclass(frozen=True)
class Begun:
    """An upload whose placeholder everybody sees, and its file, which lies in storage."""

    variant_id: UUID
    stored: keeping.StoredUpload


def begin(
    *,
    actor: User,
    space_id: UUID,
    file: BinaryIO,
    filename: str,
    asset_id: UUID | None = None,
    name: str = "",
    asset_type: str = "",
    parent_asset_id: UUID | None = None,
) -> Begun:
    """Check a file and store it; in no transaction, because it takes its time: everybody sees it
    `uploading` meanwhile. The bytes decide what it is; metadata is removed.

    Raises:
        Invalid: it is not a picture or film that can be kept; nothing was made.
        TooLarge: over MAX_UPLOAD_BYTES; nothing was made.
        StorageUnavailable: it could not be stored; its variant has failed.
    """
    queries.role_in(viewer=actor, space_id=space_id)  # strangers' files are not looked at
    checked = keeping.check_upload(file=file, filename=filename)
    variant = _place(
        actor=actor,
        space_id=space_id,
        checked=checked,
        asset_id=asset_id,
        name=name or filename.rsplit(".", 1)[0],
        asset_type=asset_type,
        parent_asset_id=parent_asset_id,
    )
    try:
        return Begun(variant.pk, keeping.store_checked(checked))
    except StorageUnavailable:
        words = "The file could not be stored; send it again."
        _give_up(variant_id=variant.pk, code="storage_failed", message=words)
        raise


@rows.atomically
def _place(
    *,
    actor: User,
    space_id: UUID,
    checked: CheckedUpload,
    asset_id: UUID | None,
    name: str,
    asset_type: str,
    parent_asset_id: UUID | None,
) -> Variant:
    here = entered(actor=actor, space_id=space_id, act=Act.UPLOAD)
    asset = _asset(here, asset_id, name=name, asset_type=asset_type, parent=parent_asset_id)
    recipe = {"version": VERSION, "operation": "upload", "filename": checked.filename}
    variant = open_variant(here, asset=asset, recipe=recipe, status=VariantStatus.UPLOADING)
    tell_variant(variant, kind="variant:created")
    return variant


@rows.atomically
def end(*, actor: User, begun: Begun) -> Brought:
    """The file is stored: the variant has its picture.

    Raises:
        VariantNotFound: it was deleted or given up meanwhile; the file goes, too.
    """
    variant = _uploading(begun.variant_id)
    if variant is None:
        keeping.discard_stored(begun.stored)
        raise VariantNotFound
    entry = keeping.record_upload(begun.stored, actor=actor, audience=audience_of(variant))
    Variant.objects.filter(pk=variant.pk).update(generation=entry.pk)
    variant.generation = entry.pk
    complete(variant, artifact_id=begun.stored.output_id)
    asset = Asset.objects.select_related("created_by").get(pk=variant.asset_id)
    return Brought(asset, variant)


def withdraw(*, begun: Begun) -> None:
    """An upload that turned out to be a repetition: its placeholder fails, its file goes."""
    words = "The same file was sent twice at once; the other one was kept."
    _give_up(variant_id=begun.variant_id, code="sent_twice", message=words)
    keeping.discard_stored(begun.stored)


def fail_lost_uploads() -> int:
    """Sweep: uploads whose process died. Safe to repeat, and when two run at once."""
    lost = Variant.objects.filter(status=VariantStatus.UPLOADING, updated_at__lt=after(-PATIENCE))
    words = "The upload broke off; send the file again."
    ids = list(lost.values_list("pk", flat=True)[:50])
    return sum(_give_up(variant_id=id, code="upload_lost", message=words) for id in ids)


@rows.atomically
def _give_up(*, variant_id: UUID, code: str, message: str) -> bool:
    variant = _uploading(variant_id)
    if variant is None:
        return False
    error = {"code": code, "message": message, "retryable": False, "at": zulu(now())}
    fail(variant, error=error)
    return True


def _uploading(variant_id: UUID) -> Variant | None:
    """The variant, locked with its space, if it still waits for its file."""
    space_id = Variant.objects.filter(pk=variant_id).values_list("space", flat=True).first()
    if space_id is None or locked(space_id) is None:
        return None
    found = Variant.objects.filter(pk=variant_id, status=VariantStatus.UPLOADING)
    return found.select_related("asset", "created_by").first()


@rows.atomically
def add_artifact(
    *,
    actor: User,
    space_id: UUID,
    artifact_id: UUID,
    asset_id: UUID | None = None,
    name: str = "",
    asset_type: str = "",
    parent_asset_id: UUID | None = None,
) -> Brought:
    """Have a picture or film of one's gallery as a variant: of an asset, or of a new one.

    The space keeps it from now on, and its members see it, and nobody else.

    Raises:
        Invalid: there is no such picture that the actor may give away.
    """
    here = entered(actor=actor, space_id=space_id, act=Act.UPLOAD)
    try:
        output = keeping.find_artifact(actor=actor, artifact_id=artifact_id)
    except (ArtifactNotFound, GenerationNotFound, Forbidden):
        output = None
    if output is None or is_trashed(output_id=output.pk, entry_id=output.entry_id):
        raise Invalid.one("/artifact_id", "not_found", "You have no such picture to add.")
    prompt = str(output.entry.input.get("prompt", ""))
    named = name or " ".join(prompt.split())[:60]
    asset = _asset(here, asset_id, name=named, asset_type=asset_type, parent=parent_asset_id)
    recipe = {"version": VERSION, "operation": "add", "prompt": prompt, "model": output.entry.model}
    variant = open_variant(
        here,
        asset=asset,
        recipe=recipe,
        status=VariantStatus.COMPLETED,
        artifact=output.pk,
    )
    uses.use(holder=holder_of(variant), audience=audience_of(variant), artifact_ids=[output.pk])
    tell_variant(variant, kind="variant:created")
    if asset.active_variant_id is None:
        change(asset, facts={"active_variant_id": variant.pk})
        tell_asset(asset, kind="asset:updated")
    return Brought(asset, variant)


def _asset(
    here: Here, asset_id: UUID | None, *, name: str, asset_type: str, parent: UUID | None
) -> Asset:
    """The asset of this id, or a new one, told."""
    if asset_id is not None:
        return asset_in(here, asset_id=asset_id)
    asset = open_asset(here, name=name, asset_type=asset_type or "picture", parent_asset_id=parent)
    tell_asset(asset, kind="asset:created")
    return asset
