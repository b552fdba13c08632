import gzip
import json
import resource
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest

from gliomake.datasets import CaseError
from gliomake.datasets.brats import CHANNELS, CLASSES, BratsDataset
from gliomake.datasets.brats_tables import ClinicalTables
from gliomake.datasets.nifti import NiftiError, read_header, read_slices
from gliomake.phantom.brats import write_brats2020, write_brats2021

SHAPE = (14, 36, 30)  # slices, height, width: x and y differ, so that a mix-up of axes shows
FIRST = "BraTS20_Training_001"


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory):
    root = tmp_path_factory.mktemp("brats")
    write_brats2020(root / "nifti", 3, seed=1, shape=SHAPE)
    write_brats2020(root / "plain", 3, seed=1, shape=SHAPE, compress=False)
    write_brats2020(root / "slices", 3, seed=1, shape=SHAPE, layout="slices")
    write_brats2021(root / "2021", 2, seed=1, shape=SHAPE)
    write_brats2021(root / "2023", 2, seed=1, shape=SHAPE, release="2023")
    return root


@pytest.fixture
def nifti(phantoms, tmp_path):
    """A copy to spoil; gives its first case's folder."""
    shutil.copytree(phantoms / "nifti", tmp_path / "nifti")
    return tmp_path / "nifti" / FIRST


@pytest.fixture
def slices(phantoms, tmp_path):
    shutil.copytree(phantoms / "slices", tmp_path / "slices")
    return tmp_path / "slices"


def rewrite(path, change=lambda data: data, affine=None, dtype=None):
    image = nibabel.load(path)
    data = change(np.asanyarray(image.dataobj).copy())
    if dtype:
        data = data.astype(dtype)
    header = None if dtype else image.header
    changed = nibabel.Nifti1Image(data, image.affine if affine is None else affine, header)
    nibabel.save(changed, path)


def set_voxel(value):
    def change(data):
        data[3, 4, 5] = value
        return data

    return change


# ---- the same slices, whatever the layout


@pytest.mark.parametrize("other", ["plain", "slices", "2021", "2023"])
def test_every_layout_of_one_phantom_gives_the_same_slices(phantoms, other):
    reference, dataset = BratsDataset(phantoms / "nifti"), BratsDataset(phantoms / other)
    for case, twin in zip(reference.cases(), dataset.cases(), strict=False):
        expected, volume = reference.load(case), dataset.load(twin)
        np.testing.assert_array_equal(volume.image, expected.image)
        np.testing.assert_array_equal(volume.mask, expected.mask)
        np.testing.assert_array_equal(volume.slices, np.arange(SHAPE[0]))
        assert volume.spacing == expected.spacing == (1.0, 1.0, 1.0)


def test_both_layouts_of_2020_have_the_same_cases_and_tables(phantoms):
    nifti, slices = BratsDataset(phantoms / "nifti"), BratsDataset(phantoms / "slices")
    assert nifti.cases() == slices.cases() == [f"BraTS20_Training_00{n}" for n in (1, 2, 3)]
    without = [
        {case: {k: v for k, v in row.items() if k != "folder"} for case, row in rows.items()}
        for rows in (nifti.metadata(), slices.metadata())
    ]
    assert without[0] == without[1]
    assert nifti.inspect(FIRST).slices == slices.inspect(FIRST).slices


def test_a_slice_is_the_volume_at_z_as_nibabel_reads_it(phantoms):
    volume = BratsDataset(phantoms / "nifti").load(FIRST)
    folder = phantoms / "nifti" / FIRST
    for index, channel in enumerate(CHANNELS):
        oracle = nibabel.load(folder / f"{FIRST}_{channel}.nii.gz").get_fdata()
        np.testing.assert_array_equal(volume.image[:, index], oracle.transpose(2, 0, 1))
    labels = nibabel.load(folder / f"{FIRST}_seg.nii.gz").get_fdata().transpose(2, 0, 1)
    for index, label in enumerate((1, 2, 4)):
        np.testing.assert_array_equal(volume.mask[:, index], labels == label)
    assert volume.image.dtype == np.int16
    assert volume.mask.dtype == np.uint8
    assert volume.mask.sum(axis=(0, 2, 3)).min() > 0
    with h5py.File(phantoms / "slices" / "volume_1_slice_7.h5") as file:
        np.testing.assert_array_equal(file["image"][()].transpose(2, 0, 1), volume.image[7])


def test_spacing_is_that_of_the_axes_and_arrays_run_along_them(nifti):
    for path in nifti.glob("*.nii.gz"):
        rewrite(path, affine=np.diag([-0.5, -0.75, 3, 1]))
    volume = BratsDataset(nifti.parent).load(FIRST, ["t2"])
    assert volume.spacing == (0.5, 0.75, 3.0)
    assert volume.image.shape == (SHAPE[0], 1, SHAPE[2], SHAPE[1])  # slice, channel, x, y


def test_channels_are_given_in_the_order_asked_for(phantoms):
    for layout in ("nifti", "slices"):
        dataset = BratsDataset(phantoms / layout)
        volume, whole = dataset.load(FIRST, ["flair", "t1"]), dataset.load(FIRST)
        np.testing.assert_array_equal(volume.image, whole.image[:, [3, 0]])


def test_only_the_files_asked_for_are_opened(nifti):
    expected = BratsDataset(nifti.parent).load(FIRST, ["flair"])
    for name in ("t1", "t1ce", "t2"):
        (nifti / f"{FIRST}_{name}.nii.gz").unlink()
    volume = BratsDataset(nifti.parent).load(FIRST, ["flair"])
    np.testing.assert_array_equal(volume.image, expected.image)
    problems = BratsDataset(nifti.parent).inspect(FIRST, ["flair"]).problems
    assert [problem.message.count("no file for modality") for problem in problems] == [1, 1, 1]


def test_inspect_reads_the_voxels_of_the_channels_asked_for_only(nifti):
    path = nifti / f"{FIRST}_t1.nii.gz"
    path.write_bytes(path.read_bytes()[:3000])  # the header is whole, the voxels are not
    dataset = BratsDataset(nifti.parent)
    assert not dataset.inspect(FIRST, ["flair"]).problems
    assert "truncated" in dataset.inspect(FIRST).problems[0].message


def test_unknown_channel(phantoms):
    with pytest.raises(ValueError, match="t1gd"):
        BratsDataset(phantoms / "nifti").load(FIRST, ["t1gd"])


# ---- names and labels of the releases


def test_2023_has_its_own_names_and_label_3_in_a_float_mask(phantoms):
    folder = phantoms / "2023" / "BraTS-GLI-00000-000"
    assert {path.name for path in folder.iterdir()} == {
        f"BraTS-GLI-00000-000-{name}.nii.gz" for name in ("t1n", "t1c", "t2w", "t2f", "seg")
    }
    mask = nibabel.load(folder / "BraTS-GLI-00000-000-seg.nii.gz")
    assert mask.get_data_dtype() == np.float32
    assert set(np.unique(mask.get_fdata())) == {0, 1, 2, 3}
    report = BratsDataset(phantoms / "2023").inspect("BraTS-GLI-00000-000")
    assert report.facts["naming"] == "BraTS 2023"
    assert report.patient == "BraTS-GLI-00000"


def test_a_later_scan_belongs_to_its_patient_and_has_slice_numbers_of_its_own(phantoms, tmp_path):
    root = tmp_path / "2023"
    shutil.copytree(phantoms / "2023", root)
    later = root / "BraTS-GLI-00000-001"
    later.mkdir()
    for path in (root / "BraTS-GLI-00000-000").iterdir():
        shutil.copy(path, later / path.name.replace("00000-000", "00000-001"))
    dataset = BratsDataset(root)
    first, second = (dataset.load(f"BraTS-GLI-00000-00{scan}") for scan in (0, 1))
    assert first.patient == second.patient == "BraTS-GLI-00000"
    assert not set(first.slices) & set(second.slices)
    (finding,) = dataset.compare([dataset.inspect(case) for case in dataset.cases()])
    assert (finding.kind, finding.cases) == ("duplicate-cases", (first.case, second.case))


def test_the_misnamed_mask_of_patient_355_is_taken(nifti):
    expected = BratsDataset(nifti.parent).load(FIRST, [])
    (nifti / f"{FIRST}_seg.nii.gz").rename(nifti / "W39_1998.09.19_Segm.nii.gz")
    dataset = BratsDataset(nifti.parent)
    np.testing.assert_array_equal(dataset.load(FIRST, []).mask, expected.mask)
    assert dataset.inspect(FIRST).facts["mask_file"] == "W39_1998.09.19_Segm.nii.gz"


def test_channel_order_of_slice_files_is_configurable(phantoms):
    order = ("flair", "t1", "t1ce", "t2")
    straight, turned = (
        BratsDataset(phantoms / "slices", channel_order=names) for names in (CHANNELS, order)
    )
    np.testing.assert_array_equal(
        turned.load(FIRST, order).image, straight.load(FIRST, CHANNELS).image
    )
    with pytest.raises(ValueError, match="channel_order"):
        BratsDataset(phantoms / "slices", channel_order=("t1", "t1", "t2", "flair"))


def test_a_standardised_copy_has_its_background_shifted_to_0(slices):
    expected = BratsDataset(slices).load(FIRST)
    for path in slices.glob("volume_1_*.h5"):
        with h5py.File(path, "r+") as file:
            file["image"][...] = file["image"][()] - np.array([8, 0, 3, 100])
    dataset = BratsDataset(slices)
    np.testing.assert_array_equal(dataset.load(FIRST).image, expected.image)
    shift = dataset.inspect(FIRST).facts["background_shifted_to_0"]
    assert shift == {"t1": [-8, -8], "t1ce": [0, 0], "t2": [-3, -3], "flair": [-100, -100]}


# ---- roots


def test_the_root_may_be_an_outer_folder(phantoms, tmp_path):
    outer = tmp_path / "BraTS2020_TrainingData" / "MICCAI_BraTS2020_TrainingData"
    shutil.copytree(phantoms / "nifti", outer)
    dataset = BratsDataset(tmp_path)
    assert len(dataset.cases()) == 3
    assert dataset.metadata()[FIRST]["grade"] in ("HGG", "LGG")
    assert dataset.metadata()[FIRST]["folder"].endswith(FIRST)
    assert dataset.check_root() == []


def test_a_case_that_is_there_twice_is_refused(nifti):
    shutil.copytree(nifti, nifti.parent / "copy" / FIRST)
    (problem,) = BratsDataset(nifti.parent).check_root()
    assert problem.case == FIRST
    assert "second folder" in problem.message


def test_two_layouts_under_one_root_need_a_choice(phantoms):
    with pytest.raises(CaseError, match="option layout"):
        BratsDataset(phantoms)
    # Two copies of the NIfTI set lie there, too: the slice files are there once.
    assert BratsDataset(phantoms, layout="slices").cases()[0] == FIRST


@pytest.mark.parametrize("layout", ["auto", "nifti", "slices"])
def test_a_root_without_cases(tmp_path, layout):
    with pytest.raises(CaseError, match="no BraTS case"):
        BratsDataset(tmp_path, layout=layout)
    with pytest.raises(CaseError, match="no such folder"):
        BratsDataset(tmp_path / "nowhere", layout=layout)
    with pytest.raises(ValueError, match="expected one of auto"):
        BratsDataset(tmp_path, layout="dicom")


def test_the_name_follows_the_cases(phantoms):
    assert BratsDataset(phantoms / "slices").name == "brats2020"
    assert BratsDataset(phantoms / "2021").name == "brats2021"
    assert BratsDataset(phantoms / "2023", name="ours").name == "ours"


# ---- what is refused

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
        lambda folder: rewrite(folder / f"{FIRST}_seg.nii.gz", set_voxel(-1)),
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
        "truncated or damaged gzip file",
    ),
    "no NIfTI": (
        lambda folder: (folder / f"{FIRST}_t1.nii.gz").write_bytes(gzip.compress(b"a" * 9000)),
        "_t1.nii.gz",
        "NIfTI-1",
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_case_is_an_error_that_names_case_and_file(nifti, what):
    spoil, file, message = SPOILT[what]
    spoil(nifti)
    dataset = BratsDataset(nifti.parent)
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
def test_a_truncated_gzip_is_found_wherever_it_ends(nifti, keep):
    path = nifti / f"{FIRST}_t1ce.nii.gz"
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(CaseError, match=r"t1ce.nii.gz: found a truncated"):
        BratsDataset(nifti.parent).load(FIRST)


def test_a_gzip_with_a_flipped_bit_is_found(nifti):
    path = nifti / f"{FIRST}_t1ce.nii.gz"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 8
    path.write_bytes(raw)
    with pytest.raises(CaseError, match="truncated or damaged"):
        BratsDataset(nifti.parent).load(FIRST)


def test_a_truncated_plain_file_is_found(phantoms, tmp_path):
    shutil.copytree(phantoms / "plain", tmp_path / "plain")
    path = tmp_path / "plain" / FIRST / f"{FIRST}_t1.nii"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CaseError, match="bytes where the header announces"):
        BratsDataset(tmp_path / "plain").load(FIRST)


def test_several_problems_of_a_case_are_all_reported(nifti):
    (nifti / f"{FIRST}_t1.nii.gz").unlink()
    rewrite(nifti / f"{FIRST}_t2.nii.gz", affine=np.eye(4))
    problems = BratsDataset(nifti.parent).inspect(FIRST).problems
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
def test_a_spoilt_slice_file_is_an_error_that_names_case_and_file(slices, spoil, message):
    spoil(slices)
    with pytest.raises(CaseError, match=message) as caught:
        BratsDataset(slices).load(FIRST)
    assert caught.value.case == FIRST
    assert BratsDataset(slices).inspect(FIRST).problems == [caught.value.problem]
    assert not BratsDataset(slices).inspect("BraTS20_Training_002").problems


# ---- reports


def test_facts_of_a_case(phantoms):
    dataset = BratsDataset(phantoms / "nifti")
    report, volume = dataset.inspect(FIRST), dataset.load(FIRST)
    assert report.facts["spacing"] == [1.0, 1.0, 1.0]
    assert report.facts["shape"] == [30, 36, 14]
    assert report.facts["orientation"] == "LPS"
    flair = volume.image[:, 3]
    p1, p99 = np.percentile(flair[flair > 0], (1, 99))
    assert report.facts["intensity"]["flair"] == {
        "min": flair.min(),
        "max": flair.max(),
        "mean": pytest.approx(flair.mean()),
        "p1": p1,
        "p99": p99,
    }
    assert [row["ED"] for row in report.slices] == volume.mask[:, 1].sum(axis=(1, 2)).tolist()
    assert sum(report.facts["labels"].values()) == flair.size
    assert {"slice", "height", "width", *CLASSES} == set(report.slices[0])


@pytest.mark.parametrize("layout", ["nifti", "slices"])
def test_a_report_survives_json(phantoms, layout):
    report = asdict(BratsDataset(phantoms / layout).inspect(FIRST))
    assert json.loads(json.dumps(report)) == report


def test_findings_across_cases(nifti):
    other = nifti.parent / "BraTS20_Training_002"
    for path in nifti.glob("*.nii.gz"):
        shutil.copy(path, other / path.name.replace("_001_", "_002_"))
    third = nifti.parent / "BraTS20_Training_003"
    for path in third.glob("*.nii.gz"):
        rewrite(path, lambda data: data[:, :-1])
    rewrite(third / "BraTS20_Training_003_seg.nii.gz", np.zeros_like)
    shutil.copy(
        third / "BraTS20_Training_003_flair.nii.gz", third / "BraTS20_Training_003_t1.nii.gz"
    )
    dataset = BratsDataset(nifti.parent)
    reports = [dataset.inspect(case) for case in dataset.cases()]
    assert {finding.kind: finding.cases for finding in dataset.compare(reports)} == {
        "duplicate-cases": (FIRST, "BraTS20_Training_002"),
        "no-tumour": ("BraTS20_Training_003",),
        "differing-shape": ("BraTS20_Training_003",),
    }
    assert [report.facts["missing_sequences"] for report in reports] == [[], [], ["flair"]]


# ---- tables


def test_tables_worked_by_hand(tmp_path):
    (tmp_path / "survival_info.csv").write_text(
        "Brats20ID,Age,Survival_days,Extent_of_Resection\n"
        "BraTS20_Training_001,60.463013698630135,289,GTR\n"
        "BraTS20_Training_084,46.24,ALIVE (361 days later),GTR\n"
        "BraTS20_Training_085,51,NA,NA\n"
    )
    (tmp_path / "name_mapping.csv").write_text(
        "Grade,BraTS_2017_subject_ID,BraTS_2018_subject_ID,TCGA_TCIA_subject_ID,"
        "BraTS_2019_subject_ID,BraTS_2020_subject_ID\n"
        "HGG,Brats17_CBICA_AAB_1,Brats18_CBICA_AAB_1,NA,BraTS19_CBICA_AAB_1,BraTS20_Training_001\n"
        "LGG,NA,NA,NA,NA,BraTS20_Training_300\n"
        "HGG,Brats17_x,NA,NA,NA,NA\n"
    )
    tables = ClinicalTables([tmp_path / "nowhere", tmp_path])
    columns = ("grade", "age", "survival_days", "censored", "resection")
    assert {case: tuple(row[c] for c in columns) for case, row in tables.rows.items()} == {
        "BraTS20_Training_001": ("HGG", 60.463013698630135, 289, 0, "GTR"),
        "BraTS20_Training_084": ("", 46.24, 361, 1, "GTR"),
        "BraTS20_Training_085": ("", 51.0, "", "", ""),
        "BraTS20_Training_300": ("LGG", "", "", "", ""),
    }
    assert tables.problems == []
    assert set(tables.row("BraTS20_Training_002").values()) == {""}


def test_tables_that_cannot_be_understood_are_reported(tmp_path):
    (tmp_path / "survival_info.csv").write_text(
        "Brats20ID,Age,Survival_days\nBraTS20_Training_001,old,DEAD\n"
    )
    (tmp_path / "name_mapping.csv").write_text("Grade;BraTS_2020_subject_ID\nHGG;x\n")
    messages = [problem.message for problem in ClinicalTables([tmp_path]).problems]
    assert len(messages) == 3
    assert "expected also BraTS_2020_subject_ID, Grade" in messages[0]
    assert "age 'old' of BraTS20_Training_001 in line 2" in messages[1]
    assert "survival 'DEAD' of BraTS20_Training_001 in line 2" in messages[2]


def test_without_tables_the_columns_are_empty(nifti):
    for name in ("survival_info.csv", "name_mapping.csv"):
        (nifti.parent / name).unlink()
    dataset = BratsDataset(nifti.parent)
    row = dataset.metadata()[FIRST]
    assert row == {
        "stratum": "",
        "folder": FIRST,
        "grade": "",
        "age": "",
        "survival_days": "",
        "censored": "",
        "resection": "",
    }
    assert dataset.check_root() == []


# ---- NIfTI


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<u1", "<i4", "<f4", ">f8"])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_types_and_byte_orders_are_read_as_nibabel_reads_them(tmp_path, dtype, ending):
    values = np.random.default_rng(0).integers(0, 200, (3, 4, 5)).astype(dtype)
    path = tmp_path / f"a{ending}"
    header = nibabel.Nifti1Header(endianness=dtype[0])
    header.set_data_dtype(np.dtype(dtype))
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4), header), path)
    found = read_slices(path)
    np.testing.assert_array_equal(found, values.transpose(2, 0, 1))
    assert found.dtype.isnative
    assert found.dtype == (np.float32 if dtype[1] == "f" else np.dtype(dtype).newbyteorder("="))


def test_scale_factors_are_applied(tmp_path):
    plain = nibabel.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    raw = bytearray(plain.to_bytes())
    raw[112:120] = np.array([0.5, -3], "<f4").tobytes()  # scl_slope, scl_inter
    path = tmp_path / "a.nii"
    path.write_bytes(raw)
    oracle = nibabel.load(path).get_fdata().transpose(2, 0, 1)
    np.testing.assert_array_equal(read_slices(path), oracle)
    assert oracle.min() == -3


def test_a_gzip_file_of_several_members_is_read(tmp_path):
    values = np.arange(24000, dtype=np.int16).reshape(20, 30, 40)
    raw = nibabel.Nifti1Image(values, np.eye(4)).to_bytes()
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(raw[:7000]) + gzip.compress(raw[7000:]))
    np.testing.assert_array_equal(read_slices(path), values.transpose(2, 0, 1))


def test_the_standard_library_reads_the_same(phantoms, monkeypatch):
    path = phantoms / "nifti" / FIRST / f"{FIRST}_t1.nii.gz"
    expected = read_slices(path)
    monkeypatch.setattr("gliomake.datasets.nifti.deflate", None)
    np.testing.assert_array_equal(read_slices(path), expected)


def test_a_header_alone(phantoms, tmp_path):
    path = phantoms / "nifti" / FIRST / f"{FIRST}_t1.nii.gz"
    header = read_header(path)
    assert (header.shape, header.spacing, header.orientation) == ((30, 36, 14), (1, 1, 1), "LPS")
    assert header.size == 352 + 2 * 30 * 36 * 14
    (tmp_path / "a.nii").write_bytes(b"short")
    with pytest.raises(NiftiError, match="after 5 bytes"):
        read_header(tmp_path / "a.nii")


MEMORY = """
import resource, sys
from gliomake.datasets.brats import BratsDataset
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
dataset = BratsDataset(sys.argv[1])
for case in dataset.cases():
    assert not dataset.inspect(case).problems
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.skipif(not hasattr(resource, "RUSAGE_SELF"), reason="no rusage")
def test_memory_is_bounded_by_one_case(tmp_path):
    shape = (40, 160, 160)
    write_brats2020(tmp_path, 3, shape=shape)
    scripts = Path(__file__).parents[2] / "workflow" / "scripts"
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path)],
        env={"PYTHONPATH": str(scripts), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    # int16 image and mask of one case are 11 bytes a voxel; three cases at once would be 33,
    # float64 volumes alone 32.
    assert int(done.stdout) < 30 * np.prod(shape)
