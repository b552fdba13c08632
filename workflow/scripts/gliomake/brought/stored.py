"""Predictions in a ``predictions.h5``, as this workflow writes them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gliomake.brought.source import Case, Found, SourceError
from gliomake.datasets.base import Dataset
from gliomake.datasets.root import DataRoot
from gliomake.files.predictions import PredictionError, open_predictions
from gliomake.files.sealed import read_names
from gliomake.scoring.grids import to_size


class StoredSource:
    """A file of predicted probabilities; slices are known by patient and number.

    Parameters
    ----------
    disk : DataRoot
        Its folder.
    pattern : str
        The file in it.
    classes, labels, dataset, cases
        As in `gliomake.brought.open_source`; `labels` is not used.
    """

    def __init__(
        self,
        disk: DataRoot,
        pattern: str,
        classes: Sequence[str],
        labels: Mapping[str, Sequence[int]],
        dataset: Dataset,
        cases: pd.DataFrame,
    ):
        self._path, self._cases = disk.path / pattern, cases
        if not self._path.is_file():
            raise SourceError(f"{self._path}: found no such file; correct `predictions.pattern`")
        with open_predictions(self._path) as file:
            names = read_names(file, "classes", PredictionError)
            if missing := [name for name in classes if name not in names]:
                raise SourceError(
                    f"{self._path}: found the classes {', '.join(names)}, expected "
                    f"{', '.join(missing)} as well, which the study has"
                )
            if min(file["probability"].shape[2:]) == 1:
                raise SourceError(f"{self._path}: found a classifier's predictions, expected masks")
            self._columns = [names.index(name) for name in classes]
            patients = file["patient"].asstr()[:].tolist()
            numbers = file["slice"][:].tolist()
        self._rows = {key: row for row, key in enumerate(zip(patients, numbers, strict=True))}

    def cases(self) -> set[str]:
        """Name the cases for which there is a prediction."""
        known = set(self._cases["patient"])
        extra = sorted({patient for patient, _ in self._rows} - known)
        if extra:
            raise SourceError(
                f"{self._path}: found slices of {len(extra)} patients that the data set does not "
                f"have ({', '.join(extra[:5])}); expected predictions of this data set"
            )
        rows = zip(
            self._cases["case"],
            self._cases["patient"],
            self._cases["first_slice"],
            self._cases["slices"],
            strict=True,
        )
        held: dict[str, list[int]] = {}
        for patient, number in self._rows:
            held.setdefault(patient, []).append(number)
        spans = {patient: (min(found), max(found)) for patient, found in held.items()}
        return {
            case
            for case, patient, first, count in rows
            if patient in spans
            and spans[patient][0] < first + max(count, 1)
            and spans[patient][1] >= first
        }

    def read(self, case: Case) -> Found:
        """Read the prediction of a case, brought bilinearly to the size of its slices."""
        rows = [self._rows.get((case.patient, int(number))) for number in case.numbers]
        held = sorted({row for row in rows if row is not None})
        stored = np.zeros(0, np.float16)
        if held:
            with open_predictions(self._path) as file:
                stored = file["probability"][held[0] : held[-1] + 1]
        # An empty prediction, of a baseline for one, is empty at every size.
        found = bool(stored.view(np.uint16).any())  # NumPy is slow on half floats themselves
        kind = np.float32 if found else np.uint8
        values = np.zeros((len(rows), len(self._columns), *case.size), kind)
        if found:
            for index, row in enumerate(rows):
                if row is not None:
                    values[index] = to_size(stored[row - held[0]][self._columns], case.size)
        return Found(values, (self._path.name,) if held else (), sum(row is None for row in rows))
