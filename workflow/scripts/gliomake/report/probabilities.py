"""Which probabilities a study's page and its checklist tell of."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from gliomake.report.inputs import StudyInputs
from gliomake.scoring.calibration import read_calibration
from gliomake.scoring.curves import has_probabilities


class Counted(NamedTuple):
    """Counts of one model and class on the reported subset, main run.

    Attributes
    ----------
    model, name : str
        The model and the class.
    what : str
        What was counted: ``images`` of a classifier, else ``pixels``.
    rows : DataFrame
        Rows of ``calibration.tsv``.
    path : Path
        That file.
    """

    model: str
    name: str
    what: str
    rows: pd.DataFrame
    path: Path

    @property
    def n(self) -> int:
        """How many pixels or images."""
        return int((self.rows["negative"] + self.rows["positive"]).sum())


def counted(inputs: StudyInputs) -> tuple[list[Counted], list[str]]:
    """Read the counts of every model that has any.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    found : list of Counted
        Classifiers first, then in the study's order.
    label_maps : list of str
        The models of which only 0 and 1 are known, which `found` leaves out.
    """
    found, label_maps = [], []
    for files in inputs.runs:
        if not files.calibration or files.run != inputs.main_run:
            continue
        table = read_calibration(files.calibration)
        table = table[table["subset"] == inputs.reported_subset]
        if not has_probabilities(table):
            label_maps.append(files.model)
            continue
        what = "images" if inputs.study.classifies(files.model) else "pixels"
        for name in dict.fromkeys([*inputs.study.classes, *table["class"]]):
            rows = table[table["class"] == name]
            if len(rows):
                found.append(Counted(files.model, name, what, rows, files.calibration))
    return sorted(found, key=lambda each: each.what), label_maps
