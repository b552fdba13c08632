"""NIfTI files: what nibabel reads, from whole files only."""

import gzip
import zlib

import nibabel
import numpy as np
import pytest
from brats_files import FIRST

from gliomake.datasets import nifti
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


@pytest.fixture(params=["libdeflate", "isal", "the standard library"])
def reader(request, monkeypatch):
    """Which library inflates; the first that is there does."""
    if request.param != "libdeflate":
        monkeypatch.setattr(nifti, "deflate", None)
    if request.param == "the standard library":
        monkeypatch.setattr(nifti, "open_gzip", gzip.open)
        monkeypatch.setattr(nifti, "isal_error", zlib.error)
    return request.param


def test_every_reader_reads_the_same(brats, reader):
    path = brats / "nifti" / FIRST / f"{FIRST}_t1.nii.gz"
    oracle = np.asanyarray(nibabel.load(path).dataobj)
    np.testing.assert_array_equal(read_slices(path), oracle.transpose(2, 0, 1))


def test_a_stream_that_inflates_to_more_is_refused(tmp_path, reader):
    raw = nibabel.Nifti1Image(np.zeros((20, 30, 40), np.int16), np.eye(4)).to_bytes()
    path = tmp_path / "a.nii.gz"
    # Wrong voxels and one byte too many, with length and checksum of the right ones.
    path.write_bytes(gzip.compress(raw[:-100] + b"a" * 101)[:-8] + gzip.compress(raw)[-8:])
    with pytest.raises(NiftiError, match=r"a\.nii\.gz: found a truncated or damaged gzip file"):
        read_slices(path)
    path.write_bytes(gzip.compress(raw + b"a"))
    with pytest.raises(NiftiError, match="more than 48352 bytes where the header announces 48352"):
        read_slices(path)


def test_a_plain_file_that_is_too_long_is_refused(tmp_path):
    raw = nibabel.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.eye(4)).to_bytes()
    path = tmp_path / "a.nii"
    path.write_bytes(raw + b"a")
    with pytest.raises(NiftiError, match=r"a\.nii: .*more than 400 bytes"):
        read_slices(path)
    # What is longer than any padding shows by the header alone.
    path.write_bytes(raw + bytes(1024**2 + 1))
    with pytest.raises(NiftiError, match=r"a\.nii: .*more than 400 bytes"):
        read_header(path)


@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_a_hole_in_a_stream_is_refused_wherever_it_is(brats_case, reader, byte):
    path = brats_case / f"{FIRST}_t1.nii.gz"
    whole, header = path.read_bytes(), read_header(path)
    for start in range(400, len(whole) - 64, 400):
        path.write_bytes(whole[:start] + byte * 64 + whole[start + 64 :])
        with pytest.raises(
            NiftiError, match=r"_t1\.nii\.gz: found a truncated or damaged gzip file"
        ):
            read_slices(path, header)


def test_a_header_alone(brats, tmp_path):
    path = brats / "nifti" / FIRST / f"{FIRST}_t1.nii.gz"
    header = read_header(path)
    assert (header.shape, header.spacing, header.orientation) == ((30, 36, 14), (1, 1, 1), "LPS")
    assert header.size == 2880 + 2 * 30 * 36 * 14
    (tmp_path / "a.nii").write_bytes(b"short")
    with pytest.raises(NiftiError, match="after 5 bytes"):
        read_header(tmp_path / "a.nii")
