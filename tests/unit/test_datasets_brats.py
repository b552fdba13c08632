"""BraTS: the same slices from every layout, its releases, roots, reports and tables."""

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
from brats_files import FIRST, SHAPE, rewrite

from gliomake.datasets import CaseError
from gliomake.datasets.brats import CHANNELS, CLASSES, BratsDataset
from gliomake.datasets.brats_tables import ClinicalTables
from gliomake.phantom.brats import write_brats2020

# ---- the same slices, whatever the layout


@pytest.mark.parametrize("other", ["plain", "slices", "2021", "2023"])
def test_every_layout_of_one_phantom_gives_the_same_slices(brats, other):
    reference, dataset = BratsDataset(brats / "nifti"), BratsDataset(brats / other)
    for case, twin in zip(reference.cases(), dataset.cases(), strict=False):
        expected, volume = reference.load(case), dataset.load(twin)
        np.testing.assert_array_equal(volume.image, expected.image)
        np.testing.assert_array_equal(volume.mask, expected.mask)
        np.testing.assert_array_equal(volume.slices, np.arange(SHAPE[0]))
        assert volume.spacing == expected.spacing == (1.0, 1.0, 1.0)


def test_both_layouts_of_2020_have_the_same_cases_and_tables(brats):
    nifti, slices = BratsDataset(brats / "nifti"), BratsDataset(brats / "slices")
    assert nifti.cases() == slices.cases() == [f"BraTS20_Training_00{n}" for n in (1, 2, 3)]
    without = [
        {case: {k: v for k, v in row.items() if k != "folder"} for case, row in rows.items()}
        for rows in (nifti.metadata(), slices.metadata())
    ]
    assert without[0] == without[1]
    assert nifti.inspect(FIRST).slices == slices.inspect(FIRST).slices


def test_a_slice_is_the_volume_at_z_as_nibabel_reads_it(brats):
    volume = BratsDataset(brats / "nifti").load(FIRST)
    folder = brats / "nifti" / FIRST
    for index, channel in enumerate(CHANNELS):
        oracle = nibabel.load(folder / f"{FIRST}_{channel}.nii.gz").get_fdata()
        np.testing.assert_array_equal(volume.image[:, index], oracle.transpose(2, 0, 1))
    labels = nibabel.load(folder / f"{FIRST}_seg.nii.gz").get_fdata().transpose(2, 0, 1)
    for index, label in enumerate((1, 2, 4)):
        np.testing.assert_array_equal(volume.mask[:, index], labels == label)
    assert volume.image.dtype == np.int16
    assert volume.mask.dtype == np.uint8
    assert volume.mask.sum(axis=(0, 2, 3)).min() > 0
    with h5py.File(brats / "slices" / "volume_1_slice_7.h5") as file:
        np.testing.assert_array_equal(file["image"][()].transpose(2, 0, 1), volume.image[7])


def test_spacing_is_that_of_the_axes_and_arrays_run_along_them(brats_case):
    for path in brats_case.glob("*.nii.gz"):
        rewrite(path, affine=np.diag([-0.5, -0.75, 3, 1]))
    volume = BratsDataset(brats_case.parent).load(FIRST, ["t2"])
    assert volume.spacing == (0.5, 0.75, 3.0)
    assert volume.image.shape == (SHAPE[0], 1, SHAPE[2], SHAPE[1])  # slice, channel, x, y


def test_channels_are_given_in_the_order_asked_for(brats):
    for layout in ("nifti", "slices"):
        dataset = BratsDataset(brats / layout)
        volume, whole = dataset.load(FIRST, ["flair", "t1"]), dataset.load(FIRST)
        np.testing.assert_array_equal(volume.image, whole.image[:, [3, 0]])


def test_only_the_files_asked_for_are_opened(brats_case):
    expected = BratsDataset(brats_case.parent).load(FIRST, ["flair"])
    for name in ("t1", "t1ce", "t2"):
        (brats_case / f"{FIRST}_{name}.nii.gz").unlink()
    volume = BratsDataset(brats_case.parent).load(FIRST, ["flair"])
    np.testing.assert_array_equal(volume.image, expected.image)
    problems = BratsDataset(brats_case.parent).inspect(FIRST, ["flair"]).problems
    assert [problem.message.count("no file for modality") for problem in problems] == [1, 1, 1]


def test_inspect_reads_the_voxels_of_the_channels_asked_for_only(brats_case):
    path = brats_case / f"{FIRST}_t1.nii.gz"
    path.write_bytes(path.read_bytes()[:3000])  # the header is whole, the voxels are not
    dataset = BratsDataset(brats_case.parent)
    assert not dataset.inspect(FIRST, ["flair"]).problems
    assert "truncated" in dataset.inspect(FIRST).problems[0].message


def test_unknown_channel(brats):
    with pytest.raises(ValueError, match="t1gd"):
        BratsDataset(brats / "nifti").load(FIRST, ["t1gd"])


# ---- names and labels of the releases


def test_2023_has_its_own_names_and_label_3_in_a_float_mask(brats):
    folder = brats / "2023" / "BraTS-GLI-00000-000"
    assert {path.name for path in folder.iterdir()} == {
        f"BraTS-GLI-00000-000-{name}.nii.gz" for name in ("t1n", "t1c", "t2w", "t2f", "seg")
    }
    mask = nibabel.load(folder / "BraTS-GLI-00000-000-seg.nii.gz")
    assert mask.get_data_dtype() == np.float32
    assert set(np.unique(mask.get_fdata())) == {0, 1, 2, 3}
    report = BratsDataset(brats / "2023").inspect("BraTS-GLI-00000-000")
    assert report.facts["naming"] == "BraTS 2023"
    assert report.patient == "BraTS-GLI-00000"


def test_a_later_scan_belongs_to_its_patient_and_has_slice_numbers_of_its_own(brats, tmp_path):
    root = tmp_path / "2023"
    shutil.copytree(brats / "2023", root)
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


def test_the_misnamed_mask_of_patient_355_is_taken(brats_case):
    expected = BratsDataset(brats_case.parent).load(FIRST, [])
    (brats_case / f"{FIRST}_seg.nii.gz").rename(brats_case / "W39_1998.09.19_Segm.nii.gz")
    dataset = BratsDataset(brats_case.parent)
    np.testing.assert_array_equal(dataset.load(FIRST, []).mask, expected.mask)
    assert dataset.inspect(FIRST).facts["mask_file"] == "W39_1998.09.19_Segm.nii.gz"


def test_channel_order_of_slice_files_is_configurable(brats):
    order = ("flair", "t1", "t1ce", "t2")
    straight, turned = (
        BratsDataset(brats / "slices", channel_order=names) for names in (CHANNELS, order)
    )
    np.testing.assert_array_equal(
        turned.load(FIRST, order).image, straight.load(FIRST, CHANNELS).image
    )
    with pytest.raises(ValueError, match="channel_order"):
        BratsDataset(brats / "slices", channel_order=("t1", "t1", "t2", "flair"))


def test_a_standardised_copy_has_its_background_shifted_to_0(brats_slices):
    expected = BratsDataset(brats_slices).load(FIRST)
    for path in brats_slices.glob("volume_1_*.h5"):
        with h5py.File(path, "r+") as file:
            file["image"][...] = file["image"][()] - np.array([8, 0, 3, 100])
    dataset = BratsDataset(brats_slices)
    np.testing.assert_array_equal(dataset.load(FIRST).image, expected.image)
    shift = dataset.inspect(FIRST).facts["background_shifted_to_0"]
    assert shift == {"t1": [-8, -8], "t1ce": [0, 0], "t2": [-3, -3], "flair": [-100, -100]}


# ---- roots


def test_the_root_may_be_an_outer_folder(brats, tmp_path):
    outer = tmp_path / "BraTS2020_TrainingData" / "MICCAI_BraTS2020_TrainingData"
    shutil.copytree(brats / "nifti", outer)
    dataset = BratsDataset(tmp_path)
    assert len(dataset.cases()) == 3
    assert dataset.metadata()[FIRST]["grade"] in ("HGG", "LGG")
    assert dataset.metadata()[FIRST]["folder"].endswith(FIRST)
    assert dataset.check_root() == []


def test_a_case_that_is_there_twice_is_refused(brats_case):
    shutil.copytree(brats_case, brats_case.parent / "copy" / FIRST)
    (problem,) = BratsDataset(brats_case.parent).check_root()
    assert problem.case == FIRST
    assert "second folder" in problem.message


def test_two_layouts_under_one_root_need_a_choice(brats):
    with pytest.raises(
        CaseError, match="case folders and slice files, expected one of the two; point"
    ):
        BratsDataset(brats)
    # Two copies of the NIfTI set lie there, too: the slice files are there once.
    assert BratsDataset(brats, layout="slices").cases()[0] == FIRST


@pytest.mark.parametrize("layout", ["auto", "nifti", "slices"])
def test_a_root_without_cases(tmp_path, layout):
    with pytest.raises(CaseError, match="no BraTS case"):
        BratsDataset(tmp_path, layout=layout)
    with pytest.raises(CaseError, match="no such folder"):
        BratsDataset(tmp_path / "nowhere", layout=layout)
    with pytest.raises(ValueError, match="expected one of auto"):
        BratsDataset(tmp_path, layout="dicom")


def test_the_name_follows_the_cases(brats):
    assert BratsDataset(brats / "slices").name == "brats2020"
    assert BratsDataset(brats / "2021").name == "brats2021"
    assert BratsDataset(brats / "2023", name="ours").name == "ours"


# ---- reports


def test_facts_of_a_case(brats):
    dataset = BratsDataset(brats / "nifti")
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
def test_a_report_survives_json(brats, layout):
    report = asdict(BratsDataset(brats / layout).inspect(FIRST))
    assert json.loads(json.dumps(report)) == report


def test_findings_across_cases(brats_case):
    other = brats_case.parent / "BraTS20_Training_002"
    for path in brats_case.glob("*.nii.gz"):
        shutil.copy(path, other / path.name.replace("_001_", "_002_"))
    third = brats_case.parent / "BraTS20_Training_003"
    for path in third.glob("*.nii.gz"):
        rewrite(path, lambda data: data[:, :-1])
    rewrite(third / "BraTS20_Training_003_seg.nii.gz", np.zeros_like)
    shutil.copy(
        third / "BraTS20_Training_003_flair.nii.gz", third / "BraTS20_Training_003_t1.nii.gz"
    )
    dataset = BratsDataset(brats_case.parent)
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
    (tmp_path / "name_mapping.csv").write_text("Grade|BraTS_2020_subject_ID\nHGG|x\n")
    messages = [problem.message for problem in ClinicalTables([tmp_path]).problems]
    assert len(messages) == 3
    assert "expected also BraTS_2020_subject_ID, Grade" in messages[0]
    assert "age 'old' of BraTS20_Training_001 in line 2" in messages[1]
    assert "survival 'DEAD' of BraTS20_Training_001 in line 2" in messages[2]


def test_without_tables_the_columns_are_empty(brats_case):
    for name in ("survival_info.csv", "name_mapping.csv"):
        (brats_case.parent / name).unlink()
    dataset = BratsDataset(brats_case.parent)
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


# ---- memory


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
