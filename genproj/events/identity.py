"""Who is behind a socket or a stream: session, bearer or ticket, and from which page."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.http.cookie import parse_cookie

from genproj.accounts import authentication
from genproj.kernel.asgi import Scope, headers_of
from genproj.kernel.threads import aside


async def person_behind(scope: Scope, *, tickets: bool = False) -> Any | None:
    """The person who opened this connection; None when nobody is known.

    A ticket is used up by this. It stands for the connection alone, so it needs no Origin; so
    does a bearer token, which no browser sends by itself. Yet a foreign page opens no socket.
    """
    headers = headers_of(scope)
    foreign = "origin" in headers and not origin_allowed(headers)
    if scope["type"] == "websocket" and foreign:
        return None
    ticket = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("ticket")
    if tickets and ticket:
        return await aside(authentication.user_of_ticket, ticket)
    bearer = headers.get("authorization", "").lower().startswith("bearer ")
    if scope["type"] == "websocket" and not bearer and not origin_allowed(headers):
        return None
    cookies = {} if bearer else parse_cookie(headers.get("cookie", ""))
    return await aside(_user_of_headers, headers, cookies)


def _user_of_headers(headers: dict[str, str], cookies: dict[str, str]) -> Any | None:
    return authentication.user_of_headers(headers, cookies=cookies)


def origin_allowed(headers: dict[str, str]) -> bool:
    """Whether the page that opened the socket is one of ours.

    Browsers send cookies with every socket, whoever's page opens it.
    """
    origin = headers.get("origin", "")
    if not origin or origin == "null":
        return False
    if origin in {settings.PUBLIC_URL, *settings.CSRF_TRUSTED_ORIGINS}:
        return True
    return urlsplit(origin).netloc == headers.get("host", "") != ""
