"""Each step of a generation leaves its line, once, with its ids and without a secret."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from generations.models import RegisterEntry
from generations.operations.log_points import LOG_POINTS
from tests import world
from tests.conftest import Lines, Sandbox, Web

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_each_step_is_logged_exactly_once(
    outcome: str,
    alice: User,
    sandbox: Sandbox,
    web: Web,
    client: Client,
    work: Callable[..., int],
    work_until: Callable[..., Any],
    lines: Lines,
) -> None:
    world.models()
    client.force_login(alice)
    if outcome == "failure":
        sandbox.faults({"fault": "cdn_404"})
    body = {"model": world.MODEL, "prompt": "a lighthouse in fog", "count": 1}
    answer = client.post(
        "/api/v1/generations/",
        json.dumps(body),
        content_type="application/json",
        headers={"X-Request-Id": "the-request"},
    )
    entry = RegisterEntry.objects.get(pk=answer.json()["id"])
    settled = RegisterEntry.objects.filter(pk=entry.pk, catalogued_at__isnull=False)
    work_until(settled.exists)
    work()
    for point in LOG_POINTS:
        found = [
            line
            for line in lines
            if (line["component"], line["action"]) == (point.component, point.action)
        ]
        expected = 1 if point.when in ("always", outcome) else 0
        assert len(found) == expected, (point, found)
        for line in found:
            assert [name for name in point.ids if name not in line] == [], (point, line)
            if "request_id" in point.ids:
                assert line["request_id"] == "the-request"
    text = json.dumps(lines)
    assert "token=" not in text.replace("token=***", "")
    assert "Bearer sandbox" not in text
