"""COCO segmentations: drawn as pycocotools draws them, and nothing that could end its process."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from gliomake.datasets.coco_masks import SegmentationError, draw, encode, is_box
from gliomake.datasets.root import Limits

SIZE = (20, 30)  # height, width: they differ, so that a mix-up shows
BOX = [[4, 2, 10, 2, 10, 8, 4, 8]]


def expected_box():
    mask = np.zeros(SIZE, np.uint8)
    mask[2:8, 4:10] = 1
    return mask


def uncompressed(mask):
    flat = np.concatenate([[0], mask.ravel(order="F").astype(int), [-1]])
    starts = np.flatnonzero(np.diff(flat))
    return {"size": list(mask.shape), "counts": np.diff(np.concatenate([[0], starts])).tolist()}


def compressed(mask):
    code = coco_mask.encode(np.asfortranarray(mask))
    return {"size": code["size"], "counts": code["counts"].decode()}


masks = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1)).map(
    lambda size: np.random.default_rng(size[2]).integers(0, 2, size[:2]).astype(np.uint8)
)


@given(masks)
def test_both_run_length_codes_give_their_mask_back(mask):
    np.testing.assert_array_equal(draw(uncompressed(mask), mask.shape), mask)
    np.testing.assert_array_equal(draw(compressed(mask), mask.shape), mask)


@given(st.text(st.characters(min_codepoint=1, max_codepoint=200), max_size=12))
def test_any_text_as_run_lengths_is_drawn_or_refused(counts):
    try:
        mask = draw({"size": [4, 5], "counts": counts}, (4, 5))
    except SegmentationError:
        return
    assert mask.shape == (4, 5)
    assert set(np.unique(mask)) <= {0, 1}


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        (None, "no segmentation"),
        ([], "no segmentation"),
        ([[]], "a polygon"),
        ([[1, 2, 3, 4]], "a polygon"),
        ([[1, 2, 3, 4, 5, 6, 7]], "a polygon"),
        ([[1, 2, 3, 4, 5, float("nan")]], "finite"),
        ([[1, 2, 3, 4, 5, "6"]], "finite"),
        ({"size": [5, 4], "counts": [20]}, "of size"),
        ({"size": [4, 5], "counts": [19]}, "add up to 19; expected 20"),
        ({"size": [4, 5], "counts": [30, -10]}, "add up to"),
        ({"size": [4, 5], "counts": 3}, "counts of type int"),
        ({"size": [4, 5], "counts": "!"}, "the character"),
        ({"size": [4, 5], "counts": "d1"}, "run-length code"),
        ({"size": [4, 5]}, "counts of type NoneType"),
        ("polygon", "no segmentation"),
    ],
)
def test_a_segmentation_that_cannot_be_drawn(segmentation, message):
    with pytest.raises(SegmentationError, match=message):
        draw(segmentation, (4, 5))


TILTED = [[5, 0, 10, 5, 5, 10, 0, 5]]
ELL = [[0, 0, 9, 0, 9, 4, 4, 4, 4, 9, 0, 9]]


@pytest.mark.parametrize(
    ("segmentation", "expected"),
    [
        (BOX, True),
        ([[10, 2, 4, 2, 4, 8, 10, 8, 10, 2]], True),  # closed, as the public set writes it
        ([[4, 2, 7, 2, 10, 2, 10, 8, 4, 8]], True),  # with a point on an edge
        ([[4.5, 2.25, 10, 2.25, 10, 8.75, 4.5, 8.75]], True),
        (BOX * 2, True),
        (TILTED, False),
        (ELL, False),
        ([*BOX, *ELL], False),
        ([[0, 0, 9, 0, 9, 9]], False),
        ([[0, 0, 9, 9, 9, 0, 0, 9]], False),  # a bow tie through the four corners
        ([[3, 3, 3, 3, 3, 3]], False),
        (compressed(expected_box()), True),
        (uncompressed(expected_box()), True),
        (compressed(draw(TILTED, SIZE)), False),
        (compressed(np.zeros(SIZE, np.uint8)), False),
    ],
)
def test_boxes_are_told_from_outlines(segmentation, expected):
    assert is_box(segmentation, SIZE) is expected


# ---- outlines


def outlines(seed, count, reach):
    """Random polygons whose points lie up to `reach` sizes of the image outside."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        grid = rng.choice([1, 2, 5, 997])
        number = rng.integers(3, 12)
        inside = rng.uniform(-reach, 1 + reach, (number, 2)) * SIZE[::-1]
        points = np.round(inside * grid) / grid
        points[rng.integers(number)] = points[0]  # a point twice, as in a closed outline
        yield [(points.astype(int) if grid == 1 and reach < 1e9 else points).ravel().tolist()]


def test_outlines_come_out_as_pycocotools_draws_them():
    drawn = 0
    for polygons in outlines(0, 300, 0.99):
        codes = coco_mask.frPyObjects(polygons, *SIZE)
        mask = draw(polygons, SIZE)
        np.testing.assert_array_equal(mask, coco_mask.decode(coco_mask.merge(codes)))
        drawn += int(mask.any())
    assert drawn > 250


@pytest.mark.parametrize("reach", [2, 1e3, 1e8, 1e12, 1e290])
def test_far_coordinates_are_refused(reach):
    refused = 0
    for polygons in outlines(1, 50, reach):
        try:
            assert draw(polygons, SIZE).shape == SIZE
        except SegmentationError as error:
            refused += "far outside the image" in error.found
    assert refused >= 40


@pytest.mark.parametrize(
    ("polygon", "message"),
    [
        ([4, 4, 20, 6, 2e8, 20], "x = 2e\\+08 far outside the image"),
        ([4, 4, 20, -1e12, 18, 20], "y = -1e\\+12 far outside"),
        ([4, 4, 20, 1e300, 18, 20], "y = 1e\\+300 far outside"),
        ([4, 4, 20, 6, 61, 20], "x = 61 far outside the image; expected 0 to 30"),
        ([4, 4, 20, 41, 18, 20], "y = 41 far outside the image; expected 0 to 20"),
        ([4, 4, 20, 10**25, 18, 20], "y = 1e\\+25 far outside"),
        ([4, 4, 20, 10**400, 18, 20], "a polygon"),
        ([4, 4, 20, float("inf"), 18, 20], "finite numbers"),
        ([True, False, True, True, False, True], "finite numbers"),
        ([0.2, 0.2, 0.8, 0.2, 0.8, 1], "all lie between 0 and 1, as shares"),
        ([4, 4, [20], 6, 18, 20], "a polygon"),
        ([1, 1, 9, 1, 9, 9] * 100, "a polygon of 300 points; expected at most 200"),
        ([-20, 0, 50, 0, -20, 1, 50, 1] * 20, "outlines of 5600 pixels' length; expected"),
    ],
)
def test_an_outline_that_cannot_be_drawn_is_refused_before_it_is(polygon, message, monkeypatch):
    monkeypatch.setattr(coco_mask, "frPyObjects", lambda *_: pytest.fail("it was drawn"))
    with pytest.raises(SegmentationError, match=message):
        draw([polygon], SIZE, Limits(polygon_points=200))


def test_a_flat_list_is_named(monkeypatch):
    with pytest.raises(SegmentationError, match="one flat list"):
        draw([4, 4, 20, 6, 18, 20], SIZE)


def test_a_million_points_and_deep_lists_are_refused_at_once():
    deep = []
    for _ in range(10_000):
        deep = [deep]
    for segmentation in ([[1] * 2_000_000], [1] * 1_000_000, deep):
        with pytest.raises(SegmentationError) as caught:
            draw(segmentation, SIZE)
        assert len(str(caught.value)) < 300


def test_many_small_outlines_are_united():
    # One pixel in two, 300 of them; a square that ends on a pixel's edge covers it alone.
    cells = [(x, y) for x in range(0, 30, 2) for y in range(20)]
    squares = [[x, y, x + 1, y, x + 1, y + 1, x, y + 1] for x, y in cells]
    expected = np.zeros(SIZE, np.uint8)
    expected[:, ::2] = 1
    np.testing.assert_array_equal(draw(squares, SIZE), expected)


def test_a_run_of_nothing_changes_nothing():
    code = {"size": [4, 5], "counts": [3, 2, 0, 2, 0, 0, 13, 0]}
    expected = np.zeros(20, np.uint8)
    expected[3:7] = 1
    mask = draw(code, (4, 5))
    np.testing.assert_array_equal(mask.ravel(order="F"), expected)
    # In pycocotools' own union two runs of nothing at one place would end the mask.
    both = coco_mask.merge([encode(code, (4, 5)), encode(code, (4, 5))])
    np.testing.assert_array_equal(coco_mask.decode(both), mask)


@pytest.mark.parametrize(
    "counts", [[0] * 500_000 + [20], "0" * 500_000, "o" * 40 + "0"], ids=["list", "text", "run"]
)
def test_a_run_length_code_longer_than_its_pixels_need_is_refused(counts):
    with pytest.raises(SegmentationError, match="a run-length code"):
        draw({"size": [4, 5], "counts": counts}, (4, 5))
