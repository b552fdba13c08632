"""How often intervals hold the truth: samples drawn from real scores of patients."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gliomake.scoring.bootstrap import percentile_interval, replicate
from gliomake.scoring.coverage import DISTANCE, METHOD, SHARE, describe_intervals
from gliomake.scoring.scores import score_intervals, score_table
from gliomake.scoring.sums import ScoreSums

SCORES = Path(__file__).parents[2] / "docs" / "outside" / "segval-patients.tsv"
MEASURED = Path(__file__).parents[2] / "benchmarks" / "results" / "coverage.tsv"
SAMPLES, RESAMPLES = 300, 300


def sums_of(values: np.ndarray) -> ScoreSums:
    """Put a score of each patient into the library's form."""
    count, shape = len(values), (len(values), 1, 1, 1)
    totals = np.zeros((count, 1, 4), np.int64)
    return ScoreSums(
        ("tumour",), ("dice",), ("patient",), tuple(range(count)), totals,
        values.reshape(shape), np.ones(shape), 0,
    )  # fmt: skip


def coverage(
    draw: Callable[[np.random.Generator], np.ndarray], truth: float
) -> tuple[float, float]:
    """Return the shares of samples whose interval holds the truth: ours, and the percentiles'."""
    rng, held = np.random.default_rng(0), []
    for seed in range(SAMPLES):
        sums = sums_of(draw(rng))
        plain = percentile_interval(replicate(sums.scores, len(sums.units), RESAMPLES, seed))
        both = score_intervals(sums, RESAMPLES, seed), plain
        held.append([low[0] <= truth <= high[0] for low, high in both])
    ours, percentile = np.mean(held, axis=0)
    return float(ours), float(percentile)


@pytest.mark.parametrize(("patients", "least"), [(11, 0.87), (22, 0.90), (50, 0.92)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(patients, least):
    """The bounds leave room for 300 samples, whose share errs by 1.3 points; docs/intervals.md."""
    population = pd.read_csv(SCORES, sep="\t")["dice_2d"].to_numpy(float) / 100
    ours, percentile = coverage(lambda rng: rng.choice(population, patients), population.mean())
    assert least <= ours <= 0.985
    assert ours > percentile


def test_skew_scores_are_where_percentiles_fail():
    """Of 11 patients, most of them near 1."""
    ours, percentile = coverage(lambda rng: 1 - rng.gamma(1.0, 0.12, 11), 0.88)
    assert percentile < 0.90 < 0.92 < ours


@pytest.mark.parametrize(("score", "table"), [("Dice", SHARE), ("HD", DISTANCE)])
def test_the_coverage_printed_beside_intervals_is_the_one_measured(score, table):
    rows = pd.read_csv(MEASURED, sep="\t")
    rows = rows[(rows["kind"] == "mean") & (rows["method"] == METHOD.removesuffix(" bootstrap"))]
    rows = rows[rows["population"].str.startswith(score)]
    lower = rows.groupby("n")["coverage"].min() / 100
    assert lower.round(3).to_dict() == table


def test_each_score_says_how_its_interval_was_made_and_how_often_such_hold():
    def rows(patients: int) -> list[dict]:
        counts = pd.DataFrame(
            [(f"p{i}", 0, "test", "tumour", False, 5 + i, 2, 1, 90) for i in range(patients)],
            columns=["patient", "slice", "subset", "class", "postprocess", "tp", "fp", "fn", "tn"],
        )
        return score_table(counts, ["dice"], ["pooled", "patient"], resamples=100)

    for row in rows(12):
        assert (row["ci_method"], row["ci_units"]) == ("studentised bootstrap", 12)
        # Means over patients were measured; a pooled score promises nothing that was not.
        assert row["ci_coverage"] == (SHARE[11] if row["convention"] == "patient" else None)
    for row in rows(5):
        assert (row["ci_low"], row["ci_method"], row["ci_coverage"]) == (None, None, None)
        assert row["ci_units"] == 5


def test_the_sentence_of_a_card():
    assert describe_intervals(5) == (
        "No intervals: 5 patients are too few for one that holds what it says."
    )
    said = describe_intervals(22, distances=True)
    assert "studentised bootstrap over 22 patients" in said
    assert "Dice in 92 %" in said and "Hausdorff distance in 87 %" in said
    assert "over 30 images" in describe_intervals(30, images=True)
