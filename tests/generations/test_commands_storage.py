"""`manage.py verify_storage`: every kind of fault is found, and mended without losing anything."""

import io
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from generations.models import Output, Preview, RegisterEntry
from generations.operations import keeping
from genproj.kernel import storage
from tests import world
from tests.conftest import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def run(*options: str) -> tuple[str, int]:
    """What the command prints, and its exit status."""
    out = io.StringIO()
    try:
        call_command("verify_storage", *options, stdout=out)
    except CommandError as failure:
        return f"{out.getvalue()}{failure}", failure.returncode
    return out.getvalue(), 0


def put(key: str, body: bytes) -> None:
    digest = sha256(body).hexdigest()
    storage.put(key, io.BytesIO(body), sha256=digest, size=len(body), content_type="image/png")


@pytest.fixture
def fetched(alice: User, sandbox: Sandbox, work_until: Callable[..., Any], settings: Any) -> Output:
    """A stored output whose address still serves it."""
    settings.PUBLIC_URL = "http://studio.example"
    entry = world.opened(alice, count=1)
    work_until(lambda: RegisterEntry.objects.get(pk=entry.pk).catalogued_at is not None)
    return Output.objects.select_related("preview").get(entry=entry)


@pytest.fixture
def uploaded(alice: User, work: Callable[..., int]) -> Output:
    """A stored output that can be had from nowhere else."""
    file = io.BytesIO(world.picture())
    entry = keeping.keep_upload(
        actor=alice, audience=f"user:{alice.pk}", file=file, filename="boat.png"
    )
    work()
    return Output.objects.select_related("preview").get(entry=entry)


def test_where_all_is_well_nothing_is_said_and_nothing_fails(uploaded: Output) -> None:
    assert run() == ("Every file is there, whole and wanted.\n", 0)


@pytest.mark.parametrize(
    ("kind", "body"),
    [("missing", None), ("wrong_size", b"short"), ("wrong_hash", "flipped")],
)
def test_a_damaged_original_is_fetched_again(fetched: Output, kind: str, body: Any) -> None:
    with storage.open_read(fetched.storage_key) as file:
        good = file.read()
    storage.delete(fetched.storage_key)
    if body is not None:
        put(fetched.storage_key, body if isinstance(body, bytes) else good[:-1] + b"\0")
    printed, status = run()
    assert (kind in printed, fetched.storage_key in printed, status) == (True, True, 1)
    printed, status = run("--repair")
    assert ("very same bytes" in printed, status) == (True, 0)
    with storage.open_read(fetched.storage_key) as file:
        assert file.read() == good
    assert run()[1] == 0


def test_an_original_that_is_nowhere_else_is_noted_and_stays_a_fault(uploaded: Output) -> None:
    storage.delete(uploaded.storage_key)
    for _ in range(2):
        printed, status = run("--repair")
        assert ("noted on the output" in printed, status) == (True, 1)
    uploaded.refresh_from_db()
    assert [past["code"] for past in uploaded.error_history] == ["storage_failed"]
    assert uploaded.stored_at is not None


def test_small_pictures_are_made_again(uploaded: Output) -> None:
    storage.delete(uploaded.preview.thumb_key)
    printed, status = run()
    assert (uploaded.preview.thumb_key in printed, status) == (True, 1)
    assert run("--repair")[1] == 0
    assert storage.stat(uploaded.preview.thumb_key) is not None
    assert Preview.objects.get(pk=uploaded.pk).made_at is not None


def test_an_orphan_is_set_aside_and_not_deleted(uploaded: Output) -> None:
    put(f"generations/{uploaded.entry_id}/stray.png", b"nobody's")
    printed, status = run()
    assert ("orphaned" in printed, status) == (True, 1)
    assert run("--repair")[1] == 0
    with storage.open_read(f"orphans/generations/{uploaded.entry_id}/stray.png") as file:
        assert file.read() == b"nobody's"
    assert run()[1] == 0


def test_what_is_being_fetched_is_no_orphan(alice: User) -> None:
    entry = world.opened(alice, count=1)
    output = Output.objects.create(
        id=entry.pk, entry=entry, index=0, ref="r", announced_at=entry.created_at
    )
    put(f"{entry.key_prefix}/{output.pk}.png", b"almost recorded")
    assert run()[1] == 0
