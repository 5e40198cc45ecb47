"""What is shown once is kept nowhere: not even where answers are kept to be repeated."""

import pytest

from genproj.runtime.models import IdempotentAnswer
from spaces.models import Space
from tests.people import Person

pytestmark = pytest.mark.django_db


def test_a_repeated_answer_has_no_secret(space: Space, owner: Person) -> None:
    first, again = (
        owner.post(
            f"spaces/{space.pk}/invitations/", {"role": "viewer"}, **{"Idempotency-Key": "once"}
        )
        for _ in range(2)
    )
    assert first["token"]
    assert (again["id"], again["token"], again["url"]) == (first["id"], None, None)
    assert first["token"] not in IdempotentAnswer.objects.get(key="once").body
