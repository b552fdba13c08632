"""Data sets' pages: read, with the configuration laid over them, checked all at once."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from gliomake.datasets.spec import (
    ORIENTATIONS,
    PHANTOM,
    PUBLISHED,
    READERS,
    DatasetSpec,
    grouped,
    taken,
)
from gliomake.study.faults import Fault, has_path, meant, schema_faults
from gliomake.study.page import merge, read_study
from gliomake.study.run import ConfigError

SCHEMA = "dataset.schema.yaml"
FOLDER = Path(__file__).parents[4] / "config" / "datasets"
# Columns of the slices' table, and the class of means over classes.
RESERVED = ("dataset", "patient", "slice", "height", "width", "mean")
FIELDS = ("case", "patient", "channel", "slice")
# Readers that can do without images.
BARE = ("nifti", "images")
# The keys that a page of any reader may have.
OPTIONS = sorted(
    {key for reader in READERS for key in taken(reader)}
    | {key for name, (reader, _) in PUBLISHED.items() for key in taken(reader, name)}
)


@cache
def known_datasets() -> dict[str, DatasetSpec]:
    """Read the pages of ``config/datasets`` as they stand, for what starts without a configuration.

    Raises
    ------
    ConfigError
        A page is wrong.
    """
    specs, faults = read_datasets(sorted(FOLDER.glob("*.yaml")), {})
    if faults:
        raise ConfigError("\n".join(map(str, faults)))
    return {name: spec for name, spec in specs.items() if spec}


def read_datasets(
    paths: Iterable[Path], blocks: Mapping[str, Any], phantoms: Iterable[str] | None = None
) -> tuple[dict[str, DatasetSpec | None], list[Fault]]:
    """Read data sets' pages and lay a configuration over them.

    Parameters
    ----------
    paths : iterable of Path
        ``<id>.yaml``.
    blocks : mapping
        ``datasets`` of the configuration: by id, what is laid over a page.
    phantoms : iterable of str, optional
        The data sets that have phantoms; None checks no root.

    Returns
    -------
    specs : dict of str to DatasetSpec or None
        By id; None where a page is wrong.
    faults : list of Fault
        All that is wrong. A fault of a page has it as its source; the path of one of the
        configuration starts with ``datasets`` and the id.
    """
    specs: dict[str, DatasetSpec | None] = {}
    faults: list[Fault] = []
    pages: dict[str, tuple[Path, dict[str, Any]]] = {}
    for path in paths:
        specs[path.stem] = None
        try:
            pages[path.stem] = path, read_study(path)
        except ConfigError as error:
            faults.append(Fault((), str(error).removeprefix(f"{path}: "), str(path)))
    for name in blocks:
        if name not in specs:
            what = f"there is no data set {str(name)!r}"
            faults.append(Fault(("datasets", str(name)), f"{what}; {meant(str(name), specs)}"))
    merged = {
        name: merge(page, block if isinstance(block := blocks.get(name), dict) else {})
        for name, (_, page) in pages.items()
    }
    for name, page in merged.items():
        path, file = pages[name]
        found = schema_faults(page, SCHEMA)
        if page.get("id") != name:
            found.append(Fault(("id",), "is the file's name, and cannot be changed"))
        if not found:
            found = [*_page_faults(page, merged), *_root_faults(page, phantoms)]
        if not found:
            specs[name] = DatasetSpec.of(_placed(page, file, path))
        faults += [_located(fault, name, blocks.get(name), file, path) for fault in found]
    return specs, faults


def _located(fault: Fault, name: str, block: Any, file: Mapping[str, Any], path: Path) -> Fault:
    """Say whether a fault comes from the configuration or from the page."""

    def depth(layer: Any) -> int:
        return max(n for n in range(len(fault.path) + 1) if has_path(layer, fault.path[:n]))

    if block is not None and depth(block) >= depth(file) and has_path(block, fault.path[:1]):
        return Fault(("datasets", name, *fault.path), fault.message)
    return Fault(fault.path, fault.message, str(path))


def _placed(page: Mapping[str, Any], file: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Let a relative root of a user's own page start at the folder that holds the page."""
    root = page["root"]
    own = path.parent.resolve() != FOLDER.resolve() and root == file.get("root")
    if not own or root == PHANTOM or root.startswith(("~", "$")) or Path(root).is_absolute():
        return dict(page)
    return {**page, "root": os.path.normpath(path.parent.absolute() / root)}


def _root_faults(page: Mapping[str, Any], phantoms: Iterable[str] | None) -> Iterator[Fault]:
    if phantoms is not None and page["root"] == PHANTOM and page["id"] not in phantoms:
        what = f"found phantom, and data set {page['id']} has no synthetic images, which are for"
        yield Fault(("root",), f"{what} {', '.join(phantoms)}; give the folder that holds the data")


def _page_faults(
    page: Mapping[str, Any], pages: Mapping[str, Mapping[str, Any]]
) -> Iterator[Fault]:
    """Check what the schema cannot: names that must be known, keys that fit the reader."""
    reader, published = page["reader"], page.get("published", "")
    if published and PUBLISHED[published][0] != reader:
        what = f"found {reader!r}; {published} is read by {PUBLISHED[published][0]}"
        yield Fault(("reader",), what)
        return
    allowed = taken(reader, published)
    for key in OPTIONS:
        if key in page and key not in allowed:
            takers = [
                name
                for name, each in pages.items()
                if each.get("reader") in READERS
                and each.get("published", "") in ("", *PUBLISHED)
                and key in taken(each["reader"], each.get("published", ""))
            ]
            readers = [name for name in READERS if key in taken(name)]
            listed = " and ".join(sorted(takers)) or f"those read by {' and '.join(readers)}"
            yield Fault((key,), f"data set {page['id']} does not take this, only {listed}")
    yield from _name_faults(page)
    yield from _label_faults(page)
    yield from _pattern_faults(page)
    orientations = ORIENTATIONS[reader]
    if page.get("orientation", orientations[0]) not in orientations:
        what = f"found {page['orientation']!r}; expected {' or '.join(orientations)}"
        yield Fault(("orientation",), f"{what} with reader {reader}")


def _name_faults(page: Mapping[str, Any]) -> Iterator[Fault]:
    channels = list(page["channels"])
    if not channels and (page.get("published") or page["reader"] not in BARE):
        what = "found no channel; only masks of the readers"
        yield Fault(("channels",), f"{what} {' and '.join(BARE)} can be without images")
        return
    if "display" in page and page["display"] not in channels:
        what = f"found {page['display']!r}, which is none of the channels"
        yield Fault(("display",), f"{what}; {meant(page['display'], channels)}")
    texts = list(page["channels"].values()) if isinstance(page["channels"], dict) else channels
    for text in sorted({text for text in texts if texts.count(text) > 1}):
        yield Fault(("channels",), f"found {text!r} for two channels; expected each text once")
    if page["reader"] == "nifti" and "seg" in channels:
        yield Fault(("channels",), "the name seg is kept for the mask; take another")
    for name in page["classes"]:
        if name in RESERVED:
            yield Fault(("classes", name), f"the name is kept for a column of {_columns()}")
    if page["reader"] == "coco" and len(channels) != 1:
        yield Fault(("channels",), f"found {len(channels)}; images of a COCO set have one channel")


def _columns() -> str:
    return "slices.tsv or for means; take another"


def _label_faults(page: Mapping[str, Any]) -> Iterator[Fault]:
    """Check that labels are what the reader's masks hold."""
    if published := page.get("published"):
        for name, block in page["classes"].items():
            if "labels" in (block or {}):
                what = f"the labels of the published set {published} are known by code"
                yield Fault(("classes", name, "labels"), f"{what}; leave them out")
        return
    names = page["reader"] == "coco"
    ignored = page.get("ignore_labels", ())
    for name, block in page["classes"].items():
        for label in (block or {}).get("labels", ()):
            path = ("classes", name, "labels")
            if isinstance(label, str) != names:
                kind = "names of categories" if names else "whole numbers"
                yield Fault(path, f"found {label!r}; labels of reader {page['reader']} are {kind}")
            elif label == 0:
                yield Fault(path, "found 0, which is the background")
            elif label in ignored:
                yield Fault(path, f"found {label}, which ignore_labels lists as well")


def _pattern_faults(page: Mapping[str, Any]) -> Iterator[Fault]:
    for key in ("patient", "strata"):
        text = page.get(key)
        if isinstance(text, str) and (wrong := grouped(text)):
            yield Fault((key,), f"found {text!r}, a regular expression with {wrong}")
    if page.get("published") or page["reader"] == "coco":
        return
    if not page["channels"] and "mask" not in page:
        yield Fault(("mask",), "is missing; without images no layout is known")
    if not page["channels"] and "files" in page:
        yield Fault(("files",), "there are no channels, so there are no files of them")
    needed = ("files",) if page["reader"] == "slices-h5" else ("files", "mask")
    for key in needed if page["channels"] else ():
        other = "mask" if key == "files" else "files"
        if key not in page and (other in page or page["reader"] != "nifti"):
            why = "files and mask go together" if other in page else "no layout is known"
            yield Fault((key,), f"is missing; {why}")
    for key in ("files", "mask"):
        if key in page:
            yield from _braces_faults(page, key)


def _braces_faults(page: Mapping[str, Any], key: str) -> Iterator[Fault]:
    """Check the names in braces of a pattern of files."""
    pattern = page[key]
    try:
        fields = [name for _, name, _, _ in Formatter().parse(pattern) if name is not None]
    except ValueError as error:
        yield Fault((key,), f"found {pattern!r}: {error}")
        return
    for name in fields:
        if name not in FIELDS:
            known = [f"{{{each}}}" for each in FIELDS]
            yield Fault((key,), f"found {{{name}}}; {meant(f'{{{name}}}', known)}")
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        yield Fault((key,), f"found {pattern!r}; expected a path below the root")
    several = len(page["channels"]) > 1 and page["reader"] == "nifti"
    needed: Sequence[tuple[str, bool]] = (
        ("case", "case" not in fields and "patient" not in fields),
        ("channel", key == "files" and several and "channel" not in fields),
        ("slice", page["reader"] == "slices-h5" and "slice" not in fields),
    )
    for name, absent in needed:
        if absent:
            yield Fault((key,), f"found {pattern!r}, without {{{name}}}; put it where it varies")
    if key == "mask" and "channel" in fields:
        yield Fault((key,), "found {channel}; a mask is of all channels")
    if page["reader"] == "nifti" and "slice" in fields:
        yield Fault((key,), "found {slice}; a NIfTI file is a whole volume")
