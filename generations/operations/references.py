"""Reference pictures travel inside the request, never as addresses of ours."""

import base64
from uuid import UUID

from generations.models import Output, RegisterEntry
from genproj.kernel import storage

#: originals above this many bytes go as their preview
LARGEST = 4 * 2**20


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
    return [_data_uri(found[id]) for id in wanted]


def _data_uri(output: Output) -> str:
    key, content_type = output.storage_key, output.content_type
    preview = getattr(output, "preview", None)
    if (output.size or 0) > LARGEST and preview is not None and preview.preview_key:
        key, content_type = preview.preview_key, "image/webp"
    with storage.open_read(key) as file:
        body = base64.b64encode(file.read()).decode()
    return f"data:{content_type};base64,{body}"
