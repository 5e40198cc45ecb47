"""Which files a person may take away, and what they are called then."""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.utils.text import slugify

from generations.models import Output
from generations.queries.seeing import seen

LONGEST_SLUG = 60


@dataclass(frozen=True)
class TakenFile:
    """One original: where it is kept, and its name for a person."""

    id: str
    key: str
    name: str
    size: int


def files_to_take(*, viewer: User, ids: Sequence[UUID]) -> list[TakenFile]:
    """The originals of these pictures that `viewer` may see, in this order, each name once."""
    rows = Output.objects.filter(stored_at__isnull=False, entry__purged_at__isnull=True)
    by_id = rows.select_related("entry").defer("raw", "error_history").in_bulk(list(ids))
    visible = seen(viewer, {output.pk: output.entry.audience for output in by_id.values()})
    found: list[TakenFile] = []
    names: set[str] = set()
    for id in dict.fromkeys(ids):
        output = by_id.get(id)
        if output is None or id not in visible:
            continue
        name = file_name(output)
        if name in names:
            stem, dot, ending = name.rpartition(".")
            name = f"{stem}-{str(output.pk)[-6:]}{dot}{ending}"
        names.add(name)
        found.append(TakenFile(str(output.pk), output.storage_key, name, output.size or 0))
    return found


def file_name(output: Output, *, variant: str = "", content_type: str = "") -> str:
    """`a-lighthouse-in-fog-1.png`: what the picture shows, and which of its generation it is."""
    words = slugify(output.entry.input.get("prompt", ""))[:LONGEST_SLUG].rstrip("-")
    ending = mimetypes.guess_extension(content_type or output.content_type) or ".bin"
    number = str((output.index or 0) + 1)
    return "-".join(filter(None, [words or "picture", number, variant])) + ending
