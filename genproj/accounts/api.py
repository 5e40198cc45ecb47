"""Doors of sign-in for programs: tokens, keys, socket tickets."""

from datetime import datetime
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.accounts import operations, queries
from genproj.accounts.errors import BadCredentials
from genproj.accounts.models import AccessKey
from genproj.accounts.scopes import SCOPES
from genproj.kernel.api import PAGING, Door, limits, read_body, whole_list_answer
from genproj.kernel.api.bodies import errors_in
from genproj.kernel.api.doors import client_address
from genproj.kernel.clock import now, zulu
from genproj.kernel.errors import Invalid
from genproj.runtime.answers import answered

CREDENTIALS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["username", "password"],
    "properties": {
        "username": {"type": "string", "minLength": 1, "maxLength": 150},
        "password": {"type": "string", "minLength": 1, "maxLength": 500},
    },
}
NEW_KEY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "scopes"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 80},
        "scopes": {
            "type": "array",
            "uniqueItems": True,
            "maxItems": len(SCOPES),
            "minItems": 1,
            "items": {"enum": list(SCOPES)},
            "description": "; ".join(f"`{name}`: {words}" for name, words in SCOPES.items()),
        },
        "expires_at": {"type": ["string", "null"], "format": "date-time", "default": None},
    },
}
REF = "#/components/schemas/"
ONCE = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)
PAGES = [OpenApiParameter("cursor", str), OpenApiParameter("page_size", int)]
PROBLEM = OpenApiResponse(response={"$ref": f"{REF}Problem"}, description="")


def _answers(status: int, name: str, *problems: int) -> dict[Any, Any]:
    found: dict[Any, Any] = {status: OpenApiResponse(response={"$ref": REF + name}, description="")}
    return found | {(code, "application/problem+json"): PROBLEM for code in problems}


class TokenIssue(Door):
    """The token door: name and password for a bearer token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="auth_token",
        tags=["sign-in"],
        auth=[],
        request={"application/json": CREDENTIALS},
        responses=_answers(200, "Token", 401, 422, 429),
    )
    def post(self, request: Request) -> Response:
        """Sign in. Five failures a minute per name and address, then 429."""
        body = read_body(request.data, CREDENTIALS)
        who = operations.digest_of(f"{body['username'].lower()}\n{client_address(request)}")
        failures = limits.use("token", who, cost=0)
        if failures and not failures.left:
            failures.refuse()
        user = authenticate(request._request, username=body["username"], password=body["password"])
        if not isinstance(user, User):
            limits.use("token", who)
            raise BadCredentials
        issued = operations.issue_token(user=user)
        return Response({"token": issued.secret, "expires_at": zulu(issued.row.expires_at)})


def key_json(row: AccessKey) -> dict[str, Any]:
    """A key without its secret."""
    return {
        "id": row.pk,
        "kind": row.kind,
        "name": row.name,
        "prefix": row.prefix,
        "scopes": row.scopes,
        "created_at": zulu(row.created_at),
        "expires_at": zulu(row.expires_at),
        "last_used_at": zulu(row.last_used_at),
        "revoked_at": zulu(row.revoked_at),
    }


class KeyList(Door):
    """One's own keys and tokens."""

    query = PAGING

    @extend_schema(
        operation_id="api_keys_list",
        tags=["sign-in"],
        parameters=PAGES,
        responses=_answers(200, "KeyPage", 400, 401),
    )
    def get(self, request: Request) -> Response:
        """All of them, newest first."""
        return whole_list_answer(request, queries.keys_of(request.user), key_json)

    @extend_schema(
        operation_id="api_keys_create",
        tags=["sign-in"],
        parameters=[ONCE],
        request={"application/json": NEW_KEY},
        responses=_answers(201, "NewKey", 401, 403, 422),
    )
    def post(self, request: Request) -> HttpResponse:
        """Make one. Its secret is shown this once; a repeated answer has null in its place."""
        secrets: list[str] = []

        def act(body: dict[str, Any]) -> Response:
            issued = operations.issue_key(actor=request.user, **body)
            secrets.append(issued.secret)
            return Response({**key_json(issued.row), "secret": None}, status=201)

        answer = answered(request, prepare=lambda: _new_key(request.data), act=act)
        if secrets and isinstance(answer, Response):
            # after the answer was kept for its Idempotency-Key: a secret is never kept readable
            answer.data["secret"] = secrets[-1]
        return answer


def _new_key(given: Any) -> dict[str, Any]:
    """The fields of a new key; Invalid with every error at once."""
    errors = errors_in(given, NEW_KEY)
    wrong = {row["pointer"] for row in errors}
    moment = None
    if isinstance(given, dict) and not wrong & {"", "/expires_at"} and given.get("expires_at"):
        moment = _moment(given["expires_at"])
        if moment is None:
            detail = "Must be a moment to come, such as 2030-01-31T12:00:00Z."
            errors.append({"pointer": "/expires_at", "code": "format", "detail": detail})
        elif moment <= now():
            detail = "This moment has passed."
            errors.append({"pointer": "/expires_at", "code": "min", "detail": detail})
    if errors:
        raise Invalid(sorted(errors, key=lambda row: row["pointer"]))
    return {**given, "expires_at": moment}


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


class KeyDetail(Door):
    """One key."""

    @extend_schema(
        operation_id="api_keys_revoke",
        tags=["sign-in"],
        responses={204: OpenApiResponse(description="It opens nothing any more.")}
        | {(404, "application/problem+json"): PROBLEM},
    )
    def delete(self, request: Request, id: int) -> HttpResponse:
        """Revoke it."""
        operations.revoke_key(actor=request.user, key_id=id)
        return HttpResponse(status=204)


class TicketIssue(Door):
    """Tickets for sockets, which cannot send headers from a browser."""

    @extend_schema(
        operation_id="ws_tickets_create",
        tags=["sign-in"],
        request=None,
        responses=_answers(201, "Ticket", 401),
    )
    def post(self, request: Request) -> Response:
        """A ticket for `?ticket=`: 60 seconds, once."""
        ticket, expires_at = operations.issue_ticket(user=request.user)
        return Response({"ticket": ticket, "expires_at": zulu(expires_at)}, status=201)
