"""What must not be so when strangers can reach this installation, in one line each."""

import ipaddress
import os
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http.request import validate_host

DEMO_PEOPLE = ("admin", "alice", "bob", "charlie")
DEMO_PASSWORD = "genproj"
SHORTEST_KEY = 32
SHORTEST_TOKEN = 16
DEFAULT_KEYS = ("django-insecure", "change-me", "changeme", "your-secret", "secret")
DEFAULT_PASSWORDS = frozenset(
    {"", "genproj", "postgres", "password", "minioadmin", "testing", "test", "secret"}
)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that host name or address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_exposed() -> bool:
    """Whether HOST or PUBLIC_URL say that others than this machine reach it."""
    public = urlsplit(settings.PUBLIC_URL).hostname or ""
    return not (is_loopback(settings.HOST) and is_loopback(public))


def refusals_of_settings() -> list[str]:
    """Why these settings must not face strangers; nothing while only this machine reaches it."""
    return [words for rule in STARTING if (words := rule())] if is_exposed() else []


def refusals_of_care() -> list[str]:
    """What would start all the same, and be unsafe: `check_production` refuses it, too."""
    return [words for rule in CAREFUL if (words := rule())] if is_exposed() else []


def _secret_key() -> str | None:
    key = os.environ.get("SECRET_KEY", "").strip()
    if not key:
        return "SECRET_KEY is not set; an installation that others reach needs its own."
    if _is_weak(key):
        return f"SECRET_KEY is a default or shorter than {SHORTEST_KEY} characters."
    return None


def _is_weak(key: str) -> bool:
    return len(key) < SHORTEST_KEY or key.lower().startswith(DEFAULT_KEYS)


def _wildcard() -> str | None:
    if any(host in {"*", "."} for host in settings.ALLOWED_HOSTS):
        return "ALLOWED_HOSTS holds a wildcard; name the hosts that you serve."
    return None


def _debug() -> str | None:
    return "DEBUG is on; its pages show settings and code to strangers." if settings.DEBUG else None


def _open_address() -> str | None:
    if not settings.PUBLIC_URL.startswith("https://"):
        return "PUBLIC_URL is not https; passwords and sessions would travel openly."
    return None


def _not_served() -> str | None:
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    if not validate_host(host, settings.ALLOWED_HOSTS):
        return f"ALLOWED_HOSTS does not name {host}, the host of PUBLIC_URL; nobody gets an answer."
    return None


def _old_secrets() -> str | None:
    """What is still believed must be as strong as what is signed with today."""
    if any(_is_weak(key) for key in settings.CALLBACK_SECRETS[1:]):
        return "CALLBACK_SECRET_FALLBACKS holds a default or short key; callbacks could be forged."
    return None


def _metrics_token() -> str | None:
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < SHORTEST_TOKEN:
        return f"METRICS_TOKEN is shorter than {SHORTEST_TOKEN} characters."
    return None


def _worker_secret() -> str | None:
    secret = settings.WORKER_WEBHOOK_SECRET.removeprefix("whsec_")
    if secret and len(secret) < SHORTEST_KEY:
        return (
            f"WORKER_WEBHOOK_SECRET is shorter than {SHORTEST_KEY} characters; it can be guessed."
        )
    return None


def _open_database() -> str | None:
    database = settings.DATABASES["default"]
    host = database.get("HOST") or ""
    away = host and not host.startswith("/") and not is_loopback(host)
    if away and database.get("PASSWORD", "") in DEFAULT_PASSWORDS:
        return (
            "DATABASE_URL leads to another machine with no password, or one that everybody knows."
        )
    return None


def _open_redis() -> str | None:
    parts = urlsplit(settings.REDIS_URL)
    if parts.hostname and not is_loopback(parts.hostname) and not parts.password:
        return "REDIS_URL leads to another machine without a password; whoever reaches it can act."
    return None


def _open_objects() -> str | None:
    parts = urlsplit(settings.S3_ENDPOINT_URL)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return "S3_ENDPOINT_URL is not https; pictures and signed addresses would travel openly."
    if settings.STORAGE_BUCKET and settings.AWS_SECRET_ACCESS_KEY in DEFAULT_PASSWORDS - {""}:
        return "AWS_SECRET_ACCESS_KEY is one that everybody knows."
    return None


def _open_providers() -> str | None:
    """A key that has been paid for must not be readable on its way."""
    for name in ("RUNWARE", "GEMINI", "ANTHROPIC"):
        parts = urlsplit(getattr(settings, f"{name}_BASE_URL"))
        key = getattr(settings, f"{name}_API_KEY")
        if key != "sandbox" and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            return f"{name}_BASE_URL is not https; {name}_API_KEY would travel openly."
    return None


#: TABLE: what refuses to start.
STARTING = (_secret_key, _wildcard, _debug)
#: TABLE: what `check_production` refuses besides.
CAREFUL = (
    _open_address,
    _not_served,
    _old_secrets,
    _metrics_token,
    _worker_secret,
    _open_database,
    _open_redis,
    _open_objects,
    _open_providers,
)


def refusals_of_accounts() -> list[str]:
    """Which demo accounts still have the password that everybody knows."""
    if not is_exposed():
        return []
    return [
        f"The demo account {name!r} still has its default password; run start_fresh."
        for name in demo_accounts()
    ]


def demo_accounts() -> list[str]:
    """The demo accounts that can be signed in to with the demo password."""
    people = get_user_model()._default_manager.filter(username__in=DEMO_PEOPLE, is_active=True)
    return [person.get_username() for person in people if person.check_password(DEMO_PASSWORD)]


def missing() -> list[str]:
    """What an installation for others still lacks, without being a reason to refuse."""
    found = []
    if not os.environ.get("SECRET_KEY", "").strip():
        found.append("SECRET_KEY is not set: one made in DATA_DIR serves this machine only.")
    if not settings.PUBLIC_URL.startswith("https://"):
        found.append("PUBLIC_URL is not https: providers cannot call back, sessions travel openly.")
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        found.append("DATABASE_URL is not set: SQLite serves one machine; several need PostgreSQL.")
    if not settings.STORAGE_BUCKET:
        found.append("STORAGE_BUCKET is not set: files stay in DATA_DIR; include it in backups.")
    if settings.RUNWARE_API_KEY == "sandbox":
        found.append("RUNWARE_API_KEY is not set: pictures come from the sandbox.")
    if not settings.METRICS_TOKEN:
        found.append("METRICS_TOKEN is not set: only signed-in staff read /metrics.")
    return found
