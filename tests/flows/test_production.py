"""`manage.py check_production`: one line for each thing that must not face strangers."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from genproj import production

pytestmark = pytest.mark.django_db

STRONG = "k" * 50
REMOTE = {"ENGINE": "django.db.backends.postgresql", "HOST": "db.example.com", "PASSWORD": ""}


@pytest.fixture
def exposed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings of an installation that others may reach."""
    monkeypatch.setenv("SECRET_KEY", STRONG)
    settings.PUBLIC_URL = "https://pictures.example.com"
    settings.ALLOWED_HOSTS = ["pictures.example.com"]
    settings.DEBUG = False
    settings.METRICS_TOKEN = settings.WORKER_WEBHOOK_SECRET = ""
    return settings


def said() -> tuple[int, list[str]]:
    """The exit code, and the lines of refusal."""
    errors = io.StringIO()
    try:
        call_command("check_production", stdout=io.StringIO(), stderr=errors)
    except SystemExit as ended:
        return int(str(ended.code)), errors.getvalue().splitlines()
    return 0, errors.getvalue().splitlines()


def test_what_is_well_made_is_let_out(exposed: Any) -> None:
    assert said() == (0, [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ALLOWED_HOSTS": ["pictures.example.com", "*"]}, "wildcard"),
        ({"DEBUG": True}, "DEBUG is on"),
        (
            {"PUBLIC_URL": "http://pictures.example.com"},
            "PUBLIC_URL is not https",
        ),
        ({"ALLOWED_HOSTS": ["other.example.com"]}, "does not name pictures.example.com"),
        ({"CALLBACK_SECRETS": [STRONG, "changeme"]}, "CALLBACK_SECRET_FALLBACKS"),
        ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN"),
        ({"WORKER_WEBHOOK_SECRET": "whsec_c2hvcnQ="}, "WORKER_WEBHOOK_SECRET"),
        ({"DATABASES": {"default": REMOTE}}, "DATABASE_URL"),
        ({"REDIS_URL": "redis://cache.example.com:6379/0"}, "REDIS_URL"),
        ({"S3_ENDPOINT_URL": "http://store.example.com"}, "S3_ENDPOINT_URL"),
        (
            {"STORAGE_BUCKET": "media", "AWS_SECRET_ACCESS_KEY": "minioadmin"},
            "AWS_SECRET_ACCESS_KEY",
        ),
        (
            {"RUNWARE_API_KEY": "paid", "RUNWARE_BASE_URL": "http://api.example.com"},
            "RUNWARE_BASE_URL",
        ),
    ],
)
def test_each_unsafe_setting_is_refused_in_a_line(
    exposed: Any, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], words: str
) -> None:
    with monkeypatch.context() as changed:
        for name, value in changes.items():
            # not by the fixture: it would open and close what hangs on some of them
            changed.setattr(production.settings, name, value)
        refusals = [*production.refusals_of_settings(), *production.refusals_of_care()]
    assert len(refusals) == 1
    assert words in refusals[0]


@pytest.mark.parametrize(("key", "words"), [("", "not set"), ("changeme", "default"), ("k", "31")])
def test_a_weak_secret_is_refused(
    exposed: Any, monkeypatch: pytest.MonkeyPatch, key: str, words: str
) -> None:
    monkeypatch.setenv("SECRET_KEY", key.replace("k", "k" * 31))
    code, lines = said()
    assert (code, len(lines)) == (1, 1)
    assert words in lines[0] or "shorter" in lines[0]


def test_a_demo_password_is_refused_by_the_name_of_its_account(exposed: Any) -> None:
    User.objects.create_user("alice", password=production.DEMO_PASSWORD)
    code, lines = said()
    assert code == 1
    assert [line for line in lines if "'alice'" in line] == lines


def test_where_only_this_machine_reaches_it_nothing_is_refused(settings: Any) -> None:
    settings.DEBUG = True
    assert said() == (0, [])
