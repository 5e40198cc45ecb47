"""What the socket tells, for those who can only ask: the state, what was missed, what happened."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.events.resuming import event_page, head_of, missed
from genproj.kernel.api import page_answer, size_of, versioned
from genproj.kernel.errors import Malformed
from spaces import queries
from spaces.api import docs
from spaces.api.doors import SpaceDoor


class SpaceState(SpaceDoor):
    """Everything of a space, or what was missed of it."""

    query = frozenset({"since"})

    @docs.look(
        "state",
        "The polling twin of the socket: `sync:state`, or with `since` the very frames that were "
        "missed as `sync:delta`, and a state where they are no longer kept.",
        docs.one_of("SpaceSync"),
        docs.number("since", "The `seq` one knows."),
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Look at it."""
        role = queries.role_in(viewer=request.user, space_id=id)
        since, stream = _since(request), f"space:{id}"
        # The seq first: what happens in between is told twice, and never missed.
        seq = head_of(stream)
        whole = "all" if since is None else since
        return versioned(request, f"{seq}-{whole}-{role}", lambda: _sync(stream, seq, since))


def _since(request: Request) -> int | None:
    text = request.query_params.get("since")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Malformed("since is a seq: a whole number.")
    return int(text)


def _sync(stream: str, seq: int, since: int | None) -> dict[str, Any]:
    frames = None if since is None else missed(stream, since)
    if frames is not None:
        last = frames[-1]["seq"] if frames else since
        return {"type": "sync:delta", "seq": last, "events": frames}
    state = queries.full_state_of(stream.partition(":")[2])
    # who is here just now is known to sockets only
    return {"type": "sync:state", "seq": seq, **state, "presence": []}


class SpaceEvents(SpaceDoor):
    """What happened in a space."""

    query = frozenset({"cursor", "page_size"})

    @docs.pages("events", "What happened in it, newest first; kept for seven days.", "SpaceEvent")
    def get(self, request: Request, id: UUID) -> Response:
        """A page."""
        queries.role_in(viewer=request.user, space_id=id)
        cursor = request.query_params.get("cursor") or None
        page = event_page(f"space:{id}", cursor=cursor, size=size_of(request))
        return page_answer(request, page, lambda view: view)
