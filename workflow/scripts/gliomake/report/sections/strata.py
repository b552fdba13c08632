"""The section on scores by strata: grade, institution, tumour size, slice position."""

from functools import cached_property
from typing import ClassVar, NamedTuple

import pandas as pd

from gliomake.report.inputs import records
from gliomake.report.sections.base import Section, given
from gliomake.report.table import Column, Table, plain, text
from gliomake.report.words import metric_title, rule_title
from gliomake.study.model import BASELINES

WIDTH, LEFT, STEP = 420, 130, 22


class Dot(NamedTuple):
    """A score with its interval as a row of a plot: words, height, and places across."""

    label: str
    height: int
    value: float
    low: float | None
    high: float | None


class Plot(NamedTuple):
    """The Dice of one model in each stratum."""

    title: str
    height: int
    dots: list[Dot]


class Strata(Section):
    """Scores of parts of the judged subset."""

    id: ClassVar[str] = "strata"
    title: ClassVar[str] = "Scores by subgroup"
    short: ClassVar[str] = "Subgroups"
    template: ClassVar[str] = "sections/strata.html.j2"

    @cached_property
    def _rows(self) -> pd.DataFrame:
        return self.inputs.table(self.inputs.strata)

    @cached_property
    def table(self) -> Table | None:
        """All scores."""
        if self._rows.empty:
            return None
        names = ("stratum", "value", "model", "subset", "class")
        rows = [
            [
                *(text(row[name]) for name in names),
                text(metric_title(row["metric"])),
                text(rule_title(row["convention"])),
                plain(row["score"], whole=False),
                text(_reach(row)),
                plain(row["n"]),
            ]
            for row in records(self._rows)
        ]
        first = "mean" if "mean" in set(self._rows["class"]) else self._rows["class"].iloc[0]
        patients = "patient" in set(self._rows["convention"])
        columns = [
            Column("Subgroup by", choices=True),
            Column("Value"),
            Column("Model", choices=True),
            Column("Subset", choices=True, chosen=self.inputs.reported_subset),
            Column("Class", choices=True, chosen=str(first)),
            Column("Metric", choices=True, chosen=metric_title("dice")),
            Column(
                "Averaging rule",
                choices=True,
                chosen=rule_title("patient" if patients else "pooled"),
            ),
            Column("Score", numeric=True),
            Column("95 %", help="none for fewer than six patients"),
            Column("n", numeric=True, help="slices pooled, or elements averaged"),
        ]
        return Table("strata-table", "Scores by subgroup", columns, rows)

    @cached_property
    def plots(self) -> list[Plot]:
        """The Dice of each model that is no baseline, a row a stratum."""
        frame = self._rows
        if frame.empty:
            return []
        convention = "patient" if "patient" in set(frame["convention"]) else "pooled"
        class_ = "mean" if "mean" in set(frame["class"]) else frame["class"].iloc[0]
        chosen = frame[
            (frame["metric"] == "dice")
            & (frame["convention"] == convention)
            & (frame["class"] == class_)
            & (frame["subset"] == self.inputs.reported_subset)
            & ~frame["model"].isin(BASELINES)
            & frame["score"].notna()
        ]
        plots = []
        for model, rows in chosen.groupby("model", sort=False):
            dots = [
                Dot(
                    f"{row['stratum']}: {row['value']}",
                    STEP * (place + 1),
                    _across(row["score"]),
                    None if pd.isna(row["ci_low"]) else _across(row["ci_low"]),
                    None if pd.isna(row["ci_high"]) else _across(row["ci_high"]),
                )
                for place, row in enumerate(records(rows))
            ]
            title = f"{model}: Dice of {class_}, {rule_title(convention).lower()}"
            plots.append(Plot(title, STEP * (len(dots) + 2), dots))
        return plots

    @property
    def size(self) -> tuple[int, int, int]:
        """Width of a plot, and where its axis begins and ends."""
        return WIDTH, LEFT, WIDTH - 20

    def tables(self) -> list[Table]:
        """List the scores, where there are strata."""
        return given(self.table)


def _across(value: float) -> float:
    return round(LEFT + (WIDTH - 20 - LEFT) * float(value), 1)


def _reach(row: dict) -> str:
    low, high = row["ci_low"], row["ci_high"]
    return "" if pd.isna(low) or pd.isna(high) else f"{low:.3f} to {high:.3f}"
