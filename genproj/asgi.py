"""The outermost door: sends each connection to what answers it, by its scope alone."""

import os
import re
import sys
from email.header import decode_header, make_header

from django import setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "genproj.settings")
setup()  # before anything that holds a model

from channels.routing import URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path  # noqa: E402

from generations import webhooks  # noqa: E402
from genproj import production  # noqa: E402
from genproj.events import sse  # noqa: E402
from genproj.events.consumers import MeConsumer, StaffConsumer  # noqa: E402
from genproj.events.identity import person_behind  # noqa: E402
from genproj.events.relay import relay  # noqa: E402
from genproj.events.waiting import answer_when_settled  # noqa: E402
from genproj.events.whispers import whispers  # noqa: E402
from genproj.kernel import draining  # noqa: E402
from genproj.kernel.asgi import (  # noqa: E402
    SEND_FILE,
    Disconnected,
    Receive,
    Scope,
    Send,
    Unreadable,
    problem,
    send_answer,
    spool_body,
)
from genproj.kernel.logs import component  # noqa: E402
from genproj.kernel.sendfile import READERS, send_file  # noqa: E402
from genproj.kernel.streaming import STREAMERS, send_parts  # noqa: E402
from genproj.kernel.threads import ASIDE  # noqa: E402
from genproj.kernel.wsgi import WsgiInThreads  # noqa: E402
from genproj.webhooks.inbox import inbox  # noqa: E402
from genproj.wsgi import application as pages_and_json  # noqa: E402
from spaces.consumers import ACTS, SpaceConsumer  # noqa: E402
from videos.api import uploads  # noqa: E402

#: A multipart form is a little larger than the file in it.
LARGEST_BODY = settings.MAX_UPLOAD_BYTES + 2**20
#: What only who is signed in may send: the bodies of these are large.
LARGE_BODIES = dict.fromkeys(
    ("/api/v1/spaces/import/", "/spaces/import/"), settings.MAX_IMPORT_BYTES + 2**20
)
#: Python's own 5 ms are what the event loop waits for each busy thread; measured at the webhook
#: door beside other load, a tenth of it halves the 99th percentile and costs nothing else.
SWITCH_EVERY = 0.0005
EVENTS = re.compile(r"/api/v1/generations/([0-9a-fA-F-]{36})/events/?")

journal = component("web")
django = WsgiInThreads(pages_and_json, threads=settings.WEB_THREADS, most=settings.WEB_WAITING)
sockets = URLRouter(
    [
        path("ws/me/", MeConsumer.as_asgi()),
        path("ws/staff/", StaffConsumer.as_asgi()),
        path("ws/spaces/<space_id>/", SpaceConsumer.as_asgi()),
    ]
)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one connection."""
    if scope["type"] == "http":
        if webhooks.provider_at(scope["path"]):
            await webhooks.receive(scope, receive, send)
        elif token := uploads.token_at(scope["path"]):
            await uploads.receive(scope, receive, send, token=token)
        elif found := EVENTS.fullmatch(scope["path"]):
            await sse.follow_thing(scope, receive, send, kind="generation", number=found[1])
        else:
            await ask_django(scope, receive, send)
    elif scope["type"] == "websocket":
        await open_socket(scope, receive, send)
    elif scope["type"] == "lifespan":
        await live(receive, send)


async def ask_django(scope: Scope, receive: Receive, send: Send) -> None:
    """Let Django answer in one of its threads; wait and stream here, where it costs no thread."""
    limit = LARGEST_BODY
    if scope["path"] in LARGE_BODIES and await person_behind(scope) is not None:
        limit = max(limit, LARGE_BODIES[scope["path"]])
    try:
        body = await spool_body(scope, receive, limit=limit)
    except Unreadable as error:
        await send_answer(scope, send, problem(scope, error.status))
        return
    except Disconnected:
        return
    with body:
        answer = await answer_when_settled(django.answer, scope, body)
    if answer.parts is not None:
        await send_parts(scope, receive, send, answer)
    elif file := answer.header(SEND_FILE):
        await send_file(scope, receive, send, answer, path_in(file))
    else:
        await send_answer(scope, send, answer)


def path_in(value: bytes) -> str:
    """The path in a header's value, where Django writes letters beyond Latin-1 as MIME does."""
    text = value.decode("latin-1")
    return str(make_header(decode_header(text))) if text.startswith("=?") else text


async def open_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a websocket to its consumer; one that nobody knows is closed."""
    if any(route.pattern.match(scope["path"].removeprefix("/")) for route in sockets.routes):
        await sockets(scope, receive, send)
    else:
        # Browsers see the close code only of a socket that was open.
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4404})


async def live(receive: Receive, send: Send) -> None:
    """Start and stop this process's own threads with the server."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            if reasons := production.refusals_of_settings():  # where no supervisor has asked
                await send({"type": "lifespan.startup.failed", "message": " ".join(reasons)})
                return
            sys.setswitchinterval(SWITCH_EVERY)
            draining.install(settings.DRAIN_SECONDS)
            relay.start()
            inbox.start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            for ending in (
                inbox,
                relay,
                whispers,
                django,
                ACTS,
                ASIDE,
                READERS,
                STREAMERS,
                uploads.WRITERS,
            ):
                ending.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return
