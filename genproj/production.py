"""What must not be so when strangers can reach this installation, in one line each."""

import ipaddress
import os
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model

DEMO_PEOPLE = ("admin", "alice", "bob", "charlie")
DEMO_PASSWORD = "genproj"
SHORTEST_KEY = 32
DEFAULT_KEYS = ("django-insecure", "change-me", "changeme", "your-secret", "secret")


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
    if not is_exposed():
        return []
    found = []
    key = os.environ.get("SECRET_KEY", "").strip()
    if not key:
        found.append("SECRET_KEY is not set; an installation that others reach needs its own.")
    elif len(key) < SHORTEST_KEY or key.lower().startswith(DEFAULT_KEYS):
        found.append(f"SECRET_KEY is a default or shorter than {SHORTEST_KEY} characters.")
    if any(host == "*" or host == "." for host in settings.ALLOWED_HOSTS):
        found.append("ALLOWED_HOSTS holds a wildcard; name the hosts that you serve.")
    return found


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
    if settings.DEBUG:
        found.append("DEBUG is on.")
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        found.append("DATABASE_URL is not set: SQLite serves one machine; several need PostgreSQL.")
    if not settings.STORAGE_BUCKET:
        found.append("STORAGE_BUCKET is not set: files stay in DATA_DIR; include it in backups.")
    if settings.RUNWARE_API_KEY == "sandbox":
        found.append("RUNWARE_API_KEY is not set: pictures come from the sandbox.")
    if not settings.METRICS_TOKEN:
        found.append("METRICS_TOKEN is not set: only signed-in staff read /metrics.")
    return found
