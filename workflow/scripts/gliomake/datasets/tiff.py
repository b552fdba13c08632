"""TIFF pictures of 8 bits a sample: decoded without changing a value, or refused by name.

Decoders make much into 8-bit grey or RGB without a word: white that is zero, indices of a palette,
the first of several pages, a picture to be turned. So the file's directory is read and checked
here, and what stands for anything but its own values is refused.
"""

import io
import math
import re
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL.TiffImagePlugin import TiffImageFile

RESTORE = "it is damaged: restore it from the download"
SAVE_AGAIN = (
    "restore it from the download, or save it again as a plain TIFF: one page, 8 bits, RGB for an "
    "image, grey with 0 and 255 for a mask"
)

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_DESCRIPTION, _SAMPLES, _ROWS, _PREDICTOR, _FORMAT = 270, 277, 278, 317, 339
_STRIPS, _STRIP_BYTES, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 273, 279, 322, 323, 324, 325
# What may stand in a tag where it is there at all, and how a reader knows the tag.
_PLAIN: dict[int, tuple[str, tuple[int, ...]]] = {
    254: ("NewSubfileType", (0, 2)),
    266: ("FillOrder", (1,)),
    274: ("Orientation", (1,)),
    284: ("PlanarConfiguration", (1,)),
    _PREDICTOR: ("Predictor", (1, 2)),
    32997: ("ImageDepth", (1,)),
    330: ("SubIFDs", ()),
    338: ("ExtraSamples (alpha)", ()),
    33628: ("MetaMorph stack", ()),
    33629: ("MetaMorph stack", ()),
    34412: ("Zeiss LSM stack", ()),
}
_PHOTOMETRIC_NAMES = {
    0: "WhiteIsZero",
    1: "BlackIsZero",
    2: "RGB",
    3: "Palette",
    4: "TransparencyMask",
    5: "CMYK",
    6: "YCbCr",
    8: "CIELab",
    9: "ICCLab",
    10: "ITULab",
    32803: "ColorFilterArray",
    34892: "LinearRaw",
}
_LOSSLESS = {1: "none", 5: "LZW", 8: "deflate", 32773: "PackBits", 32946: "deflate"}
_COMPRESSION_NAMES = _LOSSLESS | {
    2: "CCITT RLE",
    3: "CCITT T.4",
    4: "CCITT T.6",
    6: "JPEG (old)",
    7: "JPEG",
    34712: "JPEG 2000",
    34887: "LERC",
    34925: "LZMA",
    50000: "Zstandard",
    50001: "WebP",
}
_FORMAT_NAMES = {1: "uint", 2: "int", 3: "float", 4: "undefined", 5: "complex int", 6: "complex"}
_OTHER_FILES = {b"\x89PNG": "a PNG", b"\xff\xd8\xff": "a JPEG", b"GIF8": "a GIF", b"BM": "a BMP"}
# struct's letter for each type of a tag that matters here.
_TYPES = {1: "B", 2: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q", 18: "Q"}
_BYTES = (1, 2, 7)
_KNOWN = {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _DESCRIPTION, _SAMPLES, _ROWS}
_KNOWN |= {_FORMAT, _STRIPS, _STRIP_BYTES, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, *_PLAIN}
_MOST_ENTRIES, _MOST_VALUES = 4096, 1 << 20

Tags = dict[int, tuple[int, ...]]


class TiffError(ValueError):
    """A TIFF that is damaged, or that holds something other than plain 8-bit values.

    Parameters
    ----------
    found, expected : str
        What the file holds and what it should.
    advice : str
        What the user can do.
    """

    def __init__(self, found: str, expected: str, advice: str = SAVE_AGAIN) -> None:
        super().__init__(f"found {found}, expected {expected}; {advice}")
        self.found = found
        self.expected = expected
        self.advice = advice


def read_tiff(data: bytes, shape: tuple[int, ...], max_pixels: int) -> np.ndarray:
    """Read a picture of a known shape; nothing is allocated before all of it is checked.

    Little and big endian, classic and BigTIFF, strips and tiles, uncompressed or compressed
    without loss (LZW, deflate, PackBits) are read.

    Parameters
    ----------
    data : bytes
        The file.
    shape : tuple of int
        Height and width of a grey picture; height, width and 3 of one in colours. Pixels.
    max_pixels : int
        The most pixels that are unpacked.

    Returns
    -------
    ndarray of uint8
        The values as stored, of this shape.

    Raises
    ------
    TiffError
        The file is damaged, is of another shape or type, or its values do not stand for
        themselves.
    """
    try:
        tags = _directory(data)
    except (struct.error, OverflowError) as error:
        raise _damage("its directory lies beyond its last byte") from error
    _check_meaning(tags, "RGB" if len(shape) == 3 else "BlackIsZero")
    _check_shape(tags, shape, max_pixels)
    return _unpack(data, _layout(tags, len(data), max_pixels), tags).reshape(shape)


def _damage(what: str) -> TiffError:
    return TiffError(f"an unreadable file ({what})", "a TIFF", RESTORE)


def _directory(data: bytes) -> Tags:
    """Read the tags that matter from the only directory of a file."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    version = struct.unpack_from(f"{order}H", data, 2)[0] if order and len(data) > 3 else None
    if version not in (42, 43):
        kinds = [kind for start, kind in _OTHER_FILES.items() if data.startswith(start)]
        if kinds:
            raise TiffError(f"{kinds[0]} named .tif", "a TIFF")
        raise _damage("it does not begin like a TIFF" if data else "it is empty")
    big = version == 43
    (at,) = struct.unpack_from(f"{order}Q" if big else f"{order}I", data, 8 if big else 4)
    (entries,) = struct.unpack_from(f"{order}Q" if big else f"{order}H", data, at)
    if not 0 < entries <= _MOST_ENTRIES:
        raise _damage(f"{entries} directory entries")
    at += 8 if big else 2
    head, place, inline = (
        (f"{order}HHQ", f"{order}Q", 8) if big else (f"{order}HHI", f"{order}I", 4)
    )
    tags: Tags = {}
    for _ in range(entries):
        tag, kind, count = struct.unpack_from(head, data, at)
        at += struct.calcsize(head)
        if tag in _KNOWN:
            wanted = _BYTES if tag == _DESCRIPTION else _TYPES
            if kind not in wanted or not count or tag in tags:
                raise _damage(f"tag {tag} of type {kind} and {count} values, or twice")
            count = min(count, 4096) if tag == _DESCRIPTION else count
            if count > _MOST_VALUES:
                raise _damage(f"{count} values of tag {tag}")
            code = f"{order}{count}{_TYPES[kind]}"
            (start,) = (
                (at,) if struct.calcsize(code) <= inline else struct.unpack_from(place, data, at)
            )
            tags[tag] = struct.unpack_from(code, data, start)
        at += inline
    if struct.unpack_from(place, data, at)[0]:
        raise TiffError("more than one page", "a single one")
    return tags


def _one(tags: Tags, tag: int) -> int:
    """Return the value of a tag that a plain TIFF must have."""
    if tag not in tags:
        raise _damage(f"tag {tag} is missing")
    return tags[tag][0]


def _check_meaning(tags: Tags, photometric: str) -> None:
    """Check that the values stand for nothing but themselves."""
    code = _one(tags, _PHOTOMETRIC)
    known = _PHOTOMETRIC_NAMES.get(code, str(code))
    in_colours = tags.get(_SAMPLES, (1,)) == (3,)
    # Grey where colours are wanted, or the reverse, is better said by the shape.
    said_by_shape = known in ("RGB", "BlackIsZero") and in_colours != (photometric == "RGB")
    if known != photometric and not said_by_shape:
        raise TiffError(f"photometric interpretation {known}", photometric)
    for tag, (name, allowed) in _PLAIN.items():
        for value in tags.get(tag, ()):
            if value not in allowed:
                expected = f"{name} {allowed[0]}, or none" if allowed else f"no {name}"
                raise TiffError(f"{name} {value}" if allowed else name, expected)
    compression = _one(tags, _COMPRESSION)
    if compression not in _LOSSLESS:
        named = _COMPRESSION_NAMES.get(compression, str(compression))
        raise TiffError(f"compression {named}", "none, LZW, deflate or PackBits")
    if tags.get(_PREDICTOR, (1,)) != (1,) and _LOSSLESS[compression] not in ("LZW", "deflate"):
        raise TiffError(
            f"a predictor with compression {_LOSSLESS[compression]}", "it with LZW or deflate alone"
        )
    planes = _described_planes(bytes(tags.get(_DESCRIPTION, ())), tags)
    if planes > 1:
        raise TiffError(f"a stack of {planes} planes", "a single one")


def _described_planes(description: bytes, tags: Tags) -> int:
    """Return how many planes there are, without a directory of their own too."""
    if description.startswith(b"ImageJ="):
        images = re.search(rb"^images=(\d{1,9})", description, re.MULTILINE)
        return int(images[1]) if images else 1
    if shaped := re.match(rb'\{"shape": \[([\d, ]{1,99})\]', description):
        values = math.prod(int(size) for size in shaped[1].split(b",") if size.strip())
        page = _one(tags, _WIDTH) * _one(tags, _HEIGHT) * tags.get(_SAMPLES, (1,))[0]
        return values // max(page, 1)
    return 1


def _check_shape(tags: Tags, shape: tuple[int, ...], max_pixels: int) -> None:
    """Check size, number of samples and their type."""
    height, width = _one(tags, _HEIGHT), _one(tags, _WIDTH)
    samples = tags.get(_SAMPLES, (1,))[0]
    bits = set(tags.get(_BITS, (1,)))
    formats = {_FORMAT_NAMES.get(code, "unknown ") for code in tags.get(_FORMAT, (1,))}
    kind = "/".join(sorted(formats)) + "/".join(map(str, sorted(bits)))
    size = [height, width] if samples == 1 else [height, width, samples]
    found, expected = (
        f"{'x'.join(map(str, each))} {name}" for each, name in ((size, kind), (shape, "uint8"))
    )
    large = height * width > max_pixels
    if found != expected:
        over = f" (more than limits.slice_pixels, {max_pixels})" if large else ""
        raise TiffError(found + over, expected)
    if large:
        limit = f"at most {max_pixels} (limits.slice_pixels)"
        raise TiffError(f"{height * width} pixels", limit, "raise the limit for this data set")


class _Layout(NamedTuple):
    """Where the strips or tiles lie, from the top left, and how many pixels each holds."""

    name: str
    places: list[tuple[int, int]]
    high: int
    wide: int
    across: int


def _layout(tags: Tags, length: int, max_pixels: int) -> _Layout:
    """Check that the strips or tiles are all there, lie within the file and do not overlap."""
    height, width = _one(tags, _HEIGHT), _one(tags, _WIDTH)
    if _TILES in tags:
        name, high, wide = "tile", _one(tags, _TILE_HEIGHT), _one(tags, _TILE_WIDTH)
        offsets, sizes = tags[_TILES], tags.get(_TILE_BYTES, ())
    else:
        _one(tags, _STRIPS)
        name, high, wide = "strip", min(tags.get(_ROWS, (height,))[0], height), width
        offsets, sizes = tags[_STRIPS], tags.get(_STRIP_BYTES, ())
    if not 0 < high * wide <= max_pixels:
        raise _damage(f"a {name} of {high}x{wide} pixels")
    across = -(-width // wide)
    expected = -(-height // high) * across
    if not len(offsets) == len(sizes) == expected:
        raise _damage(f"{len(offsets)} {name}s and {len(sizes)} sizes of them, not {expected}")
    end = 8
    for start, size, number in sorted(zip(offsets, sizes, range(1, expected + 1), strict=True)):
        if start < end:
            raise _damage(f"{name} {number} of {expected} overlaps what lies before it")
        end = start + size
        if end > length:
            raise _damage(f"{name} {number} of {expected} ends beyond its last byte")
    return _Layout(name, list(zip(offsets, sizes, strict=True)), high, wide, across)


def _unpack(data: bytes, layout: _Layout, tags: Tags) -> np.ndarray:
    """Read all strips or tiles into one picture, height by width by sample."""
    height, width = _one(tags, _HEIGHT), _one(tags, _WIDTH)
    samples, compression = tags.get(_SAMPLES, (1,))[0], _LOSSLESS[_one(tags, _COMPRESSION)]
    high, wide = layout.high, layout.wide
    picture = np.empty((height, width, samples), np.uint8)
    for number, (start, size) in enumerate(layout.places):
        down, right = divmod(number, layout.across)
        top, left = down * high, right * wide
        # A last strip may be padded to the height of the others, and need not be.
        rows = high if layout.name == "tile" else min(high, height - top)
        packed = data[start : start + size]
        try:
            raw = _DECODERS[compression](packed, rows, high, wide * samples)
        except MemoryError:
            raise
        # The bytes are in memory and few: whatever goes wrong is the file's fault.
        except Exception as error:
            raise _damage(f"{layout.name} {number + 1}, {type(error).__name__}: {error}") from error
        block = np.frombuffer(raw, np.uint8, rows * wide * samples).reshape(rows, wide, samples)
        if tags.get(_PREDICTOR) == (2,):
            block = block.cumsum(axis=1, dtype=np.uint8)
        target = picture[top : top + rows, left : left + wide]
        target[...] = block[: target.shape[0], : target.shape[1]]
    return picture


def _copy(packed: bytes, rows: int, high: int, row: int) -> bytes:
    """Return bytes that are not compressed."""
    if len(packed) < rows * row:
        raise ValueError(f"{len(packed)} bytes, not {rows * row}")
    return packed


def _inflate(packed: bytes, rows: int, high: int, row: int) -> bytes:
    """Return deflated bytes, to the declared size at most, once their checksum is right."""
    stream = zlib.decompressobj()
    raw = stream.decompress(packed, high * row + 1)
    if not stream.eof or not rows * row <= len(raw) <= high * row:
        raise ValueError(f"does not inflate to {rows * row} bytes and their checksum")
    return raw


def _by_pillow(code: int) -> Callable[[bytes, int, int, int], bytes]:
    """Return a decoder that hands the bytes to Pillow as a TIFF of a single strip."""

    def decode(packed: bytes, rows: int, high: int, row: int) -> bytes:
        entries = [
            (_WIDTH, row),
            (_HEIGHT, rows),
            (_BITS, 8),
            (_COMPRESSION, code),
            (_PHOTOMETRIC, 1),
            (_STRIPS, 8),
            (_SAMPLES, 1),
            (_ROWS, rows),
            (_STRIP_BYTES, len(packed)),
        ]
        head = struct.pack("<2sHI", b"II", 42, 8 + len(packed))
        directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
        file = head + packed + struct.pack("<H", len(entries)) + directory + bytes(4)
        with TiffImageFile(io.BytesIO(file)) as picture:
            return picture.tobytes()

    return decode


_DECODERS = {
    "none": _copy,
    "deflate": _inflate,
    "LZW": _by_pillow(5),
    "PackBits": _by_pillow(32773),
}
