"""Dice patient by patient: values by hand, the strips, and Dice against volume."""

from contextlib import chdir

import pandas as pd
import pytest

from gliomake.report.patients import (
    COLUMNS,
    NAMED,
    patient_scores,
    patient_table,
    strips,
    volume_plots,
)
from gliomake.study.model import BASELINES


@pytest.fixture
def inputs(small_report):
    with chdir(small_report.root):
        yield small_report.inputs()


def scores(*rows, model="unet", name="tumour"):
    """Rows of patient, Dice, true volume in ml."""
    return pd.DataFrame([(model, name, *row) for row in rows], columns=COLUMNS)


def dots(chart):
    return [
        (float(mark.attributes["cx"]), float(mark.attributes["cy"]), mark.words)
        for mark in chart.marks
        if mark.tag == "circle"
    ]


def test_the_mean_over_patients_is_the_score_of_the_table(inputs):
    found = patient_scores(inputs)
    told = inputs.scores
    told = told[
        (told["run"] == inputs.main_run)
        & (told["subset"] == "test")
        & (told["metric"] == "dice")
        & (told["convention"] == "patient")
        & ~told["model"].isin(BASELINES)
    ]
    assert set(found["model"]) == set(told["model"]) == {"unet", "attention-unet"}
    means = found.groupby("model")["dice"].mean()
    for model, value in zip(told["model"], told["value"], strict=True):
        assert means[model] == pytest.approx(value)
    assert found["truth_ml"].isna().all(), "the study measures no volumes"


def test_a_patients_slices_are_one_count(inputs, tmp_path):
    from dataclasses import replace

    counts = tmp_path / "counts.tsv"
    counts.write_text(
        "patient\tslice\tsubset\tclass\tpostprocess\ttp\tfp\tfn\ttn\n"
        "a\t1\ttest\ttumour\tfalse\t6\t2\t0\t0\n"
        "a\t2\ttest\ttumour\tfalse\t0\t0\t4\t4\n"
        "a\t2\ttest\ttumour\ttrue\t9\t0\t0\t0\n"
        "b\t1\ttest\ttumour\tfalse\t0\t0\t0\t8\n"
        "c\t1\tval\ttumour\tfalse\t1\t0\t0\t7\n"
    )
    patients = tmp_path / "patients.tsv"
    patients.write_text(
        "patient\tsubset\tclass\tpostprocess\ttruth_ml\tpredicted_ml\n"
        "a\ttest\ttumour\tfalse\t2.5\t1\n"
        "a\ttest\ttumour\ttrue\t3.5\t1\n"
    )
    files = replace(inputs.run_files("unet", inputs.main_run), counts=counts, patients=patients)
    found = patient_scores(replace(inputs, runs=(files,)))
    assert found["patient"].tolist() == ["a", "b"]
    assert found["dice"].iloc[0] == 2 * 6 / (2 * 6 + 2 + 4)
    assert found["truth_ml"].iloc[0] == 2.5
    assert found[["dice", "truth_ml"]].iloc[1].isna().all(), "nothing in truth and prediction"


def test_without_patients_there_is_nothing(inputs, tmp_path):
    from dataclasses import replace

    counts = tmp_path / "counts.tsv"
    counts.write_text(
        "patient\tslice\tsubset\tclass\tpostprocess\ttp\tfp\tfn\ttn\n"
        "\t1\ttest\ttumour\tfalse\t6\t2\t0\t0\n"
    )
    files = replace(inputs.run_files("unet", inputs.main_run), counts=counts)
    found = patient_scores(replace(inputs, runs=(files,)))
    assert found.empty
    assert patient_table(found) is None and strips(inputs, found) == volume_plots(found) == []


def test_the_table_says_how_far_they_are_spread():
    nothing = float("nan")
    table = patient_table(
        scores(("a", 0.0, 1), ("b", 0.4, 1), ("c", 0.8, 1), ("d", 1.0, 1), ("e", nothing, 0))
    )
    assert [column.title for column in table.columns][1:4] == ["Patients", "Undefined", "Mean"]
    assert [cell.text for cell in table.rows[0]] == [
        *("unet", "4", "1", "0.550"),
        *("0.000", "0.300", "0.600", "0.850", "1.000"),
    ]
    assert patient_table(scores(("a", nothing, 0))) is None


def test_a_strip_has_a_dot_a_patient_and_a_bar_at_the_mean(inputs):
    rows = pd.concat(
        [
            scores(("a", 0.0, 1), ("b", 1.0, 1), ("c", float("nan"), 0)),
            scores(("a", 0.25, 1), ("b", 0.75, 1), model="resunet"),
        ]
    )
    (chart,) = strips(inputs, rows)
    assert [(x, words) for x, _, words in dots(chart)] == [
        *((8, "a 0.000"), (352, "b 1.000")),
        *((94, "a 0.250"), (266, "b 0.750")),
    ]
    bars = [mark.attributes["x1"] for mark in chart.marks if mark.attributes.get("class") == "mean"]
    assert bars == ["180", "180"]
    assert chart.words.endswith(
        "unet: 2 patients, 0.000 to 1.000, mean 0.500; "
        "resunet: 2 patients, 0.250 to 0.750, mean 0.500."
    )


def test_equal_scores_are_set_apart_and_many_dots_name_nobody(inputs):
    (chart,) = strips(inputs, scores(*((f"p{n}", 0.5, 1) for n in range(9))))
    assert len({y for _, y, _ in dots(chart)}) == 9
    (chart,) = strips(inputs, scores(*((f"p{n}", 0.5, 1) for n in range(NAMED + 1))))
    assert {words for *_, words in dots(chart)} == {""}


def test_volumes_stand_on_a_logarithmic_axis_of_whole_powers():
    (chart,) = volume_plots(
        scores(("a", 0.5, 0.2), ("b", 1.0, 10), ("c", 0.1, 0.0), ("d", 0.3, float("nan")))
    )
    # From 0.1 to 10 ml on 190 pixels from 30 on; Dice on 190 pixels up from 214.
    assert dots(chart) == [
        (58.6, 119, "a: 0.2 ml, Dice 0.500"),
        (220, 24, "b: 10 ml, Dice 1.000"),
    ]
    texts = [mark.words for mark in chart.marks if mark.tag == "text"]
    assert texts[:3] == ["0.1", "1", "10"]
    assert volume_plots(scores(("a", 0.5, 0.2))) == [], "one patient is no plot"
