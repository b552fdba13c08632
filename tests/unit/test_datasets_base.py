import hashlib
import pickle

import numpy as np
import pytest

from gliomake.datasets import DATASETS, open_dataset
from gliomake.datasets.base import (
    CaseError,
    CaseReport,
    Volume,
    channel_indices,
    duplicate_slices,
    intensity_facts,
    pixel_hash,
    slice_hashes,
    slice_rows,
)


def report(case, *hashes):
    rows = [{"slice": number} for number in range(1, len(hashes) + 1)]
    return CaseReport(case, case, rows, facts={"slice_sha256": list(hashes)})


def test_case_error_names_file_found_expected_and_advice():
    error = CaseError("c1", "c1/x.tif", "3 channels", "1", "convert it")
    assert str(error) == "c1/x.tif: found 3 channels, expected 1; convert it"
    problem = error.problem
    assert (problem.case, problem.file, problem.message) == ("c1", "c1/x.tif", str(error))


def test_case_error_crosses_a_process_pool():
    error = CaseError("c1", "x.tif", "a", "b", "c")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.problem == error.problem


def test_slice_rows_by_hand():
    mask = np.zeros((2, 2, 3, 4), np.uint8)
    mask[0, 0, 0, :2] = 1
    mask[1, 1] = 1
    volume = Volume("c", "p", np.array([4, 9]), np.zeros((2, 1, 3, 4)), mask, None)
    assert slice_rows(volume, ("NEC", "ED")) == [
        {"slice": 4, "height": 3, "width": 4, "NEC": 2, "ED": 0},
        {"slice": 9, "height": 3, "width": 4, "NEC": 0, "ED": 12},
    ]


def test_intensity_facts_by_hand():
    image = np.array([[[[1, 2]], [[0, 0]]], [[[3, 6]], [[5, 255]]]], np.uint8)
    assert intensity_facts(image, ("a", "b")) == {
        "a": {"min": 1, "max": 6, "mean": 3},
        "b": {"min": 0, "max": 255, "mean": 65},
    }


@pytest.mark.parametrize(
    ("wanted", "indices"), [(None, [0, 1, 2]), (["flair"], [2]), (["flair", "t1"], [2, 0])]
)
def test_channel_indices(wanted, indices):
    assert channel_indices(("t1", "t2", "flair"), wanted) == indices


def test_unknown_channel():
    with pytest.raises(ValueError, match=r"unknown channels t9.*t1, flair.*preprocess\.channels"):
        channel_indices(("t1", "flair"), ["flair", "t9"])


def test_pixel_hash_sees_values_shape_and_type_but_not_memory_order():
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert pixel_hash(pixels) == pixel_hash(np.asfortranarray(pixels))
    others = [pixels + 1, pixels.reshape(3, 2), pixels.astype(np.int8)]
    assert len({pixel_hash(other) for other in [pixels, *others]}) == 4
    assert pixel_hash(pixels) == hashlib.sha256(b"|u1 (2, 3)" + pixels.tobytes()).hexdigest()


def test_blank_slices_have_no_hash():
    image = np.zeros((3, 1, 2, 2), np.int16)
    image[1] = 7
    image[2, 0, 0, 0] = 1
    hashes = slice_hashes(image)
    assert hashes[:2] == ["", ""]
    assert len(hashes[2]) == 64


def test_duplicates_within_and_across_cases():
    reports = [report("a", "x", "", "x", "y"), report("b", "y", "", "z"), report("c", "w")]
    within, across = duplicate_slices(reports)
    assert (within.kind, within.cases) == ("duplicate-slices", ("a",))
    assert "a slice 1 = a slice 3" in within.message
    assert (across.kind, across.cases) == ("duplicate-slices-across-cases", ("a", "b"))
    assert "a slice 4 = b slice 1" in across.message


def test_many_duplicates_of_two_cases_are_one_finding():
    hashes = [str(number) for number in range(5)]
    (finding,) = duplicate_slices([report("a", *hashes), report("b", *hashes)])
    assert finding.message.endswith("and 2 more")


def test_a_refused_case_has_no_duplicates():
    refused = CaseReport("r", "r", problems=[CaseError("r", "f", "a", "b", "c").problem])
    assert duplicate_slices([refused, report("a", "x")]) == []


def test_unknown_data_set(tmp_path):
    with pytest.raises(ValueError, match=f"'lggg'.*{', '.join(DATASETS)}"):
        open_dataset("lggg", tmp_path)
