"""Probabilities beside the truth: counts by hand, curves of small cases, what verification sees."""

import re
import shutil
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gliomake.files.contracts import FileError
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.report.page import build_study_page
from gliomake.report.sections.probabilities import Probabilities
from gliomake.reporting.checklist import checklist
from gliomake.scoring.calibration import (
    COLUMNS,
    CalibrationError,
    bin_of,
    calibrate_run,
    count_probabilities,
    read_calibration,
)
from gliomake.scoring.counts import PredictedSlices
from gliomake.scoring.curves import (
    Area,
    areas,
    calibration_error,
    has_probabilities,
    precision_recall,
    reliability,
    roc,
)
from gliomake.study.model import Study
from gliomake.verify.calibration import totals_of_probabilities
from gliomake.verify.check import VerificationError, verify

BOOTSTRAP = {"resamples": 200, "seed": 0}
UNIT = "results/small/unet/patient-f0-s0"


def part(probability, truth, *, patient=None, subset=None, classes=("tumour",)):
    """Slices as `read_predictions` gives them."""
    probability, truth = np.asarray(probability, np.float16), np.asarray(truth, np.uint8)
    n = len(probability)
    return PredictedSlices(
        patient=patient or ["a"] * n,
        subset=subset or ["test"] * n,
        number=list(range(n)),
        probability=probability,
        truth=truth,
        spacing=np.ones((n, 3), np.float32),
        classes=list(classes),
        threshold=0.5,
    )


def images(*rows):
    """Counts of a classifier from rows of patient, probability, tumour or not."""
    made = [("test", "tumour", p, value, 1 - tumour, tumour) for p, value, tumour in rows]
    return pd.DataFrame(made, columns=COLUMNS)


def ranking(probabilities, tumour):
    return images(*(("", p, t) for p, t in zip(probabilities, tumour, strict=True)))


def row_of(table, subset, name):
    return table[(table["subset"] == subset) & (table["class"] == name)].to_numpy().tolist()


def test_pixels_are_counted_by_bin_and_truth():
    values = [[[0.0, 0.05], [0.75, 1.0]]]
    other = [[[0.5, 0.5], [0.5, 0.25]]]
    table = count_probabilities([
        part([[values[0], other[0]]], [[[[0, 0], [1, 0]], [[1, 0], [0, 1]]]], classes=("ET", "ED")),
        part([[values[0], other[0]]], [[[[1, 0], [1, 1]], [[1, 0], [0, 0]]]], classes=("ET", "ED")),
    ])  # fmt: skip
    assert list(table.columns) == COLUMNS
    small = float(np.float16(0.05))
    assert row_of(table, "test", "ET") == [
        ["test", "ET", "", pytest.approx(small / 2), 3, 1],
        ["test", "ET", "", 0.75, 0, 2],
        ["test", "ET", "", 1.0, 1, 1],
    ]
    assert row_of(table, "test", "ED") == [
        ["test", "ED", "", 0.25, 1, 1],
        ["test", "ED", "", 0.5, 4, 2],
    ]


def test_subsets_within_a_part_stay_apart_and_memory_does_not_grow():
    some = part(np.full((3, 1, 1, 2), 0.5), np.ones((3, 1, 1, 2)), subset=["test", "val", "test"])
    table = count_probabilities([some] * 100)
    assert table[["subset", "positive"]].to_numpy().tolist() == [["test", 400], ["val", 200]]


@pytest.mark.parametrize("edge", range(1, 10))
def test_a_bin_begins_at_the_first_float16_that_is_not_below_its_edge(edge):
    below = above = np.float16(edge / 10)
    while float(above) * 10 < edge:
        above = np.nextafter(above, np.float16(1))
    while float(below) * 10 >= edge:
        below = np.nextafter(below, np.float16(0))
    assert bin_of(np.array([below, above])).tolist() == [edge - 1, edge]
    table = count_probabilities([part([[[[below, above]]]], [[[[0, 1]]]])])
    assert table["probability"].tolist() == [float(below), float(above)]
    # The mean of a bin stands in its bin, so a file says which bin each row is.
    assert reliability(table)["bin"].tolist() == [edge - 1, edge]


def test_the_sum_of_many_small_probabilities_loses_nothing():
    tiny = 2.0**-24
    some = part(np.full((64, 1, 64, 64), tiny), np.zeros((64, 1, 64, 64)))
    table = count_probabilities([some] * 3 + [part([[[[0.0625, 0]]]], [[[[0, 0]]]])])
    n = 3 * 64 * 64 * 64
    assert table["negative"].tolist() == [n + 2]
    assert table["probability"].tolist() == [(n * tiny + 0.0625) / (n + 2)]


def test_a_negative_zero_is_zero_and_what_is_no_share_is_refused():
    assert count_probabilities([part([[[[-0.0, 0.0]]]], [[[[0, 0]]]])])["negative"].tolist() == [2]
    for wrong in (np.nan, -0.1, 1.001, np.inf):
        with pytest.raises(CalibrationError, match=r"'a' or after it .* predict again"):
            count_probabilities([part([[[[wrong, 0.5]]]], [[[[0, 0]]]])])
        with pytest.raises(CalibrationError, match="predict again"):  # of an image
            count_probabilities([part([[[[wrong]]]], [[[[0]]]])])
    with pytest.raises(CalibrationError, match="no predicted slice: expected"):
        count_probabilities([])


def test_images_are_counted_by_patient_and_probability():
    truth = np.zeros((5, 1, 4, 4))
    truth[[0, 3], 0, 1, 1] = 1
    probability = np.array([0.7, 0.7, 0.7, 0.2, 0.2]).reshape(5, 1, 1, 1)
    table = count_probabilities([part(probability, truth, patient=["b", "b", "a", "a", "a"])])
    high, low = float(np.float16(0.7)), float(np.float16(0.2))
    assert table.to_numpy().tolist() == [
        ["test", "tumour", "a", low, 1, 1],
        ["test", "tumour", "a", high, 1, 0],
        ["test", "tumour", "b", high, 1, 1],
    ]


# Worked by hand: of all pairs with and without tumour the share ranked rightly, and the mean over
# the images with tumour of the precision where each is reached.
AREAS = [
    ("perfect", [0.9, 0.8, 0.3, 0.1], [1, 1, 0, 0], 1, 1),
    ("inverted", [0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0], 0, (1 / 3 + 2 / 4) / 2),
    ("constant", [0.5] * 4, [1, 0, 0, 0], 1 / 2, 1 / 4),
    ("one pair wrong", [0.9, 0.6, 0.7, 0.1], [1, 1, 0, 0], 3 / 4, (1 + 2 / 3) / 2),
    ("a tie", [0.9, 0.6, 0.6, 0.1], [1, 1, 0, 0], 3.5 / 4, (1 + 2 / 3) / 2),
]


@pytest.mark.parametrize(("probabilities", "tumour", "auroc", "average"), [a[1:] for a in AREAS],
                         ids=[a[0] for a in AREAS])  # fmt: skip
def test_areas_by_hand(probabilities, tumour, auroc, average):
    found = areas(ranking(probabilities, tumour), BOOTSTRAP)
    assert found.auroc == (pytest.approx(auroc), None, None), "four images give no interval"
    assert found.average_precision.value == pytest.approx(average)
    assert found.units == 4


def test_the_area_is_that_under_the_drawn_curve():
    rng = np.random.default_rng(3)
    tumour = rng.random(200) < 0.3
    rows = ranking(np.round(0.3 * tumour + 0.7 * rng.random(200), 1), tumour.astype(int))
    found = areas(rows, BOOTSTRAP)
    x, y = roc(rows)
    assert found.auroc.value == pytest.approx(np.trapezoid(y, x))
    recall, precision = precision_recall(rows)
    steps = np.diff(recall, prepend=0) * precision
    assert found.average_precision.value == pytest.approx(steps.sum())
    assert (x[0], y[0], x[-1], y[-1], recall[-1]) == (0, 0, 1, 1, 1)
    assert precision[-1] == pytest.approx(tumour.mean())
    low, high = found.auroc[1:]
    assert 0 < low < found.auroc.value < high < 1


@pytest.mark.parametrize("tumour", [0, 1])
def test_images_of_one_class_have_no_area(tumour):
    found = areas(ranking([0.1, 0.9], [tumour, tumour]), BOOTSTRAP)
    assert found.auroc == found.average_precision == Area()


def test_intervals_draw_patients_and_not_images():
    """Each patient's images all alike: as many images more say nothing more."""
    rng = np.random.default_rng(0)
    score = rng.random(12)
    once = [(f"p{n:02}", round(float(p), 2), int(p + rng.normal(0, 0.4) > 0.5))
            for n, p in enumerate(score)]  # fmt: skip
    few, many = areas(images(*once), BOOTSTRAP), areas(images(*once * 30), BOOTSTRAP)
    assert few == many and few.units == 12
    wide = few.auroc.high - few.auroc.low
    assert wide > 0.1
    lone = areas(images(*[("", p, t) for _, p, t in once * 30]), BOOTSTRAP)
    assert lone.units == 360
    assert lone.auroc.high - lone.auroc.low < wide / 2


def test_an_interval_ends_at_1_and_begins_with_six_patients():
    rows = [(f"p{n}", 0.9 if n % 2 else 0.1, n % 2) for n in range(6)]
    assert areas(images(*rows), BOOTSTRAP).auroc == (1, 1, 1)
    assert areas(images(*rows[:5]), BOOTSTRAP).auroc == (1, None, None)


def test_reliability_and_calibration_error_by_hand():
    rows = images(("a", 0.25, 1), ("a", 0.21, 0), ("b", 0.25, 0), ("b", 0.9, 1))
    bins = reliability(rows)
    assert bins["bin"].tolist() == [2, 9]
    assert bins["n"].tolist() == [3, 1]
    assert bins["predicted"].tolist() == pytest.approx([0.71 / 3, 0.9])
    assert bins["observed"].tolist() == pytest.approx([1 / 3, 1])
    assert calibration_error(bins) == pytest.approx((3 * (1 / 3 - 0.71 / 3) + 0.1) / 4)
    assert np.isnan(calibration_error(reliability(rows[:0])))


def test_label_maps_have_no_probabilities():
    assert not has_probabilities(images(("a", 0, 0), ("a", 1, 1)))
    assert has_probabilities(images(("a", 0, 0), ("a", 0.5, 1)))


def test_a_file_is_read_as_it_was_written(small_report):
    path = small_report.root / UNIT / "calibration.tsv"
    with chdir(small_report.root):
        made = calibrate_run(f"{UNIT}/predictions.h5", [small_report.shard])
    pd.testing.assert_frame_equal(read_tsv(path), made, rtol=1e-14)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("positive", "tumour", "the columns subset, class, .*; expected the columns"),
        ("\t1\n", "\t-1\n", "column positive has other cells; expected whole numbers"),
        ("\t1\n", "\t1.5\n", "column positive has other cells; expected whole numbers"),
        ("\t0.5\t", "\t1.5\t", "column probability has other cells; expected numbers from 0 to 1"),
        ("\t0.5\t", "\t\t", "column probability has other cells; expected numbers from 0 to 1"),
        ("\t1\n", "\n", "line 2 has 5 cells; expected 6"),
    ],
)
def test_a_damaged_file_says_what_was_found(tmp_path, old, new, found):
    path = tmp_path / "calibration.tsv"
    write_tsv(images(("a", 0.5, 1)), path)
    assert read_calibration(path).to_numpy().tolist() == [["test", "tumour", "a", 0.5, 0, 1]]
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(FileError, match=rf"calibration.tsv is damaged: .*{found}.* built again"):
        read_calibration(path)


def test_what_is_called_follows_from_probabilities_and_threshold():
    table = count_probabilities([part([[[[0.29, 0.31, 0.8]]]], [[[[1, 0, 1]]]])])
    assert totals_of_probabilities(table, 0.3).to_numpy().tolist() == [["test", "tumour", 1, 2, 2]]


@pytest.fixture
def root(small_report, tmp_path):
    return Path(shutil.copytree(small_report.root, tmp_path / "copy"))


def rebuilt(root, small_report):
    """Build the pages of the copy again, so that all hashes and pages fit its files."""
    from gliomake.report import build_report

    with chdir(root):
        build_report([small_report.inputs()], "reports/build")


def differences(root, deep=False):
    with pytest.raises(VerificationError) as caught:
        verify(root / "reports/build/numbers.json", root=root, deep=deep)
    return {(each.file, each.number) for each in caught.value.differences}


def test_a_changed_file_is_noticed_by_its_hash_and_on_the_page(root):
    path = root / UNIT / "calibration.tsv"
    table = read_tsv(path)
    table.loc[table["subset"] == "test", "probability"] *= 0.999
    write_tsv(table, path)
    found = differences(root)
    assert (f"{UNIT}/calibration.tsv", "sha256") in found
    assert any(number.startswith("chart reliability-unet-tumour") for _, number in found)
    assert any(re.match(r"reliability-bins, row \d+, Mean", number) for _, number in found)


def test_a_row_forged_before_the_page_was_built_fails_by_the_counts(root, small_report):
    path = root / UNIT / "calibration.tsv"
    table = read_tsv(path)
    at = table[table["subset"] == "test"].index[0]
    table.loc[at, ["negative", "positive"]] += [-1, 1]
    write_tsv(table, path)
    rebuilt(root, small_report)
    file = f"{UNIT}/calibration.tsv"
    assert differences(root) == {(file, "test/tumour/negative"), (file, "test/tumour/positive")}


def test_probabilities_forged_within_their_bins_fail_by_the_predictions(root, small_report):
    path = root / UNIT / "calibration.tsv"
    table = read_tsv(path)
    table.loc[table["probability"].between(0.11, 0.19), "probability"] += 0.01
    write_tsv(table, path)
    rebuilt(root, small_report)
    verify(root / "reports/build/numbers.json", root=root)
    found = differences(root, deep=True)
    assert {file for file, _ in found} == {f"{UNIT}/calibration.tsv"}
    assert len(found) == 2, "one of val and one of test"


def classifier_of(small_report, monkeypatch, rows):
    """The small study's inputs, with a classifier in place of its first model."""
    inputs = small_report.inputs()
    path = Path("results/small/made.tsv")
    write_tsv(rows, path)
    runs = [
        replace(files, calibration=path if files.model == "unet" else None) for files in inputs.runs
    ]
    monkeypatch.setattr(Study, "classifies", lambda _, model: model == "unet")
    return replace(inputs, runs=tuple(runs))


@pytest.fixture
def at_home(root, monkeypatch):
    monkeypatch.chdir(root)


@pytest.mark.usefixtures("at_home")
def test_a_classifier_has_curves_areas_and_lines_of_the_checklist(small_report, monkeypatch):
    rows = images(*((f"p{n}", 0.1 + 0.1 * n, int(n > 3)) for n in range(8)), ("p0", 0.75, 0))
    inputs = classifier_of(small_report, monkeypatch, rows)
    section = Probabilities(inputs)
    (row,) = section.classifiers.rows
    told = [cell.text for cell in row]
    # 17 of 20 pairs; the image at 0.75 stands above three that show tumour.
    assert told[:5] == ["unet", "9", "4", "8", "0.850"]
    assert told[6] == f"{(1 + 2 / 3 + 3 / 4 + 4 / 5) / 4:.3f}"
    assert [chart.id for chart in section.charts()] == [
        *("roc-unet", "precision-unet", "reliability-unet-tumour")
    ]
    items = {row["item"]: row["value"] for row in checklist(inputs).to_dict("records")}
    assert "; AUROC and average precision of images; expected calib" in items[28]
    assert f"; unet AUROC 0.850 ({told[5]}); unet average precision" in items[38]


@pytest.mark.usefixtures("at_home")
def test_images_of_one_class_are_undefined_and_it_is_said(small_report, monkeypatch):
    for tumour, why in ((0, "no image shows tumour"), (1, "all 2 images show tumour")):
        rows = images(("a", 0.1, tumour), ("b", 0.9, tumour))
        section = Probabilities(classifier_of(small_report, monkeypatch, rows))
        (row,) = section.classifiers.rows
        assert [cell.text for cell in row[4:]] == [f"undefined: {why}", "", f"undefined: {why}", ""]
        assert [chart.id for chart in section.charts()] == ["reliability-unet-tumour"]


@pytest.mark.usefixtures("at_home")
def test_of_label_maps_nothing_is_drawn_and_it_is_said(small_report, monkeypatch):
    rows = images(("a", 0, 0), ("b", 1, 1))
    inputs = classifier_of(small_report, monkeypatch, rows)
    section = Probabilities(inputs)
    assert section.is_shown and section.tables() == section.charts() == []
    page = " ".join(build_study_page(inputs).split())
    assert "Of unet only 0 and 1 are known: label maps hold no probabilities." in page
    items = {row["item"]: row["value"] for row in checklist(inputs).to_dict("records")}
    assert "calibration" not in items[28] and "AUROC" not in items[38]


def test_a_build_without_the_file_has_a_page_without_the_section(root, small_report):
    for path in root.glob("results/small/*/*/calibration.tsv"):
        path.unlink()
    rebuilt(root, small_report)
    page = (root / "reports/build/small.html").read_text()
    assert 'id="scores"' in page and 'id="probabilities"' not in page
    assert verify(root / "reports/build/numbers.json", root=root).pages == 11
