"""Readers of the data sets, one module a layout, behind one interface.

What a data set is says its page (`gliomake.datasets.spec`). An entry of `DATASETS` is a published
set, whose layout and special checks are known by code, or a reader that any page can use.
"""

from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from gliomake.datasets.base import (
    CaseError,
    CaseReport,
    Dataset,
    Finding,
    Problem,
    Volume,
)

__all__ = [
    "DATASETS",
    "CaseError",
    "CaseReport",
    "Dataset",
    "Finding",
    "Problem",
    "Volume",
    "open_dataset",
]

# Imported when asked for: each reader has its own file formats and their libraries.
DATASETS: dict[str, tuple[str, str]] = {
    "lgg": ("gliomake.datasets.lgg", "LGGDataset"),
    "brats2020": ("gliomake.datasets.brats", "brats2020"),
    "brats2021": ("gliomake.datasets.brats", "brats2021"),
    "coco": ("gliomake.datasets.coco", "CocoDataset"),
    "nifti": ("gliomake.datasets.volumes", "NiftiDataset"),
    "slices-h5": ("gliomake.datasets.slice_files", "SliceFilesDataset"),
    "images": ("gliomake.datasets.slices", "ImagesDataset"),
}


def open_dataset(
    name: str, root: str | Path, /, *, reader: str | None = None, **options: Any
) -> Dataset:
    """Open a data set on disk.

    Parameters
    ----------
    name : str
        What the workflow calls the data set.
    reader : str, optional
        A key of `DATASETS`; by default the name is one.
    root : path-like
        The folder that the data set was unpacked to.
    **options
        The reader's own options.

    Raises
    ------
    ValueError
        If there is no such reader, or it has no such option.
    CaseError
        If the folder does not hold such a data set.
    """
    entry = name if reader is None else reader
    if entry not in DATASETS:
        raise ValueError(f"unknown data set {entry!r}: expected one of {', '.join(DATASETS)}")
    module, class_name = DATASETS[entry]
    opened = getattr(import_module(module), class_name)
    known = list(signature(opened).parameters)[1:]
    if unknown := sorted(options.keys() - set(known)):
        raise ValueError(
            f"datasets.{name}: {', '.join(unknown)} is no option of this data set; it has "
            f"{', '.join(known)}"
        )
    dataset: Dataset = opened(Path(root), **options)
    if reader is not None:
        dataset.name = name
    return dataset
