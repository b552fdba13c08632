"""The charts of a page: what they draw, and that verification notices another mark."""

import json
import re
import shutil
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from gliomake.files.provenance import file_sha256
from gliomake.report.charts import Scale, path
from gliomake.report.forest import forest_plots
from gliomake.report.sections.strata import Strata
from gliomake.report.sections.volumes import Volumes
from gliomake.verify.check import VerificationError, verify

BEST = {"model": "b", "run": "patient-f0-s0", "subset": "test", "class": "tumour"}
BEST |= {"metric": "dice", "convention": "patient", "postprocess": False}


def compared(*rows):
    """Rows of comparisons.tsv: models, difference, ends of its interval, patients."""
    names = ["model_a", "model_b", "difference", "ci_low", "ci_high", "n"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(**{key: value for key, value in BEST.items() if key != "model"})


@pytest.fixture
def inputs(small_report):
    with chdir(small_report.root):
        return small_report.inputs()


def texts(chart):
    return [mark.words for mark in chart.marks if mark.tag == "text"]


def places(chart, tag, name):
    return [float(mark.attributes[name]) for mark in chart.marks if mark.tag == tag]


def test_an_axis_places_its_ends_and_nothing_beyond():
    axis = Scale(-1, 1, 10, 110)
    assert [axis.at(value) for value in (-1, 0, 1, 7)] == [10, 60, 110, 110]
    assert Scale(2, 2, 10, 110).at(2) == 10, "a single number has no length"


def test_a_line_draws_points_of_one_place_once():
    assert path([(0, 1), (0, 1), (2, 3)]).attributes["points"] == "0,1 2,3"
    assert path([(0, 1), (0, 3), (0, 1)]).attributes["points"] == "0,1 0,3 0,1", "back again"


def test_volumes_are_drawn_by_their_mean_and_difference(inputs):
    volumes = pd.DataFrame(
        {"patient": ["A", "B"], "subset": "test", "class": inputs.study.classes[0],
         "postprocess": False, "truth_ml": [10.0, 40.0], "predicted_ml": [12.0, 36.0]}
    )  # fmt: skip
    section = Volumes(inputs)
    section._groups = {("unet", inputs.study.classes[0]): volumes}
    (chart,) = section.charts()
    # By hand: means 11 and 38, differences 2 and -4, bias -1, limits -1 +- 1.96 * sqrt(18).
    assert [mark.words for mark in chart.marks if mark.attributes.get("class") == "limit"] == [
        "lower limit -9.32 ml", "bias -1 ml", "upper limit 7.32 ml"
    ]  # fmt: skip
    assert [mark.words for mark in chart.marks if mark.tag == "circle"] == ["A: +2 ml", "B: -4 ml"]
    across, up = places(chart, "circle", "cx"), places(chart, "circle", "cy")
    assert across == pytest.approx([30 + 190 * 11 / 38, 220], abs=0.1)
    height = 190 / (2 * 1.96 * 18**0.5)
    assert up[1] - up[0] == pytest.approx(6 * height, abs=0.2)


def test_strata_are_drawn_with_their_intervals(inputs):
    rows = pd.DataFrame(
        {"stratum": "size", "value": ["small", "large"], "model": "unet", "class": "tumour",
         "subset": inputs.reported_subset, "metric": "dice", "convention": "patient",
         "score": [0.5, 0.75], "ci_low": [0.25, float("nan")], "ci_high": [1.0, float("nan")]}
    )  # fmt: skip
    section = Strata(inputs)
    section._rows = rows
    (chart,) = section.charts()
    assert texts(chart) == ["size: small", "size: large", "0", "1"]
    # From 130 on 270 pixels; the second has no interval.
    assert places(chart, "circle", "cx") == [265, 332.5]
    assert places(chart, "line", "x1") == [197.5, 130] and places(chart, "line", "x2") == [400, 400]
    assert "size: large 0.750" in chart.words


def test_groups_of_the_data_set_have_their_own_name(inputs, tmp_path):
    table = pd.DataFrame({"stratum": ["stratum", "size"], "value": ["CS", "large"]})
    table.to_csv(tmp_path / "strata.tsv", sep="\t", index=False)
    for about, name in (({"strata": "institution"}, "institution"), ({}, "stratum")):
        section = Strata(replace(inputs, strata=tmp_path / "strata.tsv", about_data=about))
        assert section._rows["stratum"].tolist() == [name, "size"]


def test_the_best_model_comes_first_and_the_largest_difference_on_top(inputs):
    frame = compared(
        ("a", "b", -0.2, -0.3, -0.1, 9), ("b", "c", 0.4, 0.1, 0.7, 9), ("a", "c", 0.1, 0, 0.2, 9)
    )
    best, others = forest_plots(inputs, frame, BEST)
    assert texts(best)[:4] == ["c", "+0.400 (+0.100 to +0.700)", "a", "+0.200 (+0.100 to +0.300)"]
    # 0 to 0.7 on 344 pixels from 8 on.
    assert places(best, "circle", "cx") == pytest.approx([204.6, 106.3], abs=0.1)
    assert texts(others)[:3] == ["a minus", "c", "+0.100 (+0.000 to +0.200)"]
    assert best.words.startswith("Forest plot. b minus each other model: Dice, mean per patient")
    assert "b minus a +0.200 (+0.100 to +0.300)" in best.words


def test_a_pair_turned_round_keeps_a_zero_without_a_sign(inputs):
    (chart,) = forest_plots(inputs, compared(("a", "b", -0.1, -0.2, 0.0, 9)), BEST)
    assert texts(chart)[1] == "+0.100 (+0.000 to +0.200)"


def test_too_few_patients_are_grey_and_say_why(inputs):
    (chart,) = forest_plots(inputs, compared(("b", "c", 0.4, 0.1, 0.7, 5)), BEST)
    marks = [mark for mark in chart.marks if "faint" in mark.attributes.get("class", "")]
    assert [mark.tag for mark in marks] == ["text", "text", "line", "circle"]
    assert marks[-1].words == "no verdict: fewer than 6 patients"
    (chart,) = forest_plots(inputs, compared(("b", "c", 0.4, 0.1, 0.7, 6)), BEST)
    assert not any("faint" in mark.attributes.get("class", "") for mark in chart.marks)


def test_baselines_are_drawn_where_there_is_nothing_else(inputs):
    trivial = ("b", "all-background", 0.9, 0.8, 1.0, 9)
    (chart,) = forest_plots(inputs, compared(("b", "c", 0.4, 0.1, 0.7, 9), trivial), BEST)
    assert "all-background" not in chart.words
    (chart,) = forest_plots(inputs, compared(trivial), BEST)
    assert "all-background" in chart.words


def test_undefined_differences_are_not_drawn_and_those_without_interval_have_no_line(inputs):
    nothing = float("nan")
    rows = (("b", "c", nothing, nothing, nothing, 9), ("b", "d", -0.1, nothing, nothing, 1))
    (chart,) = forest_plots(inputs, compared(*rows), BEST)
    assert places(chart, "circle", "cx") == [8]
    assert len(places(chart, "line", "x1")) == 2, "zero and the axis"
    assert forest_plots(inputs, compared(rows[0]), BEST) == []
    assert forest_plots(inputs, compared(), BEST) == []


def accepted(root, page):
    """Write the present hash of a page into numbers.json, as a forger would."""
    path = root / "reports/build/numbers.json"
    content = json.loads(path.read_text())
    content["pages"][page.name] = file_sha256(page)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (r'<circle cx="[\d.]+"', '<circle cx="5"', "chart forest, mark"),
        (r">\+0\.\d+ \(", ">+0.999 (", "chart forest, mark"),
        (r'aria-label="Forest plot\.', 'aria-label="Wood.', "chart forest, mark 0"),
        (r"<circle .*?</circle>", "", "chart forest"),
        (r'id="forest"', 'id="another"', "chart another"),
    ],
)
def test_a_changed_chart_fails(small_report, tmp_path, old, new, what):
    root = Path(shutil.copytree(small_report.root, tmp_path / "copy"))
    page = root / "reports/build/small.html"
    text = page.read_text()
    at = text.index('<svg class="chart" id="forest"')
    changed, found = re.subn(old, new, text[at:], count=1)
    assert found
    page.write_text(text[:at] + changed)
    accepted(root, page)
    with pytest.raises(VerificationError) as caught:
        verify(root / "reports/build/numbers.json", root=root)
    assert any(each.number.startswith(what) for each in caught.value.differences)
