"""A space goes out, comes into an empty installation, goes out again: it is the same."""

import hashlib
import http.client
import io
import json
import tracemalloc
import urllib.request
import zipfile
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection

from generations.models import ArtifactUse, Output, RegisterEntry
from genproj.events import log
from genproj.kernel import storage
from spaces.models import Space, Variant
from spaces.operations import spaces as making
from spaces.queries import full_state_of
from tests.people import Person
from tests.spaces import archives
from tests.spaces.archives import exported, imported, opened, plain, rich_space
from tests.spaces.world import asset_in, line_between, space_of, variant_of

pytestmark = pytest.mark.django_db(transaction=True)


def emptied(space: Space) -> None:
    """What the installation has left of a space when nothing of it is left."""
    Space.objects.filter(pk=space.pk).delete()
    RegisterEntry.objects.all().delete()
    for key, _ in list(storage.keys()):
        storage.delete(key)


@pytest.mark.parametrize("seed", range(6))
def test_a_round_trip_is_equal(seed: int, alice: User, stranger: Person) -> None:
    space = rich_space(alice, seed)
    first = exported(Person(alice), space.pk)
    before, files = opened(first)
    for file in before["files"]:
        assert hashlib.sha256(files[file["path"]]).hexdigest() == file["sha256"]
        assert len(files[file["path"]]) == file["size"]
    assert {file["path"] for file in before["files"]} == files.keys()
    emptied(space)
    answer = imported(stranger, first)
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert body["space"]["role"] == "owner"
    assert answer["Location"] == f"/api/v1/spaces/{body['space']['id']}/"
    after, again = opened(exported(stranger, body["space"]["id"]))
    assert files == again
    assert plain(after) == plain(before, body["ids"])
    assert not set(body["ids"]) & set(body["ids"].values())
    assert not Variant.objects.filter(pk__in=list(body["ids"])).exists()


def test_who_follows_from_the_first_frame_has_what_a_full_state_has(
    alice: User, owner: Person
) -> None:
    body = imported(owner, exported(owner, rich_space(alice, 3).pk)).json()
    id = body["space"]["id"]
    state = json.loads(json.dumps(full_state_of(f"{id}")))
    frames = log.since(f"space:{id}", 0)
    assert frames is not None
    for kind, noun in (("assets", "asset"), ("variants", "variant"), ("lineage", "lineage")):
        told = {one.data[noun]["id"]: one.data[noun] for one in frames if noun in one.data}
        assert told == {row["id"]: row for row in state[kind]}


def test_pictures_that_came_in_are_seen_by_the_space_alone(
    alice: User, owner: Person, stranger: Person
) -> None:
    body = imported(stranger, exported(owner, rich_space(alice, 1).pk)).json()
    variant = Variant.objects.filter(space=body["space"]["id"], artifact__isnull=False).first()
    assert variant is not None
    assert stranger.send("GET", f"/media/{variant.artifact}/original").status_code == 200
    assert owner.send("GET", f"/media/{variant.artifact}/original").status_code == 404
    assert ArtifactUse.objects.filter(holder=f"variant:{variant.pk}").exists()


def test_the_chat_goes_along_only_when_asked_for(alice: User, owner: Person) -> None:
    space = rich_space(alice, 2)
    assert opened(exported(owner, space.pk, chat=False))[0]["chat"] is None
    said = opened(exported(owner, space.pk))[0]["chat"]
    assert [row["author"] for row in said] == ["alice", None]


def test_a_page_brings_it_in_or_says_why_not(alice: User, owner: Person, stranger: Person) -> None:
    body = exported(owner, rich_space(alice, 3).pk)
    assert "exported file" in stranger.client.get("/spaces/import/").content.decode()
    form = {"file": SimpleUploadedFile("space.zip", body, "application/zip")}
    answer = stranger.client.post("/spaces/import/", form)
    made = Space.objects.get(members__user=stranger.user)
    assert answer.headers["Location"] == f"/spaces/{made.pk}/"
    for damage, words in {
        body[:-40]: "It was not imported",
        b"no zip at all": "no space that was exported",
        b"": "Choose the file",
    }.items():
        file = {"file": SimpleUploadedFile("space.zip", damage)} if damage else {}
        answer = stranger.client.post("/spaces/import/", file)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    told = stranger.client.post("/spaces/import/", headers={"Accept": "application/json"})
    assert told.json()["detail"].startswith("Choose the file")
    assert Space.objects.filter(members__user=stranger.user).count() == 1


def test_the_same_key_brings_it_in_once(alice: User, owner: Person) -> None:
    body = exported(owner, rich_space(alice, 2).pk)
    first = imported(owner, body, **{"Idempotency-Key": "one"})
    kept = set(storage.keys())
    second = imported(owner, body, **{"Idempotency-Key": "one"})
    assert first.json()["space"]["id"] == second.json()["space"]["id"]
    assert set(storage.keys()) == kept


def test_a_picture_that_is_lost_breaks_the_archive_off(alice: User, owner: Person) -> None:
    space = rich_space(alice, 2)
    answer = owner.send("GET", f"spaces/{space.pk}/export/")
    for key, _ in list(storage.keys("generations/")):
        storage.delete(key)
    with pytest.raises(storage.KeyMissing):
        b"".join(answer.streaming_content)


def test_it_streams_in_little_memory_and_asks_the_database_nothing(
    alice: User, owner: Person
) -> None:
    space = space_of(alice)
    asset = asset_in(space)
    output = archives.output_in(space, "#123456")
    variant_of(asset, artifact=output.pk)
    large = b"\x89PNG" + b"x" * (48 * 2**20)
    key = f"generations/{output.entry_id}/{output.pk}.png"
    digest = archives.digest(large)
    storage.put(key, io.BytesIO(large), sha256=digest, size=len(large), content_type="image/png")
    Output.objects.filter(pk=output.pk).update(sha256=digest, size=len(large))
    answer = owner.send("GET", f"spaces/{space.pk}/export/")
    assert answer["X-Stream"] == "1"
    del large

    def refuse(*_: Any) -> None:
        raise AssertionError("it asks the database")

    tracemalloc.start()
    try:
        with connection.execute_wrapper(refuse):
            size = sum(len(part) for part in answer.streaming_content)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
    assert size > 48 * 2**20


def test_a_transaction_that_is_repeated_brings_it_in_once(alice: User, owner: Person) -> None:
    body = exported(owner, rich_space(alice, 1).pk)
    busy = [OperationalError("database is locked")]

    def once_busy(execute: Any, sql: str, *rest: Any) -> Any:
        if busy and sql.startswith('UPDATE "runtime_idempotentanswer"'):
            raise busy.pop()
        return execute(sql, *rest)

    with connection.execute_wrapper(once_busy):
        answer = imported(owner, body, **{"Idempotency-Key": "one"})
    assert not busy
    assert answer.status_code == 201
    assert Space.objects.filter(pk=answer.json()["space"]["id"]).exists()


def test_training_pairs(alice: User, owner: Person) -> None:
    space = space_of(alice)
    asset = asset_in(space, "Lamp")
    outputs = [archives.output_in(space, colour) for colour in ("#111111", "#222222", "#333333")]
    parent, child, other = (variant_of(asset, artifact=one.pk) for one in outputs)
    line_between(parent, child)
    line_between(parent, other)
    Variant.objects.filter(pk=child.pk).update(
        rating="approved", recipe={"prompt": "warmer", "model": "m"}
    )
    answer = owner.send("GET", f"spaces/{space.pk}/training-export/")
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        [line] = [json.loads(one) for one in archive.read("pairs.jsonl").splitlines()]
        assert (line["prompt"], line["relation"]) == ("warmer", "derived")
        assert archives.digest(archive.read(line["parent"])) == outputs[0].sha256
        assert archives.digest(archive.read(line["child"])) == outputs[1].sha256
        assert len(archive.namelist()) == 3


@pytest.mark.parametrize("door", ["export", "training-export"])
def test_who_may_take_it_away(
    door: str, space: Space, editor: Person, viewer: Person, stranger: Person, alice: User
) -> None:
    path = f"spaces/{space.pk}/{door}/"
    assert stranger.send("GET", path).status_code == 404
    assert viewer.send("GET", path).status_code == 403
    assert editor.send("GET", path).status_code == 200
    making.trash(actor=alice, space_id=space.pk)
    assert editor.send("GET", path).status_code == 404


def test_through_the_server_it_comes_in_pieces_and_goes_back_in(
    web: Any, alice: User, owner: Person, settings: Any
) -> None:
    space = rich_space(alice, 4)
    cookie = owner.client.cookies[settings.SESSION_COOKIE_NAME].value
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"}
    asked = urllib.request.Request(f"{web.url}/api/v1/spaces/{space.pk}/export/", headers=headers)
    with urllib.request.urlopen(asked) as answer:
        assert answer.headers["Content-Length"] is None
        assert answer.headers["X-Stream"] is None
        body = answer.read()
    assert opened(body)[0]["space"]["name"] == space.name
    key = next(key for key, _ in storage.keys("generations/"))
    storage.delete(key)
    with pytest.raises(http.client.IncompleteRead), urllib.request.urlopen(asked) as answer:
        answer.read()
    assert imported(owner, body).status_code == 201
