"""What bytes are, by the bytes themselves, and the small pictures made of them."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Literal

import av
import av.error
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from genproj.kernel.formats import NotMedia, require_whole, sniff

__all__ = [
    "Measured",
    "NotMedia",
    "Rendition",
    "Renditions",
    "measure",
    "renditions",
    "sniff",
    "stripped",
]

Kind = Literal["image", "video"]

THUMB = 320
PREVIEW = 1280
POSTER = 1920
QUALITY = 80
# Pictures larger than this are not even opened for renditions, whatever measured them.
MOST_PIXELS = 200_000_000
MOST_FRAMES = 2_000
# All frames of a moving picture lie in memory, four bytes to a pixel, while it is encoded anew.
MOST_MOVING_PIXELS = 100_000_000

# Pillow's own alarm is a process-wide warning; pixels are counted here instead, before decoding.
Image.MAX_IMAGE_PIXELS = None

# content type -> Pillow's format, extension
IMAGES = {
    "image/png": ("PNG", "png"),
    "image/jpeg": ("JPEG", "jpg"),
    "image/webp": ("WEBP", "webp"),
    "image/gif": ("GIF", "gif"),
    "image/avif": ("AVIF", "avif"),
}
# content type -> libav's demuxer, muxer, extension. The demuxer is named, never guessed: some
# (playlists) would open further addresses.
VIDEOS = {
    "video/mp4": ("mov", "mp4", "mp4"),
    "video/quicktime": ("mov", "mov", "mov"),
    "video/webm": ("matroska", "webm", "webm"),
}

_BROKEN_IMAGE = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
    RuntimeError,
)
_BROKEN_VIDEO = (av.error.FFmpegError, ValueError, IndexError, OSError, EOFError, MemoryError)


@dataclass(frozen=True)
class Measured:
    """Width and height in pixels, duration in seconds (None for pictures)."""

    content_type: str
    extension: str
    width: int
    height: int
    duration: float | None
    kind: Kind


@dataclass(frozen=True)
class Rendition:
    bytes: bytes
    content_type: str
    width: int
    height: int


@dataclass(frozen=True)
class Renditions:
    """Thumb and preview, the average colour as "#rrggbb", and a film's poster frame."""

    thumb: Rendition
    preview: Rendition
    colour: str
    poster: Rendition | None = None


def measure(file: BinaryIO, *, max_pixels: int) -> Measured:
    """Type, size and length of a picture or film, decided by its bytes.

    `max_pixels` bounds width times height. Headers, checksums and the end of the file are read;
    pixels are not, apart from a film's first frame. Raises NotMedia for anything else, and for
    a file that was cut short.
    """
    content_type = sniff(file)
    file.seek(0)
    if content_type in VIDEOS:
        return _measured_film(file, content_type, max_pixels)
    with _opened(file, content_type, max_pixels) as image:
        width, height = image.size
        try:
            # Only PNG carries checksums; for the others this costs and does nothing.
            image.verify()
        except _BROKEN_IMAGE as error:
            raise NotMedia("the picture is damaged") from error
    require_whole(file, content_type)
    return Measured(content_type, IMAGES[content_type][1], width, height, None, "image")


def renditions(file: BinaryIO, content_type: str) -> Renditions:
    """Small pictures, all WEBP: thumb up to 320 px, preview up to 1280, poster up to 1920.

    `content_type` is what `measure` found. Raises NotMedia when the pixels cannot be decoded.
    """
    file.seek(0)
    if content_type in VIDEOS:
        frame = _frame(file, content_type)
        poster = _rendition(frame, POSTER)
    else:
        with _opened(file, content_type, MOST_PIXELS) as image:
            frame = _flat(image, PREVIEW)
        poster = None
    preview = _rendition(frame, PREVIEW)
    thumb = _rendition(frame, THUMB)
    # Weighted by opacity, so that what cannot be seen does not colour the placeholder.
    average = frame.convert("RGBa").resize((1, 1), Image.Resampling.BOX).convert("RGBA")
    red, green, blue = average.tobytes()[:3]
    return Renditions(thumb, preview, f"#{red:02x}{green:02x}{blue:02x}", poster)


def stripped(file: BinaryIO, content_type: str) -> bytes:
    """The same picture or film without anything else that was in the file.

    Pictures are encoded anew, upright and in sRGB; films keep their encoded picture and sound.
    Raises NotMedia when they cannot be decoded.
    """
    file.seek(0)
    if content_type in VIDEOS:
        return _remuxed(file, content_type)
    with _opened(file, content_type, MOST_PIXELS) as image:
        try:
            return _reencoded(image, content_type)
        except _BROKEN_IMAGE as error:
            raise NotMedia("the picture is damaged") from error


# ── pictures ──────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _opened(file: BinaryIO, content_type: str, max_pixels: int) -> Iterator[Image.Image]:
    if content_type not in IMAGES:
        raise NotMedia(f"{content_type} is not kept")
    try:
        image: Image.Image = Image.open(file, formats=[IMAGES[content_type][0]])
    except _BROKEN_IMAGE as error:
        raise NotMedia("the picture is damaged") from error
    # Leaving the context frees the pixels; close() would close the caller's file as well.
    with image:
        if image.width * image.height > max_pixels:
            raise NotMedia(f"{image.width}x{image.height} is over {max_pixels} pixels")
        yield image


def _flat(image: Image.Image, longest: int) -> Image.Image:
    """The first frame, upright, as RGB or RGBA, not much larger than needed."""
    try:
        image.draft("RGB", (longest, longest))
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=2.0)
        return _drawable(upright)
    except _BROKEN_IMAGE as error:
        raise NotMedia("the picture cannot be decoded") from error


def _drawable(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256, "L")
    if image.mode in ("RGB", "RGBA"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _rendition(frame: Image.Image, longest: int) -> Rendition:
    small = frame.copy()
    small.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=QUALITY, method=2)
    return Rendition(out.getvalue(), "image/webp", small.width, small.height)


def _reencoded(image: Image.Image, content_type: str) -> bytes:
    frames, durations = [], []
    for frame in _frames(image, content_type):
        frames.append(_plain(frame, content_type))
        durations.append(int(frame.info.get("duration", 100)) or 100)
    out = io.BytesIO()
    options: dict[str, object] = {"quality": 95} if content_type != "image/png" else {}
    if len(frames) > 1:
        options |= {
            "save_all": True,
            "append_images": frames[1:],
            "duration": durations,
            "loop": int(image.info.get("loop", 0)),
        }
    frames[0].save(out, IMAGES[content_type][0], **options)
    return out.getvalue()


def _frames(image: Image.Image, content_type: str) -> Iterator[Image.Image]:
    """The picture at each of its frames, in turn.

    They are counted as they come: a file of a few megabytes may hold more than memory does. What
    else a JPEG holds (depth, brightness) is no frame of a moving picture.
    """
    yield image
    pixels = image.width * image.height
    for number in range(1, 1 if content_type == "image/jpeg" else MOST_FRAMES + 1):
        try:
            image.seek(number)
        except EOFError:
            return
        if number == MOST_FRAMES or (number + 1) * pixels > MOST_MOVING_PIXELS:
            raise NotMedia(f"{number + 1} frames of {image.width}x{image.height} are too many")
        yield image


def _plain(image: Image.Image, content_type: str) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    profile = image.info.get("icc_profile")
    if profile and upright.mode in ("RGB", "RGBA"):
        try:
            found = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(upright, found, ImageCms.createProfile("sRGB"))
            upright = converted or upright
        except (ImageCms.PyCMSError, OSError):
            # An unreadable profile says nothing; the numbers are taken as sRGB.
            pass
    # JPEG knows neither transparency nor palettes.
    pixels = upright.convert("RGB") if content_type == "image/jpeg" else upright.copy()
    transparency = pixels.info.get("transparency")
    pixels.info = {} if transparency is None else {"transparency": transparency}
    return pixels


# ── films ─────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _container(file: BinaryIO, content_type: str) -> Iterator[av.container.InputContainer]:
    try:
        with av.open(file, "r", format=VIDEOS[content_type][0]) as container:
            yield container
    except _BROKEN_VIDEO as error:
        raise NotMedia("the film cannot be decoded") from error


def _pictures_of(container: av.container.InputContainer) -> av.VideoStream:
    for stream in container.streams.video:
        # A stream in a coding that libav does not know has no context, and no size either.
        if getattr(stream, "codec_context", None) is not None:
            return stream
    raise NotMedia("no picture in the film")


def _measured_film(file: BinaryIO, content_type: str, max_pixels: int) -> Measured:
    require_whole(file, content_type)
    file.seek(0)
    with _container(file, content_type) as container:
        stream = _pictures_of(container)
        width, height = stream.width, stream.height
        if not width or not height or width * height > max_pixels:
            raise NotMedia(f"{width}x{height} is no size for a film")
        duration = _seconds(container)
        next(container.decode(stream), None)
    extension = VIDEOS[content_type][2]
    return Measured(content_type, extension, width, height, duration, "video")


def _seconds(container: av.container.InputContainer) -> float | None:
    if container.duration:
        return round(container.duration / av.time_base, 3)
    stream = container.streams.video[0]
    if stream.duration and stream.time_base:
        return round(float(stream.duration * stream.time_base), 3)
    return None


def _frame(file: BinaryIO, content_type: str) -> Image.Image:
    """A frame a tenth into the film: the first is often black."""
    with _container(file, content_type) as container:
        stream = _pictures_of(container)
        wanted = (container.duration or 0) // 10
        found = None
        for frame in container.decode(stream):
            found = frame
            if frame.time is None or frame.time * av.time_base >= wanted or frame.time > 3:
                break
        if found is None:
            raise NotMedia("no frame in the film")
        picture: Image.Image = found.to_image()  # type: ignore[no-untyped-call]
        return picture


def _remuxed(file: BinaryIO, content_type: str) -> bytes:
    out = io.BytesIO()
    with (
        _container(file, content_type) as source,
        av.open(out, "w", format=VIDEOS[content_type][1]) as target,
    ):
        kept = [one for one in source.streams.get() if getattr(one, "codec_context", None)]
        kept = [one for one in kept if one.type in ("video", "audio")]
        copies = {one.index: target.add_stream_from_template(one) for one in kept}
        for copy in copies.values():
            copy.metadata.clear()
        for packet in source.demux(kept):
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                target.mux(packet)
    return out.getvalue()
