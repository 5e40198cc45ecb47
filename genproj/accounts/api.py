"""Doors of sign-in for programs: tokens, keys, socket tickets."""

from datetime import datetime
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from genproj.accounts import operations, queries
from genproj.accounts.errors import BadCredentials
from genproj.accounts.models import AccessKey
from genproj.accounts.scopes import SCOPES
from genproj.kernel.api import Door, limits, read_body
from genproj.kernel.api.doors import client_address
from genproj.kernel.clock import zulu
from genproj.kernel.errors import Invalid

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
            "items": {"type": "string", "maxLength": 20},
            "description": "; ".join(f"`{name}`: {words}" for name, words in SCOPES.items()),
        },
        "expires_at": {"type": ["string", "null"], "format": "date-time", "default": None},
    },
}
REF = "#/components/schemas/"
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

    @extend_schema(
        operation_id="api_keys_list",
        tags=["sign-in"],
        responses=_answers(200, "KeyPage", 401),
    )
    def get(self, request: Request) -> Response:
        """All of them, newest first."""
        rows = queries.keys_of(request.user)
        return Response(
            {"next": None, "previous": None, "results": [key_json(row) for row in rows]}
        )

    @extend_schema(
        operation_id="api_keys_create",
        tags=["sign-in"],
        request={"application/json": NEW_KEY},
        responses=_answers(201, "NewKey", 401, 403, 422),
    )
    def post(self, request: Request) -> Response:
        """Make one; its secret is shown this once, so a repetition makes another."""
        body = read_body(request.data, NEW_KEY)
        issued = operations.issue_key(
            actor=request.user,
            name=body["name"],
            scopes=body["scopes"],
            expires_at=_moment(body["expires_at"]),
        )
        return Response({**key_json(issued.row), "secret": issued.secret}, status=201)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid.one("/expires_at", "format", "Must be a moment such as 2026-01-31T12:00:00Z.")
    return moment


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
