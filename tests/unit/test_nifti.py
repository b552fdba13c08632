"""NIfTI files: what nibabel reads, from whole files only."""

import gzip

import nibabel
import numpy as np
import pytest
from brats_files import FIRST

from gliomake.datasets.nifti import NiftiError, read_header, read_slices


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


def test_the_standard_library_reads_the_same(brats, monkeypatch):
    path = brats / "nifti" / FIRST / f"{FIRST}_t1.nii.gz"
    expected = read_slices(path)
    monkeypatch.setattr("gliomake.datasets.nifti.deflate", None)
    np.testing.assert_array_equal(read_slices(path), expected)


def test_a_header_alone(brats, tmp_path):
    path = brats / "nifti" / FIRST / f"{FIRST}_t1.nii.gz"
    header = read_header(path)
    assert (header.shape, header.spacing, header.orientation) == ((30, 36, 14), (1, 1, 1), "LPS")
    assert header.size == 352 + 2 * 30 * 36 * 14
    (tmp_path / "a.nii").write_bytes(b"short")
    with pytest.raises(NiftiError, match="after 5 bytes"):
        read_header(tmp_path / "a.nii")
