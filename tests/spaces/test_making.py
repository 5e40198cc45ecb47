"""Pictures made in a space, through its doors: all of a request or nothing, seen by everybody."""

import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from generations.models import ArtifactUse, RegisterEntry, Trash
from genproj.events.models import Event
from genproj.usage import queries as ledger
from spaces.models import Asset, Lineage, Space, Variant
from tests import world
from tests.conftest import Sandbox
from tests.people import Person
from tests.spaces.making import FLUX, GEMINI, completed, made, settled, variant_at
from tests.spaces.world import asset_in, space_of, variant_of

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[..., int]


def kinds(space: Space) -> list[str]:
    """The kinds of the space's events, oldest first."""
    events = Event.objects.filter(stream=f"space:{space.pk}").order_by("seq")
    return list(events.values_list("kind", flat=True))


def seen_by(person: Person, url: str) -> int:
    return int(person.send("GET", url).status_code)


def refused(person: Person, space: Space, path: str, **body: Any) -> set[tuple[str, str]]:
    """The fields and codes of a 422."""
    told = made(person, space, path=path, status=422, **body)
    return {(row["pointer"], row["code"]) for row in told["errors"]}


@pytest.mark.parametrize("model", [FLUX, GEMINI])
def test_a_picture_comes_into_the_space(
    studio: Sandbox, work: Work, owner: Person, editor: Person, viewer: Person,
    stranger: Person, space: Space, model: str,
) -> None:  # fmt: skip
    before = len(kinds(space))
    answer = made(editor, space, model=model)
    [waiting] = answer["variants"]
    assert (waiting["status"], waiting["image_url"], waiting["attempt"]) == ("pending", None, 1)
    assert answer["asset"]["active_variant_id"] is None  # nothing stands for it before it is there
    assert kinds(space)[before:] == ["asset:created", "variant:created"]
    variant = settled(work, owner, space, waiting["id"])
    assert variant["status"] == "completed"
    assert variant["recipe"]["prompt"] == "a lighthouse keeper with a lantern"
    assert (variant["recipe"]["version"], variant["recipe"]["model"]) == (1, model)
    asset = owner.get(f"spaces/{space.pk}/assets/{answer['asset']['id']}/")
    assert asset["active_variant_id"] == variant["id"]
    told = kinds(space)[before:]
    assert told[:2] == ["asset:created", "variant:created"]
    assert told.count("variant:updated") == 2  # processing, completed
    for person, status in ((owner, 200), (editor, 200), (viewer, 200), (stranger, 404)):
        assert seen_by(person, variant["image_url"]) == status
    assert [line.kind for line in ledger.lines_of(f"entry:{variant['generation']}")] == [
        "hold", "settle",
    ]  # fmt: skip
    entry = RegisterEntry.objects.get(pk=variant["generation"])
    assert (entry.audience, entry.key_prefix) == (f"space:{space.pk}", f"images/{space.pk}")


def test_derived_and_refined_pictures_tell_where_they_came_from(
    studio: Sandbox, work: Work, editor: Person, space: Space
) -> None:
    keeper = completed(work, editor, space)
    derived = completed(
        work, editor, space, path="derive", name="Tower", asset_type="building", model=GEMINI,
        reference_asset_ids=[keeper["asset_id"]], aspect_ratio="16:9",
    )  # fmt: skip
    tower = Asset.objects.get(pk=derived["asset_id"])
    assert str(tower.parent_id) == keeper["asset_id"]
    [reference] = derived["recipe"]["references"]
    assert (reference["role"], reference["variant"]) == ("reference", keeper["id"])
    body = {
        "asset_id": derived["asset_id"],
        "prompt": "the same at night",
        "model": GEMINI,
        "source_variant_ids": [derived["id"]],
        "reference_variant_ids": [keeper["id"]],
    }
    answer = editor.post(f"spaces/{space.pk}/refine/", body, status=202)
    refined = settled(work, editor, space, answer["variants"][0]["id"])
    assert refined["status"] == "completed"
    assert [one["role"] for one in refined["recipe"]["references"]] == ["source", "reference"]
    lines = {
        (str(line.parent_variant), str(line.child_variant), line.relation)
        for line in Lineage.objects.filter(space=space)
    }
    assert lines == {
        (keeper["id"], derived["id"], "derived"),
        (derived["id"], refined["id"], "refined"),
        (keeper["id"], refined["id"], "derived"),
    }
    tower.refresh_from_db()
    assert str(tower.active_variant_id) == derived["id"]  # the first stays until somebody says so


def test_references_that_cannot_be_had_are_refused_and_nothing_is_made(
    studio: Sandbox, work: Work, editor: Person, space: Space
) -> None:
    waiting = made(editor, space)["variants"][0]
    empty = asset_in(space, "Empty")
    other = variant_of(asset_in(space_of(editor.user, name="Elsewhere")))
    before = (Asset.objects.count(), Variant.objects.count(), RegisterEntry.objects.count())
    ids = [waiting["id"], str(uuid4()), str(other.pk)]
    assert refused(editor, space, "derive", reference_variant_ids=ids) == {
        ("/reference_variant_ids/0", "not_completed"),
        ("/reference_variant_ids/1", "not_found"),
        ("/reference_variant_ids/2", "not_found"),
    }
    ids = [str(empty.pk), str(other.asset_id)]
    assert refused(editor, space, "generate", reference_asset_ids=ids) == {
        ("/reference_asset_ids/0", "not_completed"),
        ("/reference_asset_ids/1", "not_found"),
    }
    assert refused(editor, space, "derive") == {("/reference_variant_ids", "required")}
    assert (Asset.objects.count(), Variant.objects.count(), RegisterEntry.objects.count()) == before


def test_what_is_asked_wrongly_is_told_at_its_field(
    studio: Sandbox, editor: Person, space: Space
) -> None:
    assert refused(editor, space, "generate", model="nobody:1@1") == {("/model", "unknown")}
    assert refused(editor, space, "generate", model="google:3@2") == {("/model", "kind")}
    wrong = {"parameters": {"nonsense": 1}}
    assert {place for place, _ in refused(editor, space, "generate", **wrong)} == {
        "/parameters/nonsense"
    }
    assert {place for place, _ in refused(editor, space, "generate", aspect_ratio="7:5")} == {
        "/aspect_ratio"
    }
    assert {place for place, _ in refused(editor, space, "generate", count=9)} == {"/count"}
    assert refused(editor, space, "generate", parent_asset_id=str(uuid4())) == {
        ("/parent_asset_id", "not_found")
    }
    gone = made(editor, space, model="gemini-2.5-flash-image", status=410)
    assert (gone["code"], gone["replacement"]) == ("model_retired", "gemini-3.1-flash-image")
    assert not Asset.objects.filter(space=space).exists()


def test_roles_are_asked_at_every_door(
    studio: Sandbox, viewer: Person, stranger: Person, space: Space
) -> None:
    assert made(viewer, space, status=403)["code"] == "forbidden"
    assert made(stranger, space, status=404)["code"] == "not_found"
    body = {"prompt": "a gull", "model": FLUX}
    viewer.post(f"spaces/{space.pk}/estimate/", body, status=403)
    assert not RegisterEntry.objects.exists()


def test_the_style_goes_along_and_is_written_down(
    studio: Sandbox, work: Work, owner: Person, space: Space
) -> None:
    keeper = completed(work, owner, space)
    look = variant_at(owner, space, keeper["id"])["artifact"]
    style = {"description": "ink and wash", "artifacts": [look], "enabled": True}
    owner.put(f"spaces/{space.pk}/style/", style)
    styled = made(owner, space, "a gull on a rail", model=GEMINI)["variants"][0]
    recipe = styled["recipe"]
    assert recipe["style"]["description"] == "ink and wash"
    assert [(one["role"], one["artifact"]) for one in recipe["references"]] == [("style", look)]
    assert recipe["prompt"] == "a gull on a rail"
    assert recipe["sent"]["prompt"].endswith("Style: ink and wash")
    plain = made(owner, space, "a gull on a rail", use_style=False)["variants"][0]
    assert (plain["recipe"]["style"], plain["recipe"]["references"]) == (None, [])
    assert not Lineage.objects.exists()  # a style is no parent


def test_a_batch_explores_one_asset_or_makes_a_set(
    studio: Sandbox, work: Work, editor: Person, space: Space
) -> None:
    one = made(editor, space, path="batch", count=3, mode="explore")
    assert len(one["assets"]) == 1
    assert [variant["asset_id"] for variant in one["variants"]] == [one["asset"]["id"]] * 3
    assert len({variant["batch"] for variant in one["variants"]}) == 1
    apart = made(editor, space, path="batch", count=2, mode="set")
    assert [asset["name"] for asset in apart["assets"]] == ["Keeper 1", "Keeper 2"]
    studio.faults({"fault": "gemini_safety", "match": "forbidden"})
    for variant in [*one["variants"], *apart["variants"]]:
        assert settled(work, editor, space, variant["id"])["status"] == "completed"
    assert refused(editor, space, "batch", count=9, mode="explore")
    assert refused(editor, space, "batch", count=2, mode="many")


def test_each_of_a_batch_has_its_own_outcome(
    studio: Sandbox, work: Work, editor: Person, space: Space
) -> None:
    studio.faults({"fault": "gemini_no_image", "times": 1})
    batch = made(editor, space, path="batch", count=3, mode="explore", model=GEMINI)
    states = [settled(work, editor, space, one["id"])["status"] for one in batch["variants"]]
    assert sorted(states) == ["completed", "completed", "failed"]


def test_a_matrix_crosses_prompts_models_and_seeds(
    studio: Sandbox, editor: Person, space: Space
) -> None:
    body = {
        "name": "Gull", "asset_type": "bird", "prompts": ["a gull", "a tern"],
        "models": [FLUX, GEMINI], "seeds": [1, 2],
    }  # fmt: skip
    answer = editor.post(f"spaces/{space.pk}/matrix/", body, status=202)
    cells = {
        (one["recipe"]["prompt"], one["recipe"]["model"], one["recipe"]["seed"])
        for one in answer["variants"]
    }
    assert len(answer["variants"]) == len(cells) == 8
    body["seeds"] = [1, 2, 3]
    editor.post(f"spaces/{space.pk}/matrix/", body, status=422)


def test_what_it_would_cost_is_told_before(studio: Sandbox, editor: Person, space: Space) -> None:
    body = {"prompt": "a gull", "model": GEMINI, "count": 3}
    told = editor.post(f"spaces/{space.pk}/estimate/", body, status=200)
    assert (told["cost"], told["count"], told["model"]) == ("0.201", 3, GEMINI)
    chosen = editor.post(f"spaces/{space.pk}/estimate/", {"prompt": "a gull"}, status=200)
    assert chosen["model"] == FLUX
    assert not RegisterEntry.objects.exists()


def test_the_same_key_makes_it_once(studio: Sandbox, editor: Person, space: Space) -> None:
    headers = {"Idempotency-Key": "again-1"}
    body = {"name": "Keeper", "asset_type": "character", "prompt": "a keeper", "model": FLUX}
    path = f"spaces/{space.pk}/generate/"
    first = editor.post(path, body, status=202, **headers)
    assert editor.post(path, body, status=202, **headers) == first
    assert Variant.objects.count() == RegisterEntry.objects.count() == 1


def test_a_fork_copies_the_picture_and_spends_nothing(
    studio: Sandbox, work: Work, owner: Person, viewer: Person, space: Space
) -> None:
    keeper = completed(work, owner, space)
    entries = RegisterEntry.objects.count()
    path = f"spaces/{space.pk}/assets/{keeper['asset_id']}/fork/"
    body = {"name": "Twin", "asset_type": "character"}
    fork = owner.post(path, body, status=201)
    assert fork["variant"]["status"] == "completed"
    assert fork["variant"]["artifact"] == keeper["artifact"]
    assert fork["asset"]["active_variant_id"] == fork["variant"]["id"]
    assert [line["relation"] for line in fork["lineage"]] == ["forked"]
    assert kinds(space)[-1] == "asset:forked"
    assert RegisterEntry.objects.count() == entries
    owner.delete(f"spaces/{space.pk}/assets/{keeper['asset_id']}/")
    assert Trash.objects.exists()
    Trash.objects.update(due_at="2026-01-01T00:00:00Z")
    work()
    assert seen_by(viewer, fork["variant"]["image_url"]) == 200
    empty = asset_in(space, "Empty")
    owner.post(f"spaces/{space.pk}/assets/{empty.pk}/fork/", body, status=422)


def test_a_picture_of_ones_gallery_can_be_added(
    studio: Sandbox, work: Work, editor: Person, viewer: Person, owner: Person, space: Space
) -> None:
    file = SimpleUploadedFile("fox.png", world.picture(), "image/png")
    output = editor.client.post("/api/v1/artifacts/", {"file": file}).json()
    output |= {"artifact": output["id"], "url": f"/media/{output['id']}/original"}
    assert seen_by(viewer, output["url"]) == 404
    body = {"artifact_id": output["artifact"], "name": "Fox", "asset_type": "animal"}
    brought = editor.post(f"spaces/{space.pk}/add/", body, status=201)
    assert brought["asset"]["active_variant_id"] == brought["variant"]["id"]
    assert seen_by(viewer, output["url"]) == 200
    told = owner.post(f"spaces/{space.pk}/add/", body, status=422)
    assert told["errors"][0]["pointer"] == "/artifact_id"  # seeing is not owning
    owner.delete(f"spaces/{space.pk}/variants/{brought['variant']['id']}/")
    assert seen_by(viewer, output["url"]) == 404
    assert seen_by(editor, output["url"]) == 200


def upload(person: Person, space: Space, body: bytes, name: str = "fox.png", **fields: str) -> Any:
    file = SimpleUploadedFile(name, body, "image/png")
    return person.client.post(f"/api/v1/spaces/{space.pk}/upload/", {"file": file, **fields})


def test_a_file_is_uploaded_for_everybody(
    studio: Sandbox, work: Work, editor: Person, viewer: Person, stranger: Person, space: Space
) -> None:
    photo = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "A camera that tells where it was"
    Image.new("RGB", (64, 48), "#a52").save(photo, "JPEG", exif=exif)
    answer = upload(editor, space, photo.getvalue(), "holiday.png", asset_type="photo")
    assert answer.status_code == 201, answer.content
    brought = answer.json()
    assert (brought["asset"]["name"], brought["variant"]["status"]) == ("holiday", "completed")
    url = brought["variant"]["image_url"]
    kept = viewer.send("GET", url)
    assert kept["Content-Type"] == "image/jpeg"  # the bytes say what it is
    assert seen_by(stranger, url) == 404
    told = kinds(space)
    assert told[-4:] == ["asset:created", "variant:created", "asset:updated", "variant:updated"]
    second = upload(editor, space, world.picture("#111"), asset_id=brought["asset"]["id"])
    assert second.json()["asset"]["active_variant_id"] == brought["variant"]["id"]


def test_what_is_no_picture_is_refused_and_leaves_nothing(
    editor: Person, viewer: Person, stranger: Person, space: Space
) -> None:
    for body in (b"", b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n" + b"x" * 80):
        assert upload(editor, space, body).status_code == 422
    assert upload(viewer, space, world.picture()).status_code == 403
    assert upload(stranger, space, world.picture()).status_code == 404
    assert not Variant.objects.exists()
    assert not Asset.objects.exists()


def test_deleting_while_it_is_made_cancels_and_a_late_picture_goes_to_the_trash(
    studio: Sandbox, work: Work, owner: Person, space: Space
) -> None:
    variant = made(owner, space)["variants"][0]
    owner.delete(f"spaces/{space.pk}/variants/{variant['id']}/")
    work()
    entry = RegisterEntry.objects.get(pk=variant["generation"])
    assert entry.cancelled_at is not None
    assert Trash.objects.filter(entry=entry).exists()
    assert not Variant.objects.exists()
    assert not ArtifactUse.objects.exists()
    assert kinds(space)[-1] == "variant:deleted"
