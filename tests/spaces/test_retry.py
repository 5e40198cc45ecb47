"""A failed variant made once more: the whole recipe, one attempt at a time."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from generations.models import ArtifactUse, RegisterEntry, Trash
from genproj.events.models import Event
from genproj.usage import queries as ledger
from spaces.models import Space, Variant
from tests import world
from tests.conftest import Sandbox
from tests.people import Person
from tests.spaces.archives import exported, imported
from tests.spaces.making import FLUX, GEMINI, completed, hurry, made, settled, variant_at
from tests.spaces.world import asset_in, variant_of

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[..., int]


def failed(work: Work, studio: Sandbox, person: Person, space: Space, **more: Any) -> Any:
    studio.faults({"fault": "gemini_no_image", "times": 1})
    id = made(person, space, model=GEMINI, **more)["variants"][0]["id"]
    variant = settled(work, person, space, id)
    assert variant["status"] == "failed"
    studio.faults()
    return variant


def retried(person: Person, space: Space, id: str, *, status: int = 200) -> Any:
    return person.post(f"spaces/{space.pk}/variants/{id}/retry/", status=status)


def test_a_retry_is_a_new_attempt_of_the_whole_recipe(
    studio: Sandbox, work: Work, owner: Person, space: Space
) -> None:
    keeper = completed(work, owner, space)
    style = {"description": "ink", "artifacts": [keeper["artifact"]], "enabled": True}
    owner.put(f"spaces/{space.pk}/style/", style)
    before = failed(work, studio, owner, space, path="derive", reference_variant_ids=[keeper["id"]])
    owner.delete(f"spaces/{space.pk}/style/")
    again = retried(owner, space, before["id"])
    assert (again["status"], again["attempt"], again["error"]) == ("pending", 2, None)
    after = settled(work, owner, space, before["id"])
    assert (after["status"], after["attempt"]) == ("completed", 2)
    assert after["recipe"] == before["recipe"]
    first, second = RegisterEntry.objects.filter(
        pk__in=[before["generation"], after["generation"]]
    ).order_by("created_at")
    assert second.retry_of_id == first.pk
    assert second.input == first.input
    assert second.input["reference_artifacts"] == [keeper["artifact"]]
    money = [[line.kind for line in ledger.lines_of(f"entry:{one.pk}")] for one in (first, second)]
    assert money == [["hold", "release"], ["hold", "settle"]]


def test_a_deleted_parent_does_not_break_a_retry(
    studio: Sandbox, work: Work, owner: Person, space: Space
) -> None:
    keeper = completed(work, owner, space)
    child = failed(work, studio, owner, space, path="derive", reference_variant_ids=[keeper["id"]])
    owner.delete(f"spaces/{space.pk}/assets/{keeper['asset_id']}/")
    Trash.objects.update(due_at="2026-01-01T00:00:00Z")
    work()
    retried(owner, space, child["id"])
    assert settled(work, owner, space, child["id"])["status"] == "completed"
    owner.delete(f"spaces/{space.pk}/variants/{child['id']}/")
    assert not ArtifactUse.objects.exists()


def test_only_what_failed_is_retried(
    studio: Sandbox, work: Work, owner: Person, viewer: Person, space: Space
) -> None:
    waiting = made(owner, space)["variants"][0]
    assert retried(owner, space, waiting["id"])["attempt"] == 1  # it is already on its way
    assert RegisterEntry.objects.count() == 1
    done = settled(work, owner, space, waiting["id"])
    assert retried(owner, space, done["id"], status=409)["code"] == "invalid_transition"
    retried(viewer, space, done["id"], status=403)
    entry = done["generation"]
    assert owner.post(f"generations/{entry}/retry/", status=409)["code"] == "invalid_transition"


def test_of_many_at_once_one_attempt_begins(
    studio: Sandbox, work: Work, owner: Person, editor: Person, space: Space
) -> None:
    variant = failed(work, studio, owner, space)
    answers: list[int] = []

    def ask(person: Person) -> None:
        path = f"spaces/{space.pk}/variants/{variant['id']}/retry/"
        answers.append(person.send("POST", path, {}).status_code)
        connection.close()

    threads = [threading.Thread(target=ask, args=(one,)) for one in (owner, editor) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 6
    assert RegisterEntry.objects.count() == 2
    assert Variant.objects.get().attempt == 2
    assert settled(work, owner, space, variant["id"])["status"] == "completed"


def test_an_older_attempt_changes_nothing(
    studio: Sandbox, work: Work, owner: Person, space: Space
) -> None:
    """A late end of the first attempt is not taken for the second one's."""
    from generations.operations import register
    from spaces.operations import settling

    variant = failed(work, studio, owner, space)
    retried(owner, space, variant["id"])
    settling.settle([RegisterEntry.objects.get(pk=variant["generation"])])
    assert Variant.objects.get().status == "pending"
    register.drop_entry(entry_id=RegisterEntry.objects.latest("created_at").pk)
    assert settled(work, owner, space, variant["id"])["error"]["code"] == "cancelled"


def test_a_running_variant_is_cancelled_once_and_can_be_retried(
    studio: Sandbox, work: Work, owner: Person, space: Space
) -> None:
    variant = made(owner, space)["variants"][0]
    path = f"spaces/{space.pk}/variants/{variant['id']}/cancel/"
    told = owner.post(path, status=200)
    assert (told["status"], told["error"]["code"]) == ("failed", "cancelled")
    assert owner.post(path, status=200)["version"] == told["version"]
    work()
    assert variant_at(owner, space, variant["id"])["error"]["code"] == "cancelled"
    kinds = Event.objects.filter(stream=f"space:{space.pk}").values_list("kind", flat=True)
    assert list(kinds).count("variant:updated") == 1
    retried(owner, space, variant["id"])
    done = settled(work, owner, space, variant["id"])
    assert (done["status"], done["attempt"]) == ("completed", 2)
    owner.post(path, status=409)


def test_a_picture_that_comes_after_all_completes_its_variant(
    studio: Sandbox, work: Work, owner: Person, space: Space
) -> None:
    """Cancelled while the provider had it: what was paid for is kept and shown."""
    studio.faults({"fault": "slow", "seconds": 1})
    variant = made(owner, space)["variants"][0]
    work("call_providers")
    owner.post(f"spaces/{space.pk}/variants/{variant['id']}/cancel/", status=200)

    def has_come() -> bool:
        work()
        hurry()
        return Variant.objects.get().status == "completed"

    world.until(has_come, seconds=20)
    done = settled(work, owner, space, variant["id"])
    assert (done["status"], done["error"]) == ("completed", None)


def test_one_that_came_with_an_archive_is_made_by_its_recipe(
    studio: Sandbox, work: Work, owner: Person, stranger: Person, space: Space
) -> None:
    keeper = completed(work, owner, space)
    style = {"description": "ink", "artifacts": [keeper["artifact"]], "enabled": True}
    owner.put(f"spaces/{space.pk}/style/", style)
    other = completed(work, owner, space, use_style=False)
    references = {"reference_variant_ids": [other["id"]], "aspect_ratio": "3:2", "seed": 7}
    before = failed(work, studio, owner, space, path="derive", **references)
    told = imported(stranger, exported(owner, space.pk)).json()
    here, id = Space.objects.get(pk=told["space"]["id"]), told["ids"][before["id"]]
    stranger.delete(f"spaces/{here.pk}/variants/{told['ids'][other['id']]}/")
    again = retried(stranger, here, id)
    assert (again["status"], again["attempt"]) == ("pending", 2)
    after = settled(work, stranger, here, id)
    assert after["status"] == "completed"
    entry = RegisterEntry.objects.get(pk=after["generation"])
    assert entry.input == after["recipe"]["sent"]
    assert entry.input["reference_roles"] == ["style", "reference"]
    assert entry.retry_of is None


WHOLE = {"operation": "generate", "model": FLUX, "references": [], "sent": {"prompt": "a gull"}}
GONE = {"artifact": str(uuid4()), "role": "reference"}


@pytest.mark.parametrize(
    ("recipe", "status", "code"),
    [
        ({"operation": "upload"}, 409, "recipe_incomplete"),
        ({}, 409, "recipe_incomplete"),
        ({**WHOLE, "operation": []} | {"model": {}}, 409, "recipe_incomplete"),
        ({**WHOLE, "sent": {}}, 409, "recipe_incomplete"),
        ({**WHOLE, "references": [{"artifact": "x", "role": "style"}]}, 409, "recipe_incomplete"),
        ({**WHOLE, "references": [GONE]}, 409, "recipe_incomplete"),
        ({**WHOLE, "model": "nobody:1@1"}, 422, "validation_failed"),
        ({**WHOLE, "parameters": {"taskUUID": "x"}}, 422, "validation_failed"),
        ({**WHOLE, "aspect_ratio": "7:5"}, 422, "validation_failed"),
        ({**WHOLE, "model": "google:1@1"}, 410, "model_retired"),
        (WHOLE, 200, None),
    ],
)
def test_what_a_recipe_does_not_say_is_not_made_up(
    studio: Sandbox, owner: Person, space: Space, recipe: Any, status: int, code: str | None
) -> None:
    variant = variant_of(asset_in(space), status="failed")
    Variant.objects.filter(pk=variant.pk).update(recipe=recipe)
    answer = retried(owner, space, str(variant.pk), status=status)
    assert answer.get("code") == code
    assert RegisterEntry.objects.exists() is (status == 200)


def test_what_may_have_been_billed_is_asked_for_again_by_a_person_only(
    studio: Sandbox, work: Work, owner: Person, space: Space
) -> None:
    studio.faults({"fault": "gemini_lost", "times": 3})
    batch = made(owner, space, path="batch", model=GEMINI, count=8, mode="explore")
    found = [settled(work, owner, space, one["id"]) for one in batch["variants"]]
    lost = [one for one in found if one["status"] == "failed"]
    assert [one["error"]["code"] for one in lost] == ["dispatch_unknown"] * 3
    assert all("may have billed" in one["error"]["message"] for one in lost)
    work()
    assert RegisterEntry.objects.count() == 8
    page = f"/assets/{lost[0]['asset_id']}/?variant={lost[0]['id']}"
    assert 'data-do="retry"' in owner.client.get(page).content.decode()
    for one in lost:
        retried(owner, space, one["id"])
    after = [settled(work, owner, space, one["id"]) for one in found]
    assert {one["status"] for one in after} == {"completed"}
    assert RegisterEntry.objects.count() == 11
    for one in (*lost, *after):
        kinds = [line.kind for line in ledger.lines_of(f"entry:{one['generation']}")]
        assert kinds == ["hold", "release" if one in lost else "settle"]
