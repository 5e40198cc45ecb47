"""How the files of pictures and films begin and end; pure."""

from typing import BinaryIO

# How a whole file ends.
ENDS = {"image/png": b"IEND\xaeB`\x82", "image/jpeg": b"\xff\xd9", "image/gif": b";"}


class NotMedia(Exception):  # noqa: N818 - a finding about the bytes
    """The bytes are not a picture or film that may be kept; `issues` says why."""

    def __init__(self, *issues: str) -> None:
        super().__init__("; ".join(issues))
        self.issues = list(issues)


def sniff(file: BinaryIO) -> str:
    """The content type that the first bytes tell; NotMedia for every other kind of file."""
    file.seek(0)
    head = file.read(32)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "image/avif"
        if brand in (b"heic", b"heix", b"mif1", b"msf1", b"hevc"):
            raise NotMedia("HEIC pictures cannot be read")
        return "video/quicktime" if brand == b"qt  " else "video/mp4"
    raise NotMedia("neither a picture nor a film" if head else "no bytes")


def require_whole(file: BinaryIO, content_type: str) -> None:
    """Refuse a file that ends too early, by the end that its format prescribes."""
    size = file.seek(0, 2)
    if content_type == "image/webp":
        file.seek(4)
        whole = int.from_bytes(file.read(4), "little") + 8 <= size
    elif content_type in ENDS:
        # Behind the end some writers leave padding or a second picture's index.
        file.seek(max(0, size - 4096))
        tail = file.read(4096).rstrip(b"\0")
        end = ENDS[content_type]
        whole = tail.endswith(end) if len(end) == 1 else end in tail
    elif content_type == "video/webm":
        whole = _whole_segment(file, size)
    else:
        whole = _whole_boxes(file, size)
    if not whole:
        raise NotMedia("the file was cut short")


def _whole_boxes(file: BinaryIO, size: int) -> bool:
    """ISO base media: boxes `size:4 type:4 [size:8]` follow each other to the end (14496-12)."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:
            return True
        if length < 8:
            return False
        at += length
    return at == size


def _whole_segment(file: BinaryIO, size: int) -> bool:
    """Matroska: the header element, then a segment that may leave its size open (RFC 8794)."""
    file.seek(0)
    head = file.read(4096)
    at = 4
    length, width = _vint(head[at:])
    at += width + length
    if head[at : at + 4] != b"\x18\x53\x80\x67":
        return False
    length, width = _vint(head[at + 4 :])
    unknown = length == (1 << (7 * width)) - 1
    return unknown or at + 4 + width + length <= size


def _vint(data: bytes) -> tuple[int, int]:
    if not data or not data[0]:
        return 0, 1
    width = 9 - data[0].bit_length()
    value = int.from_bytes(data[:width], "big") & ((1 << (7 * width)) - 1)
    return value, width
