"""Artifacts and the bytes behind them: uploads, marks, media."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from generations.models import Output, Preview, RegisterEntry
from generations.operations import keeping
from genproj.kernel import storage
from genproj.kernel.ids import uuid7
from tests import world
from tests.generations.conftest import Program
from tests.generations.stored import come

pytestmark = pytest.mark.django_db

ARTIFACTS = "/api/v1/artifacts/"
Upload = Callable[..., Any]


def picture(name: str = "boat.png", colour: str = "#247") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, world.picture(colour), "application/octet-stream")


@pytest.fixture
def kept(alice: User) -> Output:
    """A picture Alice brought in, with its bytes on disk."""
    entry = keeping.keep_upload(
        actor=alice, audience=f"user:{alice.pk}", file=BytesIO(world.picture()), filename="boat.png"
    )
    return entry.outputs.get()


def test_an_upload_is_an_artifact_at_once(alices: Client, alice: User) -> None:
    answer = alices.post(ARTIFACTS, {"file": picture(), "tags": ["coast", "boat"]})
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert answer["Location"] == f"{ARTIFACTS}{body['id']}/"
    assert (body["provider"], body["kind"]) == ("upload", "image")
    assert (body["width"], body["height"]) == (64, 48)
    assert body["content_type"] == "image/png"
    entry = RegisterEntry.objects.get()
    assert body["generation"] == str(entry.pk)
    assert entry.state.value == "completed"
    assert [row["id"] for row in alices.get(ARTIFACTS).json()["results"]] == [body["id"]]
    uploads = alices.get(f"{ARTIFACTS}?provider=upload").json()["results"]
    assert [row["id"] for row in uploads] == [body["id"]]


def test_an_upload_with_a_key_happens_once(alices: Client) -> None:
    headers = {"idempotency-key": "k"}
    first = alices.post(ARTIFACTS, {"file": picture()}, headers=headers)
    again = alices.post(ARTIFACTS, {"file": picture()}, headers=headers)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    other = alices.post(ARTIFACTS, {"file": picture(colour="#fff")}, headers=headers)
    assert other.json()["code"] == "idempotency_key_reused"
    assert RegisterEntry.objects.count() == 1


def test_what_is_no_picture_is_refused(alices: Client) -> None:
    answer = alices.post(ARTIFACTS, {"file": SimpleUploadedFile("x.png", b"nonsense" * 100)})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/file"
    missing = alices.post(ARTIFACTS, {"colour": "blue"})
    found = {row["pointer"] for row in missing.json()["errors"]}
    assert found == {"/file", "/colour"}
    assert alices.post(ARTIFACTS, {"file": SimpleUploadedFile("x.png", b"")}).status_code == 422
    two = alices.post(ARTIFACTS, {"file": [picture(), picture()]})
    assert [row["code"] for row in two.json()["errors"]] == ["too_many"]


def test_what_is_too_large_is_413(alices: Client, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 100
    answer = alices.post(ARTIFACTS, {"file": picture()})
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert not RegisterEntry.objects.exists()


def test_storage_that_is_away_is_503_and_leaves_nothing(
    alices: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise storage.StorageFailure("key", "hunter2")

    monkeypatch.setattr(storage, "put", away)
    answer = alices.post(ARTIFACTS, {"file": picture()})
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert "hunter2" not in answer.content.decode()
    assert not RegisterEntry.objects.exists()


def test_marks_are_set_and_versions_guard_them(alices: Client, kept: Output) -> None:
    url = f"{ARTIFACTS}{kept.pk}/"

    def change(body: dict[str, Any], **headers: str) -> Any:
        return alices.patch(url, body, content_type="application/json", headers=headers)

    before = alices.get(url)["ETag"]
    answer = change({"starred": True, "tags": ["fog", "boat"]})
    assert answer.status_code == 200
    assert (answer.json()["starred"], answer.json()["tags"]) == (True, ["boat", "fog"])
    assert change({"starred": False}).json()["tags"] == ["boat", "fog"]
    stale = change({"starred": True}, **{"if-match": before})
    assert (stale.status_code, stale.json()["code"]) == (412, "version_conflict")
    fresh = alices.get(url)["ETag"]
    assert change({"starred": True}, **{"if-match": fresh}).status_code == 200
    assert alices.get(url, headers={"if-none-match": fresh}).status_code == 200
    now_tag = alices.get(url)["ETag"]
    assert alices.get(url, headers={"if-none-match": now_tag}).status_code == 304
    wrong = change({"starred": "yes", "tags": ["x" * 65], "prompt": "mine"})
    found = {row["pointer"] for row in wrong.json()["errors"]}
    assert found == {"/starred", "/tags/0", "/prompt"}


def test_others_artifacts_are_not_there(program: Program, bob: User, kept: Output) -> None:
    client, url = program(bob), f"{ARTIFACTS}{kept.pk}/"
    assert client.get(url).status_code == 404
    assert client.patch(url, {"starred": True}, content_type="application/json").status_code == 404
    assert client.delete(url).status_code == 404
    assert client.post(f"{url}restore/").status_code == 404
    assert client.get(f"/media/{kept.pk}/original").status_code == 404


def test_an_artifact_is_thrown_away_and_comes_back(alices: Client, kept: Output) -> None:
    url = f"{ARTIFACTS}{kept.pk}/"
    assert alices.delete(url).status_code == 204
    assert alices.get(ARTIFACTS).json()["results"] == []
    assert alices.get(url).json()["trashed_at"]
    assert alices.post(f"{url}restore/").json()["trashed_at"] is None
    assert len(alices.get(ARTIFACTS).json()["results"]) == 1


def test_media_are_handed_to_the_server_in_front(
    disk: None, alices: Client, program: Program, dana: User, kept: Output
) -> None:
    answer = alices.get(f"/media/{kept.pk}/original")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/png"
    assert answer["ETag"] == f'"{kept.sha256}"'
    assert answer["Cache-Control"] == "private, max-age=3600"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("inline")
    with open(answer["X-Send-File"], "rb") as file:  # noqa: PTH123
        assert len(file.read()) == kept.size
    saved = alices.get(f"/media/{kept.pk}/original?download=1")
    assert saved["Content-Disposition"].startswith("attachment")
    same = alices.get(f"/media/{kept.pk}/original", headers={"if-none-match": answer["ETag"]})
    assert same.status_code == 304
    assert program(dana).get(f"/media/{kept.pk}/original").status_code == 200


def test_smaller_forms_fall_back_until_they_are_made(
    disk: None, alices: Client, kept: Output
) -> None:
    Preview.objects.filter(pk=kept.pk).delete()
    for variant in ("preview", "thumb", "poster"):
        assert alices.get(f"/media/{kept.pk}/{variant}")["Content-Type"] == "image/png"
    key = f"generations/{kept.entry_id}/thumb.webp"
    body = world.picture(format="WEBP")
    from hashlib import sha256

    storage.put(
        key,
        BytesIO(body),
        sha256=sha256(body).hexdigest(),
        size=len(body),
        content_type="image/webp",
    )
    Preview.objects.create(output=kept, thumb_key=key)
    small = alices.get(f"/media/{kept.pk}/thumb")
    assert small["Content-Type"] == "image/webp"
    assert small["X-Send-File"].endswith("thumb.webp")
    assert small["ETag"] != alices.get(f"/media/{kept.pk}/original")["ETag"]


def test_media_of_nobody_nothing_and_no_such_form(
    client: Client, alices: Client, alice: User, kept: Output
) -> None:
    nobody = client.get(f"/media/{kept.pk}/original")
    assert (nobody.status_code, nobody.json()["code"]) == (401, "unauthenticated")
    assert alices.get(f"/media/{uuid7()}/original").status_code == 404
    assert alices.get(f"/media/{kept.pk}/huge").status_code == 404
    waiting = come(world.opened(alice, count=1), stored_at=None, storage_key="", sha256="")
    assert alices.get(f"/media/{waiting.pk}/original").status_code == 404
    client.force_login(alice)
    assert client.get(f"/media/{kept.pk}/original").status_code in {200, 302}


def test_media_whose_file_is_gone_say_that_storage_is_away(
    disk: None, alices: Client, kept: Output
) -> None:
    storage.delete(kept.storage_key)
    answer = alices.get(f"/media/{kept.pk}/original")
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")


def test_a_bucket_is_answered_by_a_signed_address(
    alices: Client, kept: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "signed_url", lambda key, **_: f"https://bucket.example/{key}?s=1")
    answer = alices.get(f"/media/{kept.pk}/original")
    assert answer.status_code == 302
    assert answer["Location"].startswith("https://bucket.example/generations/")
    assert answer["Cache-Control"] == "private, no-store"
