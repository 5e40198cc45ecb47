"""What happens at once, once more on PostgreSQL, Redis and S3 where they are there."""

import contextlib
import os
import subprocess

import psycopg
import pytest
import redis

from deploy.scale import swift
from tests.conftest import ROOT, environment, python

pytestmark = [pytest.mark.processes, pytest.mark.timeout(1800)]

DATABASE = os.environ.get("TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/genproj")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/14")
#: where most happens at once: claims, streams, money, approvals, keys, deliveries, kills; and what
#: is PostgreSQL's, Redis's or the bucket's own. `make test-scale` runs everything so.
SUBSET = (
    "tests/flows/test_kills.py::test_four_artifacts_come_once_whoever_is_killed[fetch-busy worker]",
    "tests/flows/test_migrations_forward.py",
    "tests/flows/test_on_s3.py",
    "tests/webhooks/test_door.py",
    "tests/webhooks/test_outbox.py::test_claimers_at_once_never_get_the_same_endpoint",
    "tests/webhooks/test_outbox.py::test_slow_receivers_take_one_place_each_and_stop_nobody",
    "tests/events/test_relay.py",
    "tests/events/test_resume.py",
    "tests/kernel/test_bell.py",
    "tests/kernel/test_work.py",
    "tests/generations/test_api_create.py::test_of_eight_at_once_with_one_key_one_is_carried_out",
    "tests/generations/test_at_once.py",
    "tests/generations/test_pipeline.py",
    "tests/generations/test_races.py",
    "tests/usage/test_budgets.py::test_a_hundred_at_once_never_pass_a_hard_limit",
    "tests/usage/test_budgets.py::test_holding_and_settling_at_once_stays_within_the_limit",
    "tests/usage/test_races.py",
    "tests/assistant/test_turns.py::test_messages_said_at_once_are_answered_one_after_the_other",
    "tests/videos/test_at_once.py",
    "tests/videos/test_worker_races.py",
    "tests/spaces/test_approvals.py::test_two_approvers_at_once",
    "tests/spaces/test_approvals.py::test_all_at_once",
    "tests/spaces/test_presence.py",
    "tests/spaces/test_races.py",
    "tests/spaces/test_retry.py::test_of_many_at_once_one_attempt_begins",
    "tests/spaces/test_standing.py::test_calls_at_once_do_not_pass_one_ceiling",
)


def database_is_there() -> bool:
    address = DATABASE.rsplit("/", 1)[0] + "/postgres"
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


def redis_is_there() -> bool:
    client = redis.Redis.from_url(REDIS, socket_connect_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        return False
    finally:
        client.close()
    return True


@pytest.mark.skipif(
    bool(os.environ.get("DATABASE_URL")), reason="the whole run is on another database already"
)
def test_what_happens_at_once_on_postgresql_redis_and_s3() -> None:
    if not database_is_there():
        pytest.skip(f"LEFT OUT: no PostgreSQL at {DATABASE}")
    own = f"{DATABASE}_{os.getpid()}"  # another run beside this one would take its database away
    changes = {"DATABASE_URL": own, "PYTEST_XDIST_WORKER": "gw0"}
    if redis_is_there():
        changes["REDIS_URL"] = REDIS
    with contextlib.suppress(swift.NotAvailable):
        swift.install()
        changes["TEST_STORAGE"] = "s3"
    done = subprocess.run(
        [python(), "-m", "pytest", *SUBSET, "-q", "--tb=short", "--no-header"],
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        check=False,
    )
    words = done.stdout[-12000:] + done.stderr[-2000:]
    assert done.returncode == 0, words
    assert " passed" in words
