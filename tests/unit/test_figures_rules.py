"""What figures promise a reader: which slices they show, what can be read, what they are called."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from figure_inputs import study_inputs
from PIL import Image

from gliomake.figures import choose, draw_figure, images, make_figure, style
from gliomake.figures.cases import complete_cases
from gliomake.figures.confusion import FULL, SHADES
from gliomake.figures.curves import epoch_ticks
from gliomake.figures.survival import median_survival
from gliomake.figures.volumes import three_cuts


class TestChoice:
    """Slices are chosen by rule."""

    scores = pd.DataFrame(
        {
            "patient": ["a", "a", "b", "b", "c", "c"],
            "slice": [1, 2, 1, 2, 1, 2],
            "pixels": [10, 20, 30, 40, 50, 60],
            "dice": [0.0, 0.9, 0.1, 0.8, 0.3, 0.7],
        }
    )

    def test_the_worst_are_the_worst_and_sizes_come_from_other_patients(self):
        chosen = choose.sizes_and_worst(self.scores, 5)
        assert list(chosen) == ["large", "median", "small", "worst", "2nd worst patient"]
        named = {name: (row["patient"], row["slice"]) for name, row in chosen.items()}
        assert named["worst"] == ("a", 1)  # Dice 0
        assert named["2nd worst patient"] == ("b", 1)  # Dice 0.1
        assert named["large"] == ("c", 2)  # 57.5 is the 95th percentile
        assert named["median"] == ("b", 2)  # 35 is the median: 30 is taken
        assert named["small"] == ("a", 2)  # 15 is the 10th: 10 is taken
        lowest = min(row["dice"] for row in chosen.values())
        assert chosen["worst"]["dice"] == lowest == self.scores["dice"].min()

    def test_of_missed_tumours_the_largest_is_the_worst(self):
        scores = self.scores.assign(dice=[0.0, 0.9, 0.0, 0.8, 0.0, 0.7])
        worst = choose.sizes_and_worst(scores, 5)["worst"]
        assert (worst["patient"], worst["pixels"]) == ("c", 50)

    def test_without_patients_the_worst_follow_each_other(self):
        scores = self.scores.assign(patient="", slice=range(6))
        chosen = choose.sizes_and_worst(scores, 5)
        assert [chosen[name]["slice"] for name in ("worst", "2nd worst")] == [0, 2]

    def test_quality(self):
        chosen = choose.by_quantile(self.scores, "dice", choose.QUALITIES)
        found = {name: row["dice"] for name, row in chosen.items()}
        # 0.85, 0.5 and 0.05 are the percentiles; a patient is shown once.
        assert (found["90th percentile"], found["10th percentile"]) == (0.9, 0.1)
        assert found["median"] in (0.3, 0.7)  # as near

    def test_one_slice_is_enough(self):
        assert list(choose.sizes_and_worst(self.scores.head(1), 5)) == ["worst"]

    def test_spread_takes_the_largest_tumour_of_spread_patients(self):
        chosen = choose.spread_over_patients(self.scores, 2)
        assert chosen[["patient", "slice"]].values.tolist() == [["a", 2], ["c", 2]]
        assert len(choose.spread_over_patients(self.scores, 6)) == 6
        assert choose.spread_over_patients(self.scores.assign(pixels=0), 3).empty

    def test_without_tumour_is_an_error(self):
        spec = study_inputs("lgg-encoders").spec("figures", {"kind": "masks", "models": ["unet"]})
        with pytest.raises(ValueError, match="no slice of the subset nowhere has tumour"):
            choose.slice_scores(spec.inputs["counts"], "nowhere", False)


def test_a_case_that_stands_in_has_every_class():
    cases = pd.DataFrame(
        {"case": list("abc"), "patient": ["p", "p", "q"], "first_slice": [0, 3, 0], "slices": 3}
    )
    slices = pd.DataFrame(
        {
            "dataset": "x",
            "patient": ["p"] * 6 + ["q"] * 3,
            "slice": [*range(6), *range(3)],
            "height": 9,
            "width": 9,
            "NEC": [0, 1, 0, 0, 0, 0, 5, 0, 0],
            "ED": [0, 0, 1, 9, 9, 9, 0, 2, 0],
        }
    )
    assert complete_cases(cases, slices) == ["a", "c"]


def test_three_cuts_meet_in_the_tumour():
    mask = np.zeros((6, 8, 10), int)
    mask[1, 2, 3] = 1
    cuts = three_cuts(mask * 7, mask, (1.0, 2.0, 3.0))
    for cut in cuts:
        assert cut.tumour[cut.row, cut.column] == 1 and cut.plane[cut.row, cut.column] == 7
    assert [cut.plane.shape for cut in cuts] == [(10, 8), (6, 8), (6, 10)]
    # 20 mm by 8, 18 by 8, 18 by 20.
    assert [cut.shape for cut in cuts] == [20 / 8, 18 / 8, 18 / 20]


@pytest.mark.parametrize("share", [*np.linspace(0, 1, 21)])
def test_a_matrix_can_be_read_on_every_shade(share):
    shade = SHADES(share / FULL)
    assert style.contrast(style.text_colour(shade), shade) >= 4.5


def test_contrast_is_that_of_the_standard():
    # WCAG's own example of what just passes: #767676 on white has 4.54.
    assert style.contrast("#767676", "white") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("last", [*range(1, 60), 120, 999])
def test_epochs_are_named_from_the_first(last):
    ticks = epoch_ticks(last)
    assert ticks[0] == 1 and ticks[-1] <= last and len(ticks) <= 7
    assert ticks == sorted(set(ticks))


@pytest.mark.parametrize("model", ["vgg19-unet", "resnet50-classifier"])
def test_a_curve_has_room_and_shows_the_weights_that_were_kept(model):
    spec = study_inputs("lgg-two-stage").spec(
        "figures", {"kind": "curves", "models": [model], "panels": ["loss", "accuracy"]}
    )
    history = pd.read_csv(spec.inputs["history"][model], sep="\t")
    for axes in draw_figure(spec).axes:
        low, high = axes.get_xlim()
        assert (low, high) == (0.5, history["epoch"].max() + 0.5)
        named = {str(line.get_label()): line for line in axes.lines}
        [kept] = [line for name, line in named.items() if name.startswith("best checkpoint")]
        drawn = {line.get_label(): line for line in axes.lines}
        epoch = int(kept.get_xdata()[0])
        assert kept.get_ydata()[0] == drawn["validation"].get_ydata()[epoch - 1]
        assert axes.get_xticks()[0] == 1
        bottom, top = axes.get_ylim()
        assert bottom <= drawn["validation"].get_ydata().min() and (bottom == 0 or top == 1)


def test_survival_is_kaplan_and_meiers():
    # Freireich and others 1963, the patients under 6-mercaptopurine: the textbooks' example.
    died = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    seen = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    times, alive = np.array([*died, *seen], float), np.array([False] * 9 + [True] * 12)
    assert median_survival(times, alive) == 23
    assert np.isnan(median_survival(times[6:], np.ones(15, bool)))


def test_the_survival_curve_falls_at_deaths_alone(tmp_path):
    cases = {"survival_days": [100, 200, 300, 400, ""], "censored": [0, 1, 0, 0, ""]}
    names = {"case": list("abcde"), "patient": list("abcde")}
    pd.DataFrame(names | cases).to_csv(tmp_path / "cases.tsv", sep="\t", index=False)
    block = {"kind": "survival", "column": "survival_days", "label": "survival", "unit": "days",
             "censored": "censored"}  # fmt: skip
    spec = study_inputs("brats2020-multiclass").spec("figures", block)
    figure = draw_figure(replace(spec, inputs={"cases": tmp_path / "cases.tsv"}))
    [axes] = figure.axes
    curve, ticks, median = axes.lines
    at = dict(zip(curve.get_xdata(), curve.get_ydata(), strict=True))
    # 3/4 after the first of four; the third of two left halves it; the last leaves nobody.
    assert [at[day] for day in (0, 100, 200, 300, 400)] == pytest.approx([100, 75, 75, 37.5, 0])
    assert (ticks.get_xdata(), ticks.get_ydata()) == (pytest.approx([200]), pytest.approx([75]))
    assert median.get_xdata()[-1] == 300
    assert figure.get_suptitle() == "n = 4, 1 not recorded"
    assert axes.get_xticklabels()[0].get_text() == "0\n4"


def test_shares_are_dots_where_the_axis_is_logarithmic():
    spec = study_inputs("brats2020-multiclass").spec("figures", {"kind": "pixel-imbalance"})
    left, right = draw_figure(spec).axes
    assert not left.patches and left.get_xlim()[1] == right.get_xlim()[1] == 100
    dots = {line.get_markerfacecolor() for line in left.lines if line.get_marker() == "o"}
    assert {*spec.study.data.colours.values()} <= dots
    drawn = {patch.get_edgecolor()[:3] for patch in right.patches}
    assert len(drawn) == 3


def test_an_outline_closes_at_the_edge_of_the_picture():
    axes = style.new_figure(2, 2).subplots()
    images.show(axes, np.zeros((5, 6)), outlines=[(np.ones((5, 6)), "#FF0000")])
    [path] = axes.collections[0].get_paths()
    assert path.vertices.min(axis=0).tolist() == [-0.5, -0.5]
    assert path.vertices.max(axis=0).tolist() == [5.5, 4.5]
    assert axes.get_xlim() == (-0.5, 5.5) and axes.get_ylim() == (4.5, -0.5)


def test_the_title_goes_with_the_files(tmp_path):
    block = {"kind": "masks", "models": ["unet"]}
    spec = study_inputs("lgg-encoders").spec("figures", block)
    title = draw_figure(spec).get_suptitle()
    assert title.startswith("U-Net, test set: ") and " slices with tumour of " in title
    make_figure(spec, tmp_path / "a.svg", tmp_path / "a.png")
    assert f"<title>{title}</title>" in (tmp_path / "a.svg").read_text()
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.text["Title"] == title


def test_images_without_patients_are_called_images():
    block = {"kind": "predictions", "models": ["unet"], "subset": "test"}
    title = draw_figure(study_inputs("coco-unet").spec("figures", block)).get_suptitle()
    assert title.endswith(" images with tumour")


def test_a_prediction_of_every_class_has_its_dice():
    block = {"kind": "class-predictions", "models": ["unet-v1"]}
    spec = study_inputs("brats2020-multiclass").spec("figures", block)
    axes = draw_figure(spec).axes
    tags = [text.get_text() for each in axes for text in each.texts]
    assert len(tags) == 4 and all(tag.startswith("Dice ") for tag in tags)
    counts = pd.read_csv(spec.inputs["counts"]["unet-v1"], sep="\t")
    title = spec_slice(draw_figure(spec).get_suptitle())
    here = counts[(counts["patient"] == title[0]) & (counts["slice"] == title[1])]
    here = here[~here["postprocess"]].set_index("class")
    for tag, name in zip(tags[1:], spec.study.classes, strict=True):
        tp, fp, fn = here.loc[name, ["tp", "fp", "fn"]]
        assert tag.splitlines()[0] == f"Dice {2 * tp / (2 * tp + fp + fn):.2f}"


def spec_slice(title: str) -> tuple[str, int]:
    """Read patient and slice from a title."""
    words = title.split(": ", 1)[1].split(",")[0].split()
    return words[0], int(words[-1])
