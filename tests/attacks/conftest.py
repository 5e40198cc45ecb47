"""The stage of the attacks: Alice has one of everything, and Charlie shall get at none."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from tests import world
from tests.attacks.belongings import Belongings
from tests.people import Person
from tests.spaces.doors import Stage
from tests.spaces.world import lighthouse, space_of


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """Many people are made here, and none of their passwords is worth much."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def hers(alice: User, dana: User) -> Belongings:
    """What is Alice's."""
    world.models()
    return Belongings(alice, dana, Stage(lighthouse()))


@pytest.fixture
def charlie(db: None) -> User:
    return world.person("charlie")


@pytest.fixture
def stranger(charlie: User) -> Person:
    """Charlie at the doors; what fails inside is an answer, as it is for everybody else."""
    person = Person(charlie)
    person.client.raise_request_exception = False
    return person


@pytest.fixture
def his(charlie: User) -> Stage:
    """What Charlie has of his own, to attack from."""
    return Stage(space_of(charlie, name="Charlie's own"))
