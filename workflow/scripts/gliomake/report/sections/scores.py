"""Sections about scores: of every run, and of models against each other."""

from functools import cached_property
from typing import Any, ClassVar

import pandas as pd

from gliomake.report import comparisons, lesions, patients, scores
from gliomake.report.charts import Chart
from gliomake.report.numbers import Number
from gliomake.report.sections.base import Section, given
from gliomake.report.table import Table


class Scores(Section):
    """All scores, the Dice of the main run first."""

    id: ClassVar[str] = "scores"
    title: ClassVar[str] = "Scores by averaging rule"
    short: ClassVar[str] = "Scores"
    template: ClassVar[str] = "sections/scores.html.j2"

    @cached_property
    def headline(self) -> list[dict[str, Any]]:
        """The Dice of the main run, each class, each model."""
        return scores.headline(self.inputs, self.book)

    @cached_property
    def score_tables(self) -> list[Table]:
        """All scores."""
        return scores.score_tables(self.inputs, self.book)

    @cached_property
    def _by_patient(self) -> pd.DataFrame:
        return patients.patient_scores(self.inputs)

    @cached_property
    def by_patient(self) -> Table | None:
        """How far the Dice of single patients is spread."""
        return patients.patient_table(self._by_patient)

    @cached_property
    def strips(self) -> list[Chart]:
        """The Dice of each patient."""
        return patients.strips(self.inputs, self._by_patient)

    @cached_property
    def volumes(self) -> list[Chart]:
        """The Dice of each patient against the true volume."""
        return patients.volume_plots(self._by_patient)

    @cached_property
    def lesions(self) -> Table | None:
        """The lesions that only one of truth and prediction holds."""
        return lesions.lesions_table(self.inputs)

    @property
    def threshold_channel(self) -> str:
        """The channel whose brightness a trivial model goes by; empty where there is none."""
        study = self.inputs.study
        return study.data.channel if study.data.baseline in study.baselines else ""

    @property
    def cards(self) -> list[str]:
        """The models that have a card."""
        return [files.model for files in self.inputs.runs if files.run == self.inputs.main_run]

    def tables(self) -> list[Table]:
        """List the scores, the patients and the lesions."""
        return given(self.by_patient, *self.score_tables, self.lesions)

    def charts(self) -> list[Chart]:
        """List the patients' strips and plots."""
        return [*self.strips, *self.volumes]

    def numbers(self) -> list[Number]:
        """List the headline's numbers, then all others."""
        _ = self.headline
        return super().numbers()


class Comparison(Section):
    """Every pair of models on the same patients."""

    id: ClassVar[str] = "comparison"
    title: ClassVar[str] = "Models compared"
    template: ClassVar[str] = "sections/comparison.html.j2"

    @cached_property
    def _charts(self) -> list[Chart]:
        return comparisons.comparison_charts(self.inputs)

    @cached_property
    def _table(self) -> Table | None:
        return comparisons.comparison_table(self.inputs, self.book)

    def tables(self) -> list[Table]:
        """List the comparisons, where models were compared."""
        return given(self._table)

    def charts(self) -> list[Chart]:
        """List the forest plots."""
        return self._charts
