"""Lists: whose things, in which order, how many queries, along which index."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from generations import queries
from generations.models import Generation, RegisterEntry
from generations.operations import keeping
from generations.queries import ArtifactFilters, GenerationFilters
from genproj.kernel.clock import now
from tests import world
from tests.generations.conftest import GENERATIONS, Program
from tests.generations.stored import catalogue, come, history, settle

pytestmark = pytest.mark.django_db

ARTIFACTS = "/api/v1/artifacts/"
Listed = Callable[..., list[str]]


def walk(client: Client, url: str, way: str = "next") -> list[list[str]]:
    """The ids of every page from here on."""
    pages = []
    while url:
        answer = client.get(url)
        assert answer.status_code == 200, answer.content
        pages.append([row["id"] for row in answer.json()["results"]])
        url = answer.json()[way]
    return pages


@pytest.mark.parametrize("address", [GENERATIONS, ARTIFACTS])
def test_pages_hold_everything_once_newest_first(alices: Client, alice: User, address: str) -> None:
    entries = history(alice, 11, waiting=4)
    pages = walk(alices, f"{address}?page_size=3")
    assert [len(page) for page in pages] == [3, 3, 3, 2]
    found = [id for page in pages for id in page]
    expected = [
        str(entry.pk if address == GENERATIONS else entry.outputs.get().pk)
        for entry in reversed(entries)
    ]
    assert found == expected


@pytest.mark.parametrize("address", [GENERATIONS, ARTIFACTS])
def test_one_can_go_back_the_way_one_came(alices: Client, alice: User, address: str) -> None:
    history(alice, 9, waiting=2)
    forward = walk(alices, f"{address}?page_size=3")
    last = alices.get(f"{address}?page_size=3").json()
    assert last["previous"] is None
    while last["next"]:
        last = alices.get(last["next"]).json()
    back = walk(alices, last["previous"], "previous")
    assert back == list(reversed(forward[:-1]))


def test_a_place_in_the_list_is_not_moved_by_what_comes_in(alices: Client, alice: User) -> None:
    history(alice, 6)
    first = alices.get(f"{GENERATIONS}?page_size=3").json()
    world.opened(alice)
    history(alice, 2)
    seen = {row["id"] for row in first["results"]}
    rest = [id for page in walk(alices, first["next"]) for id in page]
    assert not seen & set(rest)


def test_things_of_the_same_moment_are_told_apart(alices: Client, alice: User) -> None:
    entries = history(alice, 7)
    moment = now()
    RegisterEntry.objects.update(created_at=moment)
    Generation.objects.update(created_at=moment)
    found = [id for page in walk(alices, f"{GENERATIONS}?page_size=2") for id in page]
    assert found == sorted((str(entry.pk) for entry in entries), reverse=True)


def test_everybody_sees_their_own_and_staff_see_all(
    program: Program, alice: User, bob: User, dana: User
) -> None:
    mine, bobs = world.opened(alice), world.opened(bob)
    come(mine)
    come(bobs)

    def seen(user: User, address: str, query: str = "") -> int:
        return len(program(user).get(address + query).json()["results"])

    for address in (GENERATIONS, ARTIFACTS):
        assert seen(alice, address) == 1
        assert seen(bob, address) == 1
        assert seen(dana, address) == 2
        assert seen(dana, address, "?owner=me") == 0
    assert program(alice).get(GENERATIONS).json()["results"][0]["id"] == str(mine.pk)


@pytest.fixture
def world_of_states(alice: User) -> dict[str, str]:
    """One generation per state, catalogued and not."""
    made = {}
    for catalogued in (True, False):
        for state, (stored, facts) in {
            "completed": (2, {}),
            "partial": (1, {}),
            "failed": (0, {}),
            "cancelled": (1, {"cancelled_at": now()}),
        }.items():
            entry = world.opened(alice, count=2, prompt=f"a {state} boat")
            for index in range(stored):
                come(entry, index)
            settle(entry, **facts)
            if catalogued:
                catalogue(entry)
            made[f"{state}{catalogued}"] = str(entry.pk)
    made["pending"] = str(world.opened(alice, count=2, prompt="a pending boat").pk)
    return made


@pytest.mark.parametrize("state", ["completed", "partial", "failed", "cancelled"])
def test_states_narrow_what_is_catalogued_and_what_is_not(
    alices: Client, world_of_states: dict[str, str], state: str
) -> None:
    found = alices.get(f"{GENERATIONS}?state={state}").json()["results"]
    assert {row["id"] for row in found} == {
        world_of_states[f"{state}True"],
        world_of_states[f"{state}False"],
    }
    assert {row["state"] for row in found} == {state}
    pictures = alices.get(f"{ARTIFACTS}?state={state}").json()["results"]
    assert len(pictures) == {"completed": 4, "partial": 2, "failed": 0, "cancelled": 2}[state]


def test_pending_ones_are_only_in_the_register(
    alices: Client, world_of_states: dict[str, str]
) -> None:
    [found] = alices.get(f"{GENERATIONS}?state=pending").json()["results"]
    assert found["id"] == world_of_states["pending"]


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("q=boat", 9),
        ("q=BOAT", 9),
        ("q=partial", 2),
        ("q=100%25", 0),
        ("model=runware:100@1", 9),
        ("model=nope", 0),
        ("provider=runware", 9),
        ("provider=upload", 0),
        ("kind=image", 9),
        ("kind=video", 0),
        ("tag=nope", 0),
        ("has_artifacts=true", 6),
        ("has_artifacts=false", 3),
        ("created_after=2020-01-01", 9),
        ("created_before=2020-01-01T00:00:00Z", 0),
        ("state=completed&q=boat&kind=image&model=runware:100@1", 2),
    ],
)
def test_filters_narrow_generations(
    alices: Client, world_of_states: dict[str, str], query: str, number: int
) -> None:
    answer = alices.get(f"{GENERATIONS}?{query}")
    assert answer.status_code == 200, answer.content
    assert len(answer.json()["results"]) == number


def test_filters_narrow_artifacts(alices: Client, alice: User) -> None:
    entry = world.opened(alice, count=3, tags=["coast"])
    wide = come(entry, 0)
    tall = come(entry, 1, width=48, height=64)
    even = come(entry, 2, width=64, height=64)
    keeping.mark_artifact(actor=alice, artifact_id=tall.pk, starred=True, tags=["keep"])
    other = history(alice, 1)[0]

    def found(query: str) -> set[str]:
        answer = alices.get(f"{ARTIFACTS}?{query}")
        assert answer.status_code == 200, answer.content
        return {row["id"] for row in answer.json()["results"]}

    for _ in ("open", "catalogued"):
        assert found("starred=true") == {str(tall.pk)}
        assert found("tag=keep") == {str(tall.pk)}
        assert str(tall.pk) not in found("starred=false")
        assert found("orientation=portrait") == {str(tall.pk)}
        assert found("orientation=square") == {str(even.pk)}
        assert str(wide.pk) in found("orientation=landscape")
        assert found(f"generation={entry.pk}") == {str(wide.pk), str(tall.pk), str(even.pk)}
        assert found(f"generation={other.pk}") == {str(other.outputs.get().pk)}
        assert found("has_artifacts=false") == set()
        if entry.completed_at is None:
            settle(entry)
            catalogue(entry)
    keeping.trash_artifact(actor=alice, artifact_id=even.pk)
    assert str(even.pk) not in found("")
    assert found("trashed=true") == {str(even.pk)}


@pytest.mark.parametrize("address", [GENERATIONS, ARTIFACTS])
@pytest.mark.parametrize(
    "query",
    [
        "colour=blue",
        "format=xml",
        "page_size=0",
        "page_size=201",
        "page_size=many",
        "cursor=nonsense",
        "cursor=W10",
        "cursor=%00",
        "state=asleep",
        "kind=song",
        "has_artifacts=maybe",
        "created_after=yesterday",
        "created_before=2026-13-45",
        "q=%00",
        "q=a&q=b",
        "owner=bob",
    ],
)
def test_what_a_list_does_not_know_is_malformed(alices: Client, address: str, query: str) -> None:
    answer = alices.get(f"{address}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_a_cursor_of_a_far_time_is_only_a_place(alices: Client, alice: User) -> None:
    world.opened(alice)
    from datetime import UTC, datetime

    from genproj.kernel.ids import uuid7
    from genproj.kernel.paging import Cursor

    for year, number in ((1, 0), (9999, 1)):
        cursor = Cursor(datetime(year, 1, 1, tzinfo=UTC), uuid7())
        answer = alices.get(f"{GENERATIONS}?cursor={cursor}")
        assert len(answer.json()["results"]) == number


@pytest.mark.parametrize("address", [GENERATIONS, ARTIFACTS])
def test_a_longer_page_costs_no_more_queries(alices: Client, alice: User, address: str) -> None:
    history(alice, 3, each=2, waiting=1)
    alices.get(address)
    with CaptureQueriesContext(connection) as few:
        alices.get(address)
    history(alice, 12, each=2, waiting=5)
    alices.get(address)  # what is remembered for a while may have run out meanwhile
    with CaptureQueriesContext(connection) as many:
        assert len(alices.get(address).json()["results"]) > 10
    assert len(many) == len(few)


def plans_of(run: Callable[[], Any]) -> list[tuple[str, list[str]]]:
    """Statement and plan of every SELECT with a LIMIT, as SQLite would carry it out."""
    with CaptureQueriesContext(connection) as captured:
        run()
    found = []
    for query in captured.captured_queries:
        if query["sql"].startswith("SELECT") and query["sql"].rstrip().endswith("LIMIT 51"):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                found.append((query["sql"], [row[3] for row in cursor.fetchall()]))
    return found


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plans")
@pytest.mark.parametrize("place", ["first", "deep", "back"])
@pytest.mark.parametrize("model", [None, world.MODEL])
def test_lists_walk_an_index_and_sort_nothing(alice: User, place: str, model: str | None) -> None:
    from genproj.kernel.ids import uuid7
    from genproj.kernel.paging import Cursor

    cursor = None if place == "first" else Cursor(now(), uuid7(), place == "back")
    plans = plans_of(
        lambda: (
            queries.generation_page(
                viewer=alice, filters=GenerationFilters(model=model), cursor=cursor, size=50
            ),
            queries.artifact_page(
                viewer=alice, filters=ArtifactFilters(model=model), cursor=cursor, size=50
            ),
        )
    )
    assert len(plans) == 4
    for sql, plan in plans:
        words = "\n".join(plan)
        main = plan[0]
        if 'FROM "generations_output"' in sql:
            # what the catalogue has not got yet is few, found by its own index, and sorted
            assert "entry_uncatalogued" in words
            assert "SCAN generations_output" not in words
            continue
        assert "TEMP B-TREE" not in words, words
        assert main.startswith("SEARCH"), words
        index = (
            "entry_uncatalogued"
            if "registerentry" in main
            else ("_by_model" if model else "_of_audience")
        )
        assert index in main, words
        if place != "first":
            assert "created_at" in main, words
