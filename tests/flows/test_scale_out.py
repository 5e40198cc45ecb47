"""The engine's own tests once more, on PostgreSQL and Redis where they are there."""

import os
import subprocess

import psycopg
import pytest
import redis

from tests.conftest import ROOT, environment, python

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]

DATABASE = os.environ.get("TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/genproj")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/14")
SUBSET = (
    "tests/webhooks",
    "tests/events/test_relay.py",
    "tests/events/test_resume.py",
    "tests/kernel/test_bell.py",
    "tests/kernel/test_work.py",
    "tests/generations/test_pipeline.py",
    "tests/generations/test_any_order.py",
    "tests/generations/test_lives_of_entries.py",
    "tests/generations/test_api_create.py",
    "tests/accounts",
    "tests/usage",
    "tests/generations/test_money.py",
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
def test_the_engine_on_postgresql_and_redis() -> None:
    if not database_is_there():
        pytest.skip(f"LEFT OUT: no PostgreSQL at {DATABASE}")
    changes = {"DATABASE_URL": DATABASE}
    if redis_is_there():
        changes["REDIS_URL"] = REDIS
    done = subprocess.run(
        [python(), "-m", "pytest", *SUBSET, "-q", "--durations=0", "--no-header"],
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        check=False,
    )
    words = done.stdout[-6000:] + done.stderr[-2000:]
    assert done.returncode == 0, words
    assert " passed" in words
