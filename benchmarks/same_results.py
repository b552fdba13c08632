"""Compare what two builds gave, file by file: ``same_results.py BEFORE AFTER``.

BEFORE and AFTER are two checkouts in which the same command was run; their ``results`` and
``reports/build`` are compared. A file is the same if its bytes are, or if it differs only in

- hashes: of code, of files whose own difference is allowed, of names and times of raw data;
- `TIMES`: what a training took, wherever it is printed;
- for HDF5, how it is stored: names, types, attributes and every value must be equal.

Prints what differs and ends with exit code 1 if anything does.
"""

import argparse
import json
import math
import re
import struct
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import h5py
import numpy as np

FOLDERS = ("results", "reports/build")
TIMES = ("seconds", "slices_per_second", "peak_memory_mib")
"""Keys of train.json, and columns of history.tsv, that differ from build to build."""
VERSIONS = ("torch", "sessions")
"""Keys of train.json that say with what, and in how many sittings, the same was computed."""
HASH = re.compile(r"\b[0-9a-f]{64}\b")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
HOUR = 3600
ROUNDED = 0.006
"""Share by which a printed time may be off: three digits are printed."""
BINARY = (".png", ".safetensors", ".h5")
Times = list[tuple[float, float]]


def compare(before: Path, after: Path) -> Iterator[str]:
    """Compare two builds.

    Parameters
    ----------
    before, after : Path
        Folders that hold ``results`` and ``reports/build``.

    Yields
    ------
    str
        A line for each file that is missing, new or different.
    """
    names = [files_of(folder) for folder in (before, after)]
    times = list(times_of(before, after, names[0] & names[1]))
    for name in sorted(names[0] | names[1]):
        if name not in names[1]:
            yield f"{name}: missing after"
        elif name not in names[0]:
            yield f"{name}: new after"
        elif difference := file_difference(before / name, after / name, times):
            yield f"{name}: {difference}"


def files_of(build: Path) -> set[str]:
    """List the files of a build, but for the states of trainings that were cut off."""
    found = (path for folder in FOLDERS for path in (build / folder).rglob("*") if path.is_file())
    names = {path.relative_to(build).as_posix() for path in found}
    return {name for name in names if "/state-" not in name and "/." not in name}


def times_of(before: Path, after: Path, names: set[str]) -> Iterator[tuple[float, float]]:
    """Yield what each training took in both builds, in the units in which it may be printed."""
    for name in sorted(names):
        if name.endswith("/train.json"):
            facts = [json.loads((build / name).read_text()) for build in (before, after)]
            for key in TIMES:
                pair = tuple(float(each.get(key) or 0) for each in facts)
                yield pair[0], pair[1]
                if key == "seconds":
                    yield pair[0] / HOUR, pair[1] / HOUR


def file_difference(before: Path, after: Path, times: Times) -> str:
    """Say in what two files differ; empty where they hold the same."""
    if before.read_bytes() == after.read_bytes():
        return ""
    if before.suffix == ".h5":
        return "; ".join(hdf5_differences(before, after))
    if before.suffix == ".safetensors":
        tensors = [read_tensors(path) for path in (before, after)]
        odd = [key for key in sorted({*tensors[0], *tensors[1]}) if unlike(key, *tensors)]
        return f"tensors {', '.join(odd[:3])} of {len(tensors[0])} differ" if odd else ""
    if before.suffix in BINARY:
        return "other bytes"
    texts = [path.read_text() for path in (before, after)]
    if before.name == "train.json":
        texts = [without_keys(text) for text in texts]
    if before.name == "history.tsv":
        texts = [without_columns(text) for text in texts]
    return text_difference(*texts, times)


def without_keys(text: str) -> str:
    """Leave times and versions out of a train.json."""
    facts = json.loads(text)
    return json.dumps(
        {key: facts[key] for key in facts if key not in (*TIMES, *VERSIONS)}, indent=1
    )


def without_columns(text: str) -> str:
    """Leave times out of a history.tsv."""
    rows = [line.split("\t") for line in text.splitlines()]
    kept = [index for index, name in enumerate(rows[0] if rows else []) if name not in TIMES]
    return "\n".join("\t".join(row[index] for index in kept) for row in rows)


def text_difference(before: str, after: str, times: Times) -> str:
    """Say where two texts differ beyond hashes and times."""
    lines = zip_longest(before.splitlines(), after.splitlines())
    for number, (old, new) in enumerate(lines, 1):
        if old is None or new is None:
            return f"other number of lines, from line {number} on"
        if old != new and (found := line_difference(old, new, times)):
            return f"line {number}: {found}"
    return ""


def line_difference(old: str, new: str, times: Times) -> str:
    """Say in what two lines differ beyond hashes and times."""
    old, new = HASH.sub("#", old), HASH.sub("#", new)
    if old == new:
        return ""
    numbers = NUMBER.findall(old), NUMBER.findall(new)
    if NUMBER.sub("0", old) != NUMBER.sub("0", new) or len(numbers[0]) != len(numbers[1]):
        at = next(n for n, (a, b) in enumerate(zip_longest(old, new)) if a != b)
        start = max(0, at - 30)
        return f"{old[start : at + 30]!r} became {new[start : at + 30]!r}"
    for one, other in zip(*numbers, strict=True):
        if one != other and not is_time(one, other, times):
            return f"{one} became {other}"
    return ""


def is_time(old: str, new: str, times: Times) -> bool:
    """Whether two printed numbers are what one training took in the one build and the other."""
    values = (float(old.replace(",", "")), float(new.replace(",", "")))
    return any(
        all(math.isclose(v, t, rel_tol=ROUNDED) for v, t in zip(values, pair, strict=True))
        for pair in times
    )


def hdf5_differences(before: Path, after: Path) -> Iterator[str]:
    """Yield in what two HDF5 files differ: names, attributes, types, shapes, values."""
    with h5py.File(before) as old, h5py.File(after) as new:
        if dict(old.attrs) != dict(new.attrs):
            yield "other attributes"
        if set(old) != set(new):
            yield f"arrays {sorted(old)} became {sorted(new)}"
        for name in sorted({*old} & {*new}):
            one, other = old[name], new[name]
            if (one.shape, one.dtype) != (other.shape, other.dtype):
                yield f"{name}: {one.dtype} {one.shape} became {other.dtype} {other.shape}"
            elif not np.array_equal(one[()], other[()], equal_nan=one.dtype.kind == "f"):
                count = int((one[()] != other[()]).sum())
                yield f"{name}: {count} of {one.size} values differ"


def read_tensors(path: Path) -> dict[str, tuple[str, bytes]]:
    """Read a safetensors file: of each tensor what it is, and its bytes."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    header.pop("__metadata__", None)
    found = {}
    for name, facts in header.items():
        first, last = facts.pop("data_offsets")
        found[name] = (json.dumps(facts, sort_keys=True), body[first:last])
    return found


def unlike(key: str, old: dict, new: dict) -> bool:
    """Whether a tensor is missing in one of two files, or another."""
    return old.get(key) != new.get(key)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    given = parser.parse_args()
    for build in (given.before, given.after):
        if not files_of(build):
            parser.error(f"{build} holds no file under {' or '.join(FOLDERS)}: build it first")
    found = list(compare(given.before, given.after))
    print(*found, sep="\n", end="\n" if found else "")
    count = len(files_of(given.before))
    print(f"{len(found)} of {count} files differ" if found else f"{count} files, all the same")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
