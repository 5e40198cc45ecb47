"""TABLE: what Alice has, by the place in an address or a body where its id belongs.

Whoever adds a kind of thing adds it here; the sweeps fail at an id that the tables do not know.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.urls import get_resolver

from generations.models import Output
from generations.operations import keeping
from genproj.accounts import operations as accounts
from genproj.assistant.operations import conversations
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from genproj.notices import operations as notices
from genproj.usage.models import Budget
from genproj.webhooks import outbox
from genproj.webhooks.operations import endpoints
from tests import world
from tests.spaces.doors import Stage, file
from videos.operations import wishes, workers

#: in every text of Alice's: found where Charlie reads, it has leaked
MARK = "sesame"
TEXT = f"{MARK}\"'><img src=x onerror=window.__xss=1></script><script>window.__xss=1</script>"
LEAK = re.compile(rf"{MARK}|\balice\b|Lighthouse|Tower\b", re.IGNORECASE)
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PLACES = re.compile(r"\{(\w+)\}")


class Belongings:
    """One of everything of Alice's."""

    def __init__(self, alice: User, dana: User, stage: Stage) -> None:
        self.stage = stage
        self.entry = world.opened(alice, prompt=TEXT)
        kept = keeping.keep_upload(
            actor=alice, audience=f"user:{alice.pk}", file=file(), filename=f"{MARK}.png"
        )
        self.picture = Output.objects.get(entry=kept)
        self.talk = conversations.begin(actor=alice, title=TEXT)
        self.said = conversations.say(actor=alice, conversation_id=self.talk.pk, content=TEXT)
        self.video = wishes.open_video(actor=alice, prompt=TEXT, conversation_id=self.talk.pk)
        self.endpoint = endpoints.create(
            actor=alice, url=f"https://{MARK}.example/", description=TEXT
        ).row
        self.delivery = outbox.delivery_of(
            self.endpoint, event="evt_1", type="ping", body=TEXT.encode(), at=now()
        )
        self.delivery.save()
        self.key = accounts.issue_key(actor=alice, name=TEXT, scopes=["read"]).row
        self.notice = notices.notify(owner=alice, kind="ping", title=TEXT, url="/")
        self.worker = workers.register(actor=dana, name=TEXT).worker
        self.budget = Budget.objects.create(
            **{"id": uuid7(), "audience": f"user:{alice.pk}", "limit": 5, "created_by": dana},
            **{"created_at": now(), "updated_at": now()},
        )
        #: what `{id}` is, by the first part of an address; elsewhere a place's name says it
        self.roots: dict[str, Any] = {
            "api-keys": self.key.pk,
            "artifacts": self.picture.pk,
            "assets": stage.asset.pk,
            "budgets": self.budget.pk,
            "chat": self.talk.pk,
            "conversations": self.talk.pk,
            "generations": self.entry.pk,
            "invitations": stage.invitation.pk,
            "media": self.picture.pk,
            "notices": self.notice.pk,
            "settings": self.endpoint.pk,
            "spaces": stage.space.pk,
            "videos": self.video.pk,
            "webhook-endpoints": self.endpoint.pk,
            "workers": self.worker.pk,
        }
        self.places: dict[str, Any] = {
            **{**stage.ids, "delivery": self.delivery.pk},
            "variant": "original",
        }
        #: what an id in a body names, by the field's name
        self.fields: dict[str, Any] = {
            "approval_ids": stage.approval.pk,
            "artifact_id": self.picture.pk,
            "artifacts": self.picture.pk,
            "asset_id": stage.asset.pk,
            "conversation": self.talk.pk,
            "ids": self.notice.pk,
            "parent_asset_id": stage.asset.pk,
            "reference_artifacts": self.picture.pk,
            "reference_asset_ids": stage.asset.pk,
            "reference_variant_ids": stage.variant.pk,
            "source_asset_id": stage.asset.pk,
            "source_variant_id": stage.variant.pk,
            "source_variant_ids": stage.variant.pk,
            "step_id": stage.step.pk,
            "variant_id": stage.variant.pk,
            "variant_ids": stage.variant.pk,
        }

    def named(self, path: str) -> dict[str, Any]:
        """What the places of an address are filled with."""
        root = path.removeprefix("/api/v1/").strip("/").split("/")[0]
        known = {**self.places, "id": self.roots[root]} if "{id}" in path else self.places
        return {place: known[place] for place in PLACES.findall(path)}


def like(id: Any) -> Any:
    """An id of the same form that nothing has; what is no id stays."""
    if id == "original":
        return id
    if isinstance(id, int):
        return id + 987_654
    return uuid4() if isinstance(id, UUID) else "w_0123456789abcdef"


def routes() -> Iterator[str]:
    """Every address that Django serves, as an OpenAPI document would write it."""

    def walk(patterns: Any, prefix: str = "") -> Iterator[str]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, route)
            else:
                yield "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)

    yield from walk(get_resolver().url_patterns)


def rows() -> dict[str, list[Any]]:
    """The whole database, a list of rows for each table."""
    tables = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"SELECT * FROM {table}")
            tables[model._meta.label] = sorted(map(repr, cursor.fetchall()))
    return tables


def changed(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> list[str]:
    """The tables that differ."""
    return [label for label in before if before[label] != after[label]]


def leaks(text: str, *, asked: str, own: frozenset[str] = frozenset()) -> set[str]:
    """What a text tells beyond what was asked for by name."""
    told = set(UUIDS.findall(text)) - set(UUIDS.findall(asked)) - own
    return told | set(LEAK.findall(text))
