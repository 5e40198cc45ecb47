"""A short film from one painted picture: a slow camera move, in the asked container."""

from io import BytesIO
from typing import Any

import av
from PIL import Image

FRAMES_PER_SECOND = 24
LONGEST_SIDE = 1280
CONTAINERS = {"MP4": ("mp4", "libx264"), "MOV": ("mov", "libx264"), "WEBM": ("webm", "libvpx-vp9")}


def filmed(picture: Image.Image, container: str, request: dict[str, Any]) -> bytes:
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    width, height = picture.width // 2 * 2, picture.height // 2 * 2
    count = int(request.get("duration") or 8) * FRAMES_PER_SECOND
    file = BytesIO()
    name, codec = CONTAINERS[container]
    with av.open(file, "w", format=name) as output:
        stream: Any = output.add_stream(codec, rate=FRAMES_PER_SECOND)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {
            "preset": "ultrafast",
            "crf": "26",
            "deadline": "realtime",
            "cpu-used": "8",
        }
        for index in range(count):
            frame = av.VideoFrame.from_image(_framed(picture, index / count, width, height))
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def _framed(picture: Image.Image, moment: float, width: int, height: int) -> Image.Image:
    margin = 0.06 * moment
    left, top = margin * picture.width * 1.3, margin * picture.height
    box = (
        left,
        top,
        picture.width - margin * picture.width * 0.7,
        picture.height - margin * picture.height,
    )
    return picture.resize((width, height), Image.Resampling.BILINEAR, box=box)
