"""Ways to spoil a file: bits, bytes and words of any format, tokens of text, fields of headers."""

import gzip
import json
import math
import re
import struct
from collections.abc import Iterator
from random import Random
from typing import Any

import nibabel

WORDS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
LONG_WORDS = (*WORDS, 2**62, 2**63, 2**64 - 1)
FLOATS = (math.nan, math.inf, -math.inf, 1e38, -1e38, 1e-38)
TOKENS = (
    "null", "true", "-1", "0", "1e999", "1e300", "9" * 23, '"x"', '""', "[]", "{}", "[[1]]",
    '"\\u0000"', '"\\ud800"', '"../../etc/passwd"', '"' + "a" * 300 + '"', "NaN", "Infinity",
    "-1e10", '"', "\0", "é", "\r", "9" * 5000,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 1e300, -1e9, 1e7, 10**25, math.nan, math.inf, "", "x", "\0", "\ud800",
    "../x", "/", "a" * 300, [], {}, [[]], [1], {"a": 1}, [[1e10] * 6], [[0, 0, 5, 5]], 2**31,
    2**63, -(2**31),
)  # fmt: skip
TAG_TYPES = (0, 1, 2, 3, 4, 5, 7, 11, 12, 13, 16, 99)
TAG_COUNTS = (0, 1, 2, 3, 1000, 65535, 2**31, 2**32 - 1)
TAG_VALUES = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 255, 256, 257, 4096, 32773, 32946, 34712, 50000, 65535,
    65536, 10**5, 2**31 - 1, 2**31, 2**32 - 1,
)  # fmt: skip
NIFTI_FLOATS = (*FLOATS, 0.0, -1.0, 3e9, 1.5, 352.0, 1e5)
NIFTI_WHOLES = (
    0, 1, -1, 2, 3, 4, 7, 8, 16, 64, 128, 512, 768, 1024, 1536, 2048, 2304, 0x7FFF, -0x8000,
)  # fmt: skip
NIFTI_FIELDS = nibabel.Nifti1Header.template_dtype.fields


def any_bytes(rng: Random, data: bytes, head: int = 1024) -> bytes:
    """Spoil one to three places, most of them among the first `head` bytes."""
    spoilt = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if not spoilt:
            break
        reach = len(spoilt) if rng.random() < 0.4 else min(head, len(spoilt))
        _spoil(rng, spoilt, rng.randrange(reach), reach)
    return bytes(spoilt)


def _spoil(rng: Random, data: bytearray, at: int, reach: int) -> None:
    kind = rng.choice(
        ("bits", "bits", "byte", "cut", "word", "word", "zero", "insert", "repeat", "float")
    )
    if kind == "bits":
        for _ in range(rng.randrange(1, 9)):
            data[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    elif kind == "byte":
        data[at] = rng.randrange(256)
    elif kind == "cut":
        del data[rng.randrange(len(data)) :]
    elif kind == "word":
        size = rng.choice((2, 4, 8))
        value = rng.choice(LONG_WORDS) % (1 << 8 * size)
        _overwrite(data, at, value.to_bytes(size, rng.choice(("little", "big"))))
    elif kind == "zero":
        _overwrite(data, at, bytes(rng.randrange(1, 64)))
    elif kind == "insert":
        data[at:at] = rng.randbytes(rng.randrange(1, 16))
    elif kind == "repeat":
        data[at:at] = data[at : at + rng.randrange(1, 256)]
    else:
        _overwrite(data, at, struct.pack("<f", rng.choice(FLOATS)))


def _overwrite(data: bytearray, at: int, value: bytes) -> None:
    data[at : at + len(value)] = value[: len(data) - at]


def any_text(rng: Random, data: bytes) -> bytes:
    """Replace, remove or repeat tokens of JSON or a table; one time in five spoil bytes."""
    if rng.random() < 0.2:
        return any_bytes(rng, data)
    return tokens(rng, data)


def tokens(rng: Random, data: bytes) -> bytes:
    """Replace, remove or repeat one to four tokens."""
    pattern = r'"[^"]*"|-?\d+(?:\.\d+)?|[\[\]{}:,;\t\n]|[^\s"\[\]{}:,;]+|\s'
    found = re.findall(pattern, data.decode())
    for _ in range(rng.choice((1, 1, 2, 4))):
        at, kind = rng.randrange(len(found)), rng.random()
        if kind < 0.7:
            found[at] = rng.choice(TOKENS)
        elif kind < 0.85 and len(found) > 1:
            del found[at]
        else:
            found.insert(at, rng.choice(found))
    return "".join(found).encode("utf-8", "surrogatepass")


def json_tree(rng: Random, data: bytes) -> bytes:
    """Replace or remove one to three values, wherever they stand in the tree."""
    content = json.loads(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        holder, key = rng.choice(list(_places(content)))
        if rng.random() < 0.12:
            del holder[key]
        else:
            holder[key] = rng.choice(VALUES)
    return json.dumps(content).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = value if isinstance(value, dict) else range(len(value) if type(value) is list else 0)
    for key in keys:
        yield value, key
        yield from _places(value[key])


def packed(rng: Random, data: bytes) -> bytes:
    """Spoil what is inside a gzip file, and pack it again."""
    return gzip.compress(any_bytes(rng, gzip.decompress(data), 352), 1)


def nifti_fields(rng: Random, data: bytes) -> bytes:
    """Overwrite one or two fields of a NIfTI header, packed or not."""
    zipped = data[:2] == b"\x1f\x8b"
    raw = bytearray(gzip.decompress(data) if zipped else data)
    for _ in range(rng.choice((1, 1, 2))):
        dtype, at = NIFTI_FIELDS[rng.choice(list(NIFTI_FIELDS))][:2]
        base, count = dtype.base, math.prod(dtype.shape)
        if base.kind == "f":
            value = struct.pack("<f", rng.choice(NIFTI_FLOATS))
        elif base.kind == "i":
            value = rng.choice(NIFTI_WHOLES).to_bytes(8, "little", signed=True)[: base.itemsize]
        else:
            value = rng.randbytes(base.itemsize)
        _overwrite(raw, at + rng.randrange(count) * base.itemsize, value)
    return gzip.compress(bytes(raw), 1) if zipped else bytes(raw)


def tiff_fields(rng: Random, data: bytes) -> bytes:
    """Overwrite the type, count or value of one or two tags of the first page."""
    raw = bytearray(data)
    start = struct.unpack_from("<I", raw, 4)[0]
    count = struct.unpack_from("<H", raw, start)[0]
    for _ in range(rng.choice((1, 1, 2))):
        tag, what = start + 2 + 12 * rng.randrange(count), rng.choice("tcvvvv")
        if what == "t":
            struct.pack_into("<H", raw, tag + 2, rng.choice(TAG_TYPES))
        elif what == "c":
            struct.pack_into("<I", raw, tag + 4, rng.choice(TAG_COUNTS))
        else:
            struct.pack_into("<I", raw, tag + 8, rng.choice(TAG_VALUES))
    return bytes(raw)


def safetensors(rng: Random, data: bytes) -> bytes:
    """Spoil bytes, or tokens of the JSON header and its length."""
    if rng.random() < 0.5:
        return any_bytes(rng, data, 2000)
    length = struct.unpack("<Q", data[:8])[0]
    header = tokens(rng, data[8 : 8 + length])
    stated = rng.choice((len(header), len(header), length, 2**63, 2**31))
    return struct.pack("<Q", stated) + header + data[8 + length :]
