"""The bytes behind /media addresses: permission at every read, then disk or a signed address."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import content_disposition_header

from generations import queries
from genproj.accounts.authentication import user_of_request
from genproj.kernel import storage
from genproj.kernel.api.doors import names_version
from genproj.kernel.api.problems import Unauthenticated, problem_response, read_only
from genproj.kernel.errors import Refusal, StorageUnavailable

#: tells the server in front which file to send in place of the body
SEND_FILE = "X-Send-File"
SECONDS = 3600


@read_only
def media(request: HttpRequest, id: UUID, variant: str) -> HttpResponse:
    """One form of an artifact's bytes, shown, or saved with `?download=1`."""
    try:
        user = user_of_request(request)
        if user is None:
            raise Unauthenticated
        found = queries.media_file(viewer=user, id=id, variant=variant)
        return _bytes(request, found)
    except Refusal as refusal:
        return problem_response(request, refusal)
    except storage.StorageFailure:
        return problem_response(request, StorageUnavailable())


def _bytes(request: HttpRequest, found: queries.MediaFile) -> HttpResponse:
    tag = f'"{found.version}"'
    headers = {"ETag": tag, "Cache-Control": f"private, max-age={SECONDS}"}
    if names_version(request.headers.get("If-None-Match", ""), tag):
        return HttpResponse(status=304, headers=headers)
    saved = request.GET.get("download") in {"1", "true"}
    url = storage.signed_url(
        found.key,
        filename=found.filename if saved else None,
        content_type=found.content_type,
    )
    if url is not None:
        # The address ends before a cached redirect to it would.
        return HttpResponseRedirect(url, headers={"Cache-Control": "private, no-store"})
    path = storage.path_of(found.key)
    if path is None or not path.is_file():
        raise StorageUnavailable
    disposition = content_disposition_header(saved, found.filename) or "inline"
    return HttpResponse(
        content_type=found.content_type,
        headers={
            **headers,
            SEND_FILE: str(path),
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": disposition,
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )
