"""What the scale-out form stands on: found where it is, started where it is not."""

import hashlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg import sql

from deploy.scale import swift
from genproj.children import Role

USUAL = Path(__file__).resolve().parents[2] / "var" / "scale"
DATABASE = "genproj_scale"
BUCKET = "genproj-scale"
#: whom a PostgreSQL on its usual port may let in without a password
LOCAL = ("postgresql://postgres@127.0.0.1:5432", "postgresql://postgres@:5432")
MARK = "genproj:scale"
#: the first ones are everybody's
REDIS_NUMBERS = range(5, 16)


class Missing(Exception):
    """A service is neither there nor can it be started; the message says what to do, in a line."""


@dataclass(frozen=True)
class Service:
    """Where a service is. With a role it is ours to start."""

    words: str
    settings: Mapping[str, str]
    role: Role | None = None
    is_ours: bool = False


def listens(port: int) -> Callable[[float], bool]:
    """A sign of life: something takes connections there."""

    def sign(_started_at: float) -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except OSError:
            return False
        return True

    return sign


# --- PostgreSQL -----------------------------------------------------------------------------
def postgresql(folder: Path, port: int) -> Service:
    """DATABASE_URL, or a database of our own on the usual port, or a server of our own."""
    if given := os.environ.get("DATABASE_URL"):
        return Service(f"PostgreSQL at {shown(given)} (DATABASE_URL)", {"DATABASE_URL": given})
    for server in LOCAL:
        url = f"{server}/{database_of(folder)}"
        if _lets_in(server):
            return Service(f"PostgreSQL at {shown(url)}", {"DATABASE_URL": url}, is_ours=True)
    return _own_postgresql(folder / "postgresql", port)


def database_of(folder: Path) -> str:
    """The name of our database on a server that others use too; another folder's is another."""
    if folder == USUAL:
        return DATABASE
    return f"{DATABASE}_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def shown(url: str) -> str:
    """An address without its password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"


def _lets_in(server: str) -> bool:
    try:
        with psycopg.connect(f"{server}/postgres", connect_timeout=2) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.Error:
        return False
    return bool(row and row[0])


def _own_postgresql(folder: Path, port: int) -> Service:
    programs = _programs()
    lower = _as_other_than_root()
    secret = folder.with_name("postgresql.password")
    if not (folder / "PG_VERSION").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        secret.write_text(secrets.token_urlsafe(24))
        if lower:
            shutil.chown(folder, "postgres", "postgres")
            shutil.chown(secret, "postgres", "postgres")
        secret.chmod(0o600)
        made = subprocess.run(
            [
                *(*lower, str(programs / "initdb"), "-D", str(folder), "-U", "genproj"),
                *("-E", "UTF8", "--auth=scram-sha-256", f"--pwfile={secret}"),
            ],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            reason = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Missing(f"PostgreSQL cannot be set up in {folder}: {reason}")
    command = [
        *(*lower, str(programs / "postgres"), "-D", str(folder), "-p", str(port)),
        *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
    ]
    url = f"postgresql://genproj:{secret.read_text().strip()}@127.0.0.1:{port}/{DATABASE}"
    role = Role("postgres", command, listens(port), ends_by=SIGINT)  # SIGTERM waits for clients
    words = f"PostgreSQL of its own at 127.0.0.1:{port}"
    return Service(words, {"DATABASE_URL": url}, role, is_ours=True)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).parent
    raise Missing(
        "PostgreSQL is not there: set DATABASE_URL, or install it (Debian: apt install postgresql)."
    )


def _as_other_than_root() -> list[str]:
    """What stands before a command that root may not run."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        raise Missing(
            "PostgreSQL does not run as root, and there is no user postgres: set DATABASE_URL."
        ) from None
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


def make_database(service: Service) -> None:
    """Have our own database be there, as soon as the server takes connections."""
    url = service.settings["DATABASE_URL"]
    server, _, name = url.rpartition("/")
    until = time.monotonic() + 60
    while True:
        try:
            with psycopg.connect(f"{server}/postgres", autocommit=True, connect_timeout=5) as boss:
                known = boss.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
                if known.fetchone() is None:
                    boss.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
                return
        except psycopg.OperationalError as error:
            if time.monotonic() > until:
                raise Missing(f"PostgreSQL takes no connections: {error}") from error
            time.sleep(0.2)


# --- Redis ------------------------------------------------------------------------------------
def redis_server(folder: Path, port: int) -> Service:
    """REDIS_URL, or a free number of the Redis on its usual port, or a server of our own."""
    if given := os.environ.get("REDIS_URL"):
        return Service(f"Redis at {shown(given)} (REDIS_URL)", {"REDIS_URL": given})
    for number in REDIS_NUMBERS:
        if _takes(number, str(folder)):
            url = f"redis://127.0.0.1:6379/{number}"
            return Service(f"Redis at 127.0.0.1:6379/{number}", {"REDIS_URL": url})
    program = shutil.which("redis-server")
    if program is None:
        raise Missing(
            "Redis is not there: set REDIS_URL, or install it (Debian: apt install redis-server)."
        )
    place = folder / "redis"
    place.mkdir(parents=True, exist_ok=True)
    command = [
        *(program, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(place)),
        *("--save", "", "--appendonly", "no", "--daemonize", "no"),
    ]
    words = f"Redis of its own at 127.0.0.1:{port}"
    settings = {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
    return Service(words, settings, Role("redis", command, listens(port)))


def _takes(number: int, mark: str) -> bool:
    """Whether a database of the local Redis is ours, or empty and now ours."""
    client: Any = redis.Redis(db=number, socket_connect_timeout=1, socket_timeout=2)
    try:
        if client.dbsize() == 0:
            client.set(MARK, mark, nx=True)
        return bool(client.get(MARK) == mark.encode())
    except redis.RedisError:
        return False
    finally:
        client.close()


# --- S3 ---------------------------------------------------------------------------------------
def object_store(folder: Path, port: int) -> Service:
    """STORAGE_BUCKET, or OpenStack Swift with its S3 interface from PyPI."""
    if given := os.environ.get("STORAGE_BUCKET"):
        where = os.environ.get("S3_ENDPOINT_URL") or "Amazon S3"
        return Service(f"S3: bucket {given} at {where} (STORAGE_BUCKET)", {})
    try:
        command, endpoint = swift.laid_out(folder / "s3", port=port)
    except swift.NotAvailable as reason:
        raise Missing(f"S3: set STORAGE_BUCKET and S3_ENDPOINT_URL. {reason}") from None
    settings = {"STORAGE_BUCKET": BUCKET, **swift.settings_for(endpoint)}
    words = f"S3 (OpenStack Swift) of its own at 127.0.0.1:{port}"
    return Service(words, settings, Role("s3", command, listens(port)))
