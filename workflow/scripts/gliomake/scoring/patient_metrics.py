"""Scores that are measured patient by patient: lesions and volumes."""

from collections.abc import Callable
from dataclasses import dataclass

from gliomake.scoring.metrics import Metric

YEAR = "2023"
"""Of the definition of lesion-wise scores, see `gliomake.scoring.lesions`."""


@dataclass(frozen=True, kw_only=True)
class PatientMetric(Metric):
    """A score of a patient's lesions.

    Attributes
    ----------
    value : callable
        From `gliomake.scoring.lesions.LesionScores`.
    """

    value: Callable


LESION_METRICS: dict[str, PatientMetric] = {
    f"lesion-dice-{YEAR}": PatientMetric(
        title=f"lesion-wise Dice ({YEAR})",
        value=lambda lesions: lesions.dice,
        help="Dice of each lesion, as BraTS scores since 2023: a missed lesion and a made-up one "
        "count 0; the mean over a patient's lesions, then over patients.",
    ),
    f"lesion-nsd-{YEAR}": PatientMetric(
        title=f"lesion-wise NSD ({YEAR})",
        value=lambda lesions: lesions.nsd,
        help="Normalised surface Dice of each lesion at 1 mm; missed and made-up ones count 0.",
    ),
    f"lesion-hd95-{YEAR}": PatientMetric(
        title=f"lesion-wise HD95 ({YEAR})",
        value=lambda lesions: lesions.hd95,
        unit="mm",
        better="lower",
        decimals=1,
        help="HD95 of each lesion; a missed lesion and a made-up one count 374 mm.",
    ),
    "lesion-recall": PatientMetric(
        title="lesions found",
        value=lambda lesions: lesions.recall,
        help="Share of a patient's true lesions that a predicted voxel touches, then the mean over "
        "patients who have any.",
    ),
    "lesion-precision": PatientMetric(
        title="lesions right",
        value=lambda lesions: lesions.precision,
        help="Found lesions / (found lesions + made-up ones), then the mean over patients.",
    ),
    "lesion-f1": PatientMetric(
        title="lesion F1",
        value=lambda lesions: lesions.f1,
        help="2 found / (2 found + spurious + missed), then the mean over patients.",
    ),
}
"""By their names in files, with the year of the definition where it is one of a year."""
