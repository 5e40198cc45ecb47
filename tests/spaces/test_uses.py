"""Who sees a picture that a space needs, and who may take it away."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from generations.errors import ArtifactNotFound
from generations.models import ArtifactUse, Output, Preview, Trash
from generations.operations import keeping, uses
from genproj.kernel.clock import now
from spaces.models import Member, Space
from spaces.permissions import Act, Role, allows
from tests import world
from tests.people import Person
from tests.spaces.doors import picture_in

pytestmark = pytest.mark.django_db

Door = Callable[[Person], int]


@pytest.fixture
def picture(bob: User) -> Output:
    """A picture of Bob's own."""
    file = SimpleUploadedFile("fox.png", world.picture(), "image/png")
    audience = f"user:{bob.pk}"
    entry = keeping.keep_upload(actor=bob, audience=audience, file=file, filename="fox.png")
    return Output.objects.get(entry=entry)


def used(picture: Output, space: Space, holder: str = "variant:1") -> None:
    uses.use(holder=holder, audience=f"space:{space.pk}", artifact_ids=[picture.pk])


def seen_by(person: Person, picture: Output) -> int:
    return int(person.send("GET", f"/media/{picture.pk}/original").status_code)


@pytest.fixture
def everybody(
    owner: Person, editor: Person, viewer: Person, stranger: Person, staff: Person
) -> dict[str, Person]:
    return {
        **{"owner": owner, "editor": editor, "viewer": viewer},
        **{"stranger": stranger, "staff": staff},
    }


def at_the_door(everybody: dict[str, Person], picture: Output) -> dict[str, int]:
    return {name: seen_by(person, picture) for name, person in everybody.items()}


def test_before_it_is_used_only_its_owner_sees_it(
    everybody: dict[str, Person], picture: Output, space: Space
) -> None:
    told = {"owner": 404, "editor": 200, "viewer": 404, "stranger": 404, "staff": 200}
    assert at_the_door(everybody, picture) == told


def test_members_see_what_their_space_uses_and_nobody_else(
    everybody: dict[str, Person], picture: Output, space: Space
) -> None:
    used(picture, space)
    told = {"owner": 200, "editor": 200, "viewer": 200, "stranger": 404, "staff": 200}
    assert at_the_door(everybody, picture) == told
    for person in (everybody["viewer"], everybody["owner"]):
        assert person.get(f"artifacts/{picture.pk}/")["id"] == str(picture.pk)
        assert person.send("DELETE", f"artifacts/{picture.pk}/").status_code == 404


def test_who_is_removed_sees_it_no_more(
    everybody: dict[str, Person], picture: Output, space: Space
) -> None:
    used(picture, space)
    Member.objects.filter(space=space, user=everybody["viewer"].user).delete()
    assert seen_by(everybody["viewer"], picture) == 404


def test_when_nothing_needs_it_any_more_it_is_its_owners_again(
    everybody: dict[str, Person], picture: Output, space: Space
) -> None:
    used(picture, space)
    used(picture, space, "variant:2")
    uses.release(holder="variant:1")
    assert seen_by(everybody["viewer"], picture) == 200
    uses.release(holder="variant:2")
    assert seen_by(everybody["viewer"], picture) == 404


def test_a_space_keeps_what_its_owner_throws_away(
    everybody: dict[str, Person], picture: Output, space: Space, work: Any
) -> None:
    used(picture, space)
    bob = everybody["editor"]
    bob.delete(f"artifacts/{picture.pk}/")
    assert bob.get("artifacts/")["results"] == []
    Trash.objects.update(due_at=now() - timedelta(seconds=1))
    work()
    assert seen_by(everybody["viewer"], picture) == 200
    uses.release(holder="variant:1")
    work()
    assert seen_by(everybody["viewer"], picture) == 404
    picture.refresh_from_db()
    assert picture.error["code"] == "purged"


def test_through_the_gallery_a_space_s_pictures_go_as_its_table_says(
    everybody: dict[str, Person], space: Space
) -> None:
    """Deleting a variant is its owners'; so is throwing its picture away, and taking it back."""
    picture = picture_in(space)
    one, all_of_it = f"artifacts/{picture.pk}/", f"generations/{picture.entry_id}/"
    may = {name: allows(Role(name), Act.DELETE_VARIANTS) for name in ("owner", "editor", "viewer")}
    assert set(may.values()) == {True, False}
    told = {name: 204 if allowed else 403 for name, allowed in may.items()} | {"stranger": 404}
    for door in (one, all_of_it):
        for name, status in sorted(told.items(), key=lambda row: -row[1]):
            everybody[name].delete(door, status=status)
        for name in ("editor", "owner"):
            status = 200 if may[name] else 403
            everybody[name].post(f"{door}restore/", status=status)
    shown = everybody["editor"].client.get(f"/artifacts/{picture.pk}/").content.decode()
    assert 'data-do="trash"' not in shown
    shown = everybody["owner"].client.get(f"/artifacts/{picture.pk}/").content.decode()
    assert 'data-do="trash"' in shown
    act = everybody["editor"].client.post(
        f"/generations/{picture.entry_id}/act/", {"act": "delete"}, HTTP_ACCEPT="application/json"
    )
    assert (act.status_code, Trash.objects.count()) == (403, 0)
    assert everybody["editor"].patch(one, {"starred": True})["starred"] is True


def test_what_is_being_purged_cannot_be_used_any_more(
    picture: Output, space: Space, bob: User
) -> None:
    keeping.trash_artifact(actor=bob, artifact_id=picture.pk)
    Trash.objects.update(attempts=1)
    with pytest.raises(ArtifactNotFound):
        used(picture, space)
    assert not ArtifactUse.objects.exists()


def test_a_use_is_written_once_and_settled_to_exactly_what_is_needed(
    picture: Output, space: Space
) -> None:
    used(picture, space)
    used(picture, space)
    assert ArtifactUse.objects.count() == 1
    uses.settle_uses(holder="variant:1", audience=f"space:{space.pk}", artifact_ids=[])
    assert not ArtifactUse.objects.exists()


def test_what_somebody_made_who_has_left_gets_its_small_pictures(
    space: Space, bob: User, editor: Person, owner: Person, work: Any
) -> None:
    file = SimpleUploadedFile("fox.png", world.picture(), "image/png")
    audience = f"space:{space.pk}"
    entry = keeping.keep_upload(actor=bob, audience=audience, file=file, filename="fox.png")
    artifact = Output.objects.get(entry=entry).pk
    editor.post(f"spaces/{space.pk}/leave/", status=204)
    assert work("make_previews") == 1
    assert Preview.objects.get(pk=artifact).made_at
    assert owner.patch(f"artifacts/{artifact}/", {"starred": True})["starred"] is True
