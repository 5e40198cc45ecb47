"""Every page of the admin opens for staff and for nobody else; rows are looked at, not edited."""

import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from generations.models import Output, ProviderModel, RegisterEntry
from generations.operations import keeping
from genproj.accounts import operations as accounts
from genproj.kernel.clock import after, now
from genproj.kernel.ids import uuid7
from genproj.runtime import breakers
from genproj.runtime import operations as runtime
from genproj.runtime.models import Heartbeat, Switch
from genproj.webhooks.models import Receipt
from genproj.webhooks.operations import endpoints
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)

OURS = ("generations", "runtime", "webhooks", "accounts")


@pytest.fixture
def desk(client: Client, dana: User) -> Client:
    """Dana's browser."""
    client.force_login(dana)
    return client


@pytest.fixture
def entry(alice: User, work: Callable[..., int]) -> RegisterEntry:
    """A settled and catalogued entry, with a delivery that nobody could read."""
    file = io.BytesIO(world.picture())
    made = keeping.keep_upload(
        actor=alice, audience=f"user:{alice.pk}", file=file, filename="boat.png"
    )
    work()
    Receipt.objects.create(
        id=uuid7(),
        source="runware",
        subject=str(made.pk),
        delivery_id="d" * 64,
        body=b'{"answer": "<b>no</b>"}',
        received_at=now(),
        applied_at=now(),
        outcome="unparsable",
    )
    world.models()
    runtime.beat()
    runtime.turn("provider:runware", on=False, reason="")
    breakers.note("storage", failures=1, error="no answer")
    accounts.issue_token(user=alice)
    hook = endpoints.create(actor=alice, url="https://hooks.example/", types=["ping"])
    endpoints.ping(actor=alice, endpoint_id=hook.row.pk)
    return RegisterEntry.objects.get(pk=made.pk)


def pages(entry: RegisterEntry) -> list[str]:
    """The index, each list, and a page of each kind of row."""
    found = [reverse("admin:index"), reverse("admin:generations_work")]
    for model in admin.site._registry:
        if model._meta.app_label in OURS:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            found.append(reverse(f"{name}_changelist"))
            row = model._default_manager.first()
            assert row is not None, model
            found.append(reverse(f"{name}_change", args=[row.pk]))
    return found


def test_every_page_opens_for_staff(desk: Client, entry: RegisterEntry) -> None:
    addresses = pages(entry)
    assert len(addresses) == 2 + 2 * 12
    for address in addresses:
        answer = desk.get(address)
        assert answer.status_code == 200, address
        body = answer.content.decode()
        assert "<script>" not in body
        assert 'style="' not in body
        assert "&lt;t" not in body


def test_no_page_opens_for_others(client: Client, alice: User, entry: RegisterEntry) -> None:
    for person in (None, alice):
        if person:
            client.force_login(person)
        for address in pages(entry):
            assert client.get(address).status_code == 302, address


def test_the_overview_counts_and_links_what_needs_a_person(
    desk: Client, entry: RegisterEntry
) -> None:
    body = desk.get(reverse("admin:index")).content.decode()
    assert "Failed projections" in body
    assert "/admin/webhooks/receipt/" in body
    assert 'data-tone="failed"' in body


@pytest.mark.parametrize(
    "query",
    [
        *("state=pending", "state=completed", "state=partial", "state=failed", "state=cancelled"),
        *("projection=failed", "projection=fine", "error=yes", "error=output", "error=no"),
        *("age=stuck", "age=trash", "q=boat", "q=alice"),
    ],
)
def test_the_register_is_filtered_and_searched(
    desk: Client, entry: RegisterEntry, query: str
) -> None:
    answer = desk.get(reverse("admin:generations_registerentry_changelist") + f"?{query}")
    wanted = query in {"state=completed", "projection=fine", "error=no", "q=boat", "q=alice"}
    assert (str(entry.pk) in answer.content.decode()) is wanted


def test_an_entry_is_found_by_its_id_and_the_end_of_it(desk: Client, entry: RegisterEntry) -> None:
    address = reverse("admin:generations_registerentry_changelist")
    for words in (str(entry.pk), f"…{str(entry.pk)[-8:]}"):
        assert str(entry.pk) in desk.get(address, {"q": words}).content.decode()
    assert str(entry.pk) not in desk.get(address, {"q": str(uuid7())}).content.decode()


def test_facts_can_be_neither_added_nor_edited_nor_deleted(
    desk: Client, entry: RegisterEntry
) -> None:
    for model in ("registerentry", "generation", "artifact", "projection"):
        row = admin.site._registry
        assert row
        assert desk.get(reverse(f"admin:generations_{model}_add")).status_code == 403
    address = reverse("admin:generations_registerentry_change", args=[entry.pk])
    assert desk.post(address, {"model": "other"}).status_code == 403
    delete = reverse("admin:generations_registerentry_delete", args=[entry.pk])
    assert desk.post(delete, {"post": "yes"}).status_code == 403


def test_the_acts_of_a_page_go_through_operations_and_are_written_down(
    desk: Client, dana: User, entry: RegisterEntry
) -> None:
    address = reverse("admin:generations_registerentry_change", args=[entry.pk])
    assert desk.post(address, {"_act": "delete"}).status_code == 302
    assert entry.trashings.exists()
    desk.post(address, {"_act": "restore"})
    assert not entry.trashings.exists()
    assert [(act.act, act.actor) for act in entry.acts.all()] == [
        ("delete", dana),
        ("restore", dana),
    ]
    refused = desk.post(address, {"_act": "cancel"}, follow=True)
    assert "It has already settled." in refused.content.decode()


def test_an_act_on_chosen_rows_says_what_became_of_each(
    desk: Client, alice: User, entry: RegisterEntry
) -> None:
    opened = world.opened(alice)
    chosen = {"action": "cancel", "_selected_action": [str(opened.pk), str(entry.pk)]}
    address = reverse("admin:generations_registerentry_changelist")
    body = desk.post(address, chosen, follow=True).content.decode()
    assert "1 cancelled." in body
    assert "1 refused: It has already settled." in body
    opened.refresh_from_db()
    assert opened.cancelled_at is not None


def test_the_provider_is_asked_now(desk: Client, alice: User) -> None:
    opened = world.opened(alice)
    RegisterEntry.objects.update(due_at=after(600))
    address = reverse("admin:generations_registerentry_change", args=[opened.pk])
    desk.post(address, {"_act": "ask"})
    opened.refresh_from_db()
    assert opened.due_at is not None
    assert opened.due_at <= now()
    assert opened.acts.get().act == "ask"


def test_waiting_work_is_tried_now_and_taken_from_its_holder(desk: Client, alice: User) -> None:
    opened = world.opened(alice)
    RegisterEntry.objects.update(due_at=after(600), leased_until=after(600), failures=3)
    address = reverse("admin:generations_work")
    assert str(opened.pk) in desk.get(address).content.decode()
    desk.post(address, {"entries": [str(opened.pk)], "_release": ""})
    opened.refresh_from_db()
    assert (opened.leased_until, opened.attempts) == (None, 1)
    RegisterEntry.objects.update(due_at=after(600))
    desk.post(address, {"entries": [str(opened.pk)], "_now": ""})
    opened.refresh_from_db()
    assert opened.due_at is not None
    assert opened.due_at <= now()
    assert opened.failures == 0


def test_an_output_given_up_at_its_address_is_fetched_again(alice: User) -> None:
    from generations.operations import tending

    opened = world.opened(alice, count=1)
    failure = {
        "code": "fetch_failed",
        "message": "x",
        "retryable": True,
        "at": now().isoformat(),
        "detail": {},
    }
    row = Output.objects.create(
        id=uuid7(),
        entry=opened,
        index=0,
        ref="r",
        url="http://127.0.0.1:9/a.png",
        announced_at=now(),
        error=failure,
    )
    assert tending.try_now(actor=None, kind="outputs", ids=[row.pk]) == 1
    row.refresh_from_db()
    assert (row.error, row.error_history) == (None, [failure])
    assert row.due_at is not None


def test_a_delivery_is_shown_as_it_came_and_nothing_of_it_is_run(
    desk: Client, entry: RegisterEntry
) -> None:
    receipt = Receipt.objects.get()
    answer = desk.get(reverse("admin:webhooks_receipt_change", args=[receipt.pk]))
    body = answer.content.decode()
    assert "&lt;b&gt;no&lt;/b&gt;" in body
    assert "<b>no</b>" not in body
    assert reverse("admin:generations_registerentry_change", args=[entry.pk]) in body


def test_an_unreadable_delivery_is_marked_ignored(desk: Client, entry: RegisterEntry) -> None:
    receipt = Receipt.objects.get()
    chosen = {"action": "mark_ignored", "_selected_action": [str(receipt.pk)]}
    desk.post(reverse("admin:webhooks_receipt_changelist"), chosen)
    receipt.refresh_from_db()
    assert receipt.outcome == "ignored"


def test_switches_are_turned_by_the_operation(desk: Client) -> None:
    runtime.turn("provider:runware", on=False, reason="")
    row = Switch.objects.get()
    assert not runtime.is_on("provider:runware")
    address = reverse("admin:runtime_switch_changelist")
    desk.post(address, {"action": "turn_on", "_selected_action": [row.pk]})
    assert runtime.is_on("provider:runware")
    change = reverse("admin:runtime_switch_change", args=[row.pk])
    desk.post(change, {"reason": "over"})
    assert not runtime.is_on("provider:runware")
    desk.post(reverse("admin:runtime_switch_add"), {"name": "pause", "on": "on", "reason": "x"})
    assert runtime.is_on("pause")


def test_silent_workers_are_told_from_live_ones(desk: Client) -> None:
    for name, at in (("alive", now()), ("gone", after(-120))):
        Heartbeat.objects.create(
            name=name, kind="worker", host="here", pid=1, started_at=after(-300), last_at=at
        )
    body = desk.get(reverse("admin:runtime_heartbeat_changelist")).content.decode()
    assert ("Live" in body, "Silent" in body) == (True, True)


def test_keys_are_revoked_and_secrets_never_shown(desk: Client, alice: User) -> None:
    issued = accounts.issue_token(user=alice)
    address = reverse("admin:accounts_accesskey_changelist")
    body = desk.get(address).content.decode()
    body += desk.get(
        reverse("admin:accounts_accesskey_change", args=[issued.row.pk])
    ).content.decode()
    assert issued.row.prefix in body
    assert issued.secret not in body
    assert issued.row.digest not in body
    desk.post(address, {"action": "revoke", "_selected_action": [issued.row.pk]})
    assert accounts.usable(issued.secret) is None


@pytest.fixture
def model(db: None) -> ProviderModel:
    world.models()
    return ProviderModel.objects.get(pk=world.MODEL)


def form_of(model: ProviderModel, **changes: Any) -> dict[str, Any]:
    return {
        "name": model.name,
        "description": model.description,
        "provider": model.provider,
        "kind": model.kind,
        "enabled": "on",
        "position": model.position,
        "price": "0.002",
        "max_count": model.max_count,
        "max_references": model.max_references,
        "sizes": json.dumps(model.sizes),
        "parameters": json.dumps(model.parameters),
        "sunset_at_0": "",
        "sunset_at_1": "",
        "replacement": "",
    } | changes


def test_the_registry_of_models_is_edited(desk: Client, model: ProviderModel) -> None:
    address = reverse("admin:generations_providermodel_change", args=[model.pk])
    assert desk.post(address, form_of(model)).status_code == 302
    model.refresh_from_db()
    assert model.price == Decimal("0.002")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"parameters": '{"type": "nonsense"}'}, "JSON schema"),
        ({"parameters": '{"properties": {"a": {"type": 7}}}'}, "Not a JSON schema"),
        ({"sizes": '{"min": 128}'}, "required property"),
        (
            {"sizes": '{"min": 128, "max": 512, "multiple": 64, "default": [1000, 512]}'},
            "does not fit",
        ),
        ({"provider": "elsewhere"}, "no such provider"),
        ({"price": "-1"}, "not negative"),
        ({"replacement": world.MODEL}, "cannot replace itself"),
    ],
)
def test_what_would_break_requests_is_refused(
    desk: Client, model: ProviderModel, changes: dict[str, str], words: str
) -> None:
    address = reverse("admin:generations_providermodel_change", args=[model.pk])
    answer = desk.post(address, form_of(model, **changes))
    assert answer.status_code == 200
    assert words in answer.content.decode().replace("&#x27;", "'")


def test_the_list_marks_models_that_retire(desk: Client, model: ProviderModel) -> None:
    ProviderModel.objects.filter(pk=model.pk).update(sunset_at=after(86400 * 5))
    body = desk.get(reverse("admin:generations_providermodel_changelist")).content.decode()
    assert "Retiring" in body
    assert "Retired 24 Jun 2026" in body
