"""Many pictures taken away at once: one archive, written while it is read."""

import io
from collections.abc import Iterator
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
from genproj.kernel.archives import Member, archive
from genproj.kernel.clock import now

MOST_FILES = 200
MOST_BYTES = 2 * 2**30


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
    response = StreamingHttpResponse(archive(_members(files)), content_type="application/zip")
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


def _members(files: list[TakenFile]) -> Iterator[Member]:
    """The files, each opened when its turn comes; a list of those that are not there."""
    missing: list[str] = []
    for file in files:
        try:
            source = storage.open_read(file.key)
        except storage.StorageFailure:
            missing.append(file.name)
            continue
        yield Member(file.name, lambda source=source: source)
    if missing:
        words = "\n".join([*missing, ""]).encode()
        yield Member("missing.txt", lambda: io.BytesIO(words), is_packed=False)
