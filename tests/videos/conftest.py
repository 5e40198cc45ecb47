"""The stage of the tests of videos: people, a sandbox for every provider, steps of a film."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from generations.models import Output, RegisterEntry
from genproj.kernel.clock import now
from tests import people, world
from tests.conftest import Sandbox
from videos.models import Job

#: shortest choices, so that the sandbox paints little
SMALL = {"duration": 4, "aspect_ratio": "16:9", "resolution": "720p"}
VEO = "veo-3.1-fast-generate-001"
RUNWARE = "google:3@3"


class Person(people.Person):
    """Somebody at the API who makes films."""

    def post(self, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        return super().post(path, body, status=status, **headers)

    def video(self, id: str) -> Any:
        """The video as it is now."""
        return self.get(f"videos/{id}/")

    def wish(self, prompt: str = "A sunset over the roofs of Lisbon", **more: Any) -> Any:
        """A complete wish, which waits to be confirmed."""
        body = {"prompt": prompt, "model": RUNWARE, "parameters": SMALL} | more
        return self.post("videos/", body, status=201)

    def confirmed(self, **more: Any) -> Any:
        """A film in the queue."""
        return self.post(f"videos/{self.wish(**more)['id']}/confirm/")


@pytest.fixture
def ali(alice: User) -> Person:
    return Person(alice)


@pytest.fixture
def bo(bob: User) -> Person:
    return Person(bob)


@pytest.fixture
def staff(dana: User) -> Person:
    return Person(dana)


@pytest.fixture
def studio(sandbox: Sandbox, settings: Any) -> Sandbox:
    """The sandbox as every provider of films and as the language model."""
    world.models()
    settings.GEMINI_BASE_URL = sandbox.url
    settings.ANTHROPIC_BASE_URL = sandbox.url
    return sandbox


def hurry() -> None:
    """Let what waits for a moment of its own be due now: time passes by data."""
    for model in (Job, RegisterEntry, Output):
        model.objects.filter(due_at__gt=now(), leased_until__isnull=True).update(due_at=now())


@pytest.fixture
def film(work: Callable[..., int]) -> Callable[..., Any]:
    """Works, without waiting for pauses, until a video is in one of these states."""

    def run(person: Person, id: str, *states: str, seconds: float = 120.0) -> Any:
        wanted = states or ("completed", "failed", "cancelled")
        end = time.monotonic() + seconds
        while (video := person.video(id))["status"] not in wanted:
            assert time.monotonic() < end, video
            work(rounds=1000)
            hurry()
            time.sleep(0.05)
        work()
        return person.video(id)

    return run
