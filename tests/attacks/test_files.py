"""Files that are not what they seem: refused, or served as nothing but the picture in them."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from generations.models import Output
from genproj.kernel import media
from genproj.kernel.storage import path_of
from tests import world
from tests.people import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("disk")]

SCRIPT = b"<script>window.__xss=1</script>"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, data: bytes) -> bytes:
    """A PNG that says it is so large, whatever is in it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(data, 9)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def moving(format: str, count: int, size: tuple[int, int] = (8, 8)) -> bytes:
    """A picture that moves."""
    file = io.BytesIO()
    frames = [Image.new("RGB", size, (n % 255, n // 255, 7)) for n in range(count)]
    frames[0].save(file, format, save_all=True, append_images=frames[1:])
    return file.getvalue()


def gif_without_end(count: int = 100_000) -> bytes:
    """Frames of one pixel: small in the file, and many."""
    one = world.picture(size=(1, 1), format="GIF")
    begin = one.index(b",")
    return one[:begin] + one[begin:-1] * count + b";"


def located() -> bytes:
    """A photograph that tells where it was taken, and by whom."""
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x013B] = "Sesame"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    Image.new("RGB", (32, 24), "red").save(file, "JPEG", exif=exif, comment=SCRIPT)
    return file.getvalue()


def huge_film() -> bytes:
    """An MP4 whose header promises more pixels than there are in the world."""
    track = b"\0" * 76 + struct.pack(">II", 0xFFFF0000, 0xFFFF0000)
    boxes = b""
    for kind, body in ((b"ftyp", b"isom\0\0\2\0isom"), (b"moov", b"trak" + track)):
        boxes += struct.pack(">I", len(body) + 8) + kind + body
    return boxes


#: what is refused
REFUSED: dict[str, Callable[[], bytes]] = {
    "page as PNG": lambda: b"<html>" + SCRIPT,
    "SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"></svg>',
    "PNG without end of pixels": lambda: png(100_000, 100_000, b"\0" * 1000),
    "PNG that unpacks without end": lambda: png(30_000, 30_000, b"\0" * 50_000_000),
    "GIF of very many frames": gif_without_end,
    "PNG of too many frames": lambda: moving("PNG", 2_010, (1, 1)),
    "GIF and script": lambda: world.picture(format="GIF") + b"/*" + SCRIPT,
    "film of absurd size": huge_film,
    "header alone": lambda: b"\x89PNG\r\n\x1a\n",
    "nothing": lambda: b"\n",
}
#: what is a picture, with something else in it
CLEANED: dict[str, Callable[[], bytes]] = {
    "PNG with a page behind it": lambda: world.picture() + SCRIPT,
    "JPEG with a place in it": located,
    "JPEG of a telephone": lambda: moving("MPO", 2),
}


def sent(person: Person, body: bytes, name: str = "fox.png", kind: str = "image/png") -> Any:
    file = SimpleUploadedFile(name, body, kind)
    return person.client.post("/api/v1/artifacts/", {"file": file})


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_honest_picture_is_refused(alice: User, name: str) -> None:
    answer = sent(Person(alice), REFUSED[name]())
    assert answer.status_code == 422, answer.content
    assert not Output.objects.exists()


@pytest.mark.parametrize("name", CLEANED)
def test_of_a_picture_only_the_picture_is_served(alice: User, name: str) -> None:
    person = Person(alice)
    answer = sent(person, CLEANED[name](), "fox.html", "text/html")
    assert answer.status_code == 201, answer.content
    kept = Output.objects.get(pk=answer.json()["id"])
    path = path_of(kept.storage_key)
    assert path is not None
    body = path.read_bytes()
    assert b"script" not in body
    assert b"Sesame" not in body
    with Image.open(io.BytesIO(body)) as image:
        assert not image.getexif()
        assert getattr(image, "n_frames", 1) == 1
    served = person.send("GET", f"/media/{kept.pk}/original")
    assert served["Content-Type"].startswith("image/")
    assert served["X-Content-Type-Options"] == "nosniff"
    assert served["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert served["Content-Disposition"].startswith("inline")
    assert served["Content-Disposition"].endswith(('.png"', '.jpg"'))


def test_a_picture_whose_frames_would_fill_the_memory_is_refused(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No frame is too large; all together are."""
    monkeypatch.setattr(media, "MOST_MOVING_PIXELS", 8 * 8 * 5)
    assert sent(Person(alice), moving("GIF", 5)).status_code == 201
    assert sent(Person(alice), moving("GIF", 6)).status_code == 422
