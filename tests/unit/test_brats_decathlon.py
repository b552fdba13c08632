"""The Medical Decathlon's Task01_BrainTumour: 4D images, labels of its own, a description."""

import gzip
import json
import struct

import nibabel
import numpy as np
import pytest

from gliomake.datasets import CaseError, open_dataset

SHAPE = (8, 10, 3)
AFFINE = np.diag([-1.0, -1.0, 2.0, 1.0])
DESCRIPTION = {
    "name": "BRATS",
    "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
    "labels": {
        "0": "background",
        "1": "edema",
        "2": "non-enhancing tumor",
        "3": "enhancing tumour",
    },
}


def describe(folder, **changes):
    (folder / "dataset.json").write_text(json.dumps(DESCRIPTION | changes))


def save(path, values, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, affine), path)


@pytest.fixture
def task(tmp_path):
    """The folder of two cases: FLAIR is 10, T1w 20, t1gd 30, T2w 40; label n has n voxels."""
    folder = tmp_path / "Task01_BrainTumour"
    mask = np.zeros(SHAPE, np.uint8)
    for label in (1, 2, 3):
        mask[2 : 2 + label, label, 1] = label
    for number in (1, 2):
        image = np.zeros((*SHAPE, 4), np.float32)
        image[2:6, 2:8] = [10, 20, 30, 40]
        image[2, 2, 0] += number
        save(folder / "imagesTr" / f"BRATS_00{number}.nii.gz", image)
        save(folder / "labelsTr" / f"BRATS_00{number}.nii.gz", mask)
        (folder / "imagesTr" / f"._BRATS_00{number}.nii.gz").write_bytes(b"a Mac's")
    save(folder / "imagesTs" / "BRATS_485.nii.gz", image)
    describe(folder)
    return folder


def inspect(task, **options):
    return open_dataset("brats2021", task.parent, **options).inspect("BRATS_001")


def test_it_is_read_by_its_own_channels_and_labels(task):
    dataset = open_dataset("brats2021", task.parent)
    assert dataset.cases() == ["BRATS_001", "BRATS_002"]
    volume = dataset.load("BRATS_001")
    assert volume.image[0, :, 3, 3].tolist() == [20, 30, 40, 10]  # t1, t1ce, t2, flair
    assert volume.mask.sum(axis=(0, 2, 3)).tolist() == [2, 1, 3]  # NEC is 2, ED 1, ET 3
    assert volume.spacing == (1.0, 1.0, 2.0)
    assert volume.image.shape == (3, 4, 8, 10)
    assert dataset.load("BRATS_002", ["flair"]).image[0, 0, 2, 2] == 12
    report = dataset.inspect("BRATS_001")
    assert report.facts["release"] == "decathlon"
    (finding,) = dataset.compare([report])
    assert "1 edema as ED, 2 non-enhancing tumour as NEC, 3 enhancing tumour" in finding.message


def test_what_nibabel_gives_is_what_is_read(task):
    rng = np.random.default_rng(0)
    values = rng.integers(-5, 900, (*SHAPE, 4)).astype(np.int16)
    values[0, 0] = 0
    image = nibabel.Nifti1Image(values, AFFINE)
    image.header.set_slope_inter(0.5, 0)
    nibabel.save(image, task / "imagesTr" / "BRATS_001.nii.gz")
    expected = nibabel.load(task / "imagesTr" / "BRATS_001.nii.gz").get_fdata()
    volume = open_dataset("brats2021", task.parent).load("BRATS_001", ["flair", "t1"])
    corners = expected[::7, ::9, ::2, 0]
    assert not (corners == corners[0, 0, 0]).all()
    np.testing.assert_array_equal(volume.image[:, 0], expected[..., 0].transpose(2, 0, 1))


def test_the_order_of_the_channels_is_that_of_its_description(task):
    describe(task, modality={"0": "T2w", "1": "FLAIR", "2": "T1w", "3": "T1gd"})
    volume = open_dataset("brats2021", task.parent).load("BRATS_001")
    assert volume.image[0, :, 3, 3].tolist() == [30, 40, 10, 20]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "FLAIR"}}, "modalities"),
        ({"modality": {"0": "CT"}}, "no modality and labels"),
        ({"modality": ["FLAIR", "T1w", "t1gd", "T2w"]}, "no modality and labels"),
        ({"labels": {"0": "background", "1": "NCR", "2": "ED", "3": "ET"}}, "labels"),
        ({"labels": None}, "no modality and labels"),
    ],
)
def test_a_description_that_says_otherwise_is_refused(task, changes, message):
    describe(task, **changes)
    with pytest.raises(CaseError, match=f"dataset.json: found .*{message}.*restore dataset.json"):
        open_dataset("brats2021", task.parent)


@pytest.mark.parametrize(
    "raw", [None, b"", b"[" * 100_000, b"\xff\xfe", b"[]", b"null"], ids=range(6)
)
def test_without_a_description_nothing_is_guessed(task, raw):
    (task / "dataset.json").unlink()
    if raw is not None:
        (task / "dataset.json").write_bytes(raw)
    with pytest.raises(CaseError, match=r"dataset.json: found .*expected the description"):
        open_dataset("brats2021", task.parent)


def test_a_description_with_a_byte_order_mark_is_read(task):
    path = task / "dataset.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert not inspect(task).problems


def test_other_labels_are_refused_by_name(task):
    mask = np.zeros(SHAPE, np.uint8)
    mask[0, 0, :2] = 4
    save(task / "labelsTr" / "BRATS_001.nii.gz", mask)
    (problem,) = inspect(task).problems
    assert "found labels 4 (2 voxels), expected 0, 1, 2, 3 (Medical Decathlon" in problem.message


def test_a_missing_or_doubled_file_is_refused(task):
    (task / "labelsTr" / "BRATS_001.nii.gz").unlink()
    assert "no file for mask" in inspect(task).problems[0].message
    save(task / "labelsTr" / "BRATS_001.nii", np.zeros(SHAPE, np.uint8))
    save(task / "imagesTr" / "BRATS_001.nii", np.zeros((*SHAPE, 4), np.uint8))
    (problem,) = inspect(task).problems
    assert "BRATS_001.nii and BRATS_001.nii.gz for image, expected one file" in problem.message


def test_images_without_any_mask_are_no_training_data(task):
    for path in (task / "labelsTr").iterdir():
        path.unlink()
    with pytest.raises(CaseError, match=r"2 cases of Medical Decathlon.*none of them with a mask"):
        open_dataset("brats2021", task.parent)


def test_files_of_other_names_are_listed(task):
    for path in (task / "imagesTr").glob("BRATS*"):
        path.rename(path.with_name(path.name.replace(".nii", "_0000.nii")))
    with pytest.raises(CaseError, match=r"no case \(it holds BRATS_001_0000.nii.gz"):
        open_dataset("brats2021", task.parent)


def test_two_copies_need_a_choice(task):
    (task.parent / "copy").mkdir()
    for name in ("imagesTr", "labelsTr", "dataset.json"):
        (task.parent / "copy" / name).symlink_to(task / name)
    with pytest.raises(CaseError, match="a second copy"):
        open_dataset("brats2021", task.parent)


@pytest.mark.parametrize(
    ("where", "values", "affine", "message"),
    [
        (
            "imagesTr",
            np.zeros(SHAPE, np.int16),
            AFFINE,
            r"shape \(8, 10, 3\), expected \(x, y, z, 4",
        ),
        ("imagesTr", np.zeros((*SHAPE, 3), np.int16), AFFINE, r"shape \(8, 10, 3, 3\)"),
        ("imagesTr", np.zeros((*SHAPE, 4), np.complex64), AFFINE, "type complex64"),
        ("imagesTr", np.full((*SHAPE, 4), np.nan, np.float32), AFFINE, "240 values that are NaN"),
        ("imagesTr", np.full((*SHAPE, 4), 1e300), AFFINE, "240 values that are NaN or infinite"),
        ("labelsTr", np.zeros((*SHAPE, 4), np.uint8), AFFINE, r"expected \(x, y, z\)"),
        ("labelsTr", np.zeros((8, 10, 4), np.uint8), AFFINE, r"shape \(8, 10, 4\)"),
        ("labelsTr", np.zeros(SHAPE, np.uint8), np.eye(4), "affine .*as in the image"),
    ],
)
def test_an_image_or_mask_that_does_not_fit_is_refused(task, where, values, affine, message):
    save(task / where / "BRATS_001.nii.gz", values, affine)
    dataset = open_dataset("brats2021", task.parent)
    with pytest.raises(CaseError, match=message) as caught:
        dataset.load("BRATS_001")
    assert where in caught.value.file
    assert dataset.inspect("BRATS_001").problems == [caught.value.problem]
    assert not dataset.inspect("BRATS_002").problems


def test_another_affine_is_taken_on_request(task):
    mask = nibabel.load(task / "labelsTr" / "BRATS_001.nii.gz").get_fdata().astype(np.uint8)
    save(task / "labelsTr" / "BRATS_001.nii.gz", mask, np.eye(4))
    assert inspect(task).problems
    assert not inspect(task, geometry="grid").problems


@pytest.mark.parametrize(
    ("form", "at", "value"),
    [
        ("<h", 42, 32767),  # the shape
        ("<h", 42, -1),
        ("<h", 40, 5),
        ("<h", 40, 0),
        ("<h", 70, 999),  # the type
        ("<h", 70, 128),
        ("<f", 108, float("nan")),  # where the voxels begin
        ("<f", 108, float("inf")),
        ("<f", 108, 12.0),
        ("<f", 108, 1e30),
        ("<f", 112, float("inf")),  # the scale factor
        ("<f", 80, 0.0),  # the spacing
        ("<f", 80, float("inf")),
        ("<f", 80, 1e38),
        ("<f", 280, float("nan")),  # the affine
        ("<i", 0, 349),
    ],
)
@pytest.mark.parametrize("where", ["imagesTr", "labelsTr"])
def test_an_odd_header_is_refused(task, form, at, value, where):
    path = task / where / "BRATS_001.nii.gz"
    raw = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into(form, raw, at, value)
    path.write_bytes(gzip.compress(bytes(raw), 1))
    with pytest.raises(CaseError) as caught:
        open_dataset("brats2021", task.parent).load("BRATS_001")
    assert caught.value.file == str(path)


@pytest.mark.parametrize("keep", [0, 1, 20, 0.5, -9, -1])
def test_a_file_that_is_cut_is_refused(task, keep):
    path = task / "imagesTr" / "BRATS_001.nii.gz"
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(CaseError, match="truncated or damaged"):
        open_dataset("brats2021", task.parent).load("BRATS_001")


def test_limits_are_checked_by_the_header(task):
    assert not inspect(task, limits={"volume_voxels": 240}).problems
    (problem,) = inspect(task, limits={"volume_voxels": 239}).problems
    assert "a header that announces 240 voxels" in problem.message
    assert "limits.volume_voxels" in problem.message
    (problem,) = inspect(task, limits={"file_bytes": 4000}).problems
    assert "a header that announces 4192 bytes" in problem.message


def test_a_link_out_of_the_root_is_refused(task, tmp_path):
    path = task / "imagesTr" / "BRATS_001.nii.gz"
    path.rename(tmp_path / "outside.nii.gz")
    path.symlink_to(tmp_path / "outside.nii.gz")
    (problem,) = open_dataset("brats2021", task).inspect("BRATS_001").problems
    assert "leads out of the data set's root" in problem.message
