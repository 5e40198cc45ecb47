"""Who knocks: a bearer of a key, a browser with a session, or the holder of a ticket."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from genproj.accounts import operations
from genproj.accounts.errors import ScopeMissing
from genproj.accounts.models import AccessKey
from genproj.accounts.scopes import STAFF, WORKER, WRITE, allows

LONGEST_SECRET = 200


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer SECRET`: a token of the token door or an API key."""

    def authenticate(self, request: Request) -> tuple[User, AccessKey] | None:
        """The key's person; None without the header, so that the session is asked next.

        Raises:
            AuthenticationFailed: a secret that opens nothing.
            ScopeMissing: a key that is not for this method.
        """
        secret = _secret(get_authorization_header(request).decode("latin-1"))
        if secret is None:
            return None
        key = operations.usable(secret)
        if key is None:
            raise AuthenticationFailed
        if not self.is_for(key, request.method or "GET"):
            raise ScopeMissing
        return as_far_as(key), key

    def is_for(self, key: AccessKey, method: str) -> bool:
        """Whether the key opens this door for this method."""
        return allows(key.scopes, method)

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"


class WorkerAuthentication(KeyAuthentication):
    """The same for the doors of workers: a key of scope `worker` whose giver is staff still."""

    def is_for(self, key: AccessKey, method: str) -> bool:
        """Whatever else the key may do."""
        return WORKER in key.scopes and key.user.is_staff


class KeyScheme(OpenApiAuthenticationExtension):
    """How the schema describes it."""

    target_class = "genproj.accounts.authentication.KeyAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A bearer token."""
        return {"type": "http", "scheme": "bearer"}


class WorkerScheme(KeyScheme):
    """How the schema describes a worker's key."""

    target_class = "genproj.accounts.authentication.WorkerAuthentication"
    name = "worker"


def _secret(header: str) -> str | None:
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        return None
    return secret.strip()[:LONGEST_SECRET]


def as_far_as(key: AccessKey) -> User:
    """The key's person, without staff's rights where the key does not carry them."""
    user = key.user
    # For sockets, where a frame may write whatever the method was that opened them.
    user.may_write = WRITE in key.scopes  # type: ignore[attr-defined]
    if STAFF not in key.scopes:
        # In memory only: nothing here saves a user.
        user.is_staff = user.is_superuser = False
    return user


def user_of_request(request: HttpRequest) -> User | None:
    """The person behind a plain Django request, by bearer secret or session; None for nobody."""
    if _secret(request.headers.get("Authorization", "")) is not None:
        headers = {"authorization": request.headers["Authorization"]}
        return user_of_headers(headers, cookies={})
    user = request.user
    return user if isinstance(user, User) and user.is_active else None


def user_of_headers(headers: Mapping[str, str], *, cookies: Mapping[str, str]) -> User | None:
    """The person behind a request outside Django, by bearer secret or session; None for nobody.

    Args:
        headers: names in lower case.
    """
    secret = _secret(headers.get("authorization", ""))
    if secret is not None:
        key = operations.usable(secret)
        return as_far_as(key) if key and allows(key.scopes, "GET") else None
    session_key = cookies.get(settings.SESSION_COOKIE_NAME)
    return _user_of_session(session_key) if session_key else None


def user_of_ticket(ticket: str) -> User | None:
    """The person a socket ticket was made for; it is used up."""
    return operations.use_ticket(ticket=ticket[:LONGEST_SECRET])


def _user_of_session(session_key: str) -> User | None:
    """The session's person, if the password is still the one they signed in with."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    backend = session.get(BACKEND_SESSION_KEY)
    if SESSION_KEY not in session or backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = get_user_model().objects.filter(pk=session[SESSION_KEY], is_active=True).first()
    if not isinstance(user, User):
        return None
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    kept = session.get(HASH_SESSION_KEY) or ""
    return user if any(constant_time_compare(kept, one) for one in hashes) else None
