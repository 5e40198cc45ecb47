"""Archives that mean harm, or are broken: each is refused by its code, and nothing stays."""

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from PIL import Image

from generations.models import ArtifactUse, Output, RegisterEntry
from genproj.kernel import storage
from spaces.models import Asset, Lineage, Member, Snippet, Space, Variant
from spaces.operations import importing
from tests import world
from tests.people import Person
from tests.spaces.archives import (
    IMPORT,
    digest,
    exported,
    imported,
    opened,
    output_in,
    packed,
    rich_space,
)

pytestmark = pytest.mark.django_db(transaction=True)

PICTURE = world.picture("#345678")
HASH = digest(PICTURE)
PATH = f"originals/{HASH}.png"
AT = "2026-01-01T00:00:00.000000Z"
ASSET, ARTIFACT, VARIANT = (str(uuid4()) for _ in range(3))
MADE = {"created_by": "mallory", "created_at": AT}


def manifest() -> dict[str, Any]:
    """A small one that is right."""
    return {
        "format": "genproj-space",
        "version": 1,
        "exported_at": AT,
        "files": [
            {"path": PATH, "sha256": HASH, "size": len(PICTURE), "content_type": "image/png"}
        ],
        "artifacts": [{"id": ARTIFACT, "sha256": HASH, "prompt": "a fox"}],
        "space": {
            "id": str(uuid4()),
            "name": "Trojan",
            **MADE,
            "style": {"description": "", "artifacts": [], "enabled": False},
        },
        "assets": [
            {
                "id": ASSET,
                "name": "Fox",
                "asset_type": "animal",
                "parent_asset_id": None,
                "active_variant_id": VARIANT,
                "tags": [],
                **MADE,
                "updated_at": AT,
            }
        ],
        "variants": [
            {
                "id": VARIANT,
                "asset_id": ASSET,
                "status": "completed",
                "error": None,
                "artifact": ARTIFACT,
                "recipe": {"version": 1, "operation": "upload"},
                "batch": None,
                "starred": False,
                "rating": None,
                "comment": "",
                "rated_by": None,
                "label": "",
                "position": 0,
                "description": "",
                "attempt": 1,
                **MADE,
                "updated_at": AT,
            }
        ],
        "lineage": [],
        "snippets": [],
        "chat": None,
    }


def good(change: Callable[[dict[str, Any]], object] = lambda _: None, **files: bytes) -> bytes:
    """The right archive, its manifest changed."""
    told = manifest()
    change(told)
    return packed(told, {PATH: PICTURE, **files})


def with_entry(info: zipfile.ZipInfo, body: bytes = b"x") -> bytes:
    """The right archive and one entry more, as it is."""
    out = io.BytesIO(good())
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(info, body)
    return out.getvalue()


def named(name: str) -> bytes:
    return with_entry(zipfile.ZipInfo(name))


def link() -> bytes:
    info = zipfile.ZipInfo("originals/link.png")
    info.external_attr = 0o120777 << 16
    return with_entry(info, b"/etc/passwd")


def doubled() -> bytes:
    out = io.BytesIO(good())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(out, "a") as archive:
        archive.writestr(PATH, b"other")
    return out.getvalue()


def bomb() -> bytes:
    out = io.BytesIO(good())
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("originals/bomb.png", b"\0" * (24 * 2**20))
    return out.getvalue()


def overlapping() -> bytes:
    """Two names for the same bytes."""
    body = bytearray(named("originals/two.png"))
    with zipfile.ZipFile(io.BytesIO(bytes(body))) as archive:
        first = archive.getinfo(PATH).header_offset
        second = archive.getinfo("originals/two.png").header_offset
    place = body.rindex(struct.pack("<I", second) + b"originals/two.png")
    body[place : place + 4] = struct.pack("<I", first)
    return bytes(body)


def encrypted() -> bytes:
    body = bytearray(good())
    place = body.index(b"PK\x01\x02")
    body[place + 8] |= 1
    return bytes(body)


def lzma() -> bytes:
    return packed(manifest(), {PATH: PICTURE}, compress=zipfile.ZIP_LZMA)


def lying_size() -> bytes:
    """More bytes than its list of contents says."""
    told = manifest()
    told["files"][0]["size"] = 10
    body = bytearray(packed(told, {PATH: PICTURE}))
    place = body.rindex(PATH.encode()) - 46
    body[place + 24 : place + 28] = struct.pack("<I", 10)
    return bytes(body)


def flipped() -> bytes:
    body = bytearray(good())
    place = body.index(PICTURE)
    body[place + 30] ^= 0xFF
    return bytes(body)


def other(body: bytes, *, content_type: str = "image/png", claim: bytes | None = None) -> bytes:
    """The right archive with other bytes, which it tells of truly unless `claim` says else."""
    told, name = manifest(), digest(claim or body)
    path = f"originals/{name}.png"
    row = {"path": path, "sha256": name, "size": len(body), "content_type": content_type}
    told["files"] = [row]
    told["artifacts"][0]["sha256"] = name
    return packed(told, {path: body})


@cache
def many() -> bytes:
    out = io.BytesIO(good())
    with zipfile.ZipFile(out, "a") as archive:
        for number in range(20_100):
            archive.writestr(f"originals/{number}", b"")
    return out.getvalue()


def second(kind: str, **facts: Any) -> Callable[[dict[str, Any]], object]:
    """A copy of the first row of a kind, changed."""
    return lambda told: told[kind].append({**told[kind][0], **facts})


def first(kind: str, **facts: Any) -> Callable[[dict[str, Any]], object]:
    """The first row of a kind, changed."""
    return lambda told: told[kind][0].update(facts)


def cyclic(told: dict[str, Any]) -> None:
    one, two = str(uuid4()), ASSET
    told["assets"].append({**told["assets"][0], "id": one, "parent_asset_id": two})
    told["assets"][1]["active_variant_id"] = None
    told["assets"][0]["parent_asset_id"] = one


LINE = {
    "id": str(uuid4()),
    "parent_variant_id": str(uuid4()),
    "child_variant_id": VARIANT,
    "parent_name": "",
    "child_name": "",
    "relation": "derived",
    "created_at": AT,
    "severed_at": None,
}
SCRIPT = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "not_an_archive"),
    "no archive": (lambda: b"GIF89a" + b"x" * 500, "not_an_archive"),
    "cut short": (lambda: good()[:-40], "not_an_archive"),
    "only its end": (lambda: good()[-60:], "not_an_archive"),
    "no manifest": (lambda: other_archive({PATH: PICTURE}), "manifest_missing"),
    "manifest no JSON": (lambda: packed(b"{", {}), "bad_manifest"),
    "manifest no text": (lambda: packed(b"\xff\xfe\x00", {}), "bad_manifest"),
    "manifest too deep": (lambda: packed(b"[" * 200_000, {}), "bad_manifest"),
    "endless number": (
        lambda: packed(
            json.dumps(manifest()).replace('"position": 0', '"position": 1e999').encode(), {}
        ),
        "bad_manifest",
    ),
    "manifest a list": (lambda: packed(b"[]", {}), "unknown_format"),
    "another format": (lambda: good(lambda it: it.update(format="x")), "unknown_format"),
    "a later version": (lambda: good(lambda it: it.update(version=2)), "unknown_version"),
    "version true": (lambda: good(lambda it: it.update(version=True)), "unknown_version"),
    "an unknown field": (lambda: good(lambda it: it.update(x=1)), "unknown"),
    "a field missing": (lambda: good(lambda it: it.pop("lineage")), "required"),
    "path upwards": (lambda: named("../evil.png"), "unsafe_path"),
    "path upwards within": (lambda: named("originals/../../evil.png"), "unsafe_path"),
    "path absolute": (lambda: named("/etc/passwd"), "unsafe_path"),
    "path of windows": (lambda: named("C:evil.png"), "unsafe_path"),
    "path with backslash": (lambda: named("originals\\..\\evil.png"), "unsafe_path"),
    "a link": (link, "not_a_file"),
    "a folder": (lambda: named("originals/x/"), "not_a_file"),
    "a name twice": (doubled, "duplicate_name"),
    "an archive within": (lambda: good(**{"inner.zip": good()}), "unknown_file"),
    "a file nobody named": (lambda: named("originals/more.png"), "unknown_file"),
    "an archive as a picture": (lambda: other(good()), "not_media"),
    "a script as a picture": (lambda: other(SCRIPT), "not_media"),
    "text as a picture": (lambda: other(b"not a picture at all"), "not_media"),
    "half a picture": (lambda: other(PICTURE[:-20]), "not_media"),
    "too many pixels": (lambda: other(huge()), "not_media"),
    "another type": (lambda: other(PICTURE, content_type="image/webp"), "wrong_type"),
    "a bomb": (bomb, "bomb"),
    "overlapping files": (overlapping, "bomb"),
    "very many files": (many, "too_many_files"),
    "encrypted": (encrypted, "encrypted"),
    "packed otherwise": (lzma, "packing"),
    "a lying size": (lying_size, "damaged"),
    "a flipped bit": (flipped, "damaged"),
    "a wrong checksum": (lambda: other(PICTURE, claim=b"else"), "wrong_checksum"),
    "a wrong size": (lambda: good(first("files", size=5)), "wrong_size"),
    "a missing file": (lambda: packed(manifest(), {}), "file_missing"),
    "a path of its own": (lambda: good(first("files", path="originals/../x.png")), "format"),
    "a hash of its own": (lambda: good(first("files", sha256="0" * 64)), "not_found"),
    "one id twice": (lambda: good(second("variants")), "repeated"),
    "an asset below itself": (
        lambda: good(first("assets", parent_asset_id=ASSET)),
        "cycle_detected",
    ),
    "assets in a circle": (lambda: good(cyclic), "cycle_detected"),
    "a parent elsewhere": (
        lambda: good(first("assets", parent_asset_id=str(uuid4()))),
        "not_found",
    ),
    "an asset elsewhere": (lambda: good(first("variants", asset_id=str(uuid4()))), "not_found"),
    "a picture elsewhere": (lambda: good(first("variants", artifact=str(uuid4()))), "not_found"),
    "no picture": (lambda: good(first("variants", artifact=None)), "required"),
    "still being made": (lambda: good(first("variants", status="pending")), "choice"),
    "active and elsewhere": (
        lambda: good(first("assets", active_variant_id=str(uuid4()))),
        "not_found",
    ),
    "a name too long": (lambda: good(first("assets", name="x" * 121)), "too_long"),
    "a name with a null": (lambda: good(first("assets", name="x\0")), "characters"),
    "half a letter": (lambda: good(first("assets", name="\ud800")), "characters"),
    "a tag that is none": (lambda: good(first("assets", tags=[{}])), "type"),
    "a huge recipe": (lambda: good(first("variants", recipe={"x": "y" * 70_000})), "too_long"),
    "a recipe that is none": (lambda: good(first("variants", recipe=[])), "type"),
    "no moment": (lambda: good(first("assets", created_at="2026-13-01T00:00:00Z")), "format"),
    "long ago": (lambda: good(first("assets", created_at="0001-01-01T00:00:00Z")), "format"),
    "a line twice": (
        lambda: good(lambda it: it.update(lineage=[LINE, {**LINE, "id": str(uuid4())}])),
        "repeated",
    ),
    "an unknown relation": (
        lambda: good(lambda it: it.update(lineage=[{**LINE, "relation": "x"}])),
        "choice",
    ),
}


def other_archive(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return out.getvalue()


def huge() -> bytes:
    """A picture of many pixels and few bytes."""
    body = bytearray(PICTURE)
    place = body.index(b"IHDR") + 4
    body[place : place + 8] = struct.pack(">II", 100_000, 100_000)
    body[place + 13 : place + 17] = struct.pack(
        ">I", zlib.crc32(bytes(body[place - 4 : place + 13]))
    )
    return bytes(body)


def rows() -> int:
    models: list[Any] = [Space, Member, Asset, Variant, Lineage, Snippet, Output, RegisterEntry]
    return sum(model.objects.count() for model in [*models, ArtifactUse])


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_bad_archive_is_refused_and_leaves_nothing(name: str, owner: Person) -> None:
    make, code = ARCHIVES[name]
    answer = imported(owner, make())
    assert answer.status_code == 422, answer.content
    assert code in {error["code"] for error in answer.json()["errors"]}, answer.content
    assert rows() == 0
    assert list(storage.keys()) == []


def test_the_right_one_is_taken(owner: Person) -> None:
    answer = imported(owner, good())
    assert answer.status_code == 201, answer.content
    assert Variant.objects.get().created_by == owner.user  # whatever names it has
    assert len(list(storage.keys())) == 1


@pytest.mark.parametrize("limit", [1000, 20])
def test_it_is_refused_when_it_is_too_large(limit: int, owner: Person, settings: Any) -> None:
    body = good()
    settings.MAX_IMPORT_BYTES = limit
    assert imported(owner, body).status_code == 413
    settings.MAX_IMPORT_BYTES = len(body)
    settings.MAX_OUTPUT_BYTES = {"image": 20, "video": 20}
    answer = imported(owner, body)
    assert answer.json()["errors"][0]["code"] == "file_too_large"
    assert list(storage.keys()) == []


def test_one_picture_named_often_is_no_way_to_fill_the_disk(owner: Person, settings: Any) -> None:
    def often(told: dict[str, Any]) -> None:
        told["artifacts"] += [{**told["artifacts"][0], "id": str(uuid4())} for _ in range(500)]

    noise = io.BytesIO()
    Image.frombytes("RGB", (200, 200), random.Random(1).randbytes(120_000)).save(noise, "PNG")
    large = noise.getvalue()
    told = manifest()
    told["files"][0] |= {"sha256": digest(large), "size": len(large)}
    told["files"][0]["path"] = f"originals/{digest(large)}.png"
    told["artifacts"][0]["sha256"] = digest(large)
    often(told)
    settings.MAX_IMPORT_BYTES = 2**20
    answer = imported(owner, packed(told, {told["files"][0]["path"]: large}))
    assert answer.json()["errors"][0]["code"] == "too_large_unpacked", answer.content
    assert list(storage.keys()) == []


def test_ids_in_it_reach_nothing_that_is_here(alice: User, owner: Person, stranger: Person) -> None:
    theirs = rich_space(alice, 1)
    secret = output_in(theirs, "#abcdef")

    def reaching(told: dict[str, Any]) -> None:
        told["variants"][0]["recipe"] = {
            "references": [{"role": "reference", "artifact": str(secret.pk)}],
            "sent": {"reference_artifacts": [str(secret.pk), secret.pk.hex]},
        }

    body = imported(stranger, good(reaching)).json()
    state = stranger.get(f"spaces/{body['space']['id']}/state/")
    assert str(secret.pk) not in json.dumps(state)
    assert secret.pk.hex not in json.dumps(state)
    assert stranger.send("GET", f"/media/{secret.pk}/original").status_code == 404
    again = opened(exported(stranger, body["space"]["id"]))[0]
    assert [one["sha256"] for one in again["artifacts"]] == [HASH]


def test_a_failure_at_the_very_end_leaves_nothing(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OperationalError("the disk is full")

    monkeypatch.setattr(importing, "tell_space", broken)
    answer = imported(owner, good())
    assert answer.status_code == 503, answer.content
    assert rows() == 0
    assert list(storage.keys()) == []


def test_one_at_a_time(owner: Person) -> None:
    with importing._busy:
        answer = imported(owner, good())
    assert (answer.status_code, answer.json()["code"]) == (503, "import_busy")
    assert imported(owner, good()).status_code == 201


def test_only_who_is_signed_in_brings_something_in(owner: Person) -> None:
    file = SimpleUploadedFile("space.zip", good(), "application/zip")
    assert Client().post(IMPORT, {"file": file}).status_code == 401
    assert owner.client.post(IMPORT, {}).json()["errors"][0]["code"] == "required"
    both = [SimpleUploadedFile("a.zip", good()), SimpleUploadedFile("b.zip", good())]
    assert owner.client.post(IMPORT, {"file": both}).json()["errors"][0]["code"] == "too_many"
