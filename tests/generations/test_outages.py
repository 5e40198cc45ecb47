"""What is stuck slows only its own work: providers, downloads and storage behind their breakers."""

import io
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from generations.models import Output, Preview, ProviderModel, RegisterEntry, Trash
from generations.operations import calling, collecting, filming, keeping, outages, register
from generations.states import GenerationState
from genproj.kernel import leases, storage
from genproj.kernel.clock import now
from genproj.kernel.errors import StorageUnavailable
from genproj.runtime import breakers
from genproj.runtime.models import Breaker
from tests import world
from tests.conftest import Sandbox, Web

pytestmark = pytest.mark.django_db(transaction=True)

RUNWARE = outages.calls_of("runware")
DOWNLOADS = outages.downloads_of("runware")
VEO = "veo-3.1-generate-001"


@pytest.fixture(autouse=True)
def _soon(settings: Any) -> None:
    settings.BREAKER_FAILURES = 3


def shut(target: str) -> None:
    breakers.note(target, failures=3, error="no answer")
    assert breakers.is_shut(target)


def pause_is_over(target: str) -> None:
    Breaker.objects.filter(target=target).update(probe_at=now())
    breakers.forget()


def fresh(entry: RegisterEntry) -> RegisterEntry:
    return RegisterEntry.objects.get(pk=entry.pk)


def test_a_provider_that_fails_is_left_alone_until_one_try_succeeds(
    alice: User, sandbox: Sandbox, web: Web, work: Any, work_until: Callable[..., Any]
) -> None:
    sandbox.faults({"fault": "error_before_503"})
    entries = [world.opened(alice, count=1) for _ in range(3)]
    work_until(lambda: breakers.is_shut(RUNWARE))
    later = world.opened(alice, count=1)
    assert work("call_providers") == 0
    assert fresh(later).attempts == 0  # untouched, not failed
    sandbox.faults()
    pause_is_over(RUNWARE)
    RegisterEntry.objects.update(due_at=now())
    work_until(lambda: not RegisterEntry.objects.filter(catalogued_at__isnull=True).exists())
    assert {fresh(entry).state for entry in [*entries, later]} == {GenerationState.COMPLETED}
    assert Breaker.objects.get(target=RUNWARE).opened_at is None


def test_one_entry_goes_first_when_a_provider_is_tried(alice: User) -> None:
    entries = [world.opened(alice, count=1) for _ in range(3)]
    shut(RUNWARE)
    pause_is_over(RUNWARE)
    taken = leases.claim(calling.entries_to_call(), limit=8)
    assert len(taken) == 3
    assert len(calling.calls_for(taken)) == 1
    held = RegisterEntry.objects.filter(leased_until__isnull=False)
    assert held.count() == 1
    assert len(entries) - 1 == RegisterEntry.objects.filter(submit_started_at=None).count()
    assert leases.claim(calling.entries_to_call(), limit=8) == []  # the others wait for its news


def test_another_provider_goes_on(
    alice: User, sandbox: Sandbox, web: Web, work: Any, work_until: Callable[..., Any]
) -> None:
    world.models()
    shut(RUNWARE)
    waits = world.opened(alice, count=1)
    goes = register.open_entry(
        actor=alice,
        audience=f"user:{alice.pk}",
        model=ProviderModel.objects.filter(provider="gemini", kind="image").first(),
        input=world.wish(),
        expected_count=1,
        deadline_seconds=300,
    )
    work_until(lambda: fresh(goes).state is GenerationState.COMPLETED)
    assert fresh(waits).state is GenerationState.PENDING


@pytest.mark.parametrize("accepted", [False, True])
def test_its_deadline_still_ends_what_waits(alice: User, work: Any, accepted: bool) -> None:
    entry = world.opened(alice, count=1)
    shut(RUNWARE)
    past = now() - timedelta(minutes=10)
    facts: dict[str, Any] = {"submit_started_at": past, "dispatched_at": past} if accepted else {}
    RegisterEntry.objects.update(deadline_at=past + timedelta(seconds=60), due_at=now(), **facts)
    work("call_providers")
    ended = fresh(entry)
    assert ended.state is GenerationState.FAILED
    assert (ended.error or {})["code"] == ("timeout" if accepted else "http_error")
    assert ended.submit_started_at == (past if accepted else None)  # nothing was sent so late


def test_stuck_downloads_leave_other_results_alone(
    alice: User, sandbox: Sandbox, web: Web, work: Any, work_until: Callable[..., Any]
) -> None:
    entry = world.opened(alice, count=2)
    shut(DOWNLOADS)
    work_until(lambda: Output.objects.filter(entry=entry).count() == 2)
    work()
    assert not Output.objects.filter(stored_at__isnull=False).exists()
    assert collecting.outputs_to_collect().count() == 0
    other = Output.objects.first()
    RegisterEntry.objects.filter(pk=other.entry_id).update(provider="veo")  # type: ignore[union-attr]
    assert collecting.outputs_to_collect().count() == 2
    RegisterEntry.objects.update(provider="runware")
    breakers.note(DOWNLOADS, answered=True)
    work_until(lambda: fresh(entry).state is GenerationState.COMPLETED)


def test_storage_that_is_away_postpones_without_counting(
    alice: User,
    sandbox: Sandbox,
    web: Web,
    work: Any,
    work_until: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*args: Any, **more: Any) -> None:
        raise storage.StorageFailure("generations/x", "no answer")

    entry = world.opened(alice, count=4)
    with monkeypatch.context() as broken:
        broken.setattr(storage, "put", away)
        work_until(lambda: breakers.is_shut(breakers.STORAGE))
        work()
        assert set(Output.objects.values_list("failures", flat=True)) == {0}
        assert not collecting.outputs_to_collect().exists()
        with pytest.raises(StorageUnavailable):
            _upload(alice)
    pause_is_over(breakers.STORAGE)
    Output.objects.update(due_at=now())
    work_until(lambda: fresh(entry).state is GenerationState.COMPLETED)


def _upload(owner: User) -> None:
    audience = f"user:{owner.pk}"
    file = io.BytesIO(world.picture())
    keeping.keep_upload(actor=owner, audience=audience, file=file, filename="a.png")


def test_an_upload_is_refused_at_once_while_storage_is_away(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut(breakers.STORAGE)
    asked: list[object] = []
    monkeypatch.setattr(storage, "put", lambda *args, **more: asked.append(args))
    with pytest.raises(StorageUnavailable):
        _upload(alice)
    assert asked == []


def test_the_trash_is_emptied_though_nothing_can_be_stored(alice: User, work: Any) -> None:
    _upload(alice)
    entry = RegisterEntry.objects.get()
    keeping.trash_entry(actor=alice, entry_id=entry.pk)
    Trash.objects.update(due_at=now())
    shut(breakers.STORAGE)
    work("purge")
    assert fresh(entry).purged_at is not None


def test_previews_wait_for_storage_however_long_it_is_away(
    alice: User, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _upload(alice)
    with monkeypatch.context() as broken:

        def away(key: str) -> None:
            raise storage.StorageFailure(key, "no answer")

        broken.setattr(storage, "open_read", away)
        for _ in range(12):
            Preview.objects.update(due_at=now() - timedelta(minutes=1))
            Breaker.objects.update(probe_at=now())
            breakers.forget()
            work("make_previews")
    assert Preview.objects.get().failures == 0
    Preview.objects.update(due_at=now() - timedelta(minutes=1))
    pause_is_over(breakers.STORAGE)
    work("make_previews")
    assert Preview.objects.get().made_at is not None


def test_previews_are_held_until_their_turn_comes(
    alice: User, work: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.HEARTBEAT_SECONDS = 0
    for _ in range(3):
        _upload(alice)
    read = storage.open_read
    until: list[Any] = []

    def seen(key: str) -> Any:
        until.append(Preview.objects.get(output__storage_key=key).leased_until)
        return read(key)

    monkeypatch.setattr(storage, "open_read", seen)
    assert work("make_previews") == 3
    assert until == sorted(set(until))
    assert len(until) == 3


def test_who_needs_the_catalogue_of_a_shut_provider_is_told_at_once(
    alice: User, sandbox: Sandbox
) -> None:
    world.models()
    shut(RUNWARE)
    client = Client()
    client.force_login(alice)
    body = {"model": "civitai:1@1", "prompt": "a lighthouse"}
    answer = client.post("/api/v1/generations/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
    assert answer["Retry-After"]
    body["model"] = world.MODEL  # what needs no question is accepted, and waits
    answer = client.post("/api/v1/generations/", body, content_type="application/json")
    assert answer.status_code == 202
    assert sandbox.get("/control/calls")["calls"] == []


@pytest.fixture
def stuck(settings: Any) -> Iterator[threading.Event]:
    """A provider that takes calls and answers none before the event is set."""
    answers = threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answers.wait(60)
            self.send_error(503)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.RUNWARE_BASE_URL = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield answers
    answers.set()
    server.shutdown()
    server.server_close()


def test_a_stuck_provider_does_not_hold_up_the_calls_to_others(
    alice: User,
    sandbox: Sandbox,
    stuck: threading.Event,
    work: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calling, "CALLERS", 2)
    for _ in range(4):
        world.opened(alice, count=1)
    film = filming.open_film(
        actor=alice,
        audience=f"user:{alice.pk}",
        request=filming.checked(model=VEO, prompt="a lighthouse", parameters={}),
        hold="video:test",
        annotations={},
    )

    def let_go() -> None:
        try:
            world.until(lambda: fresh(film).dispatched_at, seconds=30)
            dispatched.append(film)
        finally:
            stuck.set()
            connection.close()

    dispatched: list[RegisterEntry] = []
    watching = threading.Thread(target=let_go)
    watching.start()
    work("call_providers", rounds=1000)
    watching.join()
    assert dispatched == [film]  # while every call to the other provider was still waiting
