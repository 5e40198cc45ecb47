"""The doorbell: heard by whoever listens, across processes, on every backend that is there."""

import os
import subprocess
from typing import Any

import pytest
from django.db import connection

from genproj.kernel import bell
from tests.conftest import ROOT, environment, python

REDIS = "redis://127.0.0.1:6379/15"
#: of this process: others may run the same tests on the same Redis
CHANNEL = f"test{os.getpid()}"


def redis_is_there() -> bool:
    import redis

    try:
        client = redis.Redis.from_url(REDIS, socket_connect_timeout=0.5)
        client.ping()
        client.close()
    except redis.RedisError:
        return False
    return True


@pytest.fixture(params=["here", "redis"])
def backend(request: pytest.FixtureRequest, settings: Any, transactional_db: None) -> str:
    """Unix sockets (NOTIFY when the tests run on PostgreSQL), and Redis where there is one."""
    if request.param == "redis":
        if not redis_is_there():
            pytest.skip("No Redis on 127.0.0.1:6379.")
        settings.REDIS_URL = REDIS
        bell._redis_client = None
    return str(request.param)


def test_every_listener_hears_the_names_once(backend: str) -> None:
    first, second = bell.listen(CHANNEL), bell.listen(CHANNEL)
    try:
        first.wait(0.2), second.wait(0.2)  # subscribed
        heard = bell.ring(CHANNEL, {"user:1", "user:2"})
        assert heard in (2, None)
        for listener in (first, second):
            names: set[str] = set()
            while found := listener.wait(0.5):
                names |= found
            assert names == {"user:1", "user:2"}
    finally:
        first.close()
        second.close()


def test_a_ring_that_nobody_hears_says_so(backend: str) -> None:
    assert bell.ring("nobody", {"x"}) in (0, None)


def test_channels_are_apart(backend: str) -> None:
    listener = bell.listen(f"{CHANNEL}-one")
    try:
        listener.wait(0.1)
        bell.ring(f"{CHANNEL}-two", {"x"})
        assert listener.wait(0.2) == set()
    finally:
        listener.close()


def test_a_neighbour_in_another_database_of_the_same_redis_hears_nothing(settings: Any) -> None:
    if not redis_is_there():
        pytest.skip("No Redis on 127.0.0.1:6379.")
    settings.REDIS_URL, bell._redis_client = REDIS, None
    neighbour = bell.listen(CHANNEL)
    try:
        neighbour.wait(0.2)
        settings.REDIS_URL, bell._redis_client = REDIS.replace("/15", "/12"), None
        assert bell.ring(CHANNEL, {"x"}) == 0
        assert neighbour.wait(0.2) == set()
    finally:
        neighbour.close()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="unix sockets are the embedded bell")
def test_another_process_is_heard_and_a_dead_one_leaves_no_socket(db: None) -> None:
    listener = bell.listen(CHANNEL)
    try:
        code = (
            "import django; django.setup()\n"
            "from genproj.kernel import bell\n"
            f"name = {CHANNEL!r}; own = bell.listen(name)\n"
            "print(bell.ring(name, {'from afar'}), flush=True)\n"
            "import os; os._exit(0)"
        )
        done = subprocess.run(
            [python(), "-c", code],
            cwd=ROOT,
            env=environment(DJANGO_SETTINGS_MODULE="genproj.settings"),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "2"
        assert listener.wait(1) == {"from afar"}
        assert bell.ring(CHANNEL, {"again"}) == 1
    finally:
        listener.close()
