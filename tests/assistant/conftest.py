"""Who answers in the tests, and who speaks."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from genproj import talks
from tests.assistant import talking
from tests.assistant.talking import Person


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Chooses who answers, by the name of a function of `talking`."""

    def choose(name: str) -> None:
        monkeypatch.setitem(talks.TALKS, "video", talks.Talk(answer=f"{talking.__name__}.{name}"))

    choose("echo")
    return choose


@pytest.fixture
def anne(alice: User, talk: Any) -> Person:
    """Alice, in conversation."""
    return Person(alice)


@pytest.fixture
def ben(bob: User) -> Person:
    """Bob."""
    return Person(bob)


@pytest.fixture
def staff(dana: User) -> Person:
    """Dana, who is staff."""
    return Person(dana)
