"""Asking for pictures: what is accepted, what is refused, and that it happens once."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client

from generations.models import ProviderModel, RegisterEntry
from generations.operations import asking
from genproj.runtime import answers
from genproj.runtime.models import IdempotentAnswer
from tests import world
from tests.conftest import Sandbox
from tests.generations.conftest import GENERATIONS, Program, of
from tests.generations.stored import come

pytestmark = pytest.mark.django_db

Ask = Callable[..., Any]


def pointers(answer: Any) -> set[tuple[str, str]]:
    assert answer.status_code == 422, answer.content
    assert answer.json()["code"] == "validation_failed"
    return {(row["pointer"], row["code"]) for row in answer.json()["errors"]}


def test_the_smallest_request_is_written_down_and_answered_whole(
    alices: Client, alice: User, ask: Ask
) -> None:
    answer = ask(alices)
    assert answer.status_code == 202
    body = answer.json()
    assert answer["Location"] == body["urls"]["self"] == of(body["id"])
    assert answer["X-Follow"] == f"user:{alice.pk}"
    again = alices.get(body["urls"]["self"])
    assert (again.json(), again["ETag"]) == (body, answer["ETag"])
    entry = RegisterEntry.objects.get()
    assert str(entry.pk) == body["id"]
    assert entry.owner == alice
    assert entry.audience == f"user:{alice.pk}"
    assert body["state"] == "pending"
    assert (body["kind"], body["provider"], body["model"]) == ("image", "runware", world.MODEL)
    assert body["expected_count"] == 1
    assert body["progress"] == {"done": 0, "expected": 1, "percent": None}
    assert body["outputs"] == []
    assert (body["error"], body["cost"], body["completed_at"]) == (None, None, None)
    assert body["created_at"].endswith("Z")
    assert body["input"] == {
        "prompt": "a lighthouse in fog",
        "negative_prompt": "",
        "width": 1024,
        "height": 1024,
        "seed": None,
        "output_format": "PNG",
        "reference_artifacts": [],
        "parameters": {},
    }


def test_every_field_is_taken_as_it_is_given(alices: Client, ask: Ask, alice: User) -> None:
    reference = come(world.opened(alice, count=1))
    answer = ask(
        alices,
        count=4,
        width=512,
        height=768,
        seed=2**63 - 1,
        negative_prompt="people",
        output_format="WEBP",
        reference_artifacts=[str(reference.pk)],
        parameters={"steps": 8, "CFGScale": 3.5},
        tags=["coast", "coast", "fog"],
        deadline_seconds=60,
    )
    assert answer.status_code == 202, answer.content
    body = answer.json()
    assert body["input"]["seed"] == 2**63 - 1
    assert body["tags"] == ["coast", "fog"]
    assert alices.get(body["urls"]["self"]).json() == body
    assert body["expected_count"] == 4
    entry = RegisterEntry.objects.get(pk=body["id"])
    assert (entry.deadline_at - entry.created_at).total_seconds() == 60
    assert entry.input["parameters"] == {"steps": 8, "CFGScale": 3.5}


def test_all_errors_are_named_at_once(alices: Client, ask: Ask) -> None:
    answer = ask(
        alices,
        prompt="x",
        count=21,
        width=100,
        height=1000,
        seed=0,
        deadline_seconds=5,
        output_format="BMP",
        tags=["x"] * 21,
        parameters={"steps": 0, "wings": 2, "webhookURL": "https://evil.example"},
        colour="blue",
    )
    assert pointers(answer) >= {
        ("/prompt", "too_short"),
        ("/count", "max"),
        ("/width", "min"),
        ("/height", "multiple_of"),
        ("/seed", "min"),
        ("/deadline_seconds", "min"),
        ("/output_format", "choice"),
        ("/tags", "too_many"),
        ("/parameters/steps", "min"),
        ("/parameters/wings", "unknown"),
        ("/parameters/webhookURL", "unknown"),
        ("/colour", "unknown"),
    }
    assert not RegisterEntry.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("prompt", "", "too_short"),
        ("prompt", "   ", "too_short"),
        ("prompt", "x" * 3001, "too_long"),
        ("prompt", 7, "type"),
        ("prompt", None, "type"),
        ("prompt", "fog\x00", "characters"),
        ("negative_prompt", "x", "too_short"),
        ("count", 0, "min"),
        ("count", "4", "type"),
        ("count", 1.5, "type"),
        ("count", True, "type"),
        ("width", 4096, "max"),
        ("seed", 2**63, "max"),
        ("seed", "7", "type"),
        ("deadline_seconds", 3601, "max"),
        ("tags", "coast", "type"),
        ("parameters", [], "type"),
        ("model", "", "too_short"),
        ("model", "nonsense", "unknown"),
    ],
)
def test_a_wrong_field_is_pointed_at(
    alices: Client, ask: Ask, field: str, value: Any, code: str
) -> None:
    assert pointers(ask(alices, **{field: value})) == {(f"/{field}", code)}


@pytest.mark.parametrize("tag", ["", "x" * 65])
def test_a_wrong_tag_is_pointed_at_by_its_place(alices: Client, ask: Ask, tag: str) -> None:
    [(pointer, _)] = pointers(ask(alices, tags=["fine", tag]))
    assert pointer == "/tags/1"


@pytest.mark.parametrize("field", sorted(asking.OURS))
def test_transport_count_and_identity_are_always_ours(alices: Client, ask: Ask, field: str) -> None:
    row = ProviderModel.objects.get(pk=world.MODEL)
    row.parameters = {"properties": {field: {}}}  # even if a row were edited so
    row.save()
    assert pointers(ask(alices, parameters={field: "x"})) == {(f"/parameters/{field}", "unknown")}


def test_only_pictures_one_may_see_can_be_references(
    alices: Client, bob: User, alice: User, ask: Ask
) -> None:
    bobs = str(come(world.opened(bob, count=1)).pk)
    mine = [str(come(world.opened(alice, count=1)).pk) for _ in range(2)]
    answer = ask(alices, reference_artifacts=[bobs])
    assert pointers(answer) == {("/reference_artifacts/0", "not_found")}
    answer = ask(alices, reference_artifacts=["nonsense"])
    assert pointers(answer) == {("/reference_artifacts/0", "format")}
    answer = ask(alices, reference_artifacts=mine)
    assert pointers(answer) == {("/reference_artifacts", "too_many")}


def test_a_retired_model_names_its_replacement(alices: Client, ask: Ask) -> None:
    answer = ask(alices, model="google:1@1")
    assert (answer.status_code, answer.json()["code"]) == (410, "model_retired")
    assert answer.json()["replacement"] == "google:4@3"


def test_a_model_for_films_points_to_where_films_are_asked_for(alices: Client, ask: Ask) -> None:
    answer = ask(alices, model="google:3@2")
    assert pointers(answer) == {("/model", "kind")}
    assert "/api/v1/videos/" in answer.json()["errors"][0]["detail"]


def test_a_disabled_model_is_unknown(alices: Client, ask: Ask) -> None:
    ProviderModel.objects.filter(pk=world.MODEL).update(enabled=False)
    assert pointers(ask(alices)) == {("/model", "unknown")}


def test_a_model_that_only_the_catalogue_knows_may_be_used(
    alices: Client, ask: Ask, sandbox: Sandbox
) -> None:
    answer = alices.get("/api/v1/models/?search=civitai")
    assert answer.status_code == 200
    [found, *_] = [row for row in answer.json()["results"] if not row["registered"]]
    assert answer.json()["catalogue"] == "available"
    assert ask(alices, model=found["id"]).status_code == 202
    assert ProviderModel.objects.filter(pk=found["id"], provider="runware").exists()
    assert pointers(ask(alices, model="civitai:0@0")) == {("/model", "unknown")}


def test_without_the_provider_the_registry_still_answers(
    alices: Client, ask: Ask, settings: Any
) -> None:
    settings.RUNWARE_BASE_URL = "http://127.0.0.1:9/v1"
    answer = alices.get("/api/v1/models/?search=schnell")
    assert answer.status_code == 200
    assert answer.json()["catalogue"] == "unavailable"
    assert answer.json()["results"][0]["id"] == world.MODEL
    unsure = ask(alices, model="civitai:1@1")
    assert (unsure.status_code, unsure.json()["code"]) == (503, "provider_unavailable")
    assert unsure["Retry-After"]


def test_models_tell_what_one_needs_to_ask(alices: Client) -> None:
    answer = alices.get("/api/v1/models/?kind=image")
    assert answer.status_code == 200
    first = answer.json()["results"][0]
    assert first["id"] == world.MODEL
    assert first["price"] == "0.0013"
    assert first["parameters"]["properties"]["steps"]["maximum"] == 100
    assert first["seconds"] is None
    page = alices.get("/api/v1/models/?kind=image&page_size=1").json()
    assert [row["id"] for row in page["results"]] == [world.MODEL]
    assert alices.get(page["next"]).json()["results"] == answer.json()["results"][1:2]
    retired = next(row for row in answer.json()["results"] if row["id"] == "google:1@1")
    assert retired["retired"]
    assert retired["replacement"] == "google:4@3"
    assert retired["sunset_at"] == "2026-06-24T00:00:00.000Z"


# --- bodies that are none -------------------------------------------------------------------


@pytest.mark.parametrize("body", ["{", "", "[1,", '{"a": NaN}', "[" * 100_000, b"\xff\xfe"])
def test_what_is_not_json_is_malformed(alices: Client, body: Any) -> None:
    answer = alices.post(GENERATIONS, body, content_type="application/json")
    wanted = {400: "malformed", 422: "validation_failed"}
    assert answer.json()["code"] == wanted[422 if body == "" else 400]
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("body", ["[]", "null", '"x"', "7"])
def test_a_body_that_is_no_object_is_not_valid(alices: Client, body: str) -> None:
    answer = alices.post(GENERATIONS, body, content_type="application/json")
    assert answer.status_code == 422, answer.content


def test_another_type_of_body_is_refused(alices: Client) -> None:
    answer = alices.post(GENERATIONS, "x", content_type="text/plain")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


# --- once -----------------------------------------------------------------------------------


def test_the_same_key_and_body_get_the_first_answer_again(alices: Client, ask: Ask) -> None:
    first, again = ask(alices, key="k1"), ask(alices, key="k1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert RegisterEntry.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(alices: Client, ask: Ask) -> None:
    ask(alices, key="k1")
    answer = ask(alices, key="k1", count=2)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert RegisterEntry.objects.count() == 1


def test_a_key_belongs_to_one_person(alices: Client, program: Program, bob: User, ask: Ask) -> None:
    assert ask(alices, key="k1").json()["id"] != ask(program(bob), key="k1").json()["id"]


def test_a_refusal_leaves_the_key_free(alices: Client, ask: Ask) -> None:
    assert ask(alices, key="k1", count=0).status_code == 422
    assert not IdempotentAnswer.objects.exists()
    assert ask(alices, key="k1").status_code == 202


def test_a_key_that_cannot_be_one_is_malformed(alices: Client, ask: Ask) -> None:
    for key in ("x" * 201, "with blank"):
        assert ask(alices, key=key).status_code == 400


def test_spacing_and_order_of_the_body_do_not_matter(alices: Client) -> None:
    one = '{"model":"runware:100@1","prompt":"fog"}'
    other = '{ "prompt": "fog",  "model": "runware:100@1" }'
    ids = {
        alices.post(
            GENERATIONS, body, content_type="application/json", headers={"idempotency-key": "k"}
        ).json()["id"]
        for body in (one, other)
    }
    assert len(ids) == 1


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_once_with_one_key_one_is_carried_out(alices: Client, ask: Ask) -> None:
    found: list[Any] = []

    def knock() -> None:
        client = Client()
        client.defaults.update(alices.defaults)
        try:
            found.append(ask(client, key="same"))
        finally:
            connection.close()

    threads = [threading.Thread(target=knock) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in found} == {202}
    assert len({answer.json()["id"] for answer in found}) == 1
    assert RegisterEntry.objects.count() == 1
    assert sum("Idempotency-Replayed" in answer for answer in found) == 7


@pytest.mark.django_db(transaction=True)
def test_a_first_request_that_takes_too_long_is_in_progress(
    alices: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "WAIT_SECONDS", 0.2)
    begun, go = threading.Event(), threading.Event()
    ask_it = asking.ask

    def slow(**kwargs: Any) -> Any:
        begun.set()
        go.wait(60)
        return ask_it(**kwargs)

    monkeypatch.setattr(asking, "ask", slow)
    found: list[Any] = []

    def knock() -> None:
        client = Client()
        client.defaults.update(alices.defaults)
        try:
            found.append(ask(client, key="same"))
        finally:
            connection.close()

    thread = threading.Thread(target=knock)
    thread.start()
    begun.wait(60)
    answer = ask(alices, key="same")
    go.set()
    thread.join()
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")
    assert answer["Retry-After"] == "1"
    assert found[0].status_code == 202


# --- limits and failures --------------------------------------------------------------------


def test_too_many_requests_are_refused_until_the_window_ends(
    alices: Client, ask: Ask, settings: Any
) -> None:
    rates = {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "create": "2/min"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    first = ask(alices)
    assert first["RateLimit-Policy"] == '"create";q=2;w=60'
    assert first["RateLimit"].startswith('"create";r=1;t=')
    assert ask(alices).status_code == 202
    answer = ask(alices)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 0 < int(answer["Retry-After"]) <= 60


def test_a_database_that_is_away_is_503_and_tells_nothing(
    alices: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError("could not connect to server at 10.0.0.7 with password hunter2")

    monkeypatch.setattr(asking, "ask", away)
    answer = ask(alices)
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert answer["Retry-After"]
    assert "hunter2" not in answer.content.decode()


def test_a_mistake_of_ours_is_500_and_tells_nothing(
    alices: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise ZeroDivisionError("hunter2")

    monkeypatch.setattr(asking, "ask", broken)
    answer = ask(alices)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.json()["request_id"] == answer["X-Request-Id"]
    assert "hunter2" not in answer.content.decode()


def test_a_key_that_may_only_read_cannot_ask(program: Program, alice: User, ask: Ask) -> None:
    world.models()
    assert ask(program(alice, "read")).status_code == 403


def test_the_past_is_no_sunset(alices: Client, ask: Ask) -> None:
    ProviderModel.objects.filter(pk=world.MODEL).update(sunset_at=datetime(2100, 1, 1, tzinfo=UTC))
    assert ask(alices).status_code == 202


def test_a_whole_number_written_as_a_float_is_a_whole_number(alices: Client, ask: Ask) -> None:
    answer = ask(
        alices,
        count=2.0,
        width=512.0,
        seed=7.0,
        deadline_seconds=60.0,
        parameters={"steps": 8.0, "CFGScale": 3.5, "lora": [{"model": "a:1@1", "weight": 1.0}]},
    )
    assert answer.status_code == 202, answer.content
    body = answer.json()
    assert body["expected_count"] == 2
    assert (body["input"]["width"], body["input"]["seed"]) == (512, 7)
    kept = body["input"]["parameters"]
    assert kept == {"steps": 8, "CFGScale": 3.5, "lora": [{"model": "a:1@1", "weight": 1}]}
    assert [type(kept["steps"]), type(body["expected_count"])] == [int, int]


def test_a_blank_tag_is_none(alices: Client, ask: Ask) -> None:
    assert pointers(ask(alices, tags=["coast", "  ", ""])) == {
        ("/tags/1", "format"),
        ("/tags/2", "too_short"),
    }
