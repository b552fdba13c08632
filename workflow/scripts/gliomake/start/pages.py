"""The pages of studies and data sets: where they are, ours and the user's own."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gliomake.datasets.spec import PHANTOM, DatasetSpec
from gliomake.study.checks import checked_study
from gliomake.study.faults import Fault
from gliomake.study.load import SCALES
from gliomake.study.model import Study
from gliomake.study.run import ConfigError

# Where pages are, and the key of a folder of the user's own.
PAGES = {"studies": "studies_folder", "datasets": "datasets_folder"}
# A study has a rule, a page and a folder of its name.
KEPT = (
    "all", "baseline", "bring", "calibration", "claims", "comparisons", "counts", "counts_native",
    "data", "datasheet", "describe", "duplicates", "encoder_weights", "export_onnx", "figure",
    "gate", "grids", "index", "index_group", "leakage", "metrics", "phantom", "predict", "report",
    "shard", "shard_masks", "shards", "split", "split_all", "strata", "study_page", "table",
    "train", "verify", "verify_deep",
)  # fmt: skip


def find_pages(
    config: Mapping[str, Any], base: Path, here: Path | None = None
) -> tuple[dict[str, list[Path]], list[Fault]]:
    """Find the pages of studies and data sets: ours, and those in folders of the user's own.

    Parameters
    ----------
    config : mapping
        ``studies_folder`` and ``datasets_folder`` are looked at; relative ones start at `here`
        where there is such a folder, else at `base`.
    base : Path
        The checkout.
    here : Path, optional
        The folder of the start, by default the checkout. Pages in its ``config/studies`` and
        ``config/datasets`` are taken in place of ours of the same id.

    Returns
    -------
    pages : dict of str to list of Path
        ``studies`` and ``datasets``, sorted, one page an id.
    faults : list of Fault
        Folders that are not there, and ids that two pages have.
    """
    pages: dict[str, list[Path]] = {}
    faults = []
    here = here or base
    for what, key in PAGES.items():
        found = {
            path.stem: path
            for place in (base, here)
            for path in sorted((place / "config" / what).glob("*.yaml"))
        }
        given = config.get(key)
        if isinstance(given, str):
            start = here if (here / given).is_dir() else base
            folder, reason = expand(given, start)
            own = start / folder
            if not reason and not own.is_dir():
                reason = "there is no such folder"
            if reason:
                faults.append(Fault((key,), f"found {given!r}; {reason}"))
                continue
            for path in sorted(own.glob("*.yaml")):
                if (other := found.get(path.stem)) and not other.samefile(path):
                    said = f"two pages have the id {path.stem!r}, {other} and {path}"
                    faults.append(Fault((key,), f"{said}; rename yours and its id"))
                found.setdefault(path.stem, path)
        pages[what] = [found[name] for name in sorted(found)]
    return {what: pages.get(what, []) for what in PAGES}, faults


def read_studies(
    config: Mapping[str, Any],
    paths: Sequence[Path],
    base: Path,
    datasets: Mapping[str, DatasetSpec | None],
) -> tuple[dict[str, Study], list[Fault]]:
    """Read the studies, as far as scale and overrides let them be read.

    Parameters
    ----------
    config : mapping
        ``scale`` and ``overrides`` are looked at.
    paths : sequence of Path
        The studies' pages.
    base : Path
        The checkout.
    datasets : mapping of str to DatasetSpec or None
        The data sets that there are, None for one whose page is wrong.

    Returns
    -------
    studies : dict of str to Study
        By id; those with faults are not among them.
    faults : list of Fault
        All that is wrong.
    """
    studies: dict[str, Study] = {}
    faults: list[Fault] = []
    overrides, scale = config.get("overrides"), config.get("scale")
    if scale not in SCALES or not isinstance(overrides, Mapping):
        return studies, faults
    for path in paths:
        block = overrides.get(path.stem)
        try:
            study, found = checked_study(
                path, scale, block if isinstance(block, Mapping) else {}, datasets
            )
            if study:
                studies[path.stem] = _placed(study, path)
        except ConfigError as error:
            found = [Fault((), str(error).removeprefix(f"{path}: "), str(path))]
        if path.stem.replace("-", "_") in KEPT:
            kept = "the name is kept for a rule or a folder of the workflow"
            found = [*found, Fault(("id",), f"{kept}; rename the page and its id", str(path))]
        faults += [relative(fault, base) for fault in found]
    return studies, faults


def _placed(study: Study, path: Path) -> Study:
    """Expand the folders of predictions; a relative one starts at the folder of the page."""
    places = {
        name: replace(
            block,
            root=os.path.normpath(path.parent.absolute() / expand(block.root, path.parent)[0]),
        )
        for name, block in study.brought.items()
    }
    return replace(study, brought=places) if places else study


def relative(fault: Fault, base: Path) -> Fault:
    """Name a fault's file from the checkout, where it lies in it."""
    return Fault(fault.path, fault.message, fault.source.removeprefix(f"{base}{os.sep}"))


def expand(root: str, base: Path) -> tuple[str, str]:
    """Expand ``~`` and variables in a folder's path.

    Parameters
    ----------
    root : str
        As the user wrote it.
    base : Path
        Where relative paths start.

    Returns
    -------
    root : str
        The path; as it was where it is the name of a folder already.
    reason : str
        Why it cannot be taken; else empty.
    """
    if root != PHANTOM and not (base / root).is_dir():
        path = os.path.expanduser(root)  # noqa: PTH111 (Path raises where there is no such user)
        if path.startswith("~"):
            return root, f"there is no home folder of {path.split('/')[0]!r} here"
        for brace, plain in re.findall(r"\$(?:\{(\w+)\}|(\w+))", path):
            if (brace or plain) not in os.environ:
                return root, f"the variable {brace or plain} is not set"
        root = os.path.expandvars(path)
    if "{" in root or "}" in root:
        link = "make a link without braces to the folder (ln -s) and give that"
        return root, f"Snakemake takes braces in a path for a pattern; {link}"
    return root, ""
