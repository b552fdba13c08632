"""The section on volumes and lesions: how large, how many, and how far off."""

from functools import cached_property
from typing import ClassVar

import pandas as pd

from gliomake.files.tsv import read_tsv
from gliomake.report.charts import LEFT, SIDE, Chart, dot, framed, line, square
from gliomake.report.sections.base import Section, given
from gliomake.report.table import Column, Table, plain, text
from gliomake.study.model import BASELINES

PANELS = 12
"""Plots of a page at most."""
LIMITS = 1.96


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
    def _charts(self) -> list[Chart]:
        return [
            self._bland_altman(model, name, table)
            for (model, name), table in list(self._groups.items())[:PANELS]
            if len(table) > 1
        ]

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

    def _bland_altman(self, model: str, name: str, table: pd.DataFrame) -> Chart:
        """Draw the difference of two volumes against their mean, a dot a patient."""
        truth, predicted = (table[key].to_numpy(float) for key in ("truth_ml", "predicted_ml"))
        middle, difference = (truth + predicted) / 2, predicted - truth
        bias, spread = self._bias(table)
        levels = {
            "lower limit": bias - LIMITS * spread,
            "bias": bias,
            "upper limit": bias + LIMITS * spread,
        }
        across, _ = square(0, max(float(middle.max()), 1e-6))
        ends = *levels.values(), float(difference.min()), float(difference.max())
        _, up = square(min(0.0, *ends), max(0.0, *ends))
        right = LEFT + SIDE
        marks = [line(LEFT, up.at(0), right, up.at(0), "zero", "no difference")]
        marks += [
            line(LEFT, up.at(level), right, up.at(level), "limit", f"{word} {level:.3g} ml")
            for word, level in levels.items()
        ]
        marks += [
            dot(across.at(x), up.at(y), words=f"{patient}: {y:+.3g} ml")
            for patient, x, y in zip(table["patient"], middle, difference, strict=True)
        ]
        ticks = [
            {axis.at(end): f"{end:.3g}" for end in (axis.low, axis.high)} for axis in (across, up)
        ]
        title = f"{model}, {name}"
        said = ", ".join(f"{word} {level:.3g}" for word, level in levels.items())
        words = f"Bland-Altman plot. {title}, {len(table)} patients: {said} ml."
        axes = ("mean of both volumes, ml", "predicted less true, ml")
        return framed(f"bland-altman-{model}-{name}", title, words, axes, ticks, marks)

    def tables(self) -> list[Table]:
        """List volumes and lesions."""
        return given(self.agreement, self.lesions)

    def charts(self) -> list[Chart]:
        """List the Bland-Altman plots, those of the first models."""
        return self._charts
