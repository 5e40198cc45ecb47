"""The demo space: made once, by the engine and the sandbox, and gone with the demo world."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from generations.models import ArtifactUse, RegisterEntry
from genproj import demo, demo_space
from spaces.models import Asset, Lineage, Member, Space, Variant
from spaces.operations import spaces
from tests import world
from tests.spaces.making import hurry


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def people(db: None, sandbox: Any) -> None:
    call_command("seed_demo", people=True, stdout=io.StringIO())
    world.models()


@pytest.fixture
def until(work: Callable[..., int]) -> demo.Wait:
    def wait(happened: Callable[[], bool]) -> bool:
        def has_happened() -> bool:
            work()
            hurry()
            return happened()

        world.until(has_happened, seconds=60)
        return True

    return wait


def descent() -> set[tuple[str, str, str]]:
    return {(line.parent_name, line.child_name, line.relation) for line in Lineage.objects.all()}


def test_the_demo_space_is_made_once(people: None, until: demo.Wait, work: Any) -> None:
    assert list(demo_space.make_space(wait=until)) == ["Demo space: Lighthouse, 6 assets."]
    space = Space.objects.get()
    roles = dict(Member.objects.values_list("user__username", "role"))
    assert roles == {"alice": "owner", "bob": "editor"}
    names = dict(Asset.objects.values_list("name", "parent__name"))
    assert names == {
        "The lighthouse": None,
        "The keeper": None,
        "The keeper on watch": "The keeper",
        "Winter storm": "The lighthouse",
        "The keeper's double": "The keeper",
        "The cave": "The lighthouse",
    }
    assert descent() == {
        ("The keeper", "The keeper on watch", "derived"),
        ("The lighthouse", "The keeper on watch", "derived"),
        ("The lighthouse", "Winter storm", "derived"),
        ("The keeper", "The keeper's double", "forked"),
        ("The lighthouse", "The lighthouse", "refined"),
    }
    states = sorted(Variant.objects.values_list("status", flat=True))
    assert states == ["completed"] * 7 + ["failed"]
    assert Variant.objects.get(status="failed").error["code"] == "content_blocked"
    assert Variant.objects.filter(starred=True).count() == 2
    assert set(Variant.objects.exclude(rating="").values_list("rating", flat=True)) == {
        "approved",
        "needs_changes",
    }
    assert space.conversation is not None
    before = (Variant.objects.count(), RegisterEntry.objects.count())
    assert list(demo_space.make_space(wait=until)) == []
    assert (Variant.objects.count(), RegisterEntry.objects.count()) == before
    assert len(list(demo.make_pictures(wait=until))) == 1  # the space is no reason against them


def test_an_interrupted_making_is_ended(people: None, until: demo.Wait) -> None:
    waits = iter(range(3))

    def killed(happened: Callable[[], bool]) -> bool:
        if next(waits, None) is None:
            raise SystemExit
        return until(happened)

    with pytest.raises(SystemExit):
        list(demo_space.make_space(wait=killed))
    assert Asset.objects.count() == 4
    list(demo_space.make_space(wait=until))
    assert Asset.objects.count() == 6
    assert len(descent()) == 5


def test_where_somebody_has_a_space_none_is_made(people: None, until: demo.Wait) -> None:
    spaces.create(actor=User.objects.get(username="bob"), name="Mine")
    assert list(demo_space.make_space(wait=until)) == []
    assert Space.objects.count() == 1


def test_it_goes_with_the_demo_world(people: None, until: demo.Wait, work: Any) -> None:
    list(demo_space.make_space(wait=until))
    shared = spaces.create(actor=world.person("erin"), name="Shared")
    named = {"username": "root", "email": "r@example.com", "password": "tall-ship-in-a-storm"}
    call_command("start_fresh", yes=True, stdout=io.StringIO(), **named)
    assert list(Space.objects.all()) == [shared]
    assert not Variant.objects.exists()
    assert not ArtifactUse.objects.exists()
    assert not RegisterEntry.objects.filter(purged_at__isnull=True).exists()
