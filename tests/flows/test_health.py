"""What machines ask: alive, ready, and the figures."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client

from generations.models import RegisterEntry
from genproj import health
from genproj.accounts import operations as accounts
from genproj.kernel import logs
from genproj.kernel.clock import after
from genproj.kernel.storage import StorageFailure
from genproj.runtime import operations as runtime
from genproj.runtime.models import Heartbeat
from tests import world
from tests.conftest import Lines


def test_alive_asks_nothing_of_the_database(client: Client) -> None:
    """Without the `db` fixture, a query would fail the test."""
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"ok": True}


def test_ready_names_every_part(client: Client, db: None) -> None:
    runtime.beat()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ok": True,
        "database": {"ok": True},
        "storage": {"ok": True},
        "queue": {"ok": True},
        "worker": {"ok": True},
    }


def test_not_ready_without_a_live_worker(client: Client, db: None) -> None:
    runtime.beat()
    Heartbeat.objects.update(last_at=after(-3600))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["worker"]["ok"] is False
    assert answer.json()["worker"]["why"]
    assert answer.json()["database"] == {"ok": True}


@pytest.mark.parametrize(
    ("part", "failure"),
    [
        ("storage", StorageFailure("some/key", "the disk at /srv/secret is full")),
        ("database", DatabaseError("connection to db.internal failed")),
        ("queue", OSError("no route to redis.internal")),
    ],
)
def test_what_is_away_is_named_and_nothing_leaks(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, part: str, failure: Exception
) -> None:
    def away() -> str | None:
        raise failure

    runtime.beat()
    monkeypatch.setitem(health.CHECKS, part, away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert [name for name, told in answer.json().items() if told is not False and not told["ok"]]
    assert answer.json()[part]["ok"] is False
    assert "internal" not in answer.content.decode()
    assert "secret" not in answer.content.decode()


def test_figures_are_hidden_from_strangers(client: Client, alice: User, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    settings.METRICS_TOKEN = "right"
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    client.force_login(alice)
    assert client.get("/metrics").status_code == 404


def test_figures_show_to_staff_and_to_the_token(client: Client, dana: User, settings: Any) -> None:
    settings.METRICS_TOKEN = "right"
    by_token = client.get("/metrics", headers={"Authorization": "Bearer right"})
    assert by_token.status_code == 200
    assert by_token["Content-Type"].startswith("text/plain")
    client.force_login(dana)
    assert client.get("/metrics").status_code == 200


def test_figures_show_to_a_bearer_with_the_rights_of_staff(
    client: Client, dana: User, alice: User
) -> None:
    def seen_by(secret: str) -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return client.get("/metrics", headers=headers).status_code

    assert seen_by(accounts.issue_token(user=dana).secret) == 200
    narrow = accounts.issue_key(actor=dana, name="reader", scopes=("read",))
    assert seen_by(narrow.secret) == 404
    assert seen_by(accounts.issue_token(user=alice).secret) == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_they_only_answer_questions(path: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(path)
    assert answer.status_code == 405
    assert "GET" in answer["Allow"]


def test_figures_read_the_rows(
    client: Client, dana: User, alice: User, wakes: Any, work: Callable[..., int]
) -> None:
    entry = world.opened(alice, count=2)
    RegisterEntry.objects.filter(pk=entry.pk).update(created_at=after(-30), due_at=after(-20))
    client.force_login(dana)
    text = client.get("/metrics").content.decode()
    assert 'genproj_open{age="10-60"} 1.0' in text
    lag = next(line for line in text.splitlines() if 'lag_seconds{job="call_providers"}' in line)
    assert 19 < float(lag.split()[-1]) < 30
    for name in ("created", "settled", "webhooks", "retries", "sockets", "fetch", "store"):
        assert f"genproj_{name}" in text


def test_figures_tell_of_films(client: Client, dana: User, lines: Lines) -> None:
    logs.component("drill").warning("odd")
    client.force_login(dana)
    text = client.get("/metrics").content.decode()
    for name in (
        'genproj_film_jobs{state="waiting"} 0.0',
        'genproj_film_jobs{state="running"} 0.0',
        "genproj_film_wait_seconds 0.0",
        "genproj_film_workers",
        "genproj_films_ended_last_hour",
        "genproj_video_news",
        "genproj_film_seconds",
        "genproj_video_status_reads",
        "genproj_language_model_seconds",
        "genproj_intents",
        "genproj_deliveries",
        'genproj_complaints_total{component="drill",level="warning"}',
    ):
        assert name in text, name
