"""Reference pictures travel inside the request, never as addresses of ours."""

import base64
from uuid import UUID

from generations.models import Output, RegisterEntry
from genproj.kernel import storage
from genproj.runtime.breakers import storage_asked

#: originals above this many bytes go as their preview
LARGEST = 4 * 2**20
#: above this many bytes together, all go as their previews
LARGEST_TOGETHER = 12 * 2**20
#: what every provider reads; of films and of other pictures the preview goes
READ_EVERYWHERE = frozenset({"image/png", "image/jpeg", "image/webp"})


class ReferenceGone(Exception):
    """A picture that the request refers to is not there any more."""


def data_uris(entry: RegisterEntry) -> list[str]:
    """The entry's reference pictures as data URIs, in the order they were given.

    Raises:
        ReferenceGone: one of them was purged; it is never silently left out.
        storage.StorageFailure: it cannot be read just now.
    """
    wanted = [UUID(id) for id in entry.input.get("reference_artifacts") or []]
    stored = Output.objects.filter(pk__in=wanted, stored_at__isnull=False)
    found = {output.pk: output for output in stored.select_related("preview")}
    if missing := [id for id in wanted if id not in found]:
        raise ReferenceGone(str(missing[0]))
    originals = [found[id] for id in wanted]
    together = sum(output.size or 0 for output in originals if _may_go(output))
    return [_data_uri(output, whole=together <= LARGEST_TOGETHER) for output in originals]


def _may_go(output: Output) -> bool:
    """Whether it can be sent as it is."""
    return (output.size or 0) <= LARGEST and output.content_type in READ_EVERYWHERE


def _data_uri(output: Output, *, whole: bool) -> str:
    key, content_type = output.storage_key, output.content_type
    preview = getattr(output, "preview", None)
    small = (preview.preview_key or preview.poster_key) if preview is not None else ""
    if small and not (whole and _may_go(output)):
        key, content_type = small, "image/webp"
    with storage_asked(), storage.open_read(key) as file:
        body = base64.b64encode(file.read()).decode()
    return f"data:{content_type};base64,{body}"
