"""Storage in a bucket of a real S3 server, started for these tests."""

import hashlib
import io
import threading
import time
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest
from django.core.management import call_command

from genproj.kernel import storage
from tests import s3
from tests.s3 import s3_server  # noqa: F401 - a fixture

BODY = b"picture" * 1000
KEY = "generations/019a/0.png"
HASH = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def bucket(s3_server, settings):  # noqa: F811
    s3.use(s3_server, settings)
    yield
    s3.empty()
    s3.let_go()


def keep(key=KEY, body=BODY, source=None, **claim):
    claim = {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body), **claim}
    return storage.put(key, source or io.BytesIO(body), content_type="image/png", **claim)


def read(key=KEY):
    with storage.open_read(key) as file:
        return file.read()


def test_what_is_put_is_there_under_its_key_with_its_hash():
    assert keep() == storage.Stored(KEY, len(BODY), HASH)
    assert read() == BODY
    assert storage.stat(KEY) == storage.Stat(len(BODY), HASH)
    assert storage.path_of(KEY) is None
    assert list(storage.keys("generations/")) == [(KEY, len(BODY))]
    assert list(storage.keys("images/")) == []
    storage.check()


def test_a_file_that_was_filled_here_is_kept():
    with storage.scratch() as file:
        file.write(BODY)
        keep(source=file)
    assert read() == BODY


def test_the_same_again_writes_nothing():
    keep()
    before = storage._store().client.head_object(Bucket="media", Key=KEY)["LastModified"]
    keep()
    after = storage._store().client.head_object(Bucket="media", Key=KEY)["LastModified"]
    assert before == after


@pytest.mark.parametrize("there", [b"", BODY[:100], b"X" + BODY[1:]])
def test_another_object_at_the_key_is_replaced(there):
    storage._store().client.put_object(Bucket="media", Key=KEY, Body=there)
    keep()
    assert storage.stat(KEY) == storage.Stat(len(BODY), HASH)
    assert read() == BODY


def test_an_object_that_somebody_else_put_counts_when_its_bytes_agree():
    storage._store().client.put_object(Bucket="media", Key=KEY, Body=BODY)
    keep()
    assert storage.stat(KEY) == storage.Stat(len(BODY), None)


@pytest.mark.parametrize("claim", [{"size": 5}, {"sha256": "0" * 64}])
def test_a_source_that_is_not_what_was_announced_is_not_kept(claim):
    with pytest.raises(storage.StorageFailure):
        keep(**claim)
    assert storage.stat(KEY) is None


def test_a_large_file_goes_in_parts_once(monkeypatch):
    from genproj.kernel.storage import s3 as ours

    monkeypatch.setattr(ours, "WHOLE_UP_TO", 6 * 2**20)
    monkeypatch.setattr(ours, "PART", 5 * 2**20)
    body = bytes(range(256)) * (11 * 2**20 // 256)
    keep("videos/a.mp4", body)
    keep("videos/a.mp4", body)
    found = storage.stat("videos/a.mp4")
    assert found == storage.Stat(len(body), hashlib.sha256(body).hexdigest())
    assert read("videos/a.mp4") == body
    assert storage.tidy(older_than=-60) == 0


def test_what_is_put_to_an_upload_address_is_there():
    url = storage.upload_url("videos/incoming/a-1.mp4", content_type="video/mp4", seconds=60)
    request = Request(url, data=BODY, method="PUT", headers={"Content-Type": "video/mp4"})
    with urlopen(request, timeout=10) as answer:
        assert answer.status == 200
    assert read("videos/incoming/a-1.mp4") == BODY
    other = Request(url.replace("a-1", "b-1"), data=BODY, method="PUT")
    with pytest.raises(HTTPError):
        urlopen(other, timeout=10).close()


def test_uploads_that_were_left_unfinished_are_tidied():
    client = storage._store().client
    client.create_multipart_upload(Bucket="media", Key="videos/b.mp4")
    assert storage.tidy(older_than=3600) == 0
    assert storage.tidy(older_than=-60) == 1


def test_what_is_not_there_is_missing():
    with pytest.raises(storage.KeyMissing):
        storage.open_read(KEY)
    assert storage.stat(KEY) is None
    storage.delete(KEY)


def test_a_signed_address_serves_the_bytes_and_no_others():
    keep()
    url = storage.signed_url(KEY, filename="Leuchtturm ß.png", content_type="image/png")
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["300"]
    with urlopen(url) as answer:
        assert answer.read() == BODY
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Content-Disposition"].startswith("attachment")
    inline = storage.signed_url(KEY, filename=None, content_type="image/png")
    with urlopen(inline) as answer:
        assert answer.headers["Content-Disposition"] == "inline"
    with pytest.raises(HTTPError) as refused:
        urlopen(url.replace("019a", "019b"))
    assert refused.value.code in (403, 404)
    refused.value.close()


def test_many_writers_of_one_key_leave_one_whole_object():
    failures = []

    def write():
        try:
            keep()
        except storage.StorageFailure as failure:
            failures.append(failure)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert read() == BODY


def test_a_server_without_create_only_writes_is_found_out(monkeypatch):
    """The server's answer to the condition is played; everything else is real."""
    from botocore.exceptions import ClientError

    client = storage._store().client
    real = client.put_object

    def without(**request):
        if "IfNoneMatch" in request:
            raise ClientError({"Error": {"Code": "NotImplemented"}}, "PutObject")
        return real(**request)

    monkeypatch.setattr(client, "put_object", without)
    keep()
    assert storage._store().create_only is False
    keep()
    client.put_object(Bucket="media", Key=KEY, Body=b"other")
    keep()
    assert read() == BODY


@pytest.mark.parametrize(
    ("name", "value"),
    [("STORAGE_BUCKET", "nowhere"), ("AWS_SECRET_ACCESS_KEY", "wrong"), ("S3_ENDPOINT_URL", None)],
)
def test_a_store_that_cannot_be_reached_is_our_failure(s3_server, settings, name, value):  # noqa: F811
    setattr(settings, name, value or "http://127.0.0.1:1")
    s3.let_go()
    for act in (
        storage.check,
        keep,
        lambda: read(),
        lambda: list(storage.keys()),
        lambda: storage.tidy(older_than=1),
    ):
        with pytest.raises(storage.StorageFailure) as failure:
            act()
        assert failure.value.cause
        assert "wrong" not in str(failure.value)
    s3.let_go()
    setattr(settings, name, {"STORAGE_BUCKET": "media", **s3_server.settings}[name])


def test_a_bucket_is_made_tried_and_left_as_it_was(s3_server, settings, capsys):  # noqa: F811
    settings.STORAGE_BUCKET = f"new-{time.monotonic_ns()}"
    s3.let_go()
    call_command("prepare_bucket")
    first = capsys.readouterr().out.splitlines()
    assert f"ok        bucket {settings.STORAGE_BUCKET} (made)" in first
    for what in ("put", "get", "parts", "put if absent", "delete"):
        assert f"ok        {what}" in first
    assert not any(line.startswith("FAILED") for line in first)
    call_command("prepare_bucket")
    assert "(is there)" in capsys.readouterr().out
    assert list(storage.keys()) == []
    storage._store().client.delete_bucket(Bucket=settings.STORAGE_BUCKET)
    s3.let_go()
    settings.STORAGE_BUCKET = "media"


def test_a_bucket_that_may_not_be_used_is_said(settings, capsys):
    settings.AWS_SECRET_ACCESS_KEY = "wrong"
    s3.let_go()
    with pytest.raises(SystemExit):
        call_command("prepare_bucket")
    assert "FAILED    bucket media" in capsys.readouterr().out
    s3.let_go()
    settings.AWS_SECRET_ACCESS_KEY = "testing"


def test_of_two_large_files_for_one_key_the_last_word_is_a_whole_one(monkeypatch):
    """Each goes in parts; whichever is completed second finds the first there and replaces it."""
    from genproj.kernel.storage import s3 as ours

    monkeypatch.setattr(ours, "WHOLE_UP_TO", 5 * 2**20)
    monkeypatch.setattr(ours, "PART", 5 * 2**20)
    bodies = [bytes([number]) * (5 * 2**20 + 1) for number in (1, 2)]
    threads = [threading.Thread(target=keep, args=("videos/race.mp4", body)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read("videos/race.mp4") in bodies
    assert storage.tidy(older_than=-60) == 0
