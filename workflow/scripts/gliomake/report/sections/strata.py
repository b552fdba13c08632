"""The section on scores by strata: grade, institution, tumour size, slice position."""

from functools import cached_property
from typing import ClassVar

import pandas as pd

from gliomake.report.charts import Chart, Mark, Scale, label, line, reach
from gliomake.report.inputs import records
from gliomake.report.numbers import optional, reach_words
from gliomake.report.sections.base import Section, given
from gliomake.report.table import Column, Table, plain, text
from gliomake.report.words import metric_title, rule_title
from gliomake.study.model import BASELINES

WIDTH, LEFT, STEP = 420, 130, 22


class Strata(Section):
    """Scores of parts of the judged subset."""

    id: ClassVar[str] = "strata"
    title: ClassVar[str] = "Scores by subgroup"
    short: ClassVar[str] = "Subgroups"
    template: ClassVar[str] = "sections/strata.html.j2"

    @cached_property
    def _rows(self) -> pd.DataFrame:
        rows = self.inputs.table(self.inputs.strata)
        # People know the groups of the data set by another name than its table has for them.
        title = self.inputs.about_data.get("strata", "stratum")
        return rows if rows.empty else rows.replace({"stratum": {"stratum": title}})

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
                text(reach_words(row["ci_low"], row["ci_high"])),
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
    def _charts(self) -> list[Chart]:
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
        what = f"Dice of {class_}, {rule_title(convention).lower()}"
        return [
            _chart(f"strata-{model}", f"{model}: {what}", rows)
            for model, rows in chosen.groupby("model", sort=False)
        ]

    def tables(self) -> list[Table]:
        """List the scores, where there are strata."""
        return given(self.table)

    def charts(self) -> list[Chart]:
        """Draw the Dice of each model that is no baseline, a row a stratum."""
        return self._charts


def _chart(id_: str, title: str, rows: pd.DataFrame) -> Chart:
    across, said = Scale(0, 1, LEFT, WIDTH - 20), []
    marks: list[Mark] = []
    for place, row in enumerate(records(rows), start=1):
        name, ends = f"{row['stratum']}: {row['value']}", (row["ci_low"], row["ci_high"])
        marks.append(label(LEFT - 8, STEP * place + 4, name, "end"))
        low, high = (optional(end) for end in ends)
        marks += reach(across, STEP * place, row["score"], (low, high))
        said.append(f"{name} {row['score']:.3f}")
    height = STEP * (len(said) + 2)
    marks += [line(LEFT, height - 22, WIDTH - 20, height - 22), label(LEFT, height - 8, "0")]
    marks.append(label(WIDTH - 20, height - 8, "1", "end"))
    words = f"{title}, by subgroup: {'; '.join(said)}."
    return Chart(id_, title, words, WIDTH, height, tuple(marks))
