import csv
import gzip
import hashlib
import re

import h5py
import nibabel
import numpy as np
import pytest

from gliomake.datasets.brats import BratsDataset
from gliomake.phantom.brats import write_brats2020, write_brats2021
from gliomake.phantom.head import make_head

SHAPE = (10, 24, 20)


def digests(root):
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


WRITERS = {
    "2020": lambda root, seed: write_brats2020(root, 2, seed, SHAPE),
    "2020 slices": lambda root, seed: write_brats2020(root, 2, seed, SHAPE, "slices"),
    "2021": lambda root, seed: write_brats2021(root, 2, seed, SHAPE),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_one_seed_gives_the_same_bytes_and_another_gives_others(tmp_path, writer):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        WRITERS[writer](tmp_path / name, seed)
    a, b, c = (digests(tmp_path / name) for name in "abc")
    assert a == b
    assert a.keys() == c.keys()
    images = [name for name in a if re.search(r"t1|flair|slice_5", name)]
    assert images
    assert all(a[name] != c[name] for name in images)


MODALITIES = ("t1", "t1ce", "t2", "flair")
FOLDERS = {
    "2020": "BraTS2020_TrainingData/MICCAI_BraTS2020_TrainingData",
    "2020 slices": "BraTS2020_training_data/content/data",
    "2021": "RSNA_ASNR_MICCAI_BraTS2021_TrainingData_16July2021",
}
NIFTI_NAMES = {
    "2020": {
        f"BraTS20_Training_00{n}/BraTS20_Training_00{n}_{name}.nii"
        for n in (1, 2)
        for name in (*MODALITIES, "seg")
    },
    "2021": {
        f"BraTS2021_0000{n}/BraTS2021_0000{n}_{name}.nii.gz"
        for n in (0, 1)
        for name in (*MODALITIES, "seg")
    },
    "2020 slices": {f"volume_{n}_slice_{k}.h5" for n in (1, 2) for k in range(SHAPE[0])},
}
TABLES = {
    "2020": {"survival_info.csv", "name_mapping.csv"},
    "2020 slices": {"survival_info.csv", "name_mapping.csv", "meta_data.csv"},
    "2021": set(),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_folders_and_names_are_those_of_the_download_and_are_understood(tmp_path, writer):
    WRITERS[writer](tmp_path, 0)
    folder = tmp_path / FOLDERS[writer]
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert names == NIFTI_NAMES[writer] | TABLES[writer]
    assert len(list(tmp_path.rglob("*.*"))) == len(names)
    dataset = BratsDataset(tmp_path)
    assert len(dataset.cases()) == 2
    assert not dataset.check_root()
    for case in dataset.cases():
        report = dataset.inspect(case)
        assert not report.problems
        assert not report.facts.get("notes")


# Fields as AFNI's 3dcalc leaves them in the published files, for x 20, y 24, z 10 voxels.
HEADER = {
    "sizeof_hdr": 348,
    "dim": [3, 20, 24, 10, 1, 1, 1, 1],
    "pixdim": [1, 1, 1, 1, 0, 0, 0, 0],
    "scl_inter": 0,
    "xyzt_units": 2,
    "qform_code": 1,
    "sform_code": 1,
    "quatern_b": 0,
    "quatern_c": 0,
    "quatern_d": 1,
    "qoffset_x": 0,
    "qoffset_y": 23,
    "qoffset_z": 0,
    "srow_x": [-1, 0, 0, 0],
    "srow_y": [0, -1, 0, 23],
    "srow_z": [0, 0, 1, 0],
    "magic": b"n+1",
}


@pytest.mark.parametrize(("year", "slope", "packed"), [("2020", 0, False), ("2021", 1, True)])
def test_headers_are_those_of_the_published_files(tmp_path, year, slope, packed):
    WRITERS[year](tmp_path, 0)
    paths = sorted(tmp_path.rglob("*.nii*"))
    assert len(paths) == 10
    for path in paths:
        raw = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
        header = nibabel.Nifti1Header(raw[:348], "<", check=False)
        offset, dtype = (3888, "uint8") if "_seg" in path.name else (2880, "int16")
        assert (header["vox_offset"], header.get_data_dtype()) == (offset, dtype)
        assert header["scl_slope"] == slope
        for name, value in HEADER.items():
            np.testing.assert_array_equal(header[name], value, err_msg=name)
        zeros = [*header["srow_x"][1:], header["qoffset_x"], *header["srow_y"][[0, 2]]]
        assert all(np.signbit(zero) for zero in zeros)
        # One extension of AFNI fills the bytes between header and voxels.
        assert raw[348:352] == b"\1\0\0\0"
        assert np.frombuffer(raw, "<i4", 2, 352).tolist() == [offset - 352, 4]
        assert raw[360:381] == b"<?xml version='1.0' ?"
        assert len(raw) == offset + 20 * 24 * 10 * np.dtype(dtype).itemsize


def test_volumes_may_lie_straight_under_the_root_and_be_packed(tmp_path):
    write_brats2020(tmp_path, 1, 0, SHAPE, compress=True, wrapped=False)
    for path in (tmp_path / "BraTS20_Training_001").glob("*.nii.gz"):
        image = nibabel.load(path)
        assert image.shape == (20, 24, 10)
        assert nibabel.aff2axcodes(image.affine) == ("L", "P", "S")
        np.testing.assert_array_equal(np.abs(np.diag(image.affine)), 1)


def test_the_affine_at_full_width_is_that_of_brats(tmp_path):
    write_brats2021(tmp_path, 1, shape=(2, 240, 240))
    (path,) = tmp_path.rglob("BraTS2021_00000_seg.nii.gz")
    image = nibabel.load(path)
    expected = [[-1, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_array_equal(image.affine, expected)


def test_the_volumes_are_the_head_in_left_posterior_superior(tmp_path):
    write_brats2020(tmp_path, 1, 3, SHAPE)
    head = make_head(0, 3, SHAPE)
    stem = tmp_path / FOLDERS["2020"] / "BraTS20_Training_001" / "BraTS20_Training_001"
    mask = np.asarray(nibabel.load(f"{stem}_seg.nii").dataobj)
    np.testing.assert_array_equal(mask.transpose(2, 1, 0), head.tumour)
    for name in ("t1", "t1ce", "t2", "flair"):
        image = np.asarray(nibabel.load(f"{stem}_{name}.nii").dataobj).transpose(2, 1, 0)
        contrast = getattr(head, name)
        assert np.corrcoef(image.ravel(), contrast.ravel())[0, 1] > 0.999
        np.testing.assert_array_equal(image > 0, contrast > 0)


def test_slice_files_have_the_public_copy_s_shape(tmp_path):
    write_brats2020(tmp_path, 2, 0, SHAPE, layout="slices")
    folder = tmp_path / FOLDERS["2020 slices"]
    assert len(list(folder.glob("volume_*_slice_*.h5"))) == 2 * SHAPE[0]
    for row in rows(folder / "meta_data.csv"):
        name = f"volume_{row['volume']}_slice_{row['slice']}.h5"
        assert row["slice_path"] == f"/content/data/{name}"
        with h5py.File(folder / name) as file:
            assert (file["image"].shape, file["image"].dtype) == ((20, 24, 4), np.float64)
            assert (file["mask"].shape, file["mask"].dtype) == ((20, 24, 3), np.uint8)
            assert bool(file["mask"][()].any()) == (row["target"] == "1")


@pytest.mark.parametrize("layout", ["nifti", "slices"])
def test_tables_have_one_censored_row_and_fewer_rows_than_patients(tmp_path, layout):
    patients = 12
    write_brats2020(tmp_path, patients, 0, (2, 12, 12), layout, wrapped=False)
    survival = rows(tmp_path / "survival_info.csv")
    assert list(survival[0]) == ["Brats20ID", "Age", "Survival_days", "Extent_of_Resection"]
    assert 0 < len(survival) < patients
    alive = [
        row for row in survival if re.fullmatch(r"ALIVE \(\d+ days later\)", row["Survival_days"])
    ]
    assert len(alive) == 1
    mapping = rows(tmp_path / "name_mapping.csv")
    assert len(mapping) == patients
    assert {row["Grade"] for row in mapping} == {"HGG", "LGG"}
    metadata = BratsDataset(tmp_path).metadata()
    assert sum(row["censored"] == 1 for row in metadata.values()) == 1
    assert sum(row["survival_days"] != "" for row in metadata.values()) == len(survival)


def test_patient_355_has_its_mask_under_another_name(tmp_path, monkeypatch):
    # Heads of one voxel: 355 of them cost nothing.
    write_brats2020(tmp_path, 355, 0, (1, 1, 1))
    odd = [path.name for path in tmp_path.rglob("*Segm*")]
    assert odd == ["W39_1998.09.19_Segm.nii"]
    assert not list(tmp_path.rglob("BraTS20_Training_355_seg*"))
    dataset = BratsDataset(tmp_path)
    assert len(dataset.cases()) == 355
    assert dataset.load("BraTS20_Training_355").mask.shape == (1, 3, 1, 1)


def test_texture_changes_the_images(tmp_path):
    write_brats2021(tmp_path / "a", 1, 0, SHAPE)
    write_brats2021(tmp_path / "b", 1, 0, SHAPE, texture=0.2)
    a, b = (BratsDataset(tmp_path / name).load("BraTS2021_00000") for name in "ab")
    assert (a.image != b.image).any()


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match="expected one of nifti, slices"):
        write_brats2020(tmp_path, 1, layout="dicom")
    with pytest.raises(ValueError, match="expected one of 2021, 2023"):
        write_brats2021(tmp_path, 1, release="1999")
    with pytest.raises(ValueError, match="expected at least 1"):
        write_brats2021(tmp_path, 0)
