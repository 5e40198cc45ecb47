"""Programs that knock with a key, a registry to ask from, and addresses that hold pictures."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from genproj.accounts import operations
from genproj.webhooks.inbox import inbox
from tests import world

Program = Callable[..., Client]
GENERATIONS = "/api/v1/generations/"


@pytest.fixture
def program() -> Program:
    """A client that carries a person's token, or a key with only some scopes."""

    def of(user: User, *scopes: str) -> Client:
        if scopes:
            secret = operations.issue_key(actor=user, name="test", scopes=scopes).secret
        else:
            secret = operations.issue_token(user=user).secret
        return Client(headers={"authorization": f"Bearer {secret}"})

    return of


@pytest.fixture(autouse=True)
def _no_writer_stays() -> Iterator[None]:
    """The inbox's threads keep connections, which the end of a test database does not bear."""
    yield
    inbox.stop()


@pytest.fixture
def alices(program: Program, alice: User) -> Client:
    """Alice's program, with models to ask for."""
    world.models()
    return program(alice)


@pytest.fixture
def ask() -> Callable[..., Any]:
    """Posts a request for pictures."""

    def post(client: Client, key: str = "", **body: Any) -> HttpResponse:
        wish = {"model": world.MODEL, "prompt": "a lighthouse in fog"} | body
        headers = {"idempotency-key": key} if key else {}
        return client.post(GENERATIONS, wish, content_type="application/json", headers=headers)

    return post


def of(id: UUID | str, verb: str = "") -> str:
    """A generation's address."""
    return f"{GENERATIONS}{id}/{verb}/" if verb else f"{GENERATIONS}{id}/"


class _Pictures(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        colour = "#" + hashlib.sha256(self.path.encode()).hexdigest()[:6]
        if "slow" in self.path:
            time.sleep(1)
        width = 99 if "wide-99" in self.path else 16
        body = world.picture(colour, (width, 16))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def cdn() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pictures)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
