"""Regions, volumes and lesions: by hand, by the plain way, and beside published scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from gliomake.scoring.counts import PredictedSlices
from gliomake.scoring.distances import surface_distances
from gliomake.scoring.lesions import LESION_RULES, LesionRules, score_lesions
from gliomake.scoring.measure import PATIENT_COLUMNS, measure_slices, with_regions
from gliomake.scoring.patient_metrics import LESION_METRICS
from gliomake.scoring.stages import RunTables, compare_study, score_grids, score_model

UNIT = (1.0, 1.0, 1.0)
RULES = LesionRules(dilation=1, smallest=2)
OUTSIDE = Path(__file__).parents[3] / "shared" / "cases" / "outside"


def empty(shape=(7, 20, 20)):
    return np.zeros(shape, bool), np.zeros(shape, bool)


def test_found_missed_and_made_up_by_hand():
    predicted, truth = empty()
    truth[3, 2:5, 2:5] = predicted[3, 2:5, 2:4] = True  # 9 voxels, 6 of them found
    truth[3, 15:18, 15:18] = True  # missed
    predicted[5, 2:4, 15] = True  # made up
    found = score_lesions(predicted, truth, range(7), UNIT, RULES)
    assert (found.true, found.hit, found.spurious) == (2, 1, 1)
    assert found.dice == pytest.approx((2 * 6 / 15 + 0 + 0) / 3)
    hd95, nsd = surface_distances(predicted[:5], truth[:5] & (np.arange(20) < 10), range(5), UNIT)[
        :2
    ]
    assert found.nsd == pytest.approx(nsd / 3)
    assert found.hd95 == pytest.approx((hd95 + 374 + 374) / 3)
    assert (found.recall, found.precision, found.f1) == (1 / 2, 1 / 2, 2 / 4)


def test_lesions_that_dilation_joins_are_one():
    predicted, truth = empty()
    truth[3, 2:4, 2:4] = truth[3, 2:4, 6:8] = True  # two columns between them
    predicted[3, 2:4, 2:4] = True
    apart = score_lesions(predicted, truth, range(7), UNIT, LesionRules(0 + 1, 0))
    assert (apart.true, apart.hit) == (1, 1) and apart.dice == pytest.approx(2 * 4 / 12)
    truth[3, 2:4, 6:8] = False
    truth[3, 2:4, 12:14] = True
    assert score_lesions(predicted, truth, range(7), UNIT, RULES).true == 2


def test_a_small_lesion_counts_neither_for_nor_against():
    predicted, truth = empty()
    truth[3, 5, 5:7] = predicted[3, 5, 5] = True  # 2 mm3
    found = score_lesions(predicted, truth, range(7), UNIT, RULES)
    assert (found.true, found.hit, found.spurious, found.dice) == (0, 0, 0, 1.0)
    thick = score_lesions(predicted, truth, range(7), (1.0, 1.0, 2.0), RULES)  # 4 mm3
    assert (thick.true, thick.hit) == (1, 1)


def test_nothing_at_all_is_right():
    found = score_lesions(*empty(), range(7), UNIT, RULES)
    assert (found.dice, found.nsd, found.hd95) == (1.0, 1.0, 0.0)
    assert np.isnan([found.recall, found.precision, found.f1]).all()


def test_slices_beyond_a_gap_are_another_lesion():
    predicted, truth = empty((2, 20, 20))
    truth[:, 3:6, 3:6] = predicted[0, 3:6, 3:6] = True
    assert score_lesions(predicted, truth, [4, 5], UNIT, RULES).true == 1
    far = score_lesions(predicted, truth, [4, 1004], UNIT, RULES)
    assert (far.true, far.hit) == (2, 1)


def plain(predicted, truth, spacing, rules):
    """The challenge's way: every lesion by itself in the whole volume."""
    ones, step = np.ones((3, 3, 3)), ndimage.generate_binary_structure(3, 2)
    found, count = ndimage.label(predicted, ones)
    wide = ndimage.binary_dilation(truth, step, iterations=rules.dilation)
    joined, lesions = ndimage.label(wide, ones)
    rows, used = [], set()
    for lesion in range(1, lesions + 1):
        one = (joined == lesion) & truth
        near = ndimage.binary_dilation(one, step, iterations=rules.dilation)
        own = np.setdiff1d(np.unique(found[near]), 0)
        used |= set(own.tolist())
        if one.sum() * np.prod(spacing) <= rules.smallest:
            continue
        if not len(own):
            rows.append((0, 0, rules.penalty, 0))
            continue
        other = np.isin(found, own)
        hd95, nsd = surface_distances(other, one, range(len(one)), spacing)[:2]
        rows.append((2 * (one & other).sum() / (one.sum() + other.sum()), nsd, hd95, 1))
    spurious = count - len(used)
    rows += [(0, 0, rules.penalty, 0)] * spurious
    if not rows:
        return 0, 0, 0, 1, 1, 0
    dice, nsd, hd95, hit = np.array(rows, float).T
    return len(rows) - spurious, hit.sum(), spurious, dice.mean(), nsd.mean(), hd95.mean()


@pytest.mark.parametrize("name", LESION_RULES)
@pytest.mark.parametrize("seed", range(25))
def test_equals_the_plain_way(seed, name):
    rng = np.random.default_rng(seed)
    smooth = [ndimage.gaussian_filter(rng.normal(size=(12, 28, 26)), 2) for _ in range(2)]
    truth = (smooth[0] > 0.12) & (seed % 11 > 0)
    predicted = (0.5 * smooth[1] + 0.15 * truth > 0.15) & (seed % 9 > 0)
    found = score_lesions(predicted, truth, range(12), (1.0, 1.2, 2.0), LESION_RULES[name])
    told = (found.true, found.hit, found.spurious, found.dice, found.nsd, found.hd95)
    expected = plain(predicted, truth, (1.0, 1.2, 2.0), LESION_RULES[name])
    assert told == pytest.approx(expected)


def part(patients="ab", spacing=UNIT):
    """Two patients; classes overlap nowhere."""
    truth = np.zeros((3 * len(patients), 2, 12, 12), np.uint8)
    truth[:, 0, 2:5, 2:5], truth[:, 1, 2:5, 5:8] = 1, 1
    probability = truth.astype(np.float32) * 0.8
    probability[:, 0, 2:5, 5:8] = 0.6  # predicted as both
    probability[:3, 1, 2, 5] = 0.4
    return PredictedSlices(
        patient=[name for name in patients for _ in range(3)],
        subset=["test"] * len(truth),
        number=[0, 1, 2] * len(patients),
        probability=probability,
        truth=truth,
        spacing=np.tile(np.float32(spacing), (len(truth), 1)),
        classes=["core", "edema"],
        threshold=0.5,
    )


def test_a_region_is_the_union_of_its_classes():
    union = with_regions(part(), {"whole": ["core", "edema"], "only": ["edema"]})
    assert union.classes == ["whole", "only"]
    np.testing.assert_array_equal(union.truth[:, 0], part().truth.max(axis=1))
    np.testing.assert_array_equal(union.probability[:, 1], part().probability[:, 1])


def test_what_is_measured_of_a_run():
    measured = measure_slices(
        [part("a"), part("b")], regions={"whole": ["core", "edema"]}, lesions="glioma-2023"
    )
    assert set(measured.counts["class"]) == {"core", "edema"} == set(measured.distances["class"])
    sums = measured.regions.groupby(["patient", "class"])[["tp", "fp", "fn"]].sum()
    # Predicted as core where it is edema: for the union that is right.
    assert sums.loc[("b", "whole")].tolist() == [3 * 18, 0, 0]
    table = measured.patients.set_index(["patient", "class"])
    assert list(measured.patients) == PATIENT_COLUMNS
    assert table.loc[("a", "core"), "truth_ml"] == pytest.approx(27 / 1000)
    assert table.loc[("a", "core"), "predicted_ml"] == pytest.approx(54 / 1000)
    assert table.loc[("a", "whole"), "hd95"] == 0 and np.isnan(table.loc[("a", "core"), "hd95"])
    # 27 mm3 is left out, 54 mm3 counts.
    assert table.loc[("a", "core"), "lesions"] == 0
    assert table.loc[("a", "whole"), ["lesions", "hit", "spurious"]].tolist() == [1, 1, 0]
    plain_ = measure_slices([part("a"), part("b")])
    assert plain_.regions.empty and plain_.patients.empty
    pd.testing.assert_frame_equal(plain_.counts, measured.counts)


def tables(lesions="glioma-2023"):
    patients = "abcdefgh"
    measured = measure_slices(
        [part(patients, (1.0, 1.0, 4.0))],
        regions={"whole": ["core", "edema"]},
        lesions=lesions,
    )
    return RunTables(**vars(measured))


def test_no_region_is_in_a_mean_over_classes():
    given = {"metrics": ["dice"], "bootstrap": {"resamples": 50, "seed": 0}}
    rows = pd.DataFrame(score_model({"r": tables()}, task="segmentation", **given))
    value = rows[rows["convention"] == "patient"].set_index(["class", "metric"])["value"]
    assert value["mean", "dice"] == pytest.approx(
        (value["core", "dice"] + value["edema", "dice"]) / 2
    )
    assert value["whole", "dice"] == 1 and value["whole", "hd95"] == 0
    for metric in LESION_METRICS:
        assert ("whole", metric) in value and ("core", metric) in value
    assert value["whole", "lesion-dice-2023"] == 1
    none = pd.DataFrame(score_model({"r": tables(None)}, task="segmentation", **given))
    assert not set(none["metric"]) & set(LESION_METRICS)
    assert "whole" in set(none["class"])


def test_models_are_compared_by_regions_and_lesions():
    given = {"run": "r", "metrics": ["dice"], "bootstrap": {"resamples": 50, "seed": 0}}
    table = compare_study({"one": tables(), "two": tables()}, **given)
    rows = table.set_index(["class", "metric", "convention"])
    assert rows.loc[("whole", "lesion-f1", "patient"), "difference"] == 0
    assert ("whole", "hd95", "patient") in rows.index
    assert len(rows.loc[("mean", "dice", "patient")]) and "mean" in set(table["class"])


@pytest.mark.skipif(not OUTSIDE.is_dir(), reason="the table is not here")
def test_published_scores_of_regions():
    """Dice of the BraTS evaluation from its counts, to the last place."""
    table = pd.read_csv(OUTSIDE / "brats_mets_regions.tsv", sep="\t")
    known = table[table["dice"].notna()]
    assert len(known) >= 12
    tp, fp, fn = (known[name].to_numpy(float) for name in ("tp", "fp", "fn"))
    np.testing.assert_allclose(2 * tp / (2 * tp + fp + fn), known["dice"], rtol=1e-12)


def test_scores_of_both_grids_stand_side_by_side():
    given = {"run": "r", "metrics": ["dice"], "bootstrap": {"resamples": 50, "seed": 0}}
    fine = tables()
    worse = fine.counts.assign(tp=fine.counts["tp"] // 2)
    coarse = RunTables(worse, fine.distances, fine.regions, fine.patients)
    table = score_grids({"one": coarse}, {"one": fine}, **given)
    row = table.set_index(["class", "metric", "convention"]).loc[("core", "dice", "pooled")]
    assert row["value_resized"] < row["value_native"]
    alone = pd.DataFrame(
        score_model(
            {"r": fine}, task="segmentation", metrics=["dice"], bootstrap=given["bootstrap"]
        )
    )
    assert len(table) == len(alone)
