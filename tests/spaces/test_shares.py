"""Links to pictures: who has one sees what was shared, as long as it opens, and nothing else."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from genproj.kernel import storage
from genproj.kernel.clock import now
from spaces.models import ShareLink, Space, Variant
from spaces.operations import spaces as making
from tests.people import Person
from tests.spaces.archives import output_in
from tests.spaces.world import asset_in, variant_of

pytestmark = pytest.mark.django_db


class Stage:
    """A space with two assets that have pictures, and somebody who only has a link."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.asset = asset_in(space, "Secret lamp")
        outputs = [output_in(space, colour) for colour in ("#111111", "#222222", "#333333")]
        self.variants = [variant_of(self.asset, artifact=one.pk) for one in outputs[:2]]
        self.other = variant_of(asset_in(space, "Other"), artifact=outputs[2].pk)
        Variant.objects.update(recipe={"prompt": "a lamp nobody knows"})
        self.public = Client()

    @property
    def doors(self) -> str:
        return f"spaces/{self.space.pk}/shares/"


@pytest.fixture
def stage(space: Space, work: Any) -> Stage:
    found = Stage(space)
    work("make_previews")
    return found


def shared(person: Person, stage: Stage, **more: Any) -> Any:
    return person.post(stage.doors, {"asset_id": str(stage.asset.pk)} | more)


def page(stage: Stage, link: Any, path: str = "", **more: Any) -> Any:
    return stage.public.get(f"/shared/{link['token']}/{path}", **more)


def is_gone(answer: Any) -> bool:
    return answer.status_code == 410 and b"Nothing here" in answer.content


def test_a_link_shows_what_was_shared_and_nothing_else(stage: Stage, editor: Person) -> None:
    link = shared(editor, stage, name="For Mr. Smith")
    answer = page(stage, link)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"
    assert "noindex" in answer["X-Robots-Tag"]
    for secret in ("lamp", "Lighthouse", "bob", "alice", "Smith", str(stage.space.pk)):
        assert secret not in text
    for variant in (*stage.variants, stage.other):
        assert str(variant.pk) not in text
        assert str(variant.artifact) not in text
    numbers = {int(one) for one in re.findall(r"/media/(\d+)/preview", text)}
    assert numbers == {0, 1}
    for number in numbers:
        media = page(stage, link, f"media/{number}/preview")
        assert media.status_code == 200
        assert media["Cache-Control"] == "private, no-store"
        assert media["X-Send-File"]
        assert "lamp" not in media["Content-Disposition"]
    assert is_gone(page(stage, link, "media/2/preview"))
    later = variant_of(stage.asset, artifact=stage.other.artifact)
    assert f"/media/{2}/" not in page(stage, link).content.decode(), later


def test_a_selection_may_cross_assets(stage: Stage, editor: Person) -> None:
    ids = [str(stage.other.pk), str(stage.variants[0].pk)]
    link = editor.post(stage.doors, {"variant_ids": ids, "show_prompt": True})
    assert link["variant_ids"] == ids
    assert "a lamp nobody knows" in page(stage, link).content.decode()


@pytest.mark.parametrize(
    ("download", "opens"),
    [
        ("off", {("preview", False), ("thumb", False)}),
        ("preview", {("preview", False), ("thumb", False), ("preview", True), ("thumb", True)}),
        (
            "original",
            {(form, saved) for form in ("preview", "thumb", "original") for saved in (True, False)},
        ),
    ],
)
def test_how_much_may_be_taken_away(
    download: str, opens: set[tuple[str, bool]], stage: Stage, editor: Person
) -> None:
    link = shared(editor, stage, download=download)
    for form in ("original", "preview", "thumb", "poster", "x"):
        for saved in (True, False):
            answer = page(stage, link, f"media/0/{form}" + ("?download=1" if saved else ""))
            assert (answer.status_code == 200) is ((form, saved) in opens), (form, saved)
            assert answer.status_code == 200 or is_gone(answer)


def test_the_original_never_stands_in_for_a_preview(
    space: Space, editor: Person, wakes: Any
) -> None:
    stage = Stage(space)  # nobody has made previews yet
    link = shared(editor, stage)
    assert is_gone(page(stage, link, "media/0/preview"))


def _revoked(stage: Stage, person: Person, link: Any) -> None:
    person.delete(f"{stage.doors}{link['id']}/")


def _all_revoked(stage: Stage, person: Person, link: Any) -> None:
    assert person.delete(stage.doors, status=200) == {"revoked": 1}


def _expired(stage: Stage, person: Person, link: Any) -> None:
    ShareLink.objects.update(expires_at=now() - timedelta(seconds=1))


def _trashed(stage: Stage, person: Person, link: Any) -> None:
    making.trash(actor=stage.space.created_by, space_id=stage.space.pk)


def _deleted(stage: Stage, person: Person, link: Any) -> None:
    stage.asset.delete()


@pytest.mark.parametrize("end", [_revoked, _all_revoked, _expired, _trashed, _deleted])
def test_what_is_closed_is_closed_at_once(end: Any, stage: Stage, owner: Person) -> None:
    link = shared(owner, stage)
    assert page(stage, link, "media/0/preview").status_code == 200
    end(stage, owner, link)
    unknown = stage.public.get("/shared/no-such-link/")
    assert is_gone(unknown)
    for path in ("", "media/0/preview", "media/0/original"):
        answer = page(stage, link, path)
        assert is_gone(answer)
        assert answer.content == unknown.content  # it is not told which
        assert answer["Cache-Control"] == "private, no-store"


def test_a_picture_that_left_the_space_is_gone(stage: Stage, owner: Person) -> None:
    link = shared(owner, stage)
    first = link["variant_ids"][0]
    owner.delete(f"spaces/{stage.space.pk}/variants/{first}/")
    assert is_gone(page(stage, link, "media/0/preview"))
    text = page(stage, link).content.decode()
    assert "/media/0/" not in text
    assert "/media/1/" in text  # the others keep their addresses


def test_a_password(stage: Stage, editor: Person) -> None:
    link = shared(editor, stage, password="lantern")
    assert link["has_password"]
    assert "lantern" not in str(ShareLink.objects.values())
    gate = page(stage, link)
    assert "Password" in gate.content.decode()
    assert "/media/" not in gate.content.decode()
    assert is_gone(page(stage, link, "media/0/preview"))
    address = f"/shared/{link['token']}/"
    assert stage.public.post(address, {"password": "wrong"}).status_code == 403
    assert stage.public.post(address, {"password": "lantern"}).status_code == 302
    assert page(stage, link, "media/0/preview").status_code == 200
    assert Client().get(f"{address}media/0/preview").status_code == 410
    editor.patch(f"{stage.doors}{link['id']}/", {"password": "another"})
    assert "Password" in page(stage, link).content.decode()
    editor.patch(f"{stage.doors}{link['id']}/", {"password": ""})
    assert page(stage, link, "media/0/preview").status_code == 200


def test_passwords_are_not_guessed(stage: Stage, editor: Person) -> None:
    link = shared(editor, stage, password="lantern")
    address = f"/shared/{link['token']}/"
    answers = [Client().post(address, {"password": str(one)}).status_code for one in range(7)]
    assert answers.count(403) <= 10
    assert 429 in answers
    assert Client().post(address, {"password": "lantern"}).status_code in {429, 302}


def test_views_and_downloads_are_counted(stage: Stage, editor: Person) -> None:
    link = shared(editor, stage)
    page(stage, link)
    page(stage, link)
    page(stage, link, "media/0/preview")
    page(stage, link, "media/0/preview?download=1")
    page(stage, link, "media/0/preview?download=1", headers={"Range": "bytes=100-"})
    now_so = editor.get(f"{stage.doors}{link['id']}/")
    assert (now_so["views"], now_so["downloads"]) == (2, 1)
    assert now_so["last_viewed_at"]


def test_a_link_ends_after_thirty_days_and_never_only_for_owners(
    stage: Stage, owner: Person, editor: Person
) -> None:
    link = shared(editor, stage)
    days = (ShareLink.objects.get().expires_at or now()) - now()
    assert timedelta(days=29, hours=23) < days <= timedelta(days=30)
    body = {"asset_id": str(stage.asset.pk), "expires_in_days": None}
    editor.post(stage.doors, body, status=403)
    editor.patch(f"{stage.doors}{link['id']}/", {"expires_in_days": None}, status=403)
    assert owner.post(stage.doors, body)["expires_at"] is None
    editor.post(stage.doors, body | {"expires_in_days": 366}, status=422)
    editor.post(stage.doors, body | {"expires_in_days": 0}, status=422)


def test_the_secret_is_shown_once_and_not_kept(stage: Stage, editor: Person) -> None:
    link = shared(editor, stage)
    assert link["url"].endswith(f"/shared/{link['token']}/")
    assert link["token"] not in str(ShareLink.objects.values())
    listed = editor.get(stage.doors)["results"]
    assert [one["id"] for one in listed] == [link["id"]]
    assert link["token"] not in str(listed)


def test_what_is_revoked_stays_revoked(stage: Stage, editor: Person) -> None:
    link = shared(editor, stage)
    _revoked(stage, editor, link)
    _revoked(stage, editor, link)
    editor.patch(f"{stage.doors}{link['id']}/", {"expires_in_days": 7}, status=410)
    assert editor.get(stage.doors)["results"][0]["status"] == "revoked"


def test_only_who_may_share_shares(
    stage: Stage, editor: Person, viewer: Person, stranger: Person
) -> None:
    link = shared(editor, stage)
    for method, path in (
        ("GET", ""),
        ("POST", ""),
        ("DELETE", ""),
        ("GET", f"{link['id']}/"),
        ("PATCH", f"{link['id']}/"),
        ("DELETE", f"{link['id']}/"),
    ):
        body = {"asset_id": str(stage.asset.pk)} if method == "POST" else {"name": "x"}
        given = body if method in {"POST", "PATCH"} else None
        assert viewer.send(method, stage.doors + path, given).status_code == 403, (method, path)
        assert stranger.send(method, stage.doors + path, given).status_code == 404, (method, path)
    assert page(stage, link).status_code == 200


def test_only_pictures_of_this_space_are_shared(
    stage: Stage, editor: Person, stranger: Person, charlie: User
) -> None:
    theirs = making.create(actor=charlie, name="Elsewhere")
    foreign = variant_of(asset_in(theirs))
    failed = variant_of(stage.asset, status="failed")
    for one in (foreign, failed):
        editor.post(stage.doors, {"variant_ids": [str(one.pk)]}, status=422)
    editor.post(stage.doors, {"asset_id": str(foreign.asset_id)}, status=404)
    editor.post(stage.doors, {}, status=422)
    both = {"asset_id": str(stage.asset.pk), "variant_ids": [str(stage.other.pk)]}
    editor.post(stage.doors, both, status=422)


def test_members_make_links_on_a_page(stage: Stage, editor: Person, viewer: Person) -> None:
    address = f"/spaces/{stage.space.pk}/shares/"
    form = {"act": "share", "asset": str(stage.asset.pk), "days": "7", "download": "off"}
    answer = editor.client.post(address, form)
    [found] = re.findall(r"/shared/[\w-]+/", answer.content.decode())
    assert stage.public.get(found).status_code == 200
    text = editor.client.get(address).content.decode()
    assert found not in text
    assert "1 view" in text
    assert viewer.client.post(address, form).status_code == 403
    assert ShareLink.objects.count() == 1
    assert "Make the link" not in viewer.client.get(address).content.decode()
    editor.client.post(address, {"act": "revoke_all"})
    assert stage.public.get(found).status_code == 410


def test_members_share_chosen_pictures_in_a_dialog(stage: Stage, editor: Person) -> None:
    address = f"/spaces/{stage.space.pk}/shares/?part=form"
    text = editor.client.get(f"{address}&v={stage.other.pk}&v=nonsense").content.decode()
    assert f'value="{stage.other.pk}" checked' in text
    assert "<html" not in text
    form = {"act": "share", "asset": "", "days": "1", "download": "preview", "password": "gull"}
    answer = editor.client.post(address, form)
    assert answer.status_code == 422
    assert "Choose at least one picture." in answer.content.decode()
    answer = editor.client.post(address, {**form, "v": [str(stage.other.pk)]})
    [found] = re.findall(r"/shared/[\w-]+/", answer.content.decode())
    assert ShareLink.objects.get().variants == [str(stage.other.pk)]
    assert "Password" in stage.public.get(found).content.decode()


def test_a_lost_file_is_gone(stage: Stage, editor: Person) -> None:
    link = shared(editor, stage, download="original")
    for key, _ in list(storage.keys()):
        storage.delete(key)
    assert is_gone(page(stage, link, "media/0/original"))
