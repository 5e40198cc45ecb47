"""Whoever asks for what is another's learns nothing, not even that it is there, and changes
nothing: at every address, with every method, and in every field that takes an id."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from genproj.accounts import operations as accounts
from genproj.kernel.errors import Refusal
from genproj.openapi.document import document
from spaces.consumers.frames import FRAMES, carry_out
from tests import world
from tests.attacks.belongings import LEAK, TEXT, Belongings, changed, leaks, like, routes, rows
from tests.attacks.wire import answer_of
from tests.people import Person
from tests.spaces.doors import DOORS, REFUSING, Stage, file
from tests.spaces.wires import stop_threads

__all__ = ["stop_threads"]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: what a request's own answer repeats of it, and what differs each time
OF_THE_REQUEST = re.compile(r'"(?:instance|request_id)": ?"[^"]*",? ?')
#: a body that a door takes, by the door; of doors in a space their own table has it
BODIES: dict[str, Any] = {
    "PATCH /api/v1/artifacts/{id}/": {"starred": True},
    "PATCH /api/v1/budgets/{id}/": {"limit": "9"},
    "PATCH /api/v1/conversations/{id}/": {"title": "Mine"},
    "POST /api/v1/conversations/{id}/messages/": {"content": "Create a video of the sea"},
    "POST /api/v1/videos/{id}/clarify/": {"responses": {}},
    "PATCH /api/v1/webhook-endpoints/{id}/": {"description": "Mine"},
    "POST /api/v1/webhook-endpoints/{id}/replay/": {"since": "2026-01-01T00:00:00Z"},
}
BODIES |= {f"{row.method} /api/v1/spaces/{row.path}": row.body for row in (*DOORS, *REFUSING)}
#: doors that everybody may knock at, and those for staff or machines, which ask that first
OTHER_STATUS = {
    "POST /api/v1/spaces/{id}/access-requests/": 202,
    "POST /api/v1/generations/{id}/replay/": 403,
    "POST /api/v1/workers/{id}/claim/": 401,
    "POST /api/v1/workers/{id}/heartbeat/": 401,
    "POST /api/v1/workers/{id}/retire/": 401,
    "POST /api/v1/workers/{id}/uploads/": 401,
}
#: answered beside Django
BESIDE = {"/api/v1/generations/{id}/events/", "/api/v1/workers/uploads/{token}"}


def doors() -> list[tuple[str, str]]:
    """Every method of every address of the published document that takes an id."""
    return [
        (method.upper(), path)
        for path, item in document()["paths"].items()
        for method in item
        if "{" in path and path not in BESIDE
    ]


def sent(person: Person, method: str, path: str, body: Any) -> Any:
    """The answer to a request; what a refused one writes stays, and is found at the end."""
    multipart = isinstance(body, dict) and any(
        isinstance(value, SimpleUploadedFile) for value in body.values()
    )
    with transaction.atomic():
        if multipart:
            answer = person.client.post(path, body)
        else:
            answer = person.send(method, path, None if method == "GET" else body or {})
        answer.trace = {} if answer.status_code >= 400 else rows()
        transaction.set_rollback(answer.status_code < 400)
    return answer


def words_of(answer: Any) -> str:
    return OF_THE_REQUEST.sub("", answer.content.decode())


@pytest.mark.django_db
def test_no_door_answers_to_anothers_id(hers: Belongings, stranger: Person) -> None:
    wrong, before = [], rows()
    for method, path in doors():
        door = f"{method} {path}"
        named = hers.named(path)
        body = BODIES.get(door)
        body = body(hers.stage) if callable(body) else body
        answers = []
        for ids in (named, {place: like(id) for place, id in named.items()}):
            answer = sent(stranger, method, path.format(**ids), body)
            answers.append((answer.status_code, words_of(answer)))
            asked = path.format(**ids) + str(body) + answer["X-Request-Id"]
            if answer.status_code >= 300 and (told := leaks(answer.content.decode(), asked=asked)):
                wrong.append(f"{door} tells {told}")
        if answers[0][0] != OTHER_STATUS.get(door, 404):
            wrong.append(f"{door} answers {answers[0]}")
        if answers[0] != answers[1] and answers[0][0] != 202:
            wrong.append(f"{door} tells what is there: {answers}")
    assert not wrong, "\n".join(wrong)
    assert not changed(before, rows())


def pages() -> list[str]:
    """Every address of a page that takes an id."""
    others = ("/api/", "/admin/", "/media/", "/shared/", "/badge/")
    return sorted({path for path in routes() if "{" in path and not path.startswith(others)})


@pytest.mark.django_db
def test_no_page_shows_anothers_things(hers: Belongings, stranger: Person) -> None:
    wrong, before = [], rows()
    for path in pages():
        named = hers.named(path)
        for method in ("GET", "POST"):
            answers = []
            for ids in (named, {place: like(id) for place, id in named.items()}):
                address = path.format(**ids)
                answer = stranger.client.generic(
                    method, address, b"act=delete", "application/x-www-form-urlencoded"
                )
                answers.append((answer.status_code, answer.headers.get("Location")))
                text = answer.content.decode() + str(answer.cookies)
                if told := leaks(text, asked=address + answer["X-Request-Id"]):
                    wrong.append(f"{method} {path} tells {told}")
            refused = answers[0][0] in {404, 405} or (method, answers[0][0]) == ("POST", 302)
            if not refused or answers[0][0] != answers[1][0]:
                wrong.append(f"{method} {path}: {answers}")
    assert not wrong, "\n".join(wrong)
    assert not changed(before, rows())


@pytest.mark.django_db
def test_nothing_of_the_administration_is_for_others(hers: Belongings, stranger: Person) -> None:
    wrong = []
    for path in sorted({path for path in routes() if path.startswith("/admin/")}):
        if re.search(r"[?^$(]", path) or path in {"/admin/login/", "/admin/logout/"}:
            continue
        address = re.sub(r"\{\w+\}", str(hers.entry.pk), path)
        answer = stranger.client.get(address)
        if answer.status_code != 302 or "/login/" not in answer["Location"]:
            wrong.append(f"{address}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


# ── ids in bodies ─────────────────────────────────────────────────────────────────────────────

PICTURE = {"model": world.MODEL, "prompt": "a gull in fog"}
#: the rest of a body in which another's id is put, where it is none of a space's
AROUND: dict[str, Any] = {
    "POST /api/v1/generations/": PICTURE,
    "POST /api/v1/notices/read/": {},
    "POST /api/v1/videos/": {"prompt": "a gull in fog"},
    "POST /api/v1/webhook-endpoints/": {"url": "https://93.184.216.34/"},
    "POST /api/v1/spaces/{id}/approvals/approve-all/": {},
    "POST /api/v1/spaces/{id}/upload/": {"file": None, "name": "Gull", "asset_type": "animal"},
    "POST /api/v1/spaces/{id}/add/": {},
}
#: what may name things that are not there: they are passed over, or only ever compared with
PASSED_OVER = {
    ("POST /api/v1/notices/read/", "ids"): 200,
    ("POST /api/v1/spaces/{id}/approvals/approve-all/", "approval_ids"): 200,
    ("POST /api/v1/webhook-endpoints/", "conversation"): 201,
}
#: fields of ids that name a person, who are known by name, or what only machines hold
NO_THINGS = {"user_id", "job"}


def is_id(name: str, schema: dict[str, Any]) -> bool:
    kind = schema.get("items", schema)
    return kind.get("format") == "uuid" or bool(re.search(r"(?:^|_)ids?$", name))


def fields() -> list[tuple[str, str, str, bool]]:
    """Method, address, name and plurality of every field of a body that takes an id."""
    made = document()
    found = []
    for path, item in made["paths"].items():
        for method, operation in item.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schema = content["schema"]
                if "$ref" in schema:
                    schema = made["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
                for name, field in schema.get("properties", {}).items():
                    if path.startswith("/api/") and is_id(name, field) and name not in NO_THINGS:
                        many = "array" in str(field.get("type", "")) or "items" in field
                        found.append((method.upper(), path, name, many))
    return found


def hers_in(tables: dict[str, list[str]]) -> list[str]:
    """The rows that are Alice's by their words or by the picture in them."""
    return [row for table in tables.values() for row in table if LEAK.search(row)]


def own_ids(his: Stage) -> Belongings:
    """The places of Charlie's addresses."""
    own = object.__new__(Belongings)
    own.places, own.roots = his.ids, {"spaces": his.space.pk}
    return own


@pytest.mark.django_db
def test_no_field_takes_anothers_id(hers: Belongings, his: Stage, stranger: Person) -> None:
    wrong, mine = [], own_ids(his)
    before = rows()
    for method, path, name, many in fields():
        door = f"{method} {path}"
        if "{" in path and not path.startswith("/api/v1/spaces/"):
            continue  # of another's thing: that is refused before its body is read
        base = AROUND[door] if door in AROUND else BODIES[door]
        base = dict(base(his) if callable(base) else base or {})
        address = path.format(**mine.named(path))
        own = frozenset(map(str, (*his.ids.values(), his.owner.pk)))
        answers = []
        for id in (hers.fields[name], like(hers.fields[name])):
            body = {**base, name: [str(id)] if many else str(id)}
            body |= {"file": file()} if "file" in base else {}
            answer = sent(stranger, method, address, body)
            answers.append((answer.status_code, words_of(answer).replace(str(id), "ID")))
            asked = address + str(body) + answer["X-Request-Id"]
            told = leaks(answer.content.decode(), asked=asked, own=own)
            if told if answer.status_code >= 400 else LEAK.search(words_of(answer)):
                wrong.append(f"{door} {name}: {told}")
            if status := PASSED_OVER.get((door, name)):
                assert answer.status_code == status, (door, name, answer.content)
                hit = [row for row in hers_in(before) if row not in hers_in(answer.trace)]
                wrong += [f"{door} {name} changed {row}" for row in hit]
        if (door, name) not in PASSED_OVER and (answers[0] != answers[1] or answers[0][0] < 400):
            wrong.append(f"{door} {name}: {answers}")
    assert changed(before, rows()) == []
    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db
def test_no_frame_takes_anothers_id(hers: Belongings, his: Stage, charlie: User) -> None:
    """Everywhere in a frame, in a space of one's own."""
    given: dict[str, Any] = {"name": "Gull", "asset_type": "animal", "prompt": "a gull"}
    given |= {"count": 2, "mode": "explore", "starred": True, "rating": "approved"}
    given |= {"content": "Hello", "arguments": {"asset_id": str(hers.stage.asset.pk), "name": "x"}}
    known = hers.fields | {
        "approval_id": hers.stage.approval.pk,
        "lineage_id": hers.stage.line.pk,
        "before": hers.said.pk,
    }
    own = {"asset_id": str(his.asset.pk), "variant_id": str(his.variant.pk)}
    wrong = []
    for kind, row in FRAMES.items():
        for name in row.fields:
            if not (name.endswith(("_id", "_ids")) or name == "before"):
                continue
            id = str(known[name])
            frame = {field: {**given, **own}[field] for field in row.needs if field in given | own}
            frame |= {"type": kind, name: [id] if name.endswith("_ids") else id}
            try:
                with transaction.atomic():
                    told: Any = carry_out(charlie, his.space.pk, frame)
            except Refusal as refusal:
                told = refusal.detail
                if refusal.status not in {404, 422}:
                    wrong.append(f"{kind} {name}: {refusal!r}")
            else:
                if not row.reads:
                    wrong.append(f"{kind} {name} was carried out: {told}")
            if TEXT in str(told) or str(hers.stage.space.pk) in str(told):
                wrong.append(f"{kind} {name} tells {told}")
    assert not wrong, "\n".join(wrong)


# ── beside Django ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
def test_streams_and_uploads_are_not_anothers(hers: Belongings, charlie: User) -> None:
    secret = accounts.issue_token(user=charlie).secret
    headers = {"authorization": f"Bearer {secret}"}

    told = []
    for path in sorted(BESIDE):
        method = "PUT" if "{token}" in path else "GET"
        for id in (hers.entry.pk, like(hers.entry.pk)):
            status, body = answer_of(method, path.format(id=id, token=id), headers)
            assert status == 404, path
            told.append(OF_THE_REQUEST.sub("", body.decode()))
            assert not leaks(told[-1], asked=str(id))
    assert len(set(told)) == 1
