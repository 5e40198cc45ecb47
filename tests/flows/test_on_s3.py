"""The same pipeline with a real S3 server as its store."""

import hashlib
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from generations.models import Artifact, Output, Preview, RegisterEntry
from generations.operations import keeping
from genproj.kernel import storage
from tests import s3, world
from tests.conftest import Sandbox, Web
from tests.s3 import s3_server  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bucket(s3_server: Any, settings: Any) -> Iterator[None]:  # noqa: F811
    s3.use(s3_server, settings)
    yield
    s3.empty()
    s3.let_go()


@pytest.fixture
def done(
    alice: User, bucket: None, sandbox: Sandbox, web: Web, work: Any, work_until: Callable[..., Any]
) -> RegisterEntry:
    entry = world.opened(alice, count=2)
    work_until(RegisterEntry.objects.filter(pk=entry.pk, catalogued_at__isnull=False).exists)
    work()
    return entry


def test_pictures_and_previews_lie_in_the_bucket(done: RegisterEntry) -> None:
    for artifact in Artifact.objects.filter(generation=done.pk):
        with storage.open_read(artifact.storage_key) as file:
            assert hashlib.sha256(file.read()).hexdigest() == artifact.sha256
    assert Preview.objects.filter(made_at__isnull=False).count() == 2
    assert len(list(storage.keys("thumbnails/"))) == 4


def test_media_answers_with_a_short_signed_address_that_is_stored_nowhere(
    done: RegisterEntry, alice: User, bob: User, client: Client
) -> None:
    artifact = Artifact.objects.filter(generation=done.pk).first()
    assert artifact is not None
    path = f"/media/{artifact.pk}/original"
    client.force_login(bob)
    assert client.get(path).status_code == 404
    client.force_login(alice)
    answer = client.get(path)
    assert answer.status_code == 302
    address = answer["Location"]
    assert "X-Amz-Signature" in address
    assert (
        0
        < int(dict(part.split("=") for part in urlsplit(address).query.split("&"))["X-Amz-Expires"])
        <= 600
    )
    with urllib.request.urlopen(address, timeout=10) as file:
        assert hashlib.sha256(file.read()).hexdigest() == artifact.sha256
    for model in (Output, Artifact, RegisterEntry, Preview):
        assert "X-Amz" not in str(list(model.objects.values()))


def test_a_store_that_is_away_loses_nothing(
    alice: User,
    bucket: None,
    sandbox: Sandbox,
    web: Web,
    work: Any,
    work_until: Callable[..., Any],
    settings: Any,
) -> None:
    there = settings.S3_ENDPOINT_URL
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
    s3.let_go()
    entry = world.opened(alice, count=1)
    failed = Output.objects.filter(entry=entry, last_error__contains="stored")
    work_until(failed.exists, seconds=40)
    waiting = failed.get()
    assert waiting.failures == 0
    assert waiting.error is None
    settings.S3_ENDPOINT_URL = there
    s3.let_go()
    work_until(RegisterEntry.objects.filter(pk=entry.pk, catalogued_at__isnull=False).exists)
    assert Artifact.objects.get(generation=entry.pk).sha256


def test_purging_empties_the_bucket(done: RegisterEntry, alice: User, work: Any) -> None:
    from generations.models import Trash
    from genproj.kernel.clock import now

    keeping.trash_entry(actor=alice, entry_id=done.pk)
    Trash.objects.update(due_at=now())
    work()
    assert list(storage.keys()) == []
