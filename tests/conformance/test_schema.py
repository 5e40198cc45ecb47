"""Schemathesis reads our OpenAPI and knocks at every door it describes: none breaks."""

from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as pace
from schemathesis.checks import not_a_server_error

from genproj.accounts import operations
from genproj.wsgi import application
from tests import world

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]

KNOCKS = pace(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def described(transactional_db: None, settings: Any, wakes: Any) -> Any:
    """Our schema, as it is served."""
    settings.ALLOWED_HOSTS = ["*"]
    world.models()
    return schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)


def test_no_door_breaks(described: Any, alice: User) -> None:
    headers = {"Authorization": f"Bearer {operations.issue_token(user=alice).secret}"}
    knocked = 0
    for found in described.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/events/"):
            continue  # served in front of Django; tests/events knocks there

        @KNOCKS
        @given(case=operation.as_strategy())
        def knock(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=(not_a_server_error,))

        knock()
        knocked += 1
    assert knocked > 15
