"""What the assistant sees in pictures: asked for once, kept, counted, and paid for."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from genproj.usage.models import LedgerLine
from spaces.models import Space, Variant
from spaces.operations import uploading
from tests.spaces.world import asset_in, variant_of
from tests.world import picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def here(space: Space, studio: Any) -> str:
    """Where the doors of the space are."""
    return f"spaces/{space.pk}/"


@pytest.fixture
def shown(space: Space, bob: User, studio: Any) -> Callable[..., Variant]:
    """Brings a picture of one colour into the space; its variant."""

    def upload(colour: str, name: str = "Knight", size: tuple[int, int] = (96, 48)) -> Variant:
        begun = uploading.begin(
            actor=bob,
            space_id=space.pk,
            file=io.BytesIO(picture(colour, size)),
            filename="picture.png",
            name=name,
            asset_type="character",
        )
        return uploading.end(actor=bob, begun=begun).variant

    return upload


def test_a_picture_is_described_once_and_the_words_are_kept(here, shown, editor, viewer) -> None:
    variant = shown("#1030c0")
    body = {"variant_id": str(variant.pk)}
    viewer.post(f"{here}describe/", body, status=403)
    first = editor.post(f"{here}describe/", body, status=200)
    assert "blue" in first["text"]
    assert "96 × 48" in first["text"]
    assert first["kept"] is False
    assert editor.get(f"{here}variants/{variant.pk}/")["description"] == first["text"]
    lines = LedgerLine.objects.count()
    assert lines == 2
    assert editor.post(f"{here}describe/", body, status=200) == {**first, "kept": True}
    assert LedgerLine.objects.count() == lines
    asked = editor.post(f"{here}describe/", {**body, "question": "Is it night?"}, status=200)
    assert "Is it night?" in asked["text"]
    assert editor.get(f"{here}variants/{variant.pk}/")["description"] == first["text"]


def test_pictures_are_compared(here, shown, editor) -> None:
    dark, bright = shown("#101010"), shown("#f8f8f8", "Tower")
    body = {"variant_ids": [str(dark.pk), str(bright.pk)]}
    seen = editor.post(f"{here}compare/", body, status=200)
    assert "Picture 2 is the brightest" in seen["text"]
    editor.post(f"{here}compare/", {"variant_ids": [str(dark.pk)]}, status=422)


def test_what_has_no_picture_or_is_elsewhere_cannot_be_looked_at(here, space, editor, bob) -> None:
    empty = variant_of(asset_in(space), status="failed")
    refused = editor.post(f"{here}describe/", {"variant_id": str(empty.pk)}, status=409)
    assert refused["code"] == "not_completed"
    editor.post(f"{here}describe/", {"variant_id": str(space.pk)}, status=404)


def test_a_days_calls_end(here, shown, editor, settings) -> None:
    variant = shown("#1030c0")
    settings.ASSISTANT_CALLS_PER_DAY = 1
    body = {"variant_id": str(variant.pk), "question": "What is it?"}
    editor.post(f"{here}describe/", body, status=200)
    assert editor.post(f"{here}describe/", body, status=429)["code"] == "rate_limited"


def test_a_model_that_is_away_is_told(here, shown, editor, studio) -> None:
    variant = shown("#1030c0")
    studio.faults({"fault": "model_500"})
    refused = editor.post(f"{here}describe/", {"variant_id": str(variant.pk)}, status=503)
    assert refused["code"] == "provider_unavailable"


def test_the_assistant_looks_at_pictures_by_itself(here, shown, editor, work) -> None:
    shown("#1030c0")
    editor.post(f"{here}chat/", {"content": "Describe the knight", "mode": "advisor"})
    work("answer_turns")
    found = editor.get(f"{here}chat/")["results"]
    assert [call["tool"] for one in found for call in one["calls"]] == ["search", "describe"]
    assert "blue" in found[-1]["content"]


def test_pictures_of_the_tray_are_described_before_they_are_spoken_of(
    here, shown, editor, work
) -> None:
    variant = shown("#1030c0")
    body = {"content": "hello", "context": {"variant_ids": [str(variant.pk)]}}
    editor.post(f"{here}chat/", body)
    work("answer_turns")
    variant.refresh_from_db()
    assert "blue" in variant.description


def test_a_wish_about_a_known_picture_becomes_a_refinement(
    here, shown, editor, owner, work
) -> None:
    variant = shown("#8090a0")
    editor.post(f"{here}chat/", {"content": "Make the knight's armor more battle-worn"})
    work("answer_turns")
    [proposed] = editor.get(f"{here}approvals/")["results"]
    assert proposed["tool"] == "refine"
    assert proposed["arguments"] == {
        "asset_id": str(variant.asset_id),
        "prompt": "Make the knight's armor more battle-worn",
    }
    owner.post(f"{here}approvals/{proposed['id']}/approve/", status=200)
    work("run_approved")
    assert Variant.objects.filter(asset=variant.asset_id).count() == 2
