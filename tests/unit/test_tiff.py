"""TIFFs as other programs write them: read without a change, or refused by name."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gliomake.datasets.tiff import TiffError, read_tiff

MOST = 4096 * 4096
SHORT, LONG = 3, 4
IMAGE = np.random.default_rng(0).integers(0, 256, (32, 48, 3)).cumsum(axis=1).astype(np.uint8)
MASK = np.where(IMAGE[..., 0] > 120, 255, 0).astype(np.uint8)


def grey_tiff(pixels=MASK, *, changes=None, strip=None, then=0, entries=None):
    """Write a grey TIFF of one strip by hand: `changes` are tags to (type, count, value)."""
    strip = pixels.tobytes() if strip is None else strip
    tags = {
        256: (LONG, 1, pixels.shape[1]),
        257: (LONG, 1, pixels.shape[0]),
        258: (SHORT, 1, 8),
        259: (SHORT, 1, 1),
        262: (SHORT, 1, 1),
        273: (LONG, 1, 8),
        277: (SHORT, 1, 1),
        278: (LONG, 1, pixels.shape[0]),
        279: (LONG, 1, len(strip)),
    } | (changes or {})
    rows = [(tag, *value) for tag, value in sorted(tags.items()) if value] + (entries or [])
    packed = b"".join(
        struct.pack("<HHI", tag, kind, count)
        + (value if isinstance(value, bytes) else struct.pack("<I", value))
        for tag, kind, count, value in rows
    )
    head = b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip
    return head + struct.pack("<H", len(rows)) + packed + struct.pack("<I", then)


def written(pixels, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def saved(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "TIFF", **options)
    return file.getvalue()


def short(value):
    """Name a test by its message, not by a file's bytes."""
    return str(len(value)) if isinstance(value, bytes) else None


def read(data, pixels):
    return read_tiff(data, pixels.shape, MOST)


def test_the_file_written_by_hand_is_sound():
    np.testing.assert_array_equal(read(grey_tiff(), MASK), MASK)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"rowsperstrip": 7},
        {"tile": (16, 32)},
        {"tile": (64, 64)},
        {"rowsperstrip": 7, "compression": "zlib"},
        {"tile": (16, 32), "compression": "zlib", "predictor": True},
    ],
)
def test_lossless_files_are_read_as_they_were_written(byteorder, bigtiff, layout):
    for pixels, photometric in ((IMAGE, "rgb"), (MASK, "minisblack")):
        data = written(
            pixels, photometric=photometric, byteorder=byteorder, bigtiff=bigtiff, **layout
        )
        np.testing.assert_array_equal(read(data, pixels), pixels)


@pytest.mark.parametrize(
    ("compression", "predictor"),
    [("tiff_lzw", 1), ("tiff_lzw", 2), ("tiff_deflate", 1), ("tiff_deflate", 2), ("packbits", 1)],
)
def test_what_other_libraries_compress_is_read(compression, predictor):
    for pixels in (IMAGE, MASK):
        data = saved(pixels, compression=compression, tiffinfo={317: predictor, 278: 5})
        np.testing.assert_array_equal(read(data, pixels), pixels)


def test_a_last_strip_padded_to_the_height_of_the_others_is_read():
    # So the published files are: 24 strips of 11 rows for 256.
    padded = np.concatenate([MASK, MASK[:1]])
    strips = {
        278: (LONG, 1, 33),
        279: (LONG, 1, padded.size),
    }
    data = grey_tiff(MASK, changes=strips, strip=padded.tobytes())
    np.testing.assert_array_equal(read(data, MASK), MASK)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({262: (SHORT, 1, 0)}, "photometric interpretation WhiteIsZero"),
        ({262: (SHORT, 1, 3)}, "photometric interpretation Palette"),
        ({262: (SHORT, 1, 5)}, "photometric interpretation CMYK"),
        ({262: (SHORT, 1, 6)}, "photometric interpretation YCbCr"),
        ({262: (SHORT, 1, 8)}, "photometric interpretation CIELab"),
        ({262: (SHORT, 1, 2)}, "photometric interpretation RGB"),
        ({262: (SHORT, 1, 777)}, "photometric interpretation 777"),
        ({274: (SHORT, 1, 6)}, "Orientation 6"),
        ({266: (SHORT, 1, 2)}, "FillOrder 2"),
        ({284: (SHORT, 1, 2)}, "PlanarConfiguration 2"),
        ({338: (SHORT, 1, 2)}, "ExtraSamples"),
        ({338: (SHORT, 1, 0)}, "ExtraSamples"),
        ({254: (LONG, 1, 1)}, "NewSubfileType 1"),
        ({254: (LONG, 1, 4)}, "NewSubfileType 4"),
        ({330: (LONG, 1, 8)}, "SubIFDs"),
        ({32997: (LONG, 1, 2)}, "ImageDepth 2"),
        ({33629: (LONG, 1, 2)}, "MetaMorph stack"),
        ({259: (SHORT, 1, 5), 317: (SHORT, 1, 3)}, "Predictor 3"),
        ({317: (SHORT, 1, 2)}, "a predictor with compression none"),
        ({259: (SHORT, 1, 7)}, "compression JPEG"),
        ({259: (SHORT, 1, 50000)}, "compression Zstandard"),
        ({259: (SHORT, 1, 999)}, "compression 999"),
        ({258: (SHORT, 1, 16)}, "32x48 uint16"),
        ({258: (SHORT, 1, 1)}, "32x48 uint1"),
        ({258: None}, "32x48 uint1"),
        ({258: (SHORT, 1, 32), 339: (SHORT, 1, 3)}, "32x48 float32"),
        ({339: (SHORT, 1, 2)}, "32x48 int8"),
        ({277: (SHORT, 1, 2)}, "32x48x2 uint8"),
        ({257: (LONG, 1, 31)}, "31x48 uint8"),
        ({257: (LONG, 1, 2**31)}, r"2147483648x48 uint8 \(more than limits.slice_pixels"),
        ({257: (LONG, 1, 0)}, "0x48 uint8"),
    ],
)
def test_what_does_not_stand_for_itself_is_refused_by_name(changes, found):
    with pytest.raises(TiffError, match=f"^found {found}"):
        read(grey_tiff(changes=changes), MASK)


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA", "CMYK", "YCbCr", "L", "1", "I;16", "F"])
def test_no_mode_of_another_library_is_taken_for_colours(mode):
    source = Image.fromarray(IMAGE)
    file = io.BytesIO()
    (source.convert("L") if mode in ("I;16", "F") else source).convert(mode).save(file, "TIFF")
    with pytest.raises(TiffError):
        read(file.getvalue(), IMAGE)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (written(np.stack([IMAGE] * 2), photometric="rgb"), "more than one page"),
        (written(np.stack([MASK] * 3), imagej=True), "more than one page"),
        (
            written(np.stack([MASK] * 3), truncate=True, photometric="minisblack"),
            "a stack of 3 planes",
        ),
        (written(np.moveaxis(IMAGE, -1, 0), photometric="rgb"), "PlanarConfiguration 2"),
        (b"\x89PNG\r\n\x1a\n", "a PNG named .tif"),
        (b"\xff\xd8\xff\xe0", "a JPEG named .tif"),
    ],
    ids=short,
)
def test_other_files_are_refused_by_name(data, found):
    with pytest.raises(TiffError, match=f"found {found}"):
        read(data, MASK)


def test_an_imagej_stack_of_one_directory_is_refused():
    text = b"ImageJ=1.54\nimages=9\nslices=9\n"
    pixels = MASK.tobytes() + text
    place = struct.pack("<I", 8 + MASK.size)
    changes = {279: (LONG, 1, MASK.size), 270: (2, len(text), place)}
    with pytest.raises(TiffError, match="a stack of 9 planes"):
        read(grey_tiff(changes=changes, strip=pixels), MASK)


def test_a_single_imagej_picture_is_read():
    np.testing.assert_array_equal(read(written(MASK, imagej=True), MASK), MASK)


@pytest.mark.parametrize("then", [8, 8 + MASK.size, 2**32 - 1])
def test_further_pages_are_not_walked_through(then):
    with pytest.raises(TiffError, match="more than one page"):
        read(grey_tiff(then=then), MASK)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "it is empty"),
        (b"II", "does not begin like a TIFF"),
        (b"not a TIFF at all", "does not begin like a TIFF"),
        (b"II*\0\xff\xff\xff\xff", "directory lies beyond"),
        (grey_tiff()[:-1], "directory lies beyond"),
        (b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**62), "directory entries"),
        (b"II+\0\x08\0\0\0" + b"\xff" * 8, "directory lies beyond"),
        (
            b"II+\0\x08\0\0\0" + struct.pack("<QQHHQQ", 16, 1, 273, 16, 3, 2**64 - 2),
            "directory lies beyond",
        ),
        (grey_tiff(changes={262: None}), "tag 262 is missing"),
        (grey_tiff(changes={273: None}), "tag 273 is missing"),
        (grey_tiff(changes={279: None}), "1 strips and 0 sizes of them, not 1"),
        (grey_tiff(changes={278: (LONG, 1, 8)}), "1 strips and 1 sizes of them, not 4"),
        (grey_tiff(changes={278: (LONG, 1, 0)}), "a strip of 0x48 pixels"),
        (grey_tiff(changes={273: (LONG, 1, 0)}), "strip 1 of 1 overlaps"),
        (grey_tiff(changes={273: (LONG, 1, 10**6)}), "strip 1 of 1 ends beyond its last byte"),
        (grey_tiff(changes={279: (LONG, 1, 2**32 - 1)}), "strip 1 of 1 ends beyond"),
        (grey_tiff(changes={279: (LONG, 1, MASK.size - 1)}), "strip 1, ValueError: 1535 bytes"),
        (grey_tiff(changes={274: (99, 1, 6)}), "tag 274 of type 99"),
        (grey_tiff(changes={270: (SHORT, 1, 999)}), "tag 270 of type 3"),
        (grey_tiff(changes={274: (SHORT, 0, 6)}), "tag 274 of type 3 and 0 values"),
        (grey_tiff(changes={273: (LONG, 2**31, 8)}), "2147483648 values of tag 273"),
        (grey_tiff(entries=[(262, SHORT, 1, 0)]), "tag 262 .* or twice"),
        (
            grey_tiff(
                changes={
                    322: (LONG, 1, 2**31),
                    323: (LONG, 1, 2**31),
                    324: (LONG, 1, 8),
                    325: (LONG, 1, 64),
                }
            ),
            "a tile of 2147483648x2147483648 pixels",
        ),
    ],
    ids=short,
)
def test_damage_is_named(data, found):
    with pytest.raises(TiffError, match=rf"unreadable file \(.*{found}.*restore it"):
        read(data, MASK)


def test_strips_that_overlap_are_damage():
    data = bytearray(written(MASK, rowsperstrip=16))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tag = file.pages[0].tags[273]
        first, second = tag.value
    place = bytes(data).index(struct.pack("<II", first, second))
    data[place : place + 8] = struct.pack("<II", first, first + 1)
    with pytest.raises(TiffError, match="strip 2 of 2 overlaps"):
        read(bytes(data), MASK)


@pytest.mark.parametrize(
    "packed",
    [
        zlib.compress(MASK.tobytes())[:-4],
        zlib.compress(MASK.tobytes()[:-1]),
        zlib.compress(MASK.tobytes() + b"x"),
        zlib.compress(MASK.tobytes())[:-4] + b"\0\0\0\0",
        b"not deflate",
    ],
    ids=short,
)
def test_deflate_ends_with_its_own_checksum_at_the_declared_size(packed):
    with pytest.raises(TiffError, match="unreadable file"):
        read(grey_tiff(changes={259: (SHORT, 1, 8)}, strip=packed), MASK)


def test_a_bomb_takes_no_memory():
    bomb = zlib.compress(bytes(1 << 24))
    data = grey_tiff(changes={259: (SHORT, 1, 8)}, strip=bomb)
    tracemalloc.start()
    with pytest.raises(TiffError, match="does not inflate to 1536 bytes"):
        read(data, MASK)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize("code", [5, 32773])
def test_too_few_packed_bytes_are_damage(code):
    with pytest.raises(TiffError, match="unreadable file"):
        read(grey_tiff(changes={259: (SHORT, 1, code)}, strip=b"\x80\0\x40\x50"), MASK)


def test_the_limit_holds_for_a_picture_of_the_right_size():
    with pytest.raises(TiffError, match=r"1536 pixels.*at most 1535 \(limits.slice_pixels\)"):
        read_tiff(grey_tiff(), MASK.shape, 1535)


SOUND = [
    (written(IMAGE, photometric="rgb", compression="zlib", tile=(16, 16)), IMAGE),
    (written(MASK, rowsperstrip=7), MASK),
    (saved(MASK, compression="tiff_lzw"), MASK),
]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(SOUND),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, 9000),
)
def test_no_bytes_end_in_another_error(sound, changes, cut):
    data, pixels = bytearray(sound[0]), sound[1]
    for place, value in changes:
        data[(-place if place % 2 else place) % len(data)] = value
    try:
        found = read(bytes(data[: len(data) - cut]) if cut > 8000 else bytes(data), pixels)
    except TiffError as error:
        assert error.found and error.expected and error.advice
    else:
        assert (found.shape, found.dtype) == (pixels.shape, np.uint8)
