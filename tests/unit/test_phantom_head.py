import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliomake.phantom import anatomy
from gliomake.phantom.head import CONTRASTS, ED, ET, NEC, make_head

SHAPE = (24, 64, 64)
PARTS = (NEC, ED, ET)


@pytest.fixture(scope="module")
def heads():
    return [make_head(patient, 7, SHAPE) for patient in range(16)]


def arrays(head):
    return [head.tissue, head.tumour, *(getattr(head, name) for name in CONTRASTS)]


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def test_types_and_values(heads):
    head = heads[0]
    assert head.tissue.dtype == head.tumour.dtype == np.uint8
    assert set(np.unique(head.tissue)) == {
        anatomy.BACKGROUND,
        anatomy.CSF,
        anatomy.GREY,
        anatomy.WHITE,
    }
    for name in CONTRASTS:
        image = getattr(head, name)
        assert image.dtype == np.float32
        assert image.shape == SHAPE
        # Skull-stripped: what is not 0 is brain, in every contrast.
        np.testing.assert_array_equal(image > 0, head.tissue > 0)
        assert 0.5 < image.max() < 2


@pytest.mark.parametrize("texture", [0.0, 0.1])
def test_same_arguments_give_the_same_head(texture):
    first, second = (make_head(3, 5, (8, 40, 48), texture) for _ in range(2))
    for a, b in zip(arrays(first), arrays(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_patient_and_seed_each_change_the_anatomy():
    base, other, reseeded = (make_head(p, s, SHAPE) for p, s in ((0, 0), (1, 0), (0, 1)))
    for head in (other, reseeded):
        assert np.mean(head.tissue != base.tissue) > 0.05
        assert dice(head.tumour > 0, base.tumour > 0) < 0.9


def test_patient_does_not_depend_on_the_order_of_making(heads):
    again = make_head(11, 7, SHAPE)
    np.testing.assert_array_equal(again.flair, heads[11].flair)


def test_slabs_leave_no_seam(monkeypatch):
    whole = make_head(2, 1, SHAPE)
    monkeypatch.setattr("gliomake.phantom.head._SLAB", 3 * SHAPE[1] * SHAPE[2])
    parts = make_head(2, 1, SHAPE)
    np.testing.assert_array_equal(whole.tissue, parts.tissue)
    np.testing.assert_array_equal(whole.tumour, parts.tumour)


def test_same_anatomy_at_every_size():
    fine, coarse = make_head(4, 2, (48, 128, 128)), make_head(4, 2, (16, 64, 64))
    # A coarse voxel's centre is the middle of a fine block of 3 x 2 x 2: compare with a voxel
    # of the block, half a coarse voxel off at most.
    picked = fine.tissue[1::3, 1::2, 1::2], fine.tumour[1::3, 1::2, 1::2]
    assert dice(picked[0] > 0, coarse.tissue > 0) > 0.97
    assert dice(picked[1] > 0, coarse.tumour > 0) > 0.9
    assert np.mean(picked[0] == coarse.tissue) > 0.93


def test_tumour_has_nested_parts_in_some_slices_of_every_patient(heads):
    for head in heads:
        present = (head.tumour > 0).any(axis=(1, 2))
        assert 3 <= present.sum() <= SHAPE[0] // 2
        counts = [np.count_nonzero(head.tumour == part) for part in PARTS]
        assert min(counts) > 0
        assert not np.any((head.tumour > 0) & (head.tissue == anatomy.BACKGROUND))
        # Nested: seen from the oedema inwards, each part lies nearer the tumour's middle.
        middle = np.argwhere(head.tumour > 0).mean(axis=0) / SHAPE
        spread = {
            part: np.linalg.norm(np.argwhere(head.tumour == part) / SHAPE - middle, axis=1).mean()
            for part in PARTS
        }
        assert spread[NEC] < spread[ET] < spread[ED]


def test_each_contrast_shows_its_own_part(heads):
    def mean(name, where):
        return np.mean([getattr(head, name)[where(head)].mean() for head in heads])

    def part(label):
        return lambda head: head.tumour == label

    def tissue(label):
        return lambda head: (head.tissue == label) & (head.tumour == 0)

    white, csf = tissue(anatomy.WHITE), tissue(anatomy.CSF)
    assert mean("flair", part(ED)) > 1.5 * mean("flair", white)
    assert mean("t1ce", part(ET)) > 1.3 * mean("t1ce", white)
    assert mean("t1", part(ET)) < mean("t1", white)
    assert mean("t2", csf) > 1.3 * mean("t2", white)
    assert mean("t1", white) > mean("t1", tissue(anatomy.GREY)) > mean("t1", csf)


def test_a_flair_threshold_finds_the_tumour_but_not_well(heads):
    flair = np.stack([head.flair for head in heads])
    tumour = np.stack([head.tumour for head in heads]) > 0
    best = max(dice(flair > level, tumour) for level in np.arange(0.4, 1.1, 0.04))
    assert 0.45 < best < 0.8


def test_texture_hides_which_of_two_lesions_is_the_tumour():
    """With a texture, a mirrored lesion is as bright as the tumour; without, nothing is there."""

    def contrast_to_mirror(texture):
        ratios = []
        for patient in range(12):
            head = make_head(patient, 0, SHAPE, texture)
            tumour = head.tumour == ED
            mirrored = tumour[:, :, ::-1] & (head.tissue == anatomy.WHITE) & (head.tumour == 0)
            if np.count_nonzero(mirrored) > 20:
                ratios.append(head.flair[mirrored].mean() / head.flair[tumour].mean())
        assert len(ratios) > 6
        return np.mean(ratios)

    assert contrast_to_mirror(0.0) < 0.65
    assert contrast_to_mirror(0.1) > 0.8


def test_texture_changes_neither_truth_nor_anatomy():
    plain, textured = make_head(5, 3, SHAPE), make_head(5, 3, SHAPE, texture=0.1)
    np.testing.assert_array_equal(plain.tumour, textured.tumour)
    np.testing.assert_array_equal(plain.tissue, textured.tissue)
    assert np.abs(plain.flair - textured.flair)[plain.tumour > 0].mean() > 0.01


@settings(max_examples=25, deadline=None)
@given(
    patient=st.integers(0, 10_000),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 24), st.integers(1, 24)),
)
def test_any_shape_gives_finite_images(patient, shape):
    head = make_head(patient, 0, shape, texture=0.05)
    for array in arrays(head):
        assert array.shape == shape
        assert np.isfinite(array).all()
        assert array.min() >= 0
    assert set(np.unique(head.tumour)) <= {0, NEC, ED, ET}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patient": -1}, "patient -1"),
        ({"patient": 0, "seed": -2}, "seed -2"),
        ({"patient": 0, "texture": -0.1}, "texture -0.1"),
        ({"patient": 0, "shape": (4, 0, 4)}, r"shape \(4, 0, 4\)"),
        ({"patient": 0, "shape": (4, 4)}, r"shape \(4, 4\)"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_head(**arguments)


def test_soft_step_by_hand():
    np.testing.assert_allclose(
        anatomy.soft(np.array([-1, -0.5, -0.25, 0, 0.5, 1]), 1.0), [0, 0, 0.15625, 0.5, 1, 1]
    )


def test_spline_of_equal_coefficients_is_that_constant():
    positions = anatomy.centres(17)
    np.testing.assert_allclose(anatomy.spline(np.full((8, 2), 3.0), positions, 0), 3.0, rtol=1e-6)


def test_spline_reproduces_a_straight_line():
    # A cubic B-spline over cells of width 2/5 has its coefficients' centres at cell edges.
    edges = -1 + 0.4 * np.arange(-1, 7)
    positions = anatomy.centres(33)
    np.testing.assert_allclose(
        anatomy.spline(2 * edges + 1, positions, 0), 2 * positions + 1, atol=1e-5
    )
