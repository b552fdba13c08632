"""Surface distances: by hand, by brute force, and against MONAI."""

import contextlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gliomake.scoring.counts import PredictedSlices
from gliomake.scoring.distances import COLUMNS, measure_predictions, surface_distances

UNIT = (1.0, 1.0, 1.0)


def volume(seed, shape=(5, 7, 6), share=0.3):
    return np.random.default_rng(seed).random(shape) < share


def brute_force(predicted, truth, number, spacing, tolerance):
    """The definition, voxel by voxel."""
    surfaces = []
    for mask in (predicted, truth):
        points = []
        padded = np.pad(mask, 1)
        for z, y, x in np.argwhere(mask):
            block = padded[z : z + 3, y : y + 3, x : x + 3]
            neighbours = (
                block[0, 1, 1],
                block[2, 1, 1],
                block[1, 0, 1],
                block[1, 2, 1],
                block[1, 1, 0],
                block[1, 1, 2],
            )
            if not all(neighbours):
                points.append((number[z] * spacing[2], y * spacing[0], x * spacing[1]))
        surfaces.append(np.array(points))
    between = np.linalg.norm(surfaces[0][:, None] - surfaces[1][None], axis=-1)
    directed = between.min(axis=1), between.min(axis=0)
    hd95 = max(np.percentile(distances, 95) for distances in directed)
    union = np.percentile(np.concatenate(directed), 95)
    near = sum((distances <= tolerance + 1e-9).sum() for distances in directed)
    return hd95, near / sum(map(len, directed)), union


def test_two_voxels_by_hand():
    predicted, truth = np.zeros((2, 3, 5, 6), bool)
    predicted[0, 1, 1] = True
    truth[2, 4, 5] = True
    # 2 slices of 5 mm, 3 rows of 2 mm, 4 columns of 1.5 mm: 10, 6, 6
    hd95, nsd, _, missed = surface_distances(predicted, truth, [4, 5, 6], (2.0, 1.5, 5.0))
    assert hd95 == pytest.approx(np.sqrt(172))
    assert (nsd, missed) == (0, False)


def test_shifted_square_by_hand():
    predicted, truth = np.zeros((2, 1, 9, 9), bool)
    predicted[0, 2:5, 2:5] = truth[0, 2:5, 4:7] = True
    # one slice: all 9 voxels are surface; columns 2 and 3 lie 2 and 1 mm off, column 4 on the other
    hd95, nsd, *_ = surface_distances(predicted, truth, [0], UNIT)
    assert hd95 == 2
    assert nsd == pytest.approx(12 / 18)
    assert surface_distances(predicted, truth, [0], UNIT, tolerance=2.0)[1] == 1


@pytest.mark.parametrize("seed", range(6))
def test_equals_brute_force(seed):
    predicted, truth = volume(seed), volume(seed + 50, share=0.8)
    number, spacing = [3, 4, 5, 6, 7], (0.9, 1.3, 2.5)
    hd95, nsd, union, missed = surface_distances(predicted, truth, number, spacing, 1.0)
    expected = brute_force(predicted, truth, number, spacing, 1.0)
    assert (hd95, nsd, union) == pytest.approx(expected)
    assert union <= hd95
    assert not missed


def test_gaps_count_at_their_true_height():
    predicted, truth = volume(1), volume(2)
    number = [1, 2, 5, 6, 12]
    found = surface_distances(predicted, truth, number, (1.0, 1.0, 3.0))
    assert found[:3] == pytest.approx(brute_force(predicted, truth, number, (1.0, 1.0, 3.0), 1.0))
    # neighbours in the file, 4 slices of 3 mm apart
    predicted, truth = np.zeros((2, 2, 3, 3), bool)
    predicted[0, 1, 1] = truth[1, 1, 1] = True
    assert surface_distances(predicted, truth, [5, 9], (1.0, 1.0, 3.0)) == (12, 0, 12, False)


def test_slices_beside_a_gap_are_neighbours_on_the_surface():
    # a tumour through all of every second slice: its inside is no surface, as without the gaps
    whole = np.zeros((5, 11, 11), bool)
    whole[:, 1:10, 1:10] = True
    hollow = whole.copy()
    hollow[1:4, 5, 5] = False
    gaps = surface_distances(whole, hollow, [0, 2, 4, 6, 8], (1.0, 1.0, 5.0))
    closed = surface_distances(whole, hollow, [0, 1, 2, 3, 4], (1.0, 1.0, 5.0))
    assert gaps[1] == closed[1] < 1


@pytest.mark.slow  # importing MONAI takes ten seconds
@pytest.mark.parametrize("seed", range(4))
def test_equals_monai(seed):
    import torch
    from monai.metrics import compute_hausdorff_distance, compute_surface_dice

    shape = (6, 9, 8)
    predicted, truth = volume(seed, shape, 0.2), volume(seed + 50, shape, 0.9)
    spacing = (0.9, 1.3, 2.5)
    tensors = [torch.from_numpy(mask[None, None].astype(np.float32)) for mask in (predicted, truth)]
    steps = (spacing[2], spacing[0], spacing[1])
    hd95, nsd, *_ = surface_distances(predicted, truth, range(6), spacing, 1.0)
    expected = compute_hausdorff_distance(
        *tensors, include_background=True, percentile=95, spacing=steps
    )
    assert hd95 == pytest.approx(expected.item(), rel=1e-5)
    expected = compute_surface_dice(*tensors, [1.0], include_background=True, spacing=steps)
    assert nsd == pytest.approx(expected.item(), rel=1e-5)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_properties(first, second):
    a, b = volume(first, (3, 4, 5)), volume(second, (3, 4, 5))
    a[1, 2, 2] = b[0, 0, 0] = True
    number, spacing = [0, 1, 3], (1.0, 2.0, 3.0)
    hd95, nsd, union, missed = surface_distances(a, b, number, spacing)
    assert surface_distances(b, a, number, spacing) == pytest.approx((hd95, nsd, union, missed))
    assert surface_distances(a, a, number, spacing) == (0, 1, 0, False)
    diagonal = np.sqrt((4 * 3) ** 2 + 4**2 + 10**2)
    assert 0 <= hd95 <= diagonal
    assert 0 <= nsd <= 1
    moved = surface_distances(a, b, [7, 8, 10], spacing)
    assert moved == pytest.approx((hd95, nsd, union, missed))


def test_missed_lesion_is_the_diagonal():
    empty, lesion = np.zeros((2, 2, 30, 40), bool)
    lesion[0, 3, 3] = True
    # slices 10 and 12: 3 heights of 4 mm; 30 rows of 1 mm; 40 columns of 2 mm
    diagonal = np.sqrt(12**2 + 30**2 + 80**2)
    for masks in ((empty, lesion), (lesion, empty)):
        found = surface_distances(*masks, [10, 12], (1.0, 2.0, 4.0))
        assert found == (pytest.approx(diagonal), 0.0, pytest.approx(diagonal), True)
    hd95, nsd, _, missed = surface_distances(empty, empty, [10, 12], (1.0, 2.0, 4.0))
    assert np.isnan(hd95) and np.isnan(nsd) and not missed


def predicted_slices(**changes):
    """Patient p found, q missed, r with nothing there; s has no spacing."""
    n, side = 8, 6
    truth = np.zeros((n, 1, side, side), np.uint8)
    probability = np.zeros((n, 1, side, side), np.float16)
    truth[0:2, 0, 1:4, 1:4] = probability[0:2, 0, 1:4, 1:5] = 1
    probability[0, 0, 5, 5] = 1
    truth[2, 0, 2, 2] = truth[6, 0, 2, 2] = 1
    spacing = np.ones((n, 3), np.float32)
    spacing[6:] = np.nan
    values = {
        "patient": list("ppqqrrss"),
        "subset": ["test"] * 6 + ["val"] * 2,
        "number": [1, 0, 0, 1, 0, 1, 0, 1],
        "probability": probability,
        "truth": truth,
        "spacing": spacing,
        "classes": ["tumour"],
        "threshold": 0.5,
    }
    return PredictedSlices(**(values | changes))


def test_table_of_a_run():
    table = measure_predictions(predicted_slices(), {"min_area": 0.1})
    assert list(table.columns) == COLUMNS
    assert table["patient"].tolist() == list("ppqqrr")
    assert table["postprocess"].tolist() == [False, True] * 3
    assert table["missed"].tolist() == [False, False, True, True, False, False]
    assert table["hd95"].isna().tolist() == [False] * 4 + [True] * 2
    # the clean-up drops the one pixel that lies more than 1 mm off
    assert table["nsd"][0] < table["nsd"][1] == 1.0
    assert table["hd95"][1] == 1.0
    assert table["hd95"][2] == pytest.approx(np.sqrt(6**2 + 6**2 + 2**2))
    assert table["nsd"][2] == 0


def test_patients_without_spacing_or_name_give_no_rows():
    nameless = predicted_slices(patient=[""] * 8, number=list(range(8)))
    table = measure_predictions(nameless)
    assert table.empty
    assert list(table.columns) == COLUMNS
    unknown = predicted_slices(spacing=np.full((8, 3), np.nan, np.float32))
    assert measure_predictions(unknown).empty
    assert isinstance(table, pd.DataFrame)


def test_bad_input():
    one = volume(1)
    with pytest.raises(ValueError, match="expected one shape"):
        surface_distances(one, one[:4], range(5), UNIT)
    with pytest.raises(ValueError, match="do not ascend"):
        surface_distances(one, one, [0, 1, 1, 2, 3], UNIT)
    with pytest.raises(ValueError, match="three lengths in mm"):
        surface_distances(one, one, range(5), (1.0, 0.0, 1.0))
    spacing = np.ones((8, 3), np.float32)
    spacing[1] = 2
    with pytest.raises(ValueError, match="patient p: spacing differs"):
        measure_predictions(predicted_slices(spacing=spacing))
    with pytest.raises(ValueError, match="patient p: some slices of test are predicted twice"):
        measure_predictions(predicted_slices(number=[1, 1, 0, 1, 0, 1, 0, 1]))


@pytest.mark.parametrize("edge", [0.2, 0.1, 0.7])
def test_a_tolerance_holds_for_spacings_stored_as_float32(edge):
    edge = float(np.float32(edge))
    steps = round(1.4 / edge)
    one, other = np.zeros((2, 1, 20, 3), bool)
    one[0, 0, 0] = other[0, steps, 0] = True
    assert surface_distances(one, other, [0], (edge, edge, 1.0), tolerance=steps * edge)[1] == 1
    plain = float(f"{edge:.1f}") * steps
    assert surface_distances(one, other, [0], (edge, edge, 1.0), tolerance=plain)[1] == 1


OUTSIDE = Path(__file__).parents[3] / "shared" / "cases" / "outside"


@pytest.mark.skipif(not OUTSIDE.is_dir(), reason="the masks are not here")
def test_other_tools_on_made_up_masks():
    """HD95 as MONAI and Metrics Reloaded have it, and as medpy and panoptica have it."""
    masks = np.load(OUTSIDE / "distances_masks.npz")
    table = pd.read_csv(OUTSIDE / "distances_expected.tsv", sep="\t").set_index("case")
    compared = 0
    for name, row in table.iterrows():
        predicted, truth = masks[f"{name}|p"] > 0, masks[f"{name}|t"] > 0
        if not (predicted.any() and truth.any()):
            continue
        spacing = row[["spacing_x", "spacing_y", "spacing_z"]].to_numpy(float)
        found = surface_distances(predicted, truth, range(len(truth)), tuple(spacing))
        assert found[:2] == pytest.approx((row["gliomake_hd95"], row["gliomake_nsd"]), abs=1e-6)
        for place, tool in ((0, "mr_hd95"), (2, "medpy_hd95"), (2, "panoptica_hd95")):
            with contextlib.suppress(ValueError):  # a tool that gave no number
                assert found[place] == pytest.approx(float(row[tool]), abs=1e-5), (name, tool)
                compared += 1
    assert compared > 90
