"""Doors of the links under which pictures of a space can be seen by who has them."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import PAGING, read_body, whole_list_answer
from genproj.runtime.answers import idempotent
from spaces.api import docs
from spaces.api.answers import answer, shown, some
from spaces.api.doors import SpaceDoor
from spaces.operations import sharing
from spaces.operations.words import LONGEST_NAME
from spaces.permissions import Act
from spaces.queries.shares import share_json, share_of, shares_of

FIELDS: dict[str, Any] = {
    "name": {"type": "string", "maxLength": LONGEST_NAME},
    "expires_in_days": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": sharing.MOST_DAYS,
        "description": "From now on; null: never, which is for owners. 30 by default.",
    },
    "password": {
        "type": "string",
        "maxLength": sharing.LONGEST_PASSWORD,
        "description": "Empty: none.",
    },
    "download": {"type": "string", "enum": list(sharing.DOWNLOADS)},
    "show_prompt": {"type": "boolean"},
}
NEW = docs.body(
    asset_id=docs.ID,
    variant_ids={
        "type": "array",
        "minItems": 1,
        "maxItems": sharing.MOST_VARIANTS,
        "items": docs.ID,
    },
    **FIELDS,
)
CHANGES = docs.body(**FIELDS)
SHARE = docs.one_of("Share", "The link.")
MADE = docs.one_of("ShareMade", "The link with its secret, which is shown this once.")
GONE = "It was revoked, which is for ever."


class ShareList(SpaceDoor):
    """Links to pictures of a space."""

    needs = {"GET": Act.SHARE, "POST": Act.SHARE, "DELETE": Act.SHARE}
    query = PAGING

    @docs.pages("shares", "Its links, the newest first.", "Share", s403=docs.USUAL["s403"])
    def get(self, request: Request, id: UUID) -> Response:
        """A page."""
        found = shares_of(viewer=request.user, space_id=id)
        return whole_list_answer(request, found, share_json)

    @docs.act(
        "shares_create", "Open a link to an asset or a selection of variants.",
        MADE, takes=NEW, statuses=[201],
    )  # fmt: skip
    @idempotent
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Open one."""
        body = read_body(request.data, NEW)
        asset_id, chosen = body.pop("asset_id", None), body.pop("variant_ids", [])
        made = sharing.share(
            actor=request.user,
            space_id=id,
            asset_id=UUID(asset_id) if asset_id else None,
            variant_ids=[UUID(one) for one in chosen],
            **body,
        )
        url = request.build_absolute_uri(f"/shared/{made.token}/")
        body = {**share_json(made.link), "token": made.token, "url": url}
        location = f"{request.path}{made.link.pk}/"
        return answer(body, status=201, location=location, shown_once=("token", "url"))

    @docs.act("shares_revoke_all", "Close every link for ever.", docs.one_of("SharesRevoked"))
    def delete(self, request: Request, id: UUID) -> Response:
        """Close all."""
        return Response({"revoked": sharing.revoke_all(actor=request.user, space_id=id)})


class ShareDetail(SpaceDoor):
    """One link."""

    needs = {"GET": Act.SHARE, "PATCH": Act.SHARE, "DELETE": Act.SHARE}

    @docs.look("shares_read", "One link.", SHARE, s403=docs.USUAL["s403"])
    def get(self, request: Request, id: UUID, share_id: UUID) -> HttpResponse:
        """Look at it."""
        link = share_of(viewer=request.user, space_id=id, share_id=share_id)
        return shown(request, share_json(link))

    @docs.act("shares_change", "Change what is given.", SHARE, takes=CHANGES, s410=GONE)
    def patch(self, request: Request, id: UUID, share_id: UUID) -> Response:
        """Change it."""
        body = some(read_body(request.data, CHANGES))
        link = sharing.change(actor=request.user, space_id=id, share_id=share_id, **body)
        return answer(share_json(link))

    @docs.drop("shares_revoke", "Close it for ever; repeated it changes nothing.")
    def delete(self, request: Request, id: UUID, share_id: UUID) -> HttpResponse:
        """Revoke it."""
        sharing.revoke(actor=request.user, space_id=id, share_id=share_id)
        return HttpResponse(status=204)
