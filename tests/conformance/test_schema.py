"""Schemathesis reads our OpenAPI and knocks at every door it describes: none breaks."""

from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance

from genproj.accounts import operations
from genproj.wsgi import application
from tests import world

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def described(transactional_db: None, settings: Any, wakes: Any) -> Any:
    """Our schema, as it is served."""
    settings.ALLOWED_HOSTS = ["*"]
    world.models()
    return schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_door_breaks(case: Any, alice: User) -> None:
    secret = operations.issue_token(user=alice).secret
    case.call_and_validate(
        headers={"Authorization": f"Bearer {secret}"},
        checks=(not_a_server_error, status_code_conformance),
    )
