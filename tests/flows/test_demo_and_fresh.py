"""The demo world through the engine, and the way out of it."""

import asyncio
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from generations.models import Projection, RegisterEntry
from genproj import asgi, demo, production
from genproj.assistant.models import Conversation, Message, Turn
from genproj.kernel import storage
from genproj.kernel.clock import now
from genproj.notices.models import Notice
from genproj.runtime.models import Switch
from genproj.usage.models import LedgerLine
from tests import world
from tests.videos.conftest import hurry
from videos.models import Job, Step, Video

GOOD = "tall-ship-in-a-storm"


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def people(db: None) -> None:
    call_command("seed_demo", people=True, stdout=io.StringIO())


def test_the_demo_people_are_made_once(people: None) -> None:
    call_command("seed_demo", people=True, stdout=io.StringIO())
    assert {one.username: one.is_staff for one in User.objects.all()} == {
        "admin": True,
        "alice": False,
        "bob": False,
        "charlie": False,
    }
    assert production.demo_accounts() == list(production.DEMO_PEOPLE)


def test_nobody_is_added_where_somebody_is(db: None) -> None:
    world.person("erin")
    call_command("seed_demo", people=True, stdout=io.StringIO())
    assert User.objects.count() == 1


def test_the_demo_world_shows_every_outcome(
    people: None, sandbox: Any, work: Callable[..., int]
) -> None:
    world.models()

    def until(happened: Callable[[], bool]) -> bool:
        world.until(lambda: work() < 0 or happened(), seconds=30)
        return True

    list(demo.make_pictures(wait=until))
    states = sorted(str(entry.state) for entry in RegisterEntry.objects.all())
    assert states == ["completed"] * 6 + ["failed", "partial"]
    assert Projection.objects.filter(failed_at__isnull=False).count() == 1
    assert not Switch.objects.get(name=demo.DRILL).on
    assert sandbox.get("/control/faults")["rules"] == []
    before = RegisterEntry.objects.count()
    assert list(demo.make_pictures()) == []
    assert RegisterEntry.objects.count() == before


def test_an_interrupted_making_is_ended_the_next_time(
    people: None, sandbox: Any, work: Callable[..., int]
) -> None:
    world.models()

    def killed(happened: Callable[[], bool]) -> bool:
        raise SystemExit

    def until(happened: Callable[[], bool]) -> bool:
        world.until(lambda: work() < 0 or happened(), seconds=30)
        return True

    with pytest.raises(SystemExit):
        list(demo.make_pictures(wait=killed))
    RegisterEntry.objects.filter(expected_count=4).delete()
    list(demo.make_pictures(wait=until))
    states = sorted(str(entry.state) for entry in RegisterEntry.objects.all())
    assert states == ["completed"] * 6 + ["failed", "partial"]
    assert Projection.objects.filter(failed_at__isnull=False).count() == 1


@pytest.fixture
def until(work: Callable[..., int]) -> demo.Wait:
    """Waits by doing the work that is due."""

    def wait(happened: Callable[[], bool]) -> bool:
        world.until(lambda: work() < 0 or hurry() or happened(), seconds=60)
        return True

    return wait


def film_of_alice() -> Video:
    (film,) = Video.objects.all()
    assert film.owner.username == "alice"
    return film


def test_the_demo_film_is_made_once_by_a_sentence(
    people: None, sandbox: Any, until: demo.Wait
) -> None:
    world.models()
    assert list(demo.make_film(wait=until)) == ["Demo film: completed."]
    film = film_of_alice()
    assert film.confirmed_at
    assert film.clarification_questions
    (talk,) = Conversation.objects.all()
    types = list(talk.messages.values_list("type", flat=True))
    assert types == [
        *("text", "clarification", "confirmation", "progress", "progress", "generation_result"),
    ]
    kinds = set(LedgerLine.objects.filter(subject=f"video:{film.pk}").values_list("kind"))
    assert kinds == {("hold",), ("settle",)}
    assert list(demo.make_film()) == []
    assert demo.films.standing(demo.FILM)
    assert Video.objects.count() == 1


@pytest.mark.parametrize("step", [1, 2])
def test_an_interrupted_film_is_gone_on_with(
    people: None, sandbox: Any, until: demo.Wait, step: int
) -> None:
    world.models()
    waits = iter(range(1, 10))

    def killed(happened: Callable[[], bool]) -> bool:
        if next(waits) == step:
            raise SystemExit
        return until(happened)

    with pytest.raises(SystemExit):
        list(demo.make_film(wait=killed))
    assert list(demo.make_film(wait=until)) == ["Demo film: completed."]
    assert film_of_alice().confirmations == 1
    assert Conversation.objects.count() == 1


def test_a_failed_demo_film_is_tried_again_and_a_cancelled_one_is_left(
    people: None, sandbox: Any, until: demo.Wait
) -> None:
    world.models()
    sandbox.faults({"fault": "reject"}, {"fault": "google_reject"})
    assert list(demo.make_film(wait=until)) == ["Demo film: failed."]
    sandbox.faults()
    assert list(demo.make_film(wait=until)) == ["Demo film: completed."]
    Video.objects.update(status="cancelled", trashed_at=now())
    assert list(demo.make_film()) == []


def test_no_film_is_made_for_somebody_who_took_the_account_over(people: None, sandbox: Any) -> None:
    alice = User.objects.get(username="alice")
    alice.set_password(GOOD)
    alice.save()
    assert list(demo.make_film()) == []
    assert not Conversation.objects.exists()


def test_start_fresh_removes_the_film_and_all_that_tells_of_it(
    people: None, sandbox: Any, until: demo.Wait
) -> None:
    world.models()
    list(demo.make_film(wait=until))
    assert Notice.objects.exists()
    fresh(username="root", password=GOOD)
    for model in (Conversation, Message, Turn, Video, Job, Step, LedgerLine, Notice):
        assert not model._default_manager.exists(), model
    assert not list(storage.keys("videos/"))
    assert "Removed: 0 demo people" in fresh()


def test_nothing_is_made_beside_what_people_asked_for(people: None, sandbox: Any) -> None:
    world.opened(User.objects.get(username="alice"))
    assert list(demo.make_pictures()) == []
    assert RegisterEntry.objects.count() == 1


def fresh(**options: Any) -> str:
    out = io.StringIO()
    call_command("start_fresh", yes=True, stdout=out, **options)
    return out.getvalue()


def test_start_fresh_leaves_an_administrator_and_nothing_of_the_demo(
    people: None, work: Callable[..., int], sandbox: Any
) -> None:
    alice = User.objects.get(username="alice")
    entry = world.opened(alice, count=1)
    world.until(lambda: work() < 0 or not _is_open(entry), seconds=30)
    assert list(storage.keys(entry.key_prefix))
    said = fresh(username="root", email="root@example.com", password=GOOD)
    assert "Removed: 4 demo people, 1 generations." in said
    assert "SECRET_KEY" in said or "PUBLIC_URL" in said
    (root,) = User.objects.all()
    assert root.is_superuser
    assert root.check_password(GOOD)
    assert not list(storage.keys(entry.key_prefix))
    assert RegisterEntry.objects.get(pk=entry.pk).input == {}
    assert "Removed: 0 demo people" in fresh()


def _is_open(entry: RegisterEntry) -> bool:
    return RegisterEntry.objects.filter(pk=entry.pk, completed_at__isnull=True).exists()


@pytest.mark.parametrize("password", ["genproj", "password1234", "1234567890123", "rootrootroot"])
def test_start_fresh_refuses_a_weak_password_and_changes_nothing(
    people: None, password: str
) -> None:
    with pytest.raises(CommandError):
        fresh(username="rootrootroot", email="root@example.com", password=password)
    assert User.objects.count() == 4


def test_the_administrator_may_be_called_admin(people: None) -> None:
    fresh(username="admin", password=GOOD)
    (admin,) = User.objects.all()
    assert admin.check_password(GOOD)


def test_without_a_terminal_the_administrator_is_made_and_told(people: None) -> None:
    said = fresh()
    (admin,) = User.objects.all()
    assert admin.get_username() == "admin"
    told = re.search(r"Password, shown this once: (\S+)", said)
    assert told
    assert admin.check_password(told[1])
    assert "Administrator" not in fresh()


def test_a_demo_account_that_somebody_took_over_stays(people: None) -> None:
    bob = User.objects.get(username="bob")
    bob.set_password(GOOD)
    bob.save()
    fresh(username="root", password=GOOD)
    assert set(User.objects.values_list("username", flat=True)) == {"root", "bob"}


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("0.0.0.0", False), ("a.b", False)],
)
def test_what_counts_as_loopback(host: str, *, loopback: bool) -> None:
    assert production.is_loopback(host) is loopback


def test_a_demo_account_refuses_to_face_strangers(people: None, settings: Any) -> None:
    assert production.refusals_of_accounts() == []
    settings.PUBLIC_URL = "https://pictures.example.com"
    assert len(production.refusals_of_accounts()) == 4


def test_a_server_without_a_supervisor_refuses_as_well(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PUBLIC_URL = "https://pictures.example.com"
    monkeypatch.delenv("SECRET_KEY", raising=False)
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        said.append(message)

    asyncio.run(asgi.live(receive, send))
    (failed,) = said
    assert failed["type"] == "lifespan.startup.failed"
    assert "SECRET_KEY is not set" in failed["message"]
