"""Made-up patients whose truth is known, written in each data set's exact layout."""

from importlib import import_module
from pathlib import Path
from typing import Any

# Imported when asked for: each writer has its own file formats and their libraries.
PHANTOMS: dict[str, tuple[str, str]] = {
    "lgg": ("gliomake.phantom.lgg", "write_lgg"),
    "brats2020": ("gliomake.phantom.brats", "write_brats2020"),
    "brats2021": ("gliomake.phantom.brats", "write_brats2021"),
    "coco": ("gliomake.phantom.coco", "write_coco"),
}


def write_phantom(dataset: str, root: str | Path, patients: int, seed: int, **options: Any) -> None:
    """Write a phantom data set.

    Parameters
    ----------
    dataset : str
        A key of `PHANTOMS`: whose layout to write.
    root : path-like
        The folder to write to; made where it is missing.
    patients : int
        How many patients.
    seed : int
        The same seed gives the same bytes.
    **options
        The writer's own options.

    Raises
    ------
    ValueError
        If there is no such layout.
    """
    if dataset not in PHANTOMS:
        raise ValueError(f"unknown data set {dataset!r}: expected one of {', '.join(PHANTOMS)}")
    module, writer = PHANTOMS[dataset]
    getattr(import_module(module), writer)(Path(root), patients, seed, **options)
