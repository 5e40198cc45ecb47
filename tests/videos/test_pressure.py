"""Films that wait for a slot count against what one person may have under way."""

from typing import Any

import pytest

from genproj.kernel import memory
from tests.conftest import Sandbox
from tests.videos.conftest import Person

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_more_film_than_may_wait_is_confirmed_later(
    studio: Sandbox, ali: Person, bo: Person, settings: Any
) -> None:
    settings.MAX_OPEN_PER_USER = 1
    ali.confirmed()
    video = ali.wish()
    memory.forget_all()
    refused = ali.post(f"videos/{video['id']}/confirm/", status=429)
    assert refused["code"] == "rate_limited"
    assert ali.video(video["id"])["status"] == "pending_confirmation"
    bo.confirmed()
