"""Archives of files: written while they are read, and read without trusting them."""

import hashlib
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

from genproj.kernel.clock import now

CHUNK = 2**18
#: bytes of the list of contents; some thirty thousand names
LARGEST_DIRECTORY = 4 * 2**20
#: how many times its packed size a file may be; below `SMALL` bytes any times
MOST_TIMES = 100
SMALL = 2**20
PACKINGS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
#: what the head of a file within the archive takes at least
HEAD = 30


@dataclass(frozen=True)
class Member:
    """A file of an archive to come: what it is called, and how to read it when its turn comes."""

    name: str
    open: Callable[[], BinaryIO]
    is_packed: bool = True  # pictures are packed already; text is not


class _Outlet:
    """What zipfile writes to: it hands on what it was given, and keeps nothing."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        found = b"".join(self.parts)
        self.parts.clear()
        return found


def archive(members: Iterable[Member]) -> Iterator[bytes]:
    """The archive in pieces; no more than one of them is in memory.

    A file that cannot be read ends it there: an archive without its end opens nowhere, so nobody
    takes a part for the whole.
    """
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w") as packed:  # type: ignore[call-overload]
        for member in members:
            entry = zipfile.ZipInfo(member.name, date_time=now().timetuple()[:6])
            entry.compress_type = zipfile.ZIP_STORED if member.is_packed else zipfile.ZIP_DEFLATED
            with member.open() as source, packed.open(entry, "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK):
                    target.write(chunk)
                    yield outlet.take()
    yield outlet.take()


class ArchiveRefused(Exception):  # noqa: N818 - a refusal in the words of whoever reads it
    """The archive is not read any further; `code` is stable, `detail` for people."""

    def __init__(self, code: str, detail: str, name: str = "") -> None:
        super().__init__(detail)
        self.code, self.detail, self.name = code, detail, name[:200]


class _Watched:
    """A file that is never read in one piece so large that memory would not hold it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, lambda: None

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            here = self._file.tell()
            size = self._file.seek(0, 2) - here
            self._file.seek(here)
        if size > LARGEST_DIRECTORY:
            raise ArchiveRefused("too_many_files", "Its list of contents is too long.")
        return self._file.read(size)


class Archive:
    """Somebody's archive. Nothing is unpacked to where its names say; all limits hold at once."""

    def __init__(self, file: IO[bytes], *, most_files: int, most_bytes: int) -> None:
        """Read the list of contents.

        Raises:
            ArchiveRefused: it is none, or holds what no archive of ours does.
        """
        try:
            self._zip = zipfile.ZipFile(_Watched(file))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
            raise ArchiveRefused("not_an_archive", "This is no archive that can be read.") from None
        found = self._zip.infolist()
        if len(found) > most_files:
            raise ArchiveRefused("too_many_files", f"It has more than {most_files} files.")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in found:
            _require_plain(entry)
            if entry.filename in self._entries:
                words = "Two of its files have the same name."
                raise ArchiveRefused("duplicate_name", words, entry.filename)
            self._entries[entry.filename] = entry
        if sum(entry.file_size for entry in found) > most_bytes:
            words = f"Unpacked it has more than {most_bytes // 2**20} MiB."
            raise ArchiveRefused("too_large_unpacked", words)
        _require_apart(found)

    @property
    def sizes(self) -> Mapping[str, int]:
        """Name and announced size of every file."""
        return {name: entry.file_size for name, entry in self._entries.items()}

    def copy(self, name: str, *, into: IO[bytes], most: int) -> tuple[int, str]:
        """Unpack one file into another. Its size and SHA-256.

        Raises:
            ArchiveRefused: it is not there, is damaged, or larger than `most` or than announced.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise ArchiveRefused("file_missing", "A file is missing.", name)
        digest, size = hashlib.sha256(), 0
        try:
            with self._zip.open(entry) as source:
                while chunk := source.read(CHUNK):
                    size += len(chunk)
                    if size > min(most, entry.file_size):
                        raise ArchiveRefused("file_too_large", "A file is too large.", name)
                    digest.update(chunk)
                    into.write(chunk)
        except ArchiveRefused as refused:
            raise ArchiveRefused(refused.code, refused.detail, name) from None
        except (zipfile.BadZipFile, zipfile.zlib.error, EOFError, RuntimeError, OSError) as error:  # type: ignore[attr-defined]
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's own trouble, not the archive's
            raise ArchiveRefused("damaged", "A file in it is damaged.", name) from None
        if size != entry.file_size:
            raise ArchiveRefused("damaged", "A file in it is cut short.", name)
        return size, digest.hexdigest()


def _require_plain(entry: zipfile.ZipInfo) -> None:
    """Refuse what is no plain file with a plain name, and what grows without measure."""
    name = entry.orig_filename
    parts = name.replace("\\", "/").split("/")
    if "\x00" in name or "\\" in name or ":" in name or not name or parts[0] == "":
        raise ArchiveRefused("unsafe_path", "A file's name leads out of the archive.", name)
    if any(part in {"..", ".", ""} for part in parts[:-1]) or parts[-1] in {"..", "."}:
        raise ArchiveRefused("unsafe_path", "A file's name leads out of the archive.", name)
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG} or entry.is_dir():
        raise ArchiveRefused("not_a_file", "It holds links, folders or devices.", name)
    if entry.flag_bits & 0x1:
        raise ArchiveRefused("encrypted", "It is encrypted.", name)
    if entry.compress_type not in PACKINGS:
        raise ArchiveRefused("packing", "It is packed in a way that is not read here.", name)
    if entry.file_size > SMALL and entry.file_size > MOST_TIMES * max(entry.compress_size, 1):
        raise ArchiveRefused("bomb", "A file would grow beyond measure when unpacked.", name)


def _require_apart(entries: Iterable[zipfile.ZipInfo]) -> None:
    """Refuse files that share their bytes: a few packed ones would unpack to very many."""
    end = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.header_offset < end:
            raise ArchiveRefused("bomb", "Files in it overlap.", entry.filename)
        end = entry.header_offset + HEAD + entry.compress_size
