"""What bytes are: pictures and films made here, then cut, bent and dressed up."""

import io
import struct
import zlib

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from genproj.kernel import media

MANY = 50_000_000
# saved as -> content type, extension
FORMATS = {
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "WEBP": ("image/webp", "webp"),
    "GIF": ("image/gif", "gif"),
    "AVIF": ("image/avif", "avif"),
}
FILMS = {
    "mp4": ("libx264", "video/mp4", "mp4"),
    "mov": ("libx264", "video/quicktime", "mov"),
    "webm": ("libvpx-vp9", "video/webm", "webm"),
}


def picture(size=(300, 200), mode="RGB"):
    noise = Image.effect_noise(size, 60)
    red = Image.new("L", size, 200)
    return Image.merge("RGB", (red, noise, noise)).convert(mode)


def saved(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def film(form, seconds=2, size=(320, 180)):
    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        container.metadata["title"] = "who made it"
        stream = container.add_stream(FILMS[form][0], rate=24)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(24 * seconds):
            shade = (0, 0, 0) if number == 0 else (200, 40, 40)
            for packet in stream.encode(av.VideoFrame.from_image(Image.new("RGB", size, shade))):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return out.getvalue()


PICTURES = {form: saved(picture(), form) for form in FORMATS}
MOVIES = {form: film(form) for form in FILMS}


def measure(body, max_pixels=MANY):
    return media.measure(io.BytesIO(body), max_pixels=max_pixels)


def issues(body, max_pixels=MANY):
    with pytest.raises(media.NotMedia) as refused:
        measure(body, max_pixels)
    assert refused.value.issues
    return refused.value.issues


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_is_what_its_bytes_say(form):
    content_type, extension = FORMATS[form]
    found = measure(PICTURES[form])
    assert found == media.Measured(content_type, extension, 300, 200, None, "image")


@pytest.mark.parametrize("form", FILMS)
def test_a_film_is_what_its_bytes_say(form):
    _, content_type, extension = FILMS[form]
    found = measure(MOVIES[form])
    assert (found.content_type, found.extension, found.kind) == (content_type, extension, "video")
    assert (found.width, found.height) == (320, 180)
    assert found.duration == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("body", [*PICTURES.values(), *MOVIES.values()], ids=[*PICTURES, *MOVIES])
@pytest.mark.parametrize("left", [0.1, 0.5, 0.9, -100, -10, -1])
def test_a_file_that_was_cut_is_found_out(body, left):
    issues(body[: int(len(body) * left) if left > 0 else left])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"<html><body>502 Bad Gateway</body></html>",
        b"not an image",
        b"%PDF-1.7",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"#EXTM3U\nhttp://127.0.0.1/",
        b"BM" + b"\0" * 60,
        b"\x00\x00\x00\x18ftypheic" + b"\0" * 40,
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
        b"\xff\xd8\xff\xd9",
        b"GIF89a;",
        b"RIFF\x04\0\0\0WEBP",
        b"\x1a\x45\xdf\xa3" + b"\0" * 50,
        b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00",
        b"\x00\x00\x00\x10ftypavif\x00\x00\x00\x00",
    ],
)
def test_what_is_no_picture_is_refused(body):
    issues(body)


def test_a_broken_checksum_is_found_out():
    body = bytearray(PICTURES["PNG"])
    body[len(body) // 2] ^= 0xFF
    assert issues(bytes(body)) == ["the picture is damaged"]


def chunk(name, content):
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def test_a_small_file_that_unpacks_to_a_huge_picture_is_refused_unopened():
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    body += chunk(b"IDAT", zlib.compress(b"\0" * 100_000)) + chunk(b"IEND", b"")
    assert issues(body) == ["100000x100000 is over 50000000 pixels"]
    with pytest.raises(media.NotMedia):
        media.renditions(io.BytesIO(body), "image/png")


def test_text_that_unpacks_without_end_is_refused():
    bomb = b"Comment\0\0" + zlib.compress(b"a" * 300_000_000, 9)
    body = PICTURES["PNG"]
    at = body.index(b"IDAT") - 4
    issues(body[:at] + chunk(b"zTXt", bomb) + body[at:])


@pytest.mark.parametrize("body", [PICTURES["PNG"], MOVIES["mp4"]], ids=["picture", "film"])
def test_the_cap_on_pixels_is_exact(body):
    found = measure(body)
    pixels = found.width * found.height
    assert measure(body, max_pixels=pixels)
    issues(body, max_pixels=pixels - 1)


def test_the_file_stays_open_and_usable():
    file = io.BytesIO(PICTURES["PNG"])
    media.measure(file, max_pixels=MANY)
    media.renditions(file, "image/png")
    file.seek(0)
    assert file.read() == PICTURES["PNG"]


damage = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), min_size=1, max_size=6)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*PICTURES, *MOVIES]), damage)
def test_no_damage_leads_to_anything_but_a_finding(form, changes):
    damaged = bytearray({**PICTURES, **MOVIES}[form])
    for at, value in changes:
        damaged[at % len(damaged)] = value
    try:
        found = measure(bytes(damaged))
        media.renditions(io.BytesIO(damaged), found.content_type)
    except media.NotMedia:
        return
    assert found.width * found.height <= MANY


# ── renditions ────────────────────────────────────────────────────────────────────────────────


def opened(rendition):
    image = Image.open(io.BytesIO(rendition.bytes))
    image.load()
    assert (image.format, rendition.content_type) == ("WEBP", "image/webp")
    assert image.size == (rendition.width, rendition.height)
    return image


@pytest.mark.parametrize("form", FORMATS)
def test_renditions_fit_and_keep_the_shape(form):
    body = saved(picture((2000, 1000)), form)
    made = media.renditions(io.BytesIO(body), FORMATS[form][0])
    assert opened(made.thumb).size == (320, 160)
    assert opened(made.preview).size == (1280, 640)
    assert made.poster is None


def test_a_small_picture_is_not_blown_up():
    made = media.renditions(io.BytesIO(saved(picture((40, 20)), "PNG")), "image/png")
    assert opened(made.thumb).size == opened(made.preview).size == (40, 20)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixel_can_be_shown(mode):
    image = Image.new("I;16", (30, 20), 40_000) if mode == "I;16" else picture((30, 20), mode)
    made = media.renditions(io.BytesIO(saved(image, "PNG")), "image/png")
    assert opened(made.thumb).mode in ("RGB", "RGBA")


def test_the_colour_is_the_average_of_what_can_be_seen():
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    image.paste((200, 100, 50, 255), (0, 0, 5, 10))
    colour = media.renditions(io.BytesIO(saved(image, "PNG")), "image/png").colour
    assert colour == "#c86432"
    grey = Image.new("L", (10, 10), 128)
    assert media.renditions(io.BytesIO(saved(grey, "PNG")), "image/png").colour == "#808080"


def test_transparency_is_kept():
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    made = media.renditions(io.BytesIO(saved(image, "PNG")), "image/png")
    assert opened(made.preview).mode == "RGBA"


def test_a_picture_that_lies_on_its_side_is_set_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    body = saved(picture((40, 20)), "JPEG", exif=exif)
    assert opened(media.renditions(io.BytesIO(body), "image/jpeg").preview).size == (20, 40)


@pytest.mark.parametrize("form", FILMS)
def test_a_film_has_a_poster_that_is_not_its_black_first_frame(form):
    made = media.renditions(io.BytesIO(MOVIES[form]), FILMS[form][1])
    assert opened(made.poster).size == (320, 180)
    assert int(made.colour[1:3], 16) > 150
    assert opened(made.thumb).size == (320, 180)


def test_pixels_that_cannot_be_decoded_are_a_finding():
    body = saved(picture((300, 200)), "JPEG")
    with pytest.raises(media.NotMedia):
        media.renditions(io.BytesIO(body[: len(body) // 2]), "image/jpeg")
    with pytest.raises(media.NotMedia):
        media.renditions(io.BytesIO(b"text"), "text/html")


# ── uploads ───────────────────────────────────────────────────────────────────────────────────


def dressed(form):
    """A picture with a place, an author and a comment in every pocket."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x013B] = "Secret Author"
    exif.get_ifd(0x8825)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options = {"exif": exif, "icc_profile": profile}
    if form == "JPEG":
        options["comment"] = "Secret Author"
    if form == "GIF":
        options = {"comment": b"Secret Author"}
    return saved(picture((40, 20)), form, **options)


@pytest.mark.parametrize("form", FORMATS)
def test_an_upload_loses_all_but_its_pixels(form):
    body = dressed(form)
    assert b"Secret" in body
    bare = media.stripped(io.BytesIO(body), FORMATS[form][0])
    assert b"Secret" not in bare
    found = measure(bare)
    assert found.content_type == FORMATS[form][0]
    assert (found.width, found.height) == ((40, 20) if form == "GIF" else (20, 40))
    with Image.open(io.BytesIO(bare)) as image:
        assert not image.getexif()
        assert not {"icc_profile", "exif", "comment", "xmp"} & image.info.keys()


def test_a_moving_picture_keeps_moving():
    frames = [Image.new("RGB", (20, 20), (shade, 0, 0)) for shade in (0, 100, 200)]
    body = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=[50, 60, 70])
    with Image.open(io.BytesIO(media.stripped(io.BytesIO(body), "image/gif"))) as image:
        assert image.n_frames == 3


def test_transparency_of_an_upload_is_kept():
    image = Image.new("RGBA", (10, 10), (9, 9, 9, 0))
    bare = media.stripped(io.BytesIO(saved(image, "PNG")), "image/png")
    with Image.open(io.BytesIO(bare)) as kept:
        assert kept.getpixel((0, 0))[3] == 0


@pytest.mark.parametrize("form", FILMS)
def test_an_uploaded_film_keeps_picture_and_length_only(form):
    assert b"who made it" in MOVIES[form]
    bare = media.stripped(io.BytesIO(MOVIES[form]), FILMS[form][1])
    assert b"who made it" not in bare
    assert measure(bare).duration == pytest.approx(2, abs=0.1)
