"""Many pictures taken away at once: one archive, written while it is read."""

import zipfile
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from generations import queries
from generations.queries import TakenFile
from genproj.kernel import storage
from genproj.kernel.clock import now

MOST_FILES = 200
MOST_BYTES = 2 * 2**30
CHUNK = 2**18


class Outlet:
    """What zipfile writes to: it hands on what it was given, and keeps nothing."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: Any) -> int:
        """Take some bytes."""
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        """What was written since the last time."""
        found = b"".join(self.parts)
        self.parts.clear()
        return found


@login_required
@require_safe
def download(request: HttpRequest) -> HttpResponseBase:
    """The originals of up to 200 pictures as one archive; those one may not see are left out."""
    ids = _ids(request.GET.getlist("id"))[:MOST_FILES]
    files = queries.files_to_take(viewer=request.user, ids=ids)
    if not files:
        raise Http404
    if sum(file.size for file in files) > MOST_BYTES:
        messages.error(request, "These pictures are too large for one archive. Select fewer.")
        return redirect("gallery")
    response = StreamingHttpResponse(archive(files), content_type="application/zip")
    name = f"genproj-{now():%Y-%m-%d}-{len(files)}-pictures.zip"
    header = content_disposition_header(as_attachment=True, filename=name)
    response["Content-Disposition"] = header or "attachment"
    response["Cache-Control"] = "no-store"
    return response


def _ids(words: list[str]) -> list[UUID]:
    found = []
    for word in words:
        try:
            found.append(UUID(word))
        except ValueError:
            continue
    return found


def _entry(name: str) -> zipfile.ZipInfo:
    """A stored file of this moment; its own moment would only say when it was made here."""
    return zipfile.ZipInfo(name, date_time=now().timetuple()[:6])


def archive(files: list[TakenFile]) -> Iterator[bytes]:
    """The archive in pieces. Pictures are packed already, so they are stored as they are."""
    outlet = Outlet()
    missing: list[str] = []
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as packed:  # type: ignore[call-overload]
        for file in files:
            try:
                source = storage.open_read(file.key)
            except storage.StorageFailure:
                missing.append(file.name)
                continue
            with source, packed.open(_entry(file.name), "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK):
                    target.write(chunk)
                    yield outlet.take()
        if missing:
            packed.writestr("missing.txt", "\n".join([*missing, ""]))
    yield outlet.take()
