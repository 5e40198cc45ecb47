"""Words that would be a script: written into every text there is, and shown on every page."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.urls import reverse

from tests.attacks.belongings import TEXT, Belongings, routes
from tests.generations import stored
from tests.people import Person
from tests.spaces.world import variant_of

pytestmark = pytest.mark.django_db

#: fields that people, models of language or providers fill with words, whatever table has them
WORDS = {
    *("name", "title", "prompt", "description", "content", "label", "comment", "text", "reason"),
    *("last_error", "response_body", "disabled_reason", "filename", "tag", "rating_comment"),
}
#: the same where what is kept is JSON
DOCUMENTS: dict[str, Any] = {
    "error": {
        **{"code": "http_error", "message": TEXT, "retryable": False},
        **{"at": "2026-01-01T00:00:00Z", "detail": {"body": TEXT}},
    },
    "recipe": {"prompt": TEXT},
    "tags": [TEXT],
    "input": {"prompt": TEXT, "negative_prompt": TEXT},
    "annotations": {"note": TEXT},
    "headers": {"x-name": TEXT},
    "metadata": {"note": TEXT},
}


def written(row: Any) -> dict[str, Any]:
    """What is put into one row."""
    facts: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        if field.unique or field.choices:
            continue
        if isinstance(field, models.JSONField):
            facts |= {field.name: DOCUMENTS[field.name]} if field.name in DOCUMENTS else {}
            if getattr(row, "stored_at", None):
                facts.pop("error", None)  # what came is no failure: the database knows
        elif isinstance(field, models.CharField | models.TextField) and field.name in WORDS:
            facts[field.name] = TEXT[: field.max_length or None]
    return facts


def poison() -> None:
    """Write them into every row of ours; the models and the switches keep their names."""
    for model in apps.get_models():
        if model._meta.app_label in {"auth", "contenttypes", "sessions", "runtime"}:
            continue
        if model._meta.model_name == "providermodel":
            continue
        for row in model._default_manager.all():
            if facts := written(row):
                model._default_manager.filter(pk=row.pk).update(**facts)


class Reader(HTMLParser):
    """Finds what a browser would run."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[str] = []
        self.script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.script = tag == "script"
        if (tag == "img" and given.get("src") == "x") or any(n.startswith("on") for n in given):
            self.runs.append(self.get_starttag_text() or tag)
        if any(
            (value or "").lower().lstrip().startswith("javascript:") for value in given.values()
        ):
            self.runs.append(self.get_starttag_text() or tag)
        if tag == "script" and not given.get("src") and given.get("type") != "application/json":
            self.runs.append(self.get_starttag_text() or tag)

    def handle_data(self, data: str) -> None:
        if self.script and "<script" in data:
            self.runs.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.script = False


def read(answer: Any, path: str) -> list[str]:
    """What is wrong with a page."""
    reader = Reader()
    reader.feed(answer.content.decode())
    policy = answer.headers.get("Content-Security-Policy", "")
    wrong = [f"{path} runs {found}" for found in reader.runs]
    if "default-src 'self'" not in policy or "unsafe" in policy:
        wrong.append(f"{path} has the policy {policy!r}")
    return wrong


@pytest.fixture
def poisoned(hers: Belongings, alice: User) -> Belongings:
    """Alice's things with such words, and some more that show on pages."""
    stored.come(hers.entry)
    stored.settle(hers.entry)
    stored.catalogue(hers.entry)
    variant_of(hers.stage.asset, status="failed", error={"code": "x", "message": TEXT})
    User.objects.filter(username="gus").update(first_name=TEXT, username=f"gus{TEXT}")
    poison()
    return hers


def test_no_page_runs_what_people_wrote(poisoned: Belongings, alice: User) -> None:
    person, wrong, shown = Person(alice), [], 0
    others = ("/api/v1/", "/admin/", "/media/", "/badge/", "/shared/", "/webhooks/", "/metrics")
    for path in sorted({path for path in routes() if not path.startswith(others)}):
        address = path.format(**poisoned.named(path))
        for query in ("", "?tab=chat", "?tab=settings", "?part=form"):
            answer = person.client.get(address + query)
            if answer.status_code == 200 and "text/html" in answer["Content-Type"]:
                wrong += read(answer, address + query)
                shown += b"__xss" in answer.content
            if query and "/spaces/" not in address:
                break
    assert not wrong, "\n".join(wrong)
    assert shown >= 10, "hardly a page showed the words: nothing was tried"


def test_no_page_of_the_administration_runs_what_people_wrote(
    poisoned: Belongings, dana: User
) -> None:
    person, wrong, shown = Person(dana), [], 0
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        pages = [reverse(f"{name}_changelist")]
        pages += [reverse(f"{name}_change", args=[row.pk])] if row else []
        for address in pages:
            answer = person.client.get(address)
            if answer.status_code == 200:
                wrong += read(answer, address)
                shown += b"__xss" in answer.content
    assert not wrong, "\n".join(wrong)
    assert shown >= 10, "hardly a page showed the words: nothing was tried"
