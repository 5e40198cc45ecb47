"""What an installation that a test starts stands on: SQLite and files; where the run is at scale,
a database, a Redis and a bucket of its own."""

import contextlib
import hashlib
import itertools
import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import redis
from psycopg import sql

from tests import s3, world
from tests.conftest import free_port

AT_SCALE = os.environ.get("DATABASE_URL", "").startswith("postgres")
LISTENING = "SELECT client_port FROM pg_stat_activity WHERE datname = %s AND query ILIKE 'listen%%'"

_numbers = itertools.count(1)


class Ground:
    """One installation's services, and readings beside it."""

    def __init__(self, data: Path, name: str = "") -> None:
        self.data, self.name = data, name or f"genproj_run_{os.getpid()}_{next(_numbers)}"
        self.settings = {"DATABASE_URL": "", "REDIS_URL": "", "STORAGE_BUCKET": ""}
        self._redis: subprocess.Popen[bytes] | None = None
        self._server: s3.S3Server | None = None
        if AT_SCALE:
            self._make_database()
            self._start_redis()
        if s3.AT_S3:
            self._make_bucket()

    def _make_database(self) -> None:
        parts = urlsplit(os.environ["DATABASE_URL"])
        self._boss = parts._replace(path="/postgres").geturl()
        self._tell("CREATE DATABASE {}")
        self.settings["DATABASE_URL"] = parts._replace(path=f"/{self.name}").geturl()

    def _tell(self, command: str) -> None:
        with psycopg.connect(self._boss, autocommit=True) as boss:
            boss.execute(sql.SQL(command).format(sql.Identifier(self.name)))  # type: ignore[arg-type]

    def _start_redis(self) -> None:
        """Where the program is; otherwise the bell is the database's."""
        if (program := shutil.which("redis-server")) is None:
            return
        port = free_port()
        self._redis = subprocess.Popen(
            [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"],
            stdout=subprocess.DEVNULL,
        )
        self.settings["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"

        def answers() -> bool:
            with contextlib.suppress(redis.RedisError), self._client() as client:
                return bool(client.ping())
            return False

        world.until(answers, seconds=60)

    def _client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.settings["REDIS_URL"])

    def _make_bucket(self) -> None:
        server = s3.shared()
        if isinstance(server, s3.NotAvailable):
            raise server
        self._server, bucket = server, self.name.replace("_", "-")
        s3.make_bucket(server, bucket)
        self.settings |= {"STORAGE_BUCKET": bucket, **server.settings}

    def row(self, query: str, *values: str) -> Any:
        """One row of the database, read beside the application."""
        if AT_SCALE:
            with psycopg.connect(self.settings["DATABASE_URL"]) as beside:
                return beside.execute(query.replace("?", "%s"), values).fetchone()  # type: ignore[arg-type]
        file = sqlite3.connect(f"file:{self.data / 'genproj.sqlite3'}?mode=ro", uri=True)
        try:
            return file.execute(query, values).fetchone()
        finally:
            file.close()

    def objects(self, prefix: str) -> Counter[str]:
        """What is kept under a prefix, by the hash of its bytes."""
        bodies = self._bodies(prefix) if self._server else self._files(prefix)
        return Counter(hashlib.sha256(body).hexdigest() for body in bodies)

    def _files(self, prefix: str) -> list[bytes]:
        return [file.read_bytes() for file in (self.data / "media" / prefix).glob("*.*")]

    def _bodies(self, prefix: str) -> list[bytes]:
        assert self._server is not None
        client, bucket = s3.client(self._server), self.settings["STORAGE_BUCKET"]
        try:
            found = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
            return [
                client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found
            ]
        finally:
            client.close()

    def listening(self, pids: set[int]) -> set[int]:
        """Which of these processes hear the workers' bell: they drain just now."""
        if not AT_SCALE:
            bells = (self.data / "run" / "bell" / "work").glob("*-*")
            return pids & {int(bell.name.split("-")[0]) for bell in bells}
        ports = self._ports_of_listeners()
        return {pid for pid in pids if ports & _local_ports(pid)}

    def _ports_of_listeners(self) -> set[int]:
        if self._redis is not None:
            with self._client() as client:
                found = client.client_list("pubsub")
            return {int(one["addr"].rsplit(":", 1)[1]) for one in found if int(one["sub"])}
        with psycopg.connect(self._boss) as boss:
            return {port for (port,) in boss.execute(LISTENING, [self.name]) if port}

    def close(self) -> None:
        """Take away what was made."""
        if self._redis is not None:
            self._redis.terminate()
            self._redis.wait(20)
        if AT_SCALE:
            self._tell("DROP DATABASE IF EXISTS {} WITH (FORCE)")


def _local_ports(pid: int) -> set[int]:
    with contextlib.suppress(psutil.Error):
        return {one.laddr.port for one in psutil.Process(pid).net_connections("tcp") if one.laddr}
    return set()
