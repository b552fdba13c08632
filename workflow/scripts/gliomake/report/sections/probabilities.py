"""The section on predicted probabilities: ROC, precision-recall, and how often they came true."""

from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

from gliomake.report.charts import Chart
from gliomake.report.curves import (
    FEW,
    bin_words,
    precision_recall_chart,
    reliability_chart,
    roc_chart,
)
from gliomake.report.inputs import records
from gliomake.report.numbers import format_value, reach_words
from gliomake.report.probabilities import Counted, counted
from gliomake.report.sections.base import Section, given
from gliomake.report.table import Cell, Column, Table, plain, text
from gliomake.scoring.bootstrap import FEWEST_UNITS
from gliomake.scoring.calibration import BINS
from gliomake.scoring.curves import (
    Area,
    Areas,
    areas,
    calibration_error,
    reliability,
)

DRAWN = 12
"""Reliability curves of a page at most."""


class Probabilities(Section):
    """Predicted probabilities beside the truth."""

    id: ClassVar[str] = "probabilities"
    title: ClassVar[str] = "Predicted probabilities"
    short: ClassVar[str] = "Probabilities"
    template: ClassVar[str] = "sections/probabilities.html.j2"

    @cached_property
    def _found(self) -> tuple[list[Counted], list[str]]:
        return counted(self.inputs)

    @property
    def counted(self) -> list[Counted]:
        """Every model and class with probabilities; classifiers first."""
        return self._found[0]

    @property
    def label_maps(self) -> list[str]:
        """The models of which only 0 and 1 are known."""
        return self._found[1]

    @property
    def is_shown(self) -> bool:
        """Whether there is a curve, or a model of which it is said why there is none."""
        return bool(self.counted or self.label_maps)

    @property
    def few(self) -> int:
        """From how many pixels or images on the dot of a bin is not grey."""
        return FEW

    @property
    def bins(self) -> int:
        """How many bins a reliability curve has."""
        return BINS

    @property
    def fewest(self) -> int:
        """Patients from which on there is an interval."""
        return FEWEST_UNITS

    @cached_property
    def _areas(self) -> dict[str, Areas]:
        """The areas of each classifier."""
        return {
            each.model: areas(each.rows, self.inputs.bootstrap)
            for each in self.counted
            if each.what == "images"
        }

    @cached_property
    def classifiers(self) -> Table | None:
        """AUROC and average precision of the classifiers."""
        rows = []
        for each in self.counted:
            if each.what != "images":
                continue
            found, positive = self._areas[each.model], int(each.rows["positive"].sum())
            why = _undefined(positive, each.n)
            rows.append([text(each.model), plain(each.n), plain(positive), plain(found.units)])
            for area in (found.auroc, found.average_precision):
                rows[-1] += [_area(area, why), text(_reach(area))]
        patients = any((each.rows["patient"] != "").any() for each in self.counted)
        columns = [
            Column("Model"),
            Column("Images", numeric=True),
            Column("With tumour", numeric=True),
            Column("Patients" if patients else "Resampled", numeric=True, help="what is resampled"),
            Column("AUROC", numeric=True, help="area under the ROC curve"),
            Column("AUROC, 95 %", help=f"none for fewer than {FEWEST_UNITS} patients"),
            Column("Average precision", numeric=True, help="mean precision over recall, in steps"),
            Column("Average precision, 95 %", help=f"none for fewer than {FEWEST_UNITS} patients"),
        ]
        return Table("areas", "Classifiers, image by image", columns, rows) if rows else None

    @cached_property
    def errors(self) -> Table | None:
        """Expected calibration errors."""
        rows = [
            [
                text(each.model),
                text(each.name),
                text(each.what),
                plain(each.n),
                plain(each.rows["positive"].sum() / each.n, whole=False),
                _error(calibration_error(reliability(each.rows))),
            ]
            for each in self.counted
        ]
        columns = [
            Column("Model", choices=True),
            Column("Class", choices=True),
            Column("Of", optional=True),
            Column("n", numeric=True, help="pixels or images"),
            Column("Share of the class", numeric=True, help="of all pixels or images"),
            Column(
                "Calibration error",
                numeric=True,
                help=f"expected calibration error over {BINS} bins of equal width",
            ),
        ]
        caption = f"Expected calibration error, {BINS} bins"
        return Table("calibration", caption, columns, rows).compact() if rows else None

    @cached_property
    def of_bins(self) -> Table | None:
        """The numbers behind the reliability curves."""
        rows = [
            [
                text(each.model),
                text(each.name),
                text(bin_words(row["bin"])),
                plain(row["n"]),
                plain(row["predicted"], whole=False),
                plain(row["observed"], whole=False),
            ]
            for each in self.counted
            for row in records(reliability(each.rows))
        ]
        columns = [
            Column("Model", choices=True, chosen=self.counted[0].model if self.counted else ""),
            Column("Class", choices=True),
            Column("Probability"),
            Column("n", numeric=True, help="pixels or images"),
            Column("Mean predicted", numeric=True),
            Column("Share observed", numeric=True),
        ]
        caption = "Bins of the reliability curves; empty ones are left out"
        return Table("reliability-bins", caption, columns, rows) if rows else None

    @cached_property
    def _charts(self) -> list[Chart]:
        return [*self._areas_drawn(), *self._reliability_drawn()]

    def _areas_drawn(self) -> Iterator[Chart]:
        for each in self.counted:
            if each.what == "images" and self._areas[each.model].auroc.value is not None:
                found = self._areas[each.model]
                yield roc_chart(each.model, each.rows, _printed(found.auroc))
                told = _printed(found.average_precision)
                yield precision_recall_chart(each.model, each.rows, told)

    def _reliability_drawn(self) -> Iterator[Chart]:
        for each in self.counted[:DRAWN]:
            bins = reliability(each.rows)
            told = _error(calibration_error(bins)).text
            yield reliability_chart(each.model, each.name, each.what, bins, told)

    @property
    def not_drawn(self) -> int:
        """How many reliability curves are left to the table."""
        return max(0, len(self.counted) - DRAWN)

    def tables(self) -> list[Table]:
        """List areas, calibration errors and bins."""
        return given(self.classifiers, self.errors, self.of_bins)

    def charts(self) -> list[Chart]:
        """List the curves."""
        return self._charts


def _undefined(positive: int, n: int) -> str:
    return "no image shows tumour" if not positive else f"all {n} images show tumour"


def _area(area: Area, why: str) -> Cell:
    if area.value is None:
        return Cell(f"undefined: {why}")
    return plain(area.value, whole=False)


def _error(value: float) -> Cell:
    """Print a calibration error; the digits of a tiny one say nothing."""
    return Cell("under 0.001", value) if value < 0.0005 else plain(value, whole=False)


def _reach(area: Area) -> str:
    return "" if area.value is None else reach_words(area.low, area.high) or "no interval"


def _printed(area: Area) -> str:
    return f"{format_value(area.value)} ({_reach(area)})"
