"""Storage in a folder: whole files under fixed keys, whatever was there before."""

import errno
import hashlib
import io
import os
import resource
import threading
from pathlib import Path

import pytest

from genproj.kernel import storage
from tests.s3 import let_go

BODY = b"picture" * 1000
KEY = "generations/019a/0.png"


@pytest.fixture(autouse=True)
def root(settings, tmp_path):
    settings.STORAGE_BUCKET = ""
    settings.MEDIA_ROOT = tmp_path / "media"
    let_go()
    yield tmp_path / "media"
    let_go()


def keep(key=KEY, body=BODY, source=None, **claim):
    claim = {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body), **claim}
    return storage.put(key, source or io.BytesIO(body), content_type="image/png", **claim)


def read(key=KEY):
    with storage.open_read(key) as file:
        return file.read()


def test_what_is_put_is_there_under_its_key(root):
    stored = keep()
    assert stored == storage.Stored(KEY, len(BODY), hashlib.sha256(BODY).hexdigest())
    assert read() == BODY
    assert storage.stat(KEY) == storage.Stat(len(BODY))
    assert storage.path_of(KEY) == root / KEY
    assert list(storage.keys()) == [(KEY, len(BODY))]
    assert storage.signed_url(KEY, filename="a.png", content_type="image/png") is None


def test_a_file_that_was_filled_in_place_is_moved_not_copied(root):
    with storage.scratch() as file:
        file.write(BODY)
        file.flush()
        inode = os.fstat(file.fileno()).st_ino
        keep(source=file)
        file.seek(0)
        assert file.read() == BODY
    assert (root / KEY).stat().st_ino == inode
    assert read() == BODY
    assert list((root / ".tmp").iterdir()) == []


def test_a_file_that_is_not_kept_is_gone_afterwards(root):
    with storage.scratch() as file:
        file.write(BODY)
    assert list((root / ".tmp").iterdir()) == []


def fill(body, *, trouble=None):
    with storage.scratch() as file:
        file.write(body)
        if trouble:
            raise trouble


@pytest.fixture
def small_disk():
    """No file may grow beyond 64 kB, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_a_failure_of_the_store(small_disk, root):
    with pytest.raises(storage.StorageFailure):
        fill(b"x" * 1_000_000)
    with pytest.raises(storage.StorageFailure):
        keep(body=b"x" * 1_000_000)
    assert list((root / ".tmp").iterdir()) == []
    keep()
    assert read() == BODY


def test_a_lost_connection_is_not_the_stores_trouble():
    with pytest.raises(ConnectionResetError):
        fill(BODY, trouble=ConnectionResetError(errno.ECONNRESET, "reset"))


@pytest.mark.parametrize("there", [b"", BODY[:100], BODY + b"x", b"X" + BODY[1:]])
def test_a_partial_or_other_file_at_the_key_is_replaced(root, there):
    (root / KEY).parent.mkdir(parents=True)
    (root / KEY).write_bytes(there)
    keep()
    assert read() == BODY
    assert len(list(storage.keys())) == 1


def test_the_same_again_leaves_what_is_there(root):
    keep()
    before = (root / KEY).stat()
    keep()
    with storage.scratch() as file:
        file.write(BODY)
        keep(source=file)
    assert (root / KEY).stat().st_ino == before.st_ino
    assert (root / KEY).stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("claim", [{"size": 5}, {"sha256": "0" * 64}])
def test_a_source_that_is_not_what_was_announced_is_not_kept(claim):
    with pytest.raises(storage.StorageFailure, match="announced"):
        keep(**claim)
    assert storage.stat(KEY) is None


def test_a_cut_file_that_was_filled_in_place_is_not_kept():
    with storage.scratch() as file:
        file.write(BODY[:10])
        with pytest.raises(storage.StorageFailure, match="announced"):
            keep(source=file)
    assert storage.stat(KEY) is None


def test_a_source_is_read_from_its_start():
    source = io.BytesIO(BODY)
    source.seek(50)
    keep(source=source)
    assert read() == BODY


def test_many_writers_of_one_key_leave_one_whole_file(root):
    bodies = [bytes([number]) * 50_000 for number in range(8)]
    threads = [threading.Thread(target=keep, kwargs={"body": body}) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read() in bodies
    assert list((root / ".tmp").iterdir()) == []


@pytest.mark.parametrize(
    "key",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "a//b",
        "a/",
        "",
        ".",
        ".tmp/x",
        "a/.hidden",
        "a\\b",
        "a\0b",
        "a\nb",
        "a b",
        "é",
        "a..b",
        "x" * 501,
    ],
)
def test_a_key_that_could_lead_elsewhere_is_refused(key):
    for act in (keep, storage.open_read, storage.stat, storage.delete, storage.path_of):
        with pytest.raises(storage.StorageFailure, match="not a key"):
            act(key)


@pytest.mark.parametrize(
    "key",
    ["generations/019a-b/0.png", "images/42/7.webp", "videos/019a.mp4", "thumbnails/a_b.webp"],
)
def test_the_keys_in_use_are_keys(key):
    keep(key)
    assert read(key) == BODY


@pytest.mark.parametrize("key", [KEY, "generations", "generations/019a/0.png/deeper"])
def test_what_is_not_there_is_missing(key):
    with pytest.raises(storage.KeyMissing) as missing:
        storage.open_read(key)
    assert missing.value.key == key
    assert storage.stat(key) is None
    storage.delete(key)


def test_deleting_takes_the_empty_folder_along(root):
    keep()
    keep("generations/019b/0.png")
    storage.delete(KEY)
    assert storage.stat(KEY) is None
    assert [path.name for path in (root / "generations").iterdir()] == ["019b"]
    keep()
    assert read() == BODY


def test_keys_are_listed_by_prefix_and_hidden_files_are_not(root):
    for key in ("a/1.png", "a/2.png", "ab/3.png", "b/4.png"):
        keep(key)
    (root / "a" / ".DS_Store").write_bytes(b"x")
    with storage.scratch():
        assert [key for key, _ in storage.keys("a")] == ["a/1.png", "a/2.png", "ab/3.png"]
        assert [key for key, _ in storage.keys("a/")] == ["a/1.png", "a/2.png"]
        assert len(list(storage.keys())) == 4
    assert list(storage.keys("none/")) == []


def test_what_a_killed_process_left_is_tidied_when_it_is_old(root):
    (root / ".tmp").mkdir(parents=True)
    for name, age in (("old", 7200), ("new", 10)):
        path = root / ".tmp" / name
        path.write_bytes(b"part")
        moment = path.stat().st_mtime - age
        os.utime(path, (moment, moment))
    assert storage.tidy(older_than=3600) == 1
    assert [path.name for path in (root / ".tmp").iterdir()] == ["new"]


def test_a_store_that_cannot_be_written_says_so(root):
    storage.check()
    root.rename(root.with_name("away"))
    root.write_bytes(b"a file, not a folder")
    for act in (storage.check, keep, storage.scratch().__enter__):
        with pytest.raises(storage.StorageFailure) as failure:
            act()
        assert failure.value.cause
        assert str(Path(root).parent) not in failure.value.cause


def test_it_works_again_once_the_folder_is_back(root):
    root.write_bytes(b"")
    with pytest.raises(storage.StorageFailure):
        keep()
    root.unlink()
    keep()
    assert read() == BODY
