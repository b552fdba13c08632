"""Which raw case and slice a figure shows, and what its title says of that."""

import re

import numpy as np
import pandas as pd

from gliomake.datasets import Dataset, Volume
from gliomake.files.tsv import read_tsv
from gliomake.prepare import inspection
from gliomake.prepare.split import tumour_columns
from gliomake.study.targets import TargetSpec

MODALITIES = {"t1": "T1", "t1ce": "T1Gd", "t2": "T2", "flair": "T2-FLAIR"}


def load_case(spec: TargetSpec, channels: list[str] | None = None) -> tuple[Dataset, Volume]:
    """Load the raw case of the option ``case``, or one that stands in for it.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``root``, ``cases`` and ``slices``.
    channels : list of str, optional
        Which channels; all by default.

    Returns
    -------
    Dataset, Volume
        The opened data set and the case: the one of that number, else the nearest number of those
        that hold every class (of all where none does).
    """
    dataset, cases = open_cases(spec)
    wanted = spec.options.get("case", 1)
    case = nearest_case(cases, wanted)
    if number_of(case) != wanted:
        known = read_tsv(spec.inputs["cases"])
        case = nearest_case(complete_cases(known, read_tsv(spec.inputs["slices"])) or cases, wanted)
    return dataset, inspection.load_case(dataset, case, channels)


def complete_cases(cases: pd.DataFrame, slices: pd.DataFrame) -> list[str]:
    """List the cases in which every class is to be seen.

    Parameters
    ----------
    cases : DataFrame
        A ``cases.tsv``.
    slices : DataFrame
        A ``slices.tsv``.

    Returns
    -------
    list of str
        In the order of `cases`.
    """
    classes = tumour_columns(slices)
    seen = slices[["patient", "slice"]].assign(**{name: slices[name] > 0 for name in classes})
    by_patient = dict(list(seen.groupby("patient")))
    found = []
    columns = cases[["case", "patient", "first_slice", "slices"]]
    for case, patient, first, count in columns.itertuples(index=False, name=None):
        own = by_patient.get(patient, seen.head(0))
        own = own[own["slice"].between(first, first + count - 1)]
        if own[classes].any().all():
            found.append(case)
    return found


def number_of(case: str) -> int | None:
    """Read the number that a case's name ends in.

    Parameters
    ----------
    case : str
        Its name.

    Returns
    -------
    int or None
        None where it has none.
    """
    numbers = re.findall(r"\d+", case)
    return int(numbers[-1]) if numbers else None


def open_cases(spec: TargetSpec) -> tuple[Dataset, list[str]]:
    """Open the raw data and list the cases that may be shown.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``root`` and ``cases``.

    Returns
    -------
    Dataset, list of str
        The opened data set, and its cases without those that the index refused.
    """
    dataset = inspection.open_data(spec.study.dataset, spec.inputs["root"], spec.dataset_options)
    return dataset, read_tsv(spec.inputs["cases"])["case"].tolist()


def nearest_case(cases: list[str], wanted: int) -> str:
    """Find the case whose number is nearest to the wanted one.

    Parameters
    ----------
    cases : list of str
        Names that end in a number, such as ``BraTS20_Training_238``.
    wanted : int
        The number.

    Returns
    -------
    str
        The case; the lower one of two that are equally near.
    """

    def distance(case: str) -> tuple[int, str]:
        number = number_of(case)
        return 10**9 if number is None else abs(number - wanted), case

    return min(cases, key=distance)


def nearest(slices: np.ndarray, wanted: int) -> int:
    """Find the row of the slice whose number is nearest to the wanted one.

    Parameters
    ----------
    slices : ndarray (slice,) of int
        Slice numbers.
    wanted : int
        The number.

    Returns
    -------
    int
        A row.
    """
    return int(np.abs(np.asarray(slices) - wanted).argmin())


def nearest_with_tissue(volume: Volume, wanted: int) -> int:
    """Find the row of the slice nearest to the wanted one that is well within the head.

    Parameters
    ----------
    volume : Volume
        Background 0.
    wanted : int
        The slice's number.

    Returns
    -------
    int
        A row of a slice with at least half as many tissue pixels as the fullest one.
    """
    tissue = (volume.image != 0).all(axis=1).sum(axis=(1, 2))
    inside = np.flatnonzero(2 * tissue >= tissue.max())
    return int(inside[nearest(volume.slices[inside], wanted)])


def most_classes(mask: np.ndarray) -> int:
    """Find the slice with the most classes; of several the one whose smallest class is largest.

    Parameters
    ----------
    mask : ndarray (slice, class, height, width)
        0 or 1.

    Returns
    -------
    int
        A row; the middle one without tumour.
    """
    areas = mask.sum(axis=(2, 3), dtype=int)
    present = np.count_nonzero(areas, axis=1)
    if not present.any():
        return len(mask) // 2
    rows = np.flatnonzero(present == present.max())
    return int(rows[np.where(areas > 0, areas, np.inf)[rows].min(axis=1).argmax()])


def where(spec: TargetSpec, volume: Volume, row: int | None = None) -> str:
    """Say which volume and slice is shown, and which was wanted if it is another.

    Parameters
    ----------
    spec : TargetSpec
        With the options ``case`` and ``slice``.
    volume : Volume
        What is shown.
    row : int, optional
        The slice's row.

    Returns
    -------
    str
        For a title.
    """
    text = volume.case
    wanted = []
    case = spec.options.get("case")
    if case is not None and number_of(volume.case) != case:
        wanted.append(f"volume {case}")
    if row is not None:
        number = int(volume.slices[row])
        text += f", slice {number}"
        if spec.options.get("slice", number) != number:
            wanted.append(f"slice {spec.options['slice']}")
    return f"{text} (stands in for {', '.join(wanted)})" if wanted else text
