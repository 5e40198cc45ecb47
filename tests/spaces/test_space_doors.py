"""The doors of spaces, assets and variants: lists, filters, versions, keys, the tree, descent."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from jsonschema import Draft202012Validator

from generations.models import Output
from genproj.kernel import storage
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from genproj.openapi.document import document
from spaces.models import Asset, Lineage, Space, Variant
from spaces.operations import purging
from tests import world
from tests.people import Person
from tests.spaces.doors import picture_in
from tests.spaces.world import asset_in, line_between, space_of, variant_of

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def names(page: Any) -> list[str]:
    return [row["name"] for row in page["results"]]


def valid(shape: str, thing: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{shape}", "components": document()["components"]}
    Draft202012Validator(schema).validate(thing)
    assert thing.keys() == document()["components"]["schemas"][shape]["properties"].keys()


def test_a_space_is_made_once_per_key(owner: Person) -> None:
    key = {"Idempotency-Key": "one"}
    made = owner.post("spaces/", {"name": "  North  Pier "}, **key)
    assert owner.post("spaces/", {"name": "  North  Pier "}, **key) == made
    assert (made["name"], made["role"], made["member_count"]) == ("North Pier", "owner", 1)
    valid("Space", made)
    other = owner.post("spaces/", {"name": "South"}, status=422, **key)
    assert other["code"] == "idempotency_key_reused"
    assert Space.objects.count() == 1


def test_one_sees_ones_own_spaces_and_staff_see_all(
    space: Space, editor: Person, stranger: Person, staff: Person
) -> None:
    space_of(world.person("otto"), name="Other")
    assert names(editor.get("spaces/")) == ["Lighthouse"]
    assert stranger.get("spaces/")["results"] == []
    assert names(staff.get("spaces/")) == ["Other", "Lighthouse"]
    assert names(staff.get("spaces/?member=me")) == []
    assert names(staff.get("spaces/?q=light")) == ["Lighthouse"]
    assert editor.get("spaces/?colour=red", status=400)["code"] == "malformed"
    page = staff.get("spaces/?page_size=1")
    assert names(page) == ["Other"]
    assert names(staff.client.get(page["next"]).json()) == ["Lighthouse"]


def test_the_version_one_believes_in_guards_a_change(space: Space, owner: Person) -> None:
    url = f"spaces/{space.pk}/"
    tag = owner.send("GET", url)["ETag"]
    assert owner.send("GET", url, None, **{"If-None-Match": tag}).status_code == 304
    owner.patch(url, {"name": "Beacon"}, **{"If-Match": tag})
    refused = owner.patch(url, {"name": "Tower"}, status=412, **{"If-Match": tag})
    assert refused["code"] == "version_conflict"
    assert owner.patch(url, {"name": "Tower"})["name"] == "Tower"
    owner.delete(url, status=412, **{"If-Match": tag})


def test_the_trash_keeps_a_space_for_thirty_days(
    space: Space, owner: Person, editor: Person, work: Callable[..., int]
) -> None:
    picture = picture_in(space)
    variant_of(asset_in(space), artifact=picture.pk)
    owner.delete(f"spaces/{space.pk}/")
    assert owner.get("spaces/")["results"] == []
    assert names(owner.get("spaces/?trashed=true")) == ["Lighthouse"]
    assert editor.get("spaces/?trashed=true")["results"] == []
    assert purging.purge_trashed() == 0
    owner.post(f"spaces/{space.pk}/restore/", status=200)
    owner.post(f"spaces/{space.pk}/restore/", status=200)
    editor.get(f"spaces/{space.pk}/")
    owner.delete(f"spaces/{space.pk}/")
    Space.objects.update(trashed_at=now() - timedelta(days=31))
    assert purging.purge_trashed() == 1
    work("purge")
    assert not Space.objects.exists()
    owner.get(f"spaces/{space.pk}/", status=404)
    assert not Output.objects.filter(pk=picture.pk).exists()
    assert storage.stat(picture.storage_key) is None


def test_assets_are_found_by_what_they_are(space: Space, owner: Person, editor: Person) -> None:
    tower = asset_in(space, "Tower", tags=("stone", "tall ü"))
    asset_in(space, "Lamp", parent=tower, tags=("glass",))
    variant_of(tower, starred=True)
    variant_of(tower, status="failed", error={"code": "timeout"})
    url = f"spaces/{space.pk}/assets/"
    editor.post(url, {"name": "Gull", "asset_type": "animal", "tags": ["tall"]})
    for query, found in {
        "": ["Gull", "Lamp", "Tower"],
        "?tag=tall": ["Gull"],
        "?tag=tall%20%C3%BC": ["Tower"],
        "?tag=tal": [],
        "?type=animal": ["Gull"],
        "?person=bob": ["Gull"],
        "?starred=true": ["Tower"],
        "?starred=false": ["Gull", "Lamp"],
        "?status=failed": ["Tower"],
        "?rating=approved": [],
        "?q=AM": ["Lamp"],
        "?parent=none": ["Gull", "Tower"],
        f"?parent={tower.pk}": ["Lamp"],
    }.items():
        assert names(owner.get(url + query)) == found, query
    assert owner.get(url + "?status=lost", status=400)["code"] == "malformed"
    assert owner.get(url + "?parent=x", status=400)["code"] == "malformed"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": " ", "asset_type": "x"}, "/name"),
        ({"name": "x" * 121, "asset_type": "x"}, "/name"),
        ({"name": "x"}, "/asset_type"),
        ({"name": "x", "asset_type": "x" * 41}, "/asset_type"),
        ({"name": "x", "asset_type": "x", "tags": ["t" * 41]}, "/tags/0"),
        ({"name": "x", "asset_type": "x", "parent_asset_id": "me"}, "/parent_asset_id"),
        ({"name": "x", "asset_type": "x", "parent_asset_id": str(uuid7())}, "/parent_asset_id"),
        ({"name": "x", "asset_type": "x", "owner": "me"}, "/owner"),
    ],
)
def test_a_wrong_asset_is_refused(body: Any, pointer: str, space: Space, owner: Person) -> None:
    refused = owner.post(f"spaces/{space.pk}/assets/", body, status=422)
    assert [row["pointer"] for row in refused["errors"]] == [pointer]


def test_what_lies_elsewhere_is_no_parent_and_no_variant(space: Space, owner: Person) -> None:
    other = space_of(owner.user, name="Other")
    there = asset_in(other, "There")
    here = asset_in(space, "Here")
    url = f"spaces/{space.pk}/assets/{here.pk}/"
    refused = owner.patch(url, {"parent_asset_id": str(there.pk)}, status=422)
    assert refused["errors"][0]["code"] == "not_found"
    owner.get(f"spaces/{space.pk}/assets/{there.pk}/", status=404)
    for variant in (variant_of(there), variant_of(here, status="failed")):
        owner.ask("PUT", url + "active/", {"variant_id": str(variant.pk)}, status=422)
    owner.patch(url, {}, status=422)


def test_the_tree_can_be_walked(space: Space, viewer: Person, owner: Person) -> None:
    tower = asset_in(space, "Tower")
    lamp = asset_in(space, "Lamp", parent=tower)
    wick = asset_in(space, "Wick", parent=lamp)
    url = f"spaces/{space.pk}/assets"
    assert names(viewer.get(f"{url}/{wick.pk}/ancestors/")) == ["Tower", "Lamp"]
    assert names(viewer.get(f"{url}/{tower.pk}/children/")) == ["Lamp"]
    cycle = owner.patch(f"{url}/{tower.pk}/", {"parent_asset_id": str(wick.pk)}, status=422)
    assert cycle["errors"][0]["code"] == "cycle_detected"
    owner.delete(f"{url}/{lamp.pk}/")
    assert names(viewer.get(f"{url}/{wick.pk}/ancestors/")) == ["Tower"]
    valid("Asset", viewer.get(f"{url}/{wick.pk}/"))


def test_variants_are_rated_named_and_placed(space: Space, editor: Person) -> None:
    asset = asset_in(space)
    first, second = variant_of(asset), variant_of(asset)
    url = f"spaces/{space.pk}/variants/{first.pk}/"
    rated = editor.patch(url, {"rating": "needs_changes", "comment": "Darker.", "label": "A"})
    assert (rated["rating"], rated["comment"], rated["label"]) == ("needs_changes", "Darker.", "A")
    valid("Variant", rated)
    assert Variant.objects.get(pk=first.pk).rated_by == editor.user
    assert editor.patch(url, {"starred": True})["comment"] == "Darker."
    cleared = editor.patch(url, {"rating": None})
    assert (cleared["rating"], cleared["comment"]) == (None, "")
    assert editor.patch(url, {"comment": "?"}, status=422)["errors"][0]["code"] == "needs_rating"
    editor.patch(url, {"rating": "great"}, status=422)
    editor.patch(url, {"position": 7.5})
    ids = [
        row["id"] for row in editor.get(f"spaces/{space.pk}/assets/{asset.pk}/variants/")["results"]
    ]
    assert ids == [str(second.pk), str(first.pk)]
    starred = editor.get(f"spaces/{space.pk}/variants/?starred=true&asset={asset.pk}")
    assert [row["id"] for row in starred["results"]] == [str(first.pk)]


def test_descent_is_shown_by_depth_and_outlives_what_is_removed(
    space: Space, owner: Person
) -> None:
    asset = asset_in(space)
    chain = [variant_of(asset) for _ in range(6)]
    lines = [line_between(a, b) for a, b in zip(chain, chain[1:], strict=False)]
    url = f"spaces/{space.pk}/variants/{chain[2].pk}"
    whole = owner.get(f"{url}/lineage/")
    valid("VariantLineage", whole)
    assert [node["depth"] for node in whole["nodes"]] == [-2, -1, 0, 1, 2, 3]
    assert not whole["truncated"]
    near = owner.get(f"{url}/lineage/?depth=1")
    assert [node["depth"] for node in near["nodes"]] == [-1, 0, 1]
    assert near["truncated"]
    owner.delete(f"{url}/")
    owner.post(f"spaces/{space.pk}/lineage/{lines[1].pk}/sever/", status=200)
    after = owner.get(f"spaces/{space.pk}/variants/{chain[1].pk}/lineage/")
    removed = [node for node in after["nodes"] if node["removed"]]
    assert [(node["id"], node["name"]) for node in removed] == [(str(chain[2].pk), "Keeper")]
    assert [bool(edge["severed_at"]) for edge in after["edges"]][:2] == [False, True]
    assert Lineage.objects.count() == 5
    graph = owner.get(f"spaces/{space.pk}/assets/{asset.pk}/lineage/")
    valid("AssetLineage", graph)
    assert len(graph["nodes"]) == 6
    owner.get(f"spaces/{space.pk}/variants/{uuid7()}/lineage/", status=404)


def test_the_style_takes_pictures_of_its_own_space_only(space: Space, owner: Person) -> None:
    own, strange = picture_in(space), picture_in(space_of(owner.user, name="Other"))
    url = f"spaces/{space.pk}/style/"
    style = owner.put(url, {"description": "gouache", "artifacts": [str(own.pk)]})
    assert (style["artifacts"], style["enabled"], style["version"]) == ([str(own.pk)], True, 2)
    refused = owner.patch(url, {"artifacts": [str(own.pk), str(strange.pk)]}, status=422)
    assert refused["errors"][0]["pointer"] == "/artifacts/1"
    owner.patch(url, {"artifacts": [str(uuid7()) for _ in range(6)]}, status=422)
    tag = owner.send("GET", url)["ETag"]
    assert not owner.patch(url, {"enabled": False}, **{"If-Match": tag})["enabled"]
    owner.patch(url, {"enabled": True}, status=412, **{"If-Match": tag})
    owner.delete(url)
    assert owner.get(url)["description"] == ""


def test_snippets_have_names_of_their_own(space: Space, owner: Person) -> None:
    url = f"spaces/{space.pk}/snippets/"
    made = owner.post(url, {"name": "Fog", "text": "in fog"})
    valid("Snippet", made)
    taken = owner.post(url, {"name": "Fog", "text": "again"}, status=422)
    assert taken["errors"][0] == {
        **{"pointer": "/name", "code": "taken"},
        "detail": "There is a snippet of this name.",
    }
    owner.patch(f"{url}{made['id']}/", {"name": "Fog", "text": "in thick fog"})
    assert owner.get(url)["results"][0]["text"] == "in thick fog"


def test_a_poller_gets_what_the_socket_tells(space: Space, viewer: Person, owner: Person) -> None:
    url = f"spaces/{space.pk}/state/"
    state = viewer.get(url)
    assert state["type"] == "sync:state"
    tag = viewer.send("GET", url)["ETag"]
    assert viewer.send("GET", url, None, **{"If-None-Match": tag}).status_code == 304
    asset = owner.post(f"spaces/{space.pk}/assets/", {"name": "Gull", "asset_type": "animal"})
    delta = viewer.get(f"{url}?since={state['seq']}")
    [event] = delta["events"]
    assert (delta["type"], event["type"], event["asset"]) == (
        "sync:delta",
        "asset:created",
        asset,
    )
    assert delta["seq"] == event["seq"] == state["seq"] + 1
    assert viewer.get(f"{url}?since={delta['seq']}")["events"] == []
    assert viewer.get(f"{url}?since=999")["type"] == "sync:state"
    viewer.get(f"{url}?since=x", status=400)
    events = viewer.get(f"spaces/{space.pk}/events/?page_size=1")
    assert events["results"][0]["seq"] == delta["seq"]
    older = viewer.client.get(events["next"]).json()
    assert older["results"][0]["seq"] == delta["seq"] - 1
    assert viewer.client.get(older["previous"]).json()["results"] == events["results"]


LISTS = (
    "spaces/",
    "{id}assets/",
    "{id}variants/",
    "{id}members/",
    "{id}state/",
    "{id}assets/{a}/variants/",
)


@pytest.mark.parametrize("path", LISTS)
def test_a_long_list_takes_no_more_queries(path: str, space: Space, staff: Person) -> None:
    top = asset_in(space, "Tower")

    def grow(count: int) -> None:
        for number in range(count):
            somebody = world.person(f"p{Asset.objects.count()}-{number}")
            space_of(somebody, name=f"S{number}")
            asset_in(space, f"A{number}", parent=top)
            line_between(variant_of(top), variant_of(top))
            space.members.create(user=somebody, role="viewer", created_at=now())

    def asked() -> int:
        url = path.format(id=f"spaces/{space.pk}/", a=top.pk)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            staff.get(url)
        return len(queries)

    grow(5)
    asked()  # what is remembered for a while is known by now
    few = asked()
    grow(45)
    assert asked() == few
