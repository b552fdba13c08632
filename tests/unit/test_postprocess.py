"""Clean-up of masks, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gliomake.scoring.postprocess import clean_mask, clean_masks


def mask(*rows):
    return np.array([[char == "#" for char in row] for row in rows])


# a ring of 8 round a hole, a pair joined at a corner, one pixel alone
MASK = mask(
    "###.......",
    "#.#....#..",
    "###.....#.",
    "..........",
    "....#.....",
)


def test_small_components_go():
    # 50 pixels: 2.5 pixels is too large for the pair, 2 is not
    one_and_pair = MASK.copy()
    one_and_pair[4, 4] = False
    np.testing.assert_array_equal(clean_mask(MASK, min_area=0.04), one_and_pair)
    ring = one_and_pair.copy()
    ring[1:3, 7:9] = False
    np.testing.assert_array_equal(clean_mask(MASK, min_area=0.05), ring)
    assert not clean_mask(MASK, min_area=0.2).any()


def test_holes_are_filled():
    filled = MASK.copy()
    filled[1, 1] = True
    np.testing.assert_array_equal(clean_mask(MASK, fill_holes=True), filled)
    open_ring = MASK.copy()
    open_ring[1, 0] = False
    np.testing.assert_array_equal(clean_mask(open_ring, fill_holes=True), open_ring)


def test_small_components_go_before_holes_are_filled():
    # with its hole the ring has 9 pixels, without it 8
    assert not clean_mask(MASK, min_area=9 / 50, fill_holes=True).any()


def test_classes_and_slices_are_cleaned_apart():
    # one pixel in each of two classes, side by side: together they would be large enough
    stack = np.zeros((2, 2, 4, 5), bool)
    stack[0, 0, 1, 1] = stack[0, 1, 1, 2] = stack[1, 0, 1, 1] = stack[1, 0, 1, 2] = True
    cleaned = clean_masks(stack, {"min_area": 0.1, "fill_holes": True})
    assert cleaned[1, 0].sum() == 2
    assert cleaned.sum() == 2


@given(arrays(bool, (9, 9)), st.floats(0, 1))
def test_cleaning_twice_changes_nothing(image, min_area):
    before = image.copy()
    once = clean_mask(image, min_area, fill_holes=True)
    np.testing.assert_array_equal(clean_mask(once, min_area, fill_holes=True), once)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(clean_mask(image), image)


def test_bad_input():
    with pytest.raises(ValueError, match=r"got shape \(2, 3, 3\)"):
        clean_mask(np.zeros((2, 3, 3), bool))
    with pytest.raises(ValueError, match="min_area is 40"):
        clean_mask(MASK, min_area=40)
    with pytest.raises(ValueError, match="postprocess has smooth"):
        clean_masks(MASK[None], {"smooth": 3})
