"""Who is in a space: owners, invitations by link and by name, requests, and what they leak."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from genproj.events import log
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from spaces.models import AccessRequest, Invitation, Member, Space
from tests import world
from tests.people import Person
from tests.spaces.world import space_of

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def roles_in(space: Space) -> dict[str, str]:
    return dict(Member.objects.filter(space=space).values_list("user__username", "role"))


def test_the_last_owner_stays(space: Space, owner: Person, editor: Person) -> None:
    me = f"spaces/{space.pk}/members/{owner.user.pk}/"
    for refused in (
        owner.patch(me, {"role": "editor"}, status=409),
        owner.delete(me, status=409),
        owner.post(f"spaces/{space.pk}/leave/", status=409),
    ):
        assert refused["code"] == "last_owner"
    owner.patch(f"spaces/{space.pk}/members/{editor.user.pk}/", {"role": "owner"})
    owner.post(f"spaces/{space.pk}/leave/", status=204)
    assert roles_in(space) == {"bob": "owner", "vera": "viewer"}
    owner.get(f"spaces/{space.pk}/", status=404)


def test_a_space_is_handed_over(space: Space, owner: Person, editor: Person) -> None:
    owner.post(f"spaces/{space.pk}/transfer/", {"user_id": editor.user.pk}, status=200)
    assert roles_in(space) == {"alice": "editor", "bob": "owner", "vera": "viewer"}
    owner.post(f"spaces/{space.pk}/transfer/", {"user_id": owner.user.pk}, status=403)


def test_an_owner_who_may_not_sign_in_does_not_count(space: Space, owner: Person) -> None:
    gone = world.person("gone")
    Member.objects.create(space=space, user=gone, role="owner", created_at=now())
    gone.is_active = False
    gone.save()
    assert owner.post(f"spaces/{space.pk}/leave/", status=409)["code"] == "last_owner"


def test_who_loses_their_place_is_told_of_in_the_stream(
    space: Space, owner: Person, editor: Person
) -> None:
    seq = log.head_of(f"space:{space.pk}")
    owner.patch(f"spaces/{space.pk}/members/{editor.user.pk}/", {"role": "viewer"})
    editor.post(f"spaces/{space.pk}/assets/", {"name": "Gull", "asset_type": "animal"}, status=403)
    owner.delete(f"spaces/{space.pk}/members/{editor.user.pk}/")
    editor.get(f"spaces/{space.pk}/state/", status=404)
    frames = log.since(f"space:{space.pk}", seq) or []
    told = [(frame.kind, frame.data["member"]["role"]) for frame in frames]
    assert told == [("member:updated", "viewer"), ("member:updated", None)]
    notices = editor.get("notices/")["results"]
    assert [notice["kind"] for notice in notices] == ["member.removed", "member.role_changed"]


def test_somebody_is_taken_in_by_name(space: Space, owner: Person, stranger: Person) -> None:
    url = f"spaces/{space.pk}/members/"
    made = owner.post(url, {"username": "charlie", "role": "viewer"})
    assert made | {"id": 0, "created_at": ""} == {
        **{"id": 0, "username": "charlie", "role": "viewer", "created_at": ""}
    }
    assert owner.post(url, {"username": "charlie", "role": "viewer"}, status=200) == made
    again = owner.post(url, {"username": "charlie", "role": "editor"}, status=409)
    assert again["code"] == "already_member"
    unknown = owner.post(url, {"username": "nobody", "role": "editor"}, status=422)
    assert unknown["errors"][0]["pointer"] == "/username"
    assert [one["id"] for one in stranger.get("spaces/")["results"]] == [str(space.pk)]


def test_a_link_lets_one_person_in_once(
    space: Space, owner: Person, stranger: Person, staff: Person
) -> None:
    made = owner.post(f"spaces/{space.pk}/invitations/", {"role": "editor"})
    token = made["token"]
    assert made["url"] == f"/spaces/?invitation={token}"
    assert token not in str(owner.get(f"spaces/{space.pk}/invitations/"))
    assert token not in Invitation.objects.get().token_hash
    joined = stranger.post("invitations/accept/", {"token": token}, status=200)
    assert (joined["id"], joined["role"]) == (str(space.pk), "editor")
    # The same person again: the same answer; anybody else finds nothing.
    assert stranger.post("invitations/accept/", {"token": token}, status=200) == joined
    other = Person(world.person("otto"))
    refused = other.post("invitations/accept/", {"token": token}, status=404)
    assert "Lighthouse" not in str(refused)
    assert roles_in(space)["charlie"] == "editor"
    [listed] = owner.get(f"spaces/{space.pk}/invitations/")["results"]
    assert (listed["status"], listed["accepted_by"]) == ("accepted", "charlie")
    owner.delete(f"spaces/{space.pk}/invitations/{listed['id']}/", status=409)


def test_a_member_uses_no_link_up_and_keeps_their_role(
    space: Space, owner: Person, editor: Person, stranger: Person
) -> None:
    token = owner.post(f"spaces/{space.pk}/invitations/", {"role": "viewer"})["token"]
    assert editor.post("invitations/accept/", {"token": token}, status=200)["role"] == "editor"
    assert stranger.post("invitations/accept/", {"token": token}, status=200)["role"] == "viewer"


def expire(invitation: Invitation) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=now() - timedelta(seconds=1))


def revoke(invitation: Invitation) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(revoked_at=now())


def trash(invitation: Invitation) -> None:
    Space.objects.filter(pk=invitation.space_id).update(trashed_at=now())


@pytest.mark.parametrize("end", [expire, revoke, trash])
def test_a_door_that_is_closed_lets_nobody_in(
    end: Callable[[Invitation], None], space: Space, owner: Person, stranger: Person
) -> None:
    url = f"spaces/{space.pk}/invitations/"
    token = owner.post(url, {"role": "viewer"})["token"]
    named = owner.post(url, {"role": "viewer", "username": "charlie"})
    for invitation in Invitation.objects.all():
        end(invitation)
    stranger.post("invitations/accept/", {"token": token}, status=404)
    stranger.post(f"invitations/{named['id']}/accept/", status=404)
    assert stranger.get("invitations/")["results"] == []
    assert "charlie" not in roles_in(space)


def test_an_invitation_by_name_is_for_that_person(
    space: Space, owner: Person, stranger: Person
) -> None:
    url = f"spaces/{space.pk}/invitations/"
    made = owner.post(url, {"role": "viewer", "username": "charlie", "expires_in_days": 3})
    assert (made["token"], made["url"]) == (None, None)
    assert owner.post(url, {"role": "viewer", "username": "charlie"})["id"] == made["id"]
    owner.post(url, {"role": "editor", "username": "charlie"}, status=409)
    [offer] = stranger.get("invitations/")["results"]
    assert offer["space"] == {"id": str(space.pk), "name": "Lighthouse"}
    assert offer["invited_by"] == "alice"
    Person(world.person("otto")).post(f"invitations/{made['id']}/accept/", status=404)
    stranger.post(f"invitations/{made['id']}/accept/", status=200)
    stranger.post(f"invitations/{made['id']}/accept/", status=200)
    assert roles_in(space)["charlie"] == "viewer"
    assert stranger.get("invitations/")["results"] == []


def test_who_declines_is_asked_no_more(space: Space, owner: Person, stranger: Person) -> None:
    made = owner.post(f"spaces/{space.pk}/invitations/", {"role": "viewer", "username": "charlie"})
    stranger.post(f"invitations/{made['id']}/decline/", status=204)
    assert stranger.get("invitations/")["results"] == []
    stranger.post(f"invitations/{made['id']}/accept/", status=404)


@pytest.mark.parametrize(
    "body",
    [
        {"role": "owner"},
        {"role": "viewer", "expires_in_days": 0},
        {"role": "viewer", "expires_in_days": 91},
        {"role": "viewer", "username": "nobody"},
        {"role": "viewer", "email": "a@b"},
        {},
    ],
)
def test_a_wrong_invitation_is_refused(body: dict[str, Any], space: Space, owner: Person) -> None:
    refused = owner.post(f"spaces/{space.pk}/invitations/", body, status=422)
    assert refused["errors"][0]["pointer"].startswith("/")


def test_asking_to_be_let_in_tells_nothing(space: Space, owner: Person, stranger: Person) -> None:
    trashed = space_of(world.person("otto"), name="Secret")
    Space.objects.filter(pk=trashed.pk).update(trashed_at=now())
    answers = [
        stranger.send("POST", f"spaces/{id}/access-requests/", {})
        for id in (space.pk, uuid7(), trashed.pk, space.pk)
    ]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert AccessRequest.objects.count() == 1
    [notice] = owner.get("notices/")["results"]
    assert (notice["kind"], notice["title"]) == (
        "access.requested",
        "charlie asks to join Lighthouse",
    )
    owner.send("POST", f"spaces/{space.pk}/access-requests/", {})
    assert AccessRequest.objects.count() == 1


def test_owners_decide_once(space: Space, owner: Person, stranger: Person) -> None:
    stranger.post(f"spaces/{space.pk}/access-requests/", status=202)
    [asked] = owner.get(f"spaces/{space.pk}/access-requests/")["results"]
    url = f"spaces/{space.pk}/access-requests/{asked['id']}"
    owner.post(f"{url}/approve/", {"role": "owner"}, status=422)
    decided = owner.post(f"{url}/approve/", {"role": "editor"}, status=200)
    assert (decided["granted_role"], decided["decided_by"]) == ("editor", "alice")
    assert owner.post(f"{url}/approve/", {"role": "editor"}, status=200) == decided
    assert owner.post(f"{url}/reject/", status=409)["code"] == "invalid_transition"
    assert roles_in(space)["charlie"] == "editor"
    assert owner.get(f"spaces/{space.pk}/access-requests/")["results"] == []


def test_who_was_refused_cannot_press(space: Space, owner: Person, stranger: Person) -> None:
    stranger.post(f"spaces/{space.pk}/access-requests/", status=202)
    asked = AccessRequest.objects.get()
    owner.post(f"spaces/{space.pk}/access-requests/{asked.pk}/reject/", status=200)
    stranger.post(f"spaces/{space.pk}/access-requests/", status=202)
    assert AccessRequest.objects.count() == 1
    yesterday = now() - timedelta(days=1, seconds=1)
    AccessRequest.objects.update(decided_at=yesterday)
    stranger.post(f"spaces/{space.pk}/access-requests/", status=202)
    assert AccessRequest.objects.count() == 2
    assert "charlie" not in roles_in(space)


def test_numbers_that_nobody_has_name_nobody(space: Space, owner: Person) -> None:
    here = f"spaces/{space.pk}"
    for number in (2**31, 2**63, 10**40):
        owner.delete(f"{here}/members/{number}/", status=404)
        owner.patch(f"{here}/members/{number}/", {"role": "viewer"}, status=404)
        owner.post(f"{here}/transfer/", {"user_id": number}, status=404)
    owner.post(f"{here}/transfer/", {"user_id": 1e300}, status=404)
