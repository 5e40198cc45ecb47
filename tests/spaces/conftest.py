"""The stage of the tests of spaces: the lighthouse, its people, a sandbox for every provider."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from spaces.models import Space
from tests import world
from tests.conftest import Sandbox
from tests.people import Person
from tests.spaces.world import lighthouse


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """Many people are made here, and none of their passwords is worth much."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def vera(db: None) -> User:
    return world.person("vera")


@pytest.fixture
def charlie(db: None) -> User:
    return world.person("charlie")


@pytest.fixture
def space(alice: User, bob: User, vera: User, charlie: User) -> Space:
    """Alice owns it, Bob edits, Vera looks on; Charlie is not in it."""
    return lighthouse()


@pytest.fixture
def owner(alice: User) -> Person:
    """Alice at the API."""
    return Person(alice)


@pytest.fixture
def editor(bob: User) -> Person:
    """Bob at the API."""
    return Person(bob)


@pytest.fixture
def viewer(vera: User) -> Person:
    """Vera at the API."""
    return Person(vera)


@pytest.fixture
def stranger(charlie: User) -> Person:
    """Charlie at the API."""
    return Person(charlie)


@pytest.fixture
def staff(dana: User) -> Person:
    """Dana at the API, who is staff."""
    return Person(dana)


@pytest.fixture
def studio(sandbox: Sandbox, settings: Any) -> Sandbox:
    """The sandbox as every provider of pictures and as the language model."""
    world.models()
    settings.GEMINI_BASE_URL = sandbox.url
    settings.ANTHROPIC_BASE_URL = sandbox.url
    settings.LEASE_SECONDS = 60  # the model's silence is measured by it, and machines are busy
    return sandbox
