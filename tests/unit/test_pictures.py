"""Pictures as grey bytes: each kind is read right and noted, or refused by name."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

from gliomake.datasets.pictures import FORMATS, NOTES, PictureError, decode
from gliomake.datasets.root import Limits

LIMITS = Limits(slice_pixels=5000)
GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)


def saved(pixels, kind="PNG", **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(bits, colour, rows, *chunks):
    """A PNG by hand: packed rows, and chunks (type, content) before the pixels."""
    width = {(1, 0): 8, (2, 0): 4, (4, 0): 2}.get((bits, colour), 2)

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, len(rows), bits, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [(b"IHDR", head), *chunks, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def oriented(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def luminance(colour):
    return np.asarray(Image.fromarray(colour).convert("L"))


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "JPEG"])
def test_greys_and_colours_come_out_as_stored(kind):
    picture = decode(saved(GREY, kind), LIMITS)
    np.testing.assert_array_equal(picture.grey, GREY)
    assert picture.grey.dtype == np.uint8
    if kind != "GIF":
        np.testing.assert_array_equal(decode(saved(COLOUR, kind), LIMITS).grey, luminance(COLOUR))
        assert picture.notes == ()


def test_jpeg_is_what_pillow_decodes():
    data = saved(COLOUR, "JPEG")
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    np.testing.assert_array_equal(decode(data, LIMITS).grey, expected)


def test_few_bits_are_spread_over_the_bytes_and_noted():
    # Samples 0 1 0 1 ..., 0 1 2 3, 5 10: of full scale 1, 3 and 15.
    for bits, row, expected in (
        (1, 0b01010101, [0, 255] * 4),
        (2, 0b00011011, [0, 85, 170, 255]),
        (4, 0x5A, [85, 170]),
    ):
        picture = decode(png(bits, 0, [bytes([row])]), LIMITS)
        assert picture.grey.tolist() == [expected]
        assert picture.notes == ("few-bits",)


def test_a_palette_gives_its_colours_and_is_noted():
    # Pixel 0 is white and pixel 1 black: what the eye sees is the contrary of the indices.
    data = png(8, 3, [b"\0\1"], (b"PLTE", bytes([255] * 3 + [0] * 3)))
    picture = decode(data, LIMITS)
    assert picture.grey.tolist() == [[255, 0]]
    assert picture.notes == ("palette",)


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_an_exif_orientation_turns_and_is_noted(value, kind):
    data = saved(GREY, kind, exif=oriented(value))
    picture = decode(data, LIMITS)
    seen = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    np.testing.assert_array_equal(picture.grey, seen)
    assert picture.orientation == value
    assert picture.notes == (("exif-orientation",) if value > 1 else ())


def test_a_profile_or_gamma_changes_no_value_and_is_noted():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    gamma = (b"gAMA", struct.pack(">I", 100_000))
    for data in (saved(GREY, icc_profile=profile), png(8, 0, [b"\x10\x20"], gamma)):
        picture = decode(data, LIMITS)
        assert picture.grey.tolist() in (GREY.tolist(), [[16, 32]])
        assert picture.notes == ("colour-profile",)
    usual = (b"gAMA", struct.pack(">I", 45_455))
    assert decode(png(8, 0, [b"\x10\x20"], usual), LIMITS).notes == ()


def test_an_alpha_that_hides_nothing_is_dropped_and_noted():
    grey, colour, opaque = (
        Image.fromarray(GREY),
        Image.fromarray(COLOUR),
        Image.new("L", (4, 3), 255),
    )
    for image, expected in (
        (Image.merge("LA", (grey, opaque)), GREY),
        (Image.merge("RGBA", (*colour.split(), opaque)), luminance(COLOUR)),
    ):
        picture = decode(saved(image), LIMITS)
        np.testing.assert_array_equal(picture.grey, expected)
        assert picture.notes == ("opaque-alpha",)
    unused = (b"tRNS", struct.pack(">H", 77))
    assert decode(png(8, 0, [b"\1\2"], unused), LIMITS).grey.tolist() == [[1, 2]]


def test_each_note_is_a_predicate():
    assert all(text.split()[0] in ("carry", "are", "have") for text in NOTES.values())


def transparent(mode):
    image = Image.fromarray(COLOUR).convert(mode)
    image.putalpha(Image.fromarray(GREY))
    return saved(image)


REFUSED = {
    "16 bits": (saved(np.arange(12, dtype=np.uint16).reshape(3, 4) * 3000), "16 bits a channel"),
    "16 bits of colour": (png(16, 2, [bytes(range(12))]), "16 bits a channel"),
    "16 bits with alpha": (png(16, 4, [bytes(8)]), "16 bits a channel"),
    "32 bits": (saved(np.arange(12, dtype=np.int32).reshape(3, 4), "TIFF"), r"\[32\] bits"),
    "16 bits in TIFF": (saved(GREY.astype(np.uint16), "TIFF"), r"\[16\] bits"),
    "float": (saved(GREY / np.float32(255), "TIFF"), r"sample format \[3\]"),
    "CMYK": (saved(Image.fromarray(COLOUR).convert("CMYK"), "JPEG"), "mode CMYK"),
    "CMYK in TIFF": (saved(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"), "interpretation 5"),
    "YCbCr": (saved(Image.fromarray(COLOUR).convert("YCbCr"), "TIFF"), "interpretation 6"),
    "Lab": (saved(Image.fromarray(COLOUR).convert("LAB"), "TIFF"), "interpretation 8"),
    "transparent grey": (transparent("L"), "transparent pixels"),
    "transparent colour": (transparent("RGB"), "transparent pixels"),
    "a transparent grey value": (
        png(8, 0, [b"\1\2"], (b"tRNS", struct.pack(">H", 2))),
        "transparent pixels",
    ),
    "a transparent palette entry": (
        png(8, 3, [b"\0\1"], (b"PLTE", bytes(6)), (b"tRNS", b"\xff\0")),
        "transparent pixels",
    ),
    "a transparent grey of two bits": (
        png(2, 0, [b"\x1b"], (b"tRNS", struct.pack(">H", 3))),
        "transparent pixels",
    ),
    "GIF of two": (
        saved(GREY, "GIF", save_all=True, append_images=[Image.fromarray(255 - GREY)]),
        "2 pictures in one GIF",
    ),
    "PNG of two": (
        saved(GREY, save_all=True, append_images=[Image.fromarray(255 - GREY)]),
        "2 pictures in one PNG",
    ),
    "TIFF of two": (
        saved(GREY, "TIFF", save_all=True, append_images=[Image.fromarray(255 - GREY)]),
        "2 pictures in one TIFF",
    ),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 3\n%%EOF\n", "not read"),
    "nothing": (b"", "not read"),
    "cut": (saved(GREY)[:50], "damaged"),
    "cut JPEG": (saved(COLOUR, "JPEG")[:-40], "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_bytes_cannot_hold_is_refused_by_name(name):
    data, message = REFUSED[name]
    with pytest.raises(PictureError, match=message) as caught:
        decode(data, LIMITS)
    assert caught.value.expected
    assert caught.value.advice


def test_a_flipped_bit_in_the_pixels_of_a_png_is_found():
    data = saved(np.random.default_rng(0).integers(0, 255, (30, 30), np.uint8))
    for at in range(45, len(data) - 20, 50):
        spoilt = bytearray(data)
        spoilt[at] ^= 4
        with pytest.raises(PictureError, match="damaged"):
            decode(bytes(spoilt), LIMITS)


def tiff(pixels, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def test_white_is_zero_is_turned_round():
    np.testing.assert_array_equal(
        decode(tiff(GREY, photometric="miniswhite"), LIMITS).grey, 255 - GREY
    )


def test_colours_that_are_stored_one_after_the_other_are_read():
    planes = tiff(COLOUR.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(decode(planes, LIMITS).grey, luminance(COLOUR))


def test_a_tiff_of_signed_bytes_or_of_vast_tiles_is_refused():
    with pytest.raises(PictureError, match=r"sample format \[2\]"):
        decode(tiff(GREY.astype(np.int8)), LIMITS)
    with pytest.raises(PictureError, match="tiles of 16384 pixels"):
        decode(tiff(GREY, tile=(128, 128)), LIMITS)


@pytest.mark.parametrize("side", [71, 12_000, 2**31 - 1])
def test_a_size_beyond_the_limit_is_refused_by_the_header(side, monkeypatch):
    data = bytearray(png(8, 0, [b"\0\0"]))
    data[16:24] = struct.pack(">II", side, side)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("pixels were decoded"))
    with pytest.raises(PictureError, match=r"at most 5000 pixels \(limits.slice_pixels\)"):
        decode(bytes(data), LIMITS)


def test_a_limit_above_that_of_pillow_holds(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3)
    assert decode(saved(GREY), Limits(slice_pixels=12)).grey.shape == (3, 4)
    assert Image.MAX_IMAGE_PIXELS == 3


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_text_that_inflates_without_bound_is_refused(kind):
    bomb = b"name\0\0" + zlib.compress(bytes(2**21), 1)
    with pytest.raises(PictureError, match="inflates without bound"):
        decode(png(8, 0, [b"\1\2"], (kind, bomb)), LIMITS)
