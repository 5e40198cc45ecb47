"""Doors of the queue: look at it, pause and resume it."""

from typing import Any

from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import Door, read_body
from videos import queries
from videos.api import docs
from videos.operations import pausing


def shown(request: Request) -> Response:
    """The queue as it is now."""
    return Response(queries.queue_json(queries.queue_view(viewer=request.user)))


class QueueDoor(Door):
    """What waits, what runs, who works; of other people's rows no content."""

    @docs.QUEUE
    def get(self, request: Request) -> Response:
        """Look at it."""
        return shown(request)


class _Pausing(Door):
    permission_classes = (IsAuthenticated, IsAdminUser)
    on: bool

    def act(self, request: Request) -> Response:
        body: dict[str, Any] = read_body(request.data or {}, docs.PAUSE)
        pausing.pause(
            actor=request.user,
            on=type(self).on,
            provider=body.get("provider", ""),
            user=body.get("user", ""),
            reason=body["reason"],
        )
        return shown(request)


class QueuePause(_Pausing):
    """Take no more jobs; what runs goes on."""

    on = True

    @docs.pausing("pause", "Take no more jobs: all, of a provider, or of a person.")
    def post(self, request: Request) -> Response:
        """Pause."""
        return self.act(request)


class QueueResume(_Pausing):
    """Take jobs again."""

    on = False

    @docs.pausing("resume", "Take jobs again: all, of a provider, or of a person.")
    def post(self, request: Request) -> Response:
        """Resume."""
        return self.act(request)
