"""The bytes of pictures, for an app that has decided itself who may have them."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from generations.errors import ArtifactNotFound
from generations.models import Output
from generations.queries.artifacts import SMALL_TYPE, VARIANTS
from generations.queries.building import preview_of
from generations.queries.files import file_name
from generations.queries.views import MediaFile


@dataclass(frozen=True)
class Original:
    """A stored picture or film as it came."""

    id: UUID
    key: str
    sha256: str
    size: int
    content_type: str
    prompt: str


def originals_of(*, ids: Collection[UUID]) -> dict[UUID, Original]:
    """Those of the pictures that are stored. Nobody's permission is asked here."""
    stored = Output.objects.filter(stored_at__isnull=False, entry__purged_at__isnull=True)
    stored = stored.select_related("entry").defer("raw", "error_history")
    wanted, found = sorted(set(ids)), {}
    for start in range(0, len(wanted), 500):  # SQLite takes no more parameters at once
        for output in stored.filter(pk__in=wanted[start : start + 500]):
            found[output.pk] = Original(
                id=output.pk,
                key=output.storage_key,
                sha256=output.sha256,
                size=output.size or 0,
                content_type=output.content_type,
                prompt=str(output.entry.input.get("prompt", "")),
            )
    return found


def form_of(*, id: UUID, variant: str) -> MediaFile:
    """One form of a picture; never the original in place of a smaller one that is not made yet.

    Nobody's permission is asked here.

    Raises:
        ArtifactNotFound: it is not stored, or has no such form.
    """
    stored = Output.objects.filter(pk=id, stored_at__isnull=False, entry__purged_at__isnull=True)
    output = stored.select_related("entry", "preview").defer("raw", "error_history").first()
    if output is None or variant not in VARIANTS:
        raise ArtifactNotFound
    if variant == "original":
        return MediaFile(output.storage_key, output.content_type, file_name(output), output.sha256)
    key = getattr(preview_of(output), f"{variant}_key", "")
    if not key:
        raise ArtifactNotFound
    name = file_name(output, variant=variant, content_type=SMALL_TYPE)
    return MediaFile(key, SMALL_TYPE, name, f"{output.sha256}-{variant}")
