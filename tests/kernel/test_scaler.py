"""Small pictures come from a process of their own, whatever becomes of that process."""

import io
import os
from collections.abc import Iterator
from typing import Any

import pytest

from genproj.kernel import media, scaler
from tests.kernel.test_media import MOVIES, PICTURES


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    scaler.stop()


def test_they_are_what_the_same_process_would_have_made() -> None:
    data = PICTURES["PNG"]
    here = media.renditions(io.BytesIO(data), "image/png")
    assert scaler.renditions(io.BytesIO(data), "image/png") == here
    with pytest.raises(media.NotMedia) as refusal:
        scaler.renditions(io.BytesIO(data[:300]), "image/png")
    assert refusal.value.issues
    assert scaler.renditions(io.BytesIO(data), "image/png").thumb == here.thumb


def test_a_process_that_has_ended_is_followed_by_another() -> None:
    data = PICTURES["JPEG"]
    scaler.renditions(io.BytesIO(data), "image/jpeg")
    child = scaler._children[os.getpid()]
    child.kill()
    child.wait()
    assert scaler.renditions(io.BytesIO(data), "image/jpeg").preview.width == 300
    assert scaler._children[os.getpid()].pid != child.pid


def test_bytes_over_which_it_dies_are_said_to_break_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaler, "LONGEST", 0.0)  # killed at once
    with pytest.raises(scaler.Broken):
        scaler.renditions(io.BytesIO(MOVIES["mp4"]), "video/mp4")


def test_it_ends_by_itself_when_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaler, "IDLE_SECONDS", 0.01)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb"):
        out: Any = io.BytesIO()
        scaler.serve(source, out)
    assert out.getvalue() == b""
