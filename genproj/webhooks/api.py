"""Doors of endpoints: where one is told what happens, and what became of each telling."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.kernel.api import (
    PAGING,
    Door,
    cursor_of,
    page_answer,
    require_match,
    size_of,
    versioned,
)
from genproj.kernel.api import (
    bodies as reading,
)
from genproj.runtime.answers import answered
from genproj.webhooks import bodies, docs, queries
from genproj.webhooks.models import Delivery, Endpoint
from genproj.webhooks.operations import endpoints, replaying
from genproj.webhooks.operations.endpoints import Issued
from genproj.webhooks.types import TYPES


def _version(row: Endpoint) -> str:
    return f"{row.pk.hex}-{row.version}"


def _endpoint_answer(row: Endpoint) -> Response:
    return Response(queries.endpoint_json(row), headers={"ETag": f'"{_version(row)}"'})


class _SecretOnce:
    """Puts a secret into an answer after that was kept for its Idempotency-Key: a secret is never
    kept readable, so a repeated answer has null in its place."""

    def __init__(self) -> None:
        self.secret: str | None = None

    def answer(self, issued: Issued, *, status: int) -> Response:
        self.secret = issued.secret
        return Response({**queries.endpoint_json(issued.row), "secret": None}, status=status)

    def told(self, answer: HttpResponse) -> HttpResponse:
        if self.secret and isinstance(answer, Response):
            answer.data["secret"] = self.secret
        return answer


class EndpointList(Door):
    """One's own endpoints; staff see everybody's."""

    query = PAGING | {"owner"}

    @docs.LIST
    def get(self, request: Request) -> Response:
        """A page of them, newest first."""
        page = queries.endpoint_page(
            viewer=request.user,
            mine=reading.choice(request.query_params, "owner", ("me",)) == "me",
            cursor=cursor_of(request),
            size=size_of(request),
        )
        return page_answer(request, page, queries.endpoint_json)

    @docs.CREATE
    def post(self, request: Request) -> HttpResponse:
        """Make one. Its secret is shown this once; a repeated answer has null in its place."""
        once = _SecretOnce()

        def prepare() -> dict[str, Any]:
            body = bodies.read(request.data, bodies.NEW)
            endpoints.require_reachable(url=body["url"])
            return body

        def act(body: dict[str, Any]) -> Response:
            answer = once.answer(endpoints.create(actor=request.user, **body), status=201)
            answer["Location"] = answer.data["urls"]["self"]
            return answer

        return once.told(answered(request, prepare=prepare, act=act))


class EndpointDetail(Door):
    """One endpoint."""

    @docs.READ
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """How it stands."""
        row = queries.endpoint(viewer=request.user, id=id)
        return versioned(request, _version(row), lambda: queries.endpoint_json(row))

    @docs.CHANGE
    def patch(self, request: Request, id: UUID) -> HttpResponse:
        """Change what is named."""
        body = bodies.read(request.data, bodies.CHANGES)
        row = queries.endpoint(viewer=request.user, id=id)
        require_match(request, _version(row))
        if body.get("url", row.url) != row.url:
            endpoints.require_reachable(url=body["url"])
        changed = endpoints.change(actor=request.user, endpoint_id=id, changes=body)
        return _endpoint_answer(changed)

    @docs.DELETE
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        """Forget it with its deliveries."""
        require_match(request, _version(queries.endpoint(viewer=request.user, id=id)))
        endpoints.delete(actor=request.user, endpoint_id=id)
        return HttpResponse(status=204)


class SecretRotation(Door):
    """A new secret for an endpoint."""

    @docs.ROTATE
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """For 24 hours each delivery is signed with the new secret and the former one."""
        once = _SecretOnce()

        def act(_: Any) -> Response:
            issued = endpoints.rotate(actor=request.user, endpoint_id=id)
            return once.answer(issued, status=200)

        return once.told(_answered(request, bodies.NOTHING, act))


class EndpointTest(Door):
    """A `ping`."""

    @docs.TEST
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Send one, whatever the endpoint listens to."""

        def act(_: Any) -> Response:
            return _accepted(endpoints.ping(actor=request.user, endpoint_id=id))

        return _answered(request, bodies.NOTHING, act)


class EndpointEnabling(Door):
    """The end of a silence."""

    @docs.ENABLE
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Send there again; `replay_since` sends what was not received since then."""

        def act(body: dict[str, Any]) -> Response:
            return _endpoint_answer(
                endpoints.enable(actor=request.user, endpoint_id=id, **body),
            )

        return _answered(request, bodies.ENABLE, act)


class EndpointReplay(Door):
    """Everything since a moment, once more."""

    @docs.REPLAY
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Send what was not received; each event keeps its `webhook-id`."""

        def act(body: dict[str, Any]) -> Response:
            row = queries.endpoint(viewer=request.user, id=id)
            return Response({"replayed": replaying.replay_since(row, **body)}, status=202)

        return _answered(request, bodies.REPLAY, act)


class DeliveryList(Door):
    """What an endpoint was owed in the last 30 days."""

    query = PAGING | {"state", "type"}

    @docs.DELIVERIES
    def get(self, request: Request, id: UUID) -> Response:
        """A page, newest first."""
        query = request.query_params
        page = queries.delivery_page(
            of=queries.endpoint(viewer=request.user, id=id),
            state=reading.choice(query, "state", queries.STATES),
            type=reading.choice(query, "type", TYPES),
            cursor=cursor_of(request),
            size=size_of(request),
        )
        return page_answer(request, page, queries.delivery_json)


class DeliveryDetail(Door):
    """One delivery with its attempts."""

    @docs.DELIVERY_READ
    def get(self, request: Request, id: UUID, delivery: UUID) -> HttpResponse:
        """What was sent, and each answer; the newest 100 attempts."""
        endpoint = queries.endpoint(viewer=request.user, id=id)
        row = queries.delivery(of=endpoint, id=delivery)
        moments = (row.due_at, row.delivered_at, row.dead_at)
        marks = [str(int(at.timestamp() * 1000)) if at else "" for at in moments]
        version = f"{row.attempts}-{row.failures}-{'-'.join(marks)}-{int(row.leased_until is None)}"
        return versioned(request, version, lambda: queries.full_delivery_json(row))


class DeliveryReplay(Door):
    """One event once more."""

    @docs.DELIVERY_REPLAY
    def post(self, request: Request, id: UUID, delivery: UUID) -> HttpResponse:
        """Send it again under the same `webhook-id`, received or not."""

        def act(_: Any) -> Response:
            row = queries.endpoint(viewer=request.user, id=id)
            return _accepted(replaying.replay_delivery(row, delivery_id=delivery))

        return _answered(request, bodies.NOTHING, act)


def _accepted(row: Delivery) -> Response:
    answer = Response(queries.delivery_json(row), status=202)
    answer["Location"] = answer.data["urls"]["self"]
    return answer


def _answered(request: Request, schema: Any, act: Any) -> HttpResponse:
    return answered(request, prepare=lambda: bodies.read(request.data or {}, schema), act=act)
