"""The section on volumes and lesions: how large, how many, and how far off."""

from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from gliomake.files.tsv import read_tsv
from gliomake.report.sections.base import Section, given
from gliomake.report.table import Column, Table, plain, text
from gliomake.study.model import BASELINES

PANELS = 12
"""Plots of a page at most."""
WIDTH, HEIGHT, MARGIN = 260, 170, 30
LIMITS = 1.96


class Panel(NamedTuple):
    """A Bland-Altman plot: the difference of two volumes against their mean.

    Attributes
    ----------
    title : str
        Model and class.
    points : list of (float, float)
        Places in the picture, one a patient.
    lines : list of (float, str)
        Heights of bias and limits, with their words.
    zero : float
        Height of no difference.
    left, right, low, high : str
        What the ends of the axes are, ml.
    """

    title: str
    points: list[tuple[float, float]]
    lines: list[tuple[float, str]]
    zero: float
    left: str
    right: str
    low: str
    high: str


class Volumes(Section):
    """Volumes of truth and prediction, and lesions found, missed and spurious."""

    id: ClassVar[str] = "volumes"
    title: ClassVar[str] = "Volumes and lesions"
    short: ClassVar[str] = "Volumes, lesions"
    template: ClassVar[str] = "sections/volumes.html.j2"

    @cached_property
    def agreement(self) -> Table | None:
        """Bias and limits of agreement of the volumes."""
        rows = []
        for (model, name), table in self._groups.items():
            bias, spread = self._bias(table)
            rows.append(
                [
                    text(model),
                    text(name),
                    plain(len(table)),
                    plain(float(table["truth_ml"].mean()), whole=False),
                    plain(bias, whole=False),
                    plain(bias - LIMITS * spread, whole=False),
                    plain(bias + LIMITS * spread, whole=False),
                ]
            )
        columns = [
            Column("Model", choices=True),
            Column("Class", choices=True),
            Column("Patients", numeric=True),
            Column("True volume, ml", numeric=True, help="mean over patients"),
            Column("Bias, ml", numeric=True, help="mean of predicted less true"),
            Column("Lower limit", numeric=True, help="bias less 1.96 standard deviations"),
            Column("Upper limit", numeric=True, help="bias plus 1.96 standard deviations"),
        ]
        caption = "Volumes: predicted less true, and limits of agreement"
        return Table("volume-agreement", caption, columns, rows) if rows else None

    @cached_property
    def lesions(self) -> Table | None:
        """Lesions found, missed and spurious."""
        rows = []
        for (model, name), table in self._groups.items():
            if table["lesions"].isna().all():
                continue
            sums = table[["lesions", "hit", "spurious"]].sum().astype(int)
            true, hit, spurious = (int(sums[key]) for key in ("lesions", "hit", "spurious"))
            rows.append(
                [
                    text(model),
                    text(name),
                    *(plain(each) for each in (true, hit, true - hit, spurious)),
                    plain(hit / true if true else float("nan"), whole=False),
                    plain(hit / (hit + spurious) if hit + spurious else float("nan"), whole=False),
                ]
            )
        columns = [
            Column("Model", choices=True),
            Column("Class", choices=True),
            Column("True lesions", numeric=True, help="above the smallest volume that counts"),
            Column("Found", numeric=True),
            Column("Missed", numeric=True),
            Column("Spurious", numeric=True),
            Column("Recall", numeric=True, help="found / true, all patients together"),
            Column("Precision", numeric=True, help="found / (found + spurious)"),
        ]
        caption = "Lesions of all patients together"
        return Table("lesion-counts", caption, columns, rows) if rows else None

    @cached_property
    def panels(self) -> list[Panel]:
        """Bland-Altman plots, those of the first models."""
        return [
            self._panel(f"{model}, {name}", table)
            for (model, name), table in list(self._groups.items())[:PANELS]
            if len(table) > 1
        ]

    @property
    def size(self) -> tuple[int, int, int]:
        """Width, height and margin of a plot."""
        return WIDTH, HEIGHT, MARGIN

    @cached_property
    def _groups(self) -> dict[tuple[str, str], pd.DataFrame]:
        """Rows of the main run, as predicted, by model and class; baselines are left out."""
        study, found = self.inputs.study, {}
        for files in self.inputs.runs:
            skipped = files.model in BASELINES or files.run != self.inputs.main_run
            if skipped or files.patients is None:
                continue
            table = read_tsv(files.patients)
            if not len(table):
                continue
            table = table[~table["postprocess"].astype(bool)]
            table = table[table["subset"] == self.inputs.subset]
            for name in (*study.regions, *study.classes):
                rows = table[table["class"] == name]
                if len(rows):
                    found[files.model, name] = rows
        return found

    @staticmethod
    def _bias(table: pd.DataFrame) -> tuple[float, float]:
        difference = (table["predicted_ml"] - table["truth_ml"]).to_numpy(float)
        spread = float(difference.std(ddof=1)) if len(difference) > 1 else float("nan")
        return float(difference.mean()), spread

    def _panel(self, title: str, table: pd.DataFrame) -> Panel:
        truth, predicted = (table[name].to_numpy(float) for name in ("truth_ml", "predicted_ml"))
        middle, difference = (truth + predicted) / 2, predicted - truth
        bias, spread = self._bias(table)
        levels = [bias - LIMITS * spread, bias, bias + LIMITS * spread]
        low, high = min(0.0, *levels, difference.min()), max(0.0, *levels, difference.max())
        right = max(float(middle.max()), 1e-6)
        span = max(high - low, 1e-6)

        def at(value: Any) -> Any:
            return np.round(MARGIN + (HEIGHT - 2 * MARGIN) * (high - value) / span, 1)

        across = np.round(MARGIN + (WIDTH - 2 * MARGIN) * middle / right, 1)
        words = ("lower limit", "bias", "upper limit")
        return Panel(
            title,
            list(zip(across.tolist(), at(difference).tolist(), strict=True)),
            [(float(at(level)), word) for level, word in zip(levels, words, strict=True)],
            float(at(0.0)),
            "0",
            f"{right:.3g} ml",
            f"{low:.3g}",
            f"{high:.3g} ml",
        )

    def tables(self) -> list[Table]:
        """List volumes and lesions."""
        return given(self.agreement, self.lesions)
