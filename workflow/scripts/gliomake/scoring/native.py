"""Scores on the scans' own grid: the truth as it is on disk, probabilities brought to it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gliomake.brought import Source, SourceError, open_source
from gliomake.brought.cases import evaluated_cases, list_cases
from gliomake.brought.source import Case, offered, study_masks
from gliomake.datasets.base import Dataset, Volume
from gliomake.files.tsv import read_tsv
from gliomake.prepare.inspection import load_case, open_data
from gliomake.prepare.split import evaluated_slices, read_split
from gliomake.processes import in_order
from gliomake.scoring.counts import PredictedSlices
from gliomake.scoring.measure import Measured, measure_slices

_OPENED: dict[str, tuple[Dataset, Source]] = {}
"""The data set and the predictions of the run at work, by what describes it."""
PATIENTS = 4
"""Patients that a process takes at a time."""


@dataclass(frozen=True)
class NativeRun:
    """Where the truth and the predictions of a run lie.

    Attributes
    ----------
    dataset, root : str
        The data set and its folder.
    options : dict
        Of its reader.
    cases, slices, split : str
        Files of its index and of the study's split.
    classes : tuple of str
        The study's classes.
    threshold : float
        Lowest probability that counts as tumour.
    folder, pattern : str
        Where the predictions lie, see `gliomake.brought.open_source`.
    labels : dict of str to list of int
        Values of a label map that belong to each class, or nothing.
    """

    dataset: str
    root: str
    options: Mapping[str, Any]
    cases: str
    slices: str
    split: str
    classes: tuple[str, ...]
    threshold: float
    folder: str
    pattern: str
    labels: Mapping[str, Sequence[int]]

    def open(self) -> tuple[Dataset, Source]:
        """Open the data set and the predictions, and keep them for `opened`.

        Raises
        ------
        BadDataError, SourceError, CaseError
            They are not what they should be.
        AccessError
            The machine could not read them.
        """
        _OPENED.clear()
        return self.opened()

    def opened(self) -> tuple[Dataset, Source]:
        """Return what `open` opened, in this process or in the one that it was forked from.

        Opening lists both folders: done for a few patients at a time it would take longer than all
        else, and its time would grow with the square of their number.
        """
        key = json.dumps(asdict(self), sort_keys=True, default=str)
        if key not in _OPENED:
            _OPENED.clear()
            _OPENED[key] = self._open()
        return _OPENED[key]

    def _open(self) -> tuple[Dataset, Source]:
        dataset = open_data(self.dataset, self.root, dict(self.options))
        source = open_source(
            self.folder,
            self.pattern,
            classes=self.classes,
            labels=self.labels,
            dataset=dataset,
            cases=read_tsv(self.cases),
        )
        return dataset, source

    def evaluated(self) -> tuple[list[Case], pd.DataFrame]:
        """List the cases of val and test, patient by patient, and the split's rows of them."""
        rows = evaluated_slices(read_split(self.split))
        cases = evaluated_cases(list_cases(read_tsv(self.cases), read_tsv(self.slices)), rows)
        return sorted(cases, key=lambda case: (case.patient, case.case)), rows


def measure_native(run: NativeRun, *, threads: int = 1, **options: Any) -> Measured:
    """Measure a run on the scans' own grid.

    Parameters
    ----------
    run : NativeRun
        The run.
    **options
        As in `gliomake.scoring.measure.measure_slices`.
    threads : int
        Processes side by side; the result does not depend on it.

    Returns
    -------
    Measured
        Tables.

    Raises
    ------
    SourceError, CaseError, BadDataError
        Predictions or truth are not what they should be; the message names the file.
    AccessError
        The machine could not read a file.
    """
    cases, rows = run.evaluated()
    run.open()[1].cases()  # what is wrong with the folder, before hours are spent
    shares = _shares(cases)
    work = partial(_measure_share, run, rows, options)
    parts = []
    measured = in_order(work, shares, min(threads, len(shares)))
    for number, part in enumerate(measured, start=1):
        parts.append(part)
        print(f"{sum(map(len, shares[:number]))}/{len(cases)} cases", flush=True)
    return Measured.joined(parts)


def _shares(cases: Sequence[Case]) -> list[list[Case]]:
    """Deal cases to pieces of work; a patient's stay together."""
    patients = [
        list(members)
        for _, members in groupby(cases, key=lambda case: case.patient or (case.case,))
    ]
    return [
        [case for members in patients[at : at + PATIENTS] for case in members]
        for at in range(0, len(patients), PATIENTS)
    ]


def _measure_share(
    run: NativeRun, rows: pd.DataFrame, options: Mapping[str, Any], cases: list[Case]
) -> Measured:
    dataset, source = run.opened()
    parts = native_parts(dataset, source, cases, rows, run.classes, run.threshold)
    return measure_slices(parts, **options)


def native_parts(
    dataset: Dataset,
    source: Source,
    cases: Sequence[Case],
    rows: pd.DataFrame,
    classes: Sequence[str],
    threshold: float,
) -> Iterator[PredictedSlices]:
    """Read predictions and truth on the scans' own grid, a patient at a time.

    Parameters
    ----------
    dataset : Dataset
        The opened data set.
    source : Source
        The predictions.
    cases : sequence of Case
        Those to read, a patient's one after the other.
    rows : DataFrame
        ``patient slice subset`` of the slices that are scored.
    classes : sequence of str
        The study's classes.
    threshold : float
        Lowest probability that counts as tumour.

    Yields
    ------
    PredictedSlices
        A patient. Where its scans differ in grid or spacing, each of them, without a spacing: no
        distance is measured across two grids.

    Raises
    ------
    SourceError
        The truth has other slices than the index says.
    CaseError, BadDataError, AccessError
        A file is not what it should be.
    """
    wanted = {key: part.set_index("slice")["subset"] for key, part in rows.groupby("patient")}
    for _, members in groupby(cases, key=lambda case: case.patient or (case.case,)):
        parts = [
            _part(dataset, source, case, wanted[case.patient], classes, threshold)
            for case in members
        ]
        alike = {(part.truth.shape[1:], *part.spacing[0].tolist()) for part in parts}
        if len(parts) > 1 and len(alike) == 1:
            yield _joined(parts)
        else:
            for part in parts:
                if len(parts) > 1:
                    part.spacing[:] = np.nan
                yield part


def _part(
    dataset: Dataset,
    source: Source,
    case: Case,
    subsets: pd.Series,
    classes: Sequence[str],
    threshold: float,
) -> PredictedSlices:
    volume = _truth(dataset, case)
    found = source.read(case)
    scored = np.isin(case.numbers, subsets.index)
    kept: Any = slice(None) if scored.all() else scored  # all of them are not copied
    numbers = case.numbers[kept].tolist()
    spacing = np.array(volume.spacing or (np.nan,) * 3, np.float32)
    return PredictedSlices(
        patient=[case.patient] * len(numbers),
        subset=[str(subsets[number]) for number in numbers],
        number=numbers,
        probability=found.probability[kept],
        truth=study_masks(volume.mask[kept], dataset.classes, classes),
        spacing=np.tile(spacing, (len(numbers), 1)),
        classes=list(classes),
        threshold=threshold,
    )


def _truth(dataset: Dataset, case: Case) -> Volume:
    # Readers whose channels are files of their own read the mask alone.
    channels = () if offered(dataset, "class_masks") else dataset.channels[:1]
    volume = load_case(dataset, case.case, channels)
    if volume.mask.shape[2:] != case.size or not np.isin(case.numbers, volume.slices).all():
        raise SourceError(
            f"case {case.case}: found {len(volume.slices)} slices of {volume.mask.shape[2:]} "
            f"pixels, the index has {len(case.numbers)} of {case.size}: files changed; start again"
        )
    return volume


def _joined(parts: Sequence[PredictedSlices]) -> PredictedSlices:
    first = parts[0]
    return PredictedSlices(
        patient=[each for part in parts for each in part.patient],
        subset=[each for part in parts for each in part.subset],
        number=[each for part in parts for each in part.number],
        probability=np.concatenate([part.probability for part in parts]),
        truth=np.concatenate([part.truth for part in parts]),
        spacing=np.concatenate([part.spacing for part in parts]),
        classes=first.classes,
        threshold=first.threshold,
    )


def native_run(params: Mapping[str, Any], files: Any, predictions: str | Path | None) -> NativeRun:
    """Read a job's parameters.

    Parameters
    ----------
    params : mapping
        ``dataset root options classes threshold brought``.
    files : object
        With ``cases slices split``.
    predictions : str or Path or None
        A ``predictions.h5``, where nothing is brought along.

    Returns
    -------
    NativeRun
        The run.
    """
    brought = params["brought"]
    if brought is None:
        path = Path(str(predictions))
        brought = {"root": str(path.parent), "pattern": path.name, "labels": {}}
    return NativeRun(
        dataset=params["dataset"],
        root=params["root"],
        options=params["options"],
        cases=str(files.cases),
        slices=str(files.slices),
        split=str(files.split),
        classes=tuple(params["classes"]),
        threshold=params["threshold"],
        folder=brought["root"],
        pattern=brought["pattern"],
        labels=brought["labels"],
    )
