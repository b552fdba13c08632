"""BraTS: what is refused, with the case, the file and a reason."""

import gzip
import shutil

import h5py
import numpy as np
import pytest
from brats_files import FIRST, rewrite

from gliomake.datasets import CaseError
from gliomake.datasets.brats import BratsDataset


def set_voxel(value):
    def change(data):
        data[3, 4, 5] = value
        return data

    return change


SPOILT = {
    "missing modality": (
        lambda folder: (folder / f"{FIRST}_t2.nii.gz").unlink(),
        "_t2.nii.gz",
        "no file for modality t2",
    ),
    "missing mask": (
        lambda folder: (folder / f"{FIRST}_seg.nii.gz").unlink(),
        "_seg.nii.gz",
        "no file for mask",
    ),
    "doubled modality": (
        lambda folder: shutil.copy(folder / f"{FIRST}_t2.nii.gz", folder / f"{FIRST}_t2.nii"),
        FIRST,
        f"{FIRST}_t2.nii and {FIRST}_t2.nii.gz",
    ),
    "doubled mask": (
        lambda folder: shutil.copy(
            folder / f"{FIRST}_seg.nii.gz", folder / "W39_1998.09.19_Segm.nii.gz"
        ),
        FIRST,
        "for mask",
    ),
    "affine": (
        lambda folder: rewrite(folder / f"{FIRST}_t2.nii.gz", affine=np.eye(4)),
        "_t2.nii.gz",
        "affine",
    ),
    "spacing": (
        lambda folder: rewrite(folder / f"{FIRST}_t2.nii.gz", affine=np.diag([-1, -1, 2, 1])),
        "_t2.nii.gz",
        "spacing",
    ),
    "shape": (
        lambda folder: rewrite(folder / f"{FIRST}_seg.nii.gz", lambda data: data[:, :, 1:]),
        "_seg.nii.gz",
        "shape",
    ),
    "four dimensions": (
        lambda folder: rewrite(
            folder / f"{FIRST}_t1.nii.gz", lambda data: np.stack([data, data], axis=-1)
        ),
        "_t1.nii.gz",
        "one three-dimensional image",
    ),
    "NaN": (
        lambda folder: rewrite(
            folder / f"{FIRST}_flair.nii.gz",
            lambda data: set_voxel(np.nan)(data.astype(np.float32)),
            dtype=np.float32,
        ),
        "_flair.nii.gz",
        "1 values that are NaN or infinite",
    ),
    "infinity": (
        lambda folder: rewrite(
            folder / f"{FIRST}_seg.nii.gz",
            lambda data: set_voxel(np.inf)(data.astype(np.float64)),
            dtype=np.float64,
        ),
        "_seg.nii.gz",
        "NaN or infinite",
    ),
    "label of another release": (
        lambda folder: rewrite(folder / f"{FIRST}_seg.nii.gz", set_voxel(3)),
        "_seg.nii.gz",
        r"labels 3 \(1 voxels\), expected 0, 1, 2, 4",
    ),
    "negative label": (
        lambda folder: rewrite(
            folder / f"{FIRST}_seg.nii.gz",
            lambda data: set_voxel(-1)(data.astype(np.int16)),
            dtype=np.int16,
        ),
        "_seg.nii.gz",
        r"labels -1 \(1 voxels\)",
    ),
    "label that is no integer": (
        lambda folder: rewrite(
            folder / f"{FIRST}_seg.nii.gz",
            lambda data: set_voxel(1.5)(data.astype(np.float32)),
            dtype=np.float32,
        ),
        "_seg.nii.gz",
        "labels that are no integers 1.5",
    ),
    "empty file": (
        lambda folder: (folder / f"{FIRST}_t1.nii.gz").write_bytes(b""),
        "_t1.nii.gz",
        "truncated",
    ),
    "no gzip": (
        lambda folder: (folder / f"{FIRST}_t1.nii.gz").write_bytes(b"not found" * 100),
        "_t1.nii.gz",
        r"no NIfTI header \(the file begins with b'not found",
    ),
    "no NIfTI": (
        lambda folder: (folder / f"{FIRST}_t1.nii.gz").write_bytes(gzip.compress(b"a" * 9000)),
        "_t1.nii.gz",
        r"no NIfTI header \(the file begins with b'aaa",
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_case_is_an_error_that_names_case_and_file(brats_case, what):
    spoil, file, message = SPOILT[what]
    spoil(brats_case)
    dataset = BratsDataset(brats_case.parent)
    with pytest.raises(CaseError, match=message) as caught:
        dataset.load(FIRST)
    assert caught.value.case == FIRST
    assert caught.value.file.endswith(file)
    assert caught.value.advice
    report = dataset.inspect(FIRST)
    assert caught.value.problem in report.problems
    assert not report.slices
    # The others are not touched by it.
    assert not dataset.inspect("BraTS20_Training_002").problems


@pytest.mark.parametrize("keep", [30, 400, 0.5, -9, -4, -1])
def test_a_truncated_gzip_is_found_wherever_it_ends(brats_case, keep):
    path = brats_case / f"{FIRST}_t1ce.nii.gz"
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(CaseError, match=r"t1ce.nii.gz: found a truncated"):
        BratsDataset(brats_case.parent).load(FIRST)


def test_a_gzip_with_a_flipped_bit_is_found(brats_case):
    path = brats_case / f"{FIRST}_t1ce.nii.gz"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 8
    path.write_bytes(raw)
    with pytest.raises(CaseError, match="truncated or damaged"):
        BratsDataset(brats_case.parent).load(FIRST)


def test_a_truncated_plain_file_is_found(brats, tmp_path):
    shutil.copytree(brats / "plain", tmp_path / "plain")
    path = tmp_path / "plain" / FIRST / f"{FIRST}_t1.nii"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CaseError, match="bytes where the header announces"):
        BratsDataset(tmp_path / "plain").load(FIRST)


def test_several_problems_of_a_case_are_all_reported(brats_case):
    (brats_case / f"{FIRST}_t1.nii.gz").unlink()
    rewrite(brats_case / f"{FIRST}_t2.nii.gz", affine=np.eye(4))
    problems = BratsDataset(brats_case.parent).inspect(FIRST).problems
    assert len(problems) == 2


def drop_slice(root):
    (root / "volume_1_slice_5.h5").unlink()


def cut_slice(root):
    path = root / "volume_1_slice_5.h5"
    path.write_bytes(path.read_bytes()[:500])


def edit_slice(name, change):
    def edit(root):
        with h5py.File(root / "volume_1_slice_5.h5", "r+") as file:
            values = change(file[name][()])
            del file[name]
            if values is not None:
                file[name] = values

    return edit


def overlapping(mask):
    mask[4, 4] = 1
    return mask


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop_slice, "13 slices, without number 5"),
        (cut_slice, "truncated or damaged"),
        (edit_slice("mask", lambda _: None), "no dataset"),
        (edit_slice("image", lambda image: image[..., :3]), "an image of shape"),
        (edit_slice("image", lambda image: image[1:]), "a mask of shape"),
        (edit_slice("image", lambda image: image * np.nan), "NaN"),
        (edit_slice("mask", lambda mask: mask + 4), "mask values"),
        (edit_slice("mask", overlapping), "1 pixels in more than one class"),
    ],
)
def test_a_spoilt_slice_file_is_an_error_that_names_case_and_file(brats_slices, spoil, message):
    spoil(brats_slices)
    with pytest.raises(CaseError, match=message) as caught:
        BratsDataset(brats_slices).load(FIRST)
    assert caught.value.case == FIRST
    assert BratsDataset(brats_slices).inspect(FIRST).problems == [caught.value.problem]
    assert not BratsDataset(brats_slices).inspect("BraTS20_Training_002").problems
