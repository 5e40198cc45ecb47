"""Role by act beyond the API's doors: media, streams of events, frames of sockets, links."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.test import Client

from generations.models import Output, RegisterEntry
from generations.operations import register
from genproj.accounts import operations as accounts
from genproj.asgi import application
from genproj.events import sse
from genproj.kernel.errors import Forbidden, Refusal
from spaces.consumers.frames import FRAMES, carry_out
from spaces.errors import SpaceNotFound
from spaces.models import Member, Space
from spaces.permissions import Act, Role, allows
from tests import world
from tests.people import Person
from tests.spaces.doors import Stage, picture_in
from tests.spaces.wires import HOST, PATIENCE, beside, stop_threads
from tests.spaces.world import variant_of

__all__ = ["stop_threads"]

ROLES = {"alice": Role.OWNER, "bob": Role.EDITOR, "vera": Role.VIEWER, "charlie": None}


@pytest.fixture
def people(alice: User, bob: User, vera: User, charlie: User) -> dict[str, User]:
    return {one.username: one for one in (alice, bob, vera, charlie)}


@pytest.fixture
def picture(space: Space) -> Output:
    """A picture of the space, behind a variant."""
    found = picture_in(space)
    variant_of(Stage(space).asset, artifact=found.pk)
    return found


# ── media ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["original", "preview", "thumb"])
def test_media_are_for_who_may_look(
    space: Space, picture: Output, people: dict[str, User], work: Any, form: str
) -> None:
    work("make_previews")
    address = f"/media/{picture.pk}/{form}"
    for name, role in ROLES.items():
        status = 200 if allows(role, Act.VIEW) else 404
        assert Person(people[name]).send("GET", address).status_code == status, name
    assert Client().get(address).status_code in {302, 401}
    Person(people["alice"]).delete(f"spaces/{space.pk}/")
    for name, role in ROLES.items():
        status = 200 if role == Role.OWNER else 404
        assert Person(people[name]).send("GET", address).status_code == status, name


# ── server-sent events ────────────────────────────────────────────────────────────────────────


def wire_of(person: User | None, path: str) -> ApplicationCommunicator:
    """A request that is about to be sent."""
    headers = [HOST]
    if person is not None:
        secret = accounts.issue_token(user=person).secret
        headers.append((b"authorization", f"Bearer {secret}".encode()))
    scope = {
        **{"type": "http", "method": "GET", "path": path, "raw_path": path.encode()},
        **{"query_string": b"", "headers": headers, "client": ("127.0.0.1", 1)},
    }
    return ApplicationCommunicator(application, scope)


async def begun(wire: ApplicationCommunicator) -> int:
    """The status that the answer begins with."""
    await wire.send_input({"type": "http.request", "body": b"", "more_body": False})
    start = await wire.receive_output(PATIENCE)
    return int(start["status"])


async def rest(wire: ApplicationCommunicator) -> bytes:
    """What comes until the answer ends."""
    body, more = b"", True
    while more:
        part = await wire.receive_output(PATIENCE)
        body, more = body + part["body"], part.get("more_body", False)
    await wire.send_input({"type": "http.disconnect"})
    await wire.wait(PATIENCE)
    return body


def followed(person: User | None, path: str) -> tuple[int, bytes]:
    """What a stream of events answers."""
    wire = wire_of(person, path)

    async def story() -> tuple[int, bytes]:
        return await begun(wire), await rest(wire)

    return async_to_sync(story)()


@pytest.fixture
def _closed() -> Iterator[None]:
    yield
    connections.close_all()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_closed")
def test_streams_of_events_are_for_who_may_look(
    space: Space, picture: Output, people: dict[str, User]
) -> None:
    path = f"/api/v1/generations/{picture.entry_id}/events/"
    for name, role in ROLES.items():
        status, body = followed(people[name], path)
        assert status == (200 if allows(role, Act.VIEW) else 404), name
        assert (b"event: snapshot" in body) is allows(role, Act.VIEW)
        assert allows(role, Act.VIEW) or b"fox.png" not in body
    assert followed(None, path)[0] == 401
    Member.objects.filter(user=people["vera"]).delete()
    assert followed(people["vera"], path)[0] == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_closed", "wakes")
def test_who_is_removed_is_told_no_more(
    space: Space, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "LOOK_EVERY", 0.0)
    entry = world.opened(people["alice"])
    RegisterEntry.objects.filter(pk=entry.pk).update(audience=f"space:{space.pk}")
    wires = [wire_of(people[name], f"/api/v1/generations/{entry.pk}/events/") for name in ROLES]

    async def story() -> list[bytes]:
        told = []
        assert [await begun(wire) for wire in wires] == [200, 200, 200, 404]
        for wire in wires[:3]:
            while b"event: snapshot" not in (await wire.receive_output(PATIENCE))["body"]:
                pass
        await beside(Member.objects.filter(user=people["vera"]).delete)
        await beside(lambda: register.drop_entry(entry_id=entry.pk))
        for wire in wires:
            told.append(await rest(wire))
        return told

    told = async_to_sync(story)()
    assert [b"event: update" in body for body in told] == [True, True, False, False]


# ── sockets ───────────────────────────────────────────────────────────────────────────────────


def frames_of(it: Stage) -> dict[str, dict[str, Any]]:
    """A frame of each type, as it could be sent."""
    asset, variant = {"asset_id": str(it.asset.pk)}, {"variant_id": str(it.variant.pk)}
    new = {"name": "Boat", "asset_type": "prop"}
    approval = {"approval_id": str(it.approval.pk)}
    return {
        "asset:create": new,
        "asset:update": {**asset, "changes": {"name": "Lantern"}},
        "asset:delete": asset,
        "asset:setActive": {**asset, **variant},
        "asset:fork": {**new, "source_variant_id": str(it.variant.pk)},
        "variant:star": {**variant, "starred": True},
        "variant:rate": {**variant, "rating": "approved"},
        "variant:delete": variant,
        "variant:retry": variant,
        "lineage:sever": {"lineage_id": str(it.line.pk)},
        "generate:request": {**new, "prompt": "a boat"},
        "derive:request": {**new, "reference_variant_ids": [str(it.variant.pk)]},
        "refine:request": {**asset, "prompt": "darker"},
        "batch:request": {**new, "count": 2, "mode": "set"},
        "chat:send": {"content": "Hello"},
        "chat:history": {},
        "chat:clear": {},
        "chat:stop": {},
        "approval:approve": approval,
        "approval:reject": approval,
        "approval:edit": {**approval, "arguments": {**asset, "name": "Flame"}},
        "approval:list": {},
    }


def refusal_of(person: User, space: Space, frame: dict[str, Any]) -> type[Refusal] | None:
    """How a frame is refused to somebody; it leaves no trace."""
    with transaction.atomic():
        try:
            carry_out(person, space.pk, frame)
        except Refusal as refusal:
            return type(refusal)
        finally:
            transaction.set_rollback(True)
    return None


@pytest.mark.django_db
@pytest.mark.parametrize("kind", FRAMES)
def test_frames_are_carried_out_for_who_may(
    space: Space, people: dict[str, User], kind: str
) -> None:
    frame = {"type": kind, "request_id": uuid4().hex, **frames_of(Stage(space))[kind]}
    for name, role in ROLES.items():
        refused = refusal_of(people[name], space, frame)
        if role is None:
            assert refused is SpaceNotFound
        else:
            assert (refused is not Forbidden) is allows(role, FRAMES[kind].act), (name, refused)


# ── links ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db
def test_a_link_is_made_by_who_may_share_and_opens_for_everybody(
    space: Space, picture: Output, people: dict[str, User], work: Any
) -> None:
    work("make_previews")
    chosen = {"variant_ids": [str(space.variants.get(artifact=picture.pk).pk)]}
    for name, role in ROLES.items():
        answer = Person(people[name]).send("POST", f"spaces/{space.pk}/shares/", chosen)
        refused = 404 if role is None else 403
        assert answer.status_code == (201 if allows(role, Act.SHARE) else refused)
        if answer.status_code != 201:
            continue
        token = json.loads(answer.content)["token"]
        for client in (Client(), *(Person(one).client for one in people.values())):
            assert client.get(f"/shared/{token}/").status_code == 200
            assert client.get(f"/shared/{token}/media/0/preview").status_code == 200
        assert Client().get(f"/shared/{token}/media/0/original").status_code == 410
        assert Client().get(f"/shared/{token}x/").status_code == 410
