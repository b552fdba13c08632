"""Headers of NIfTI files: fields that are odd and right, and fields that cannot be."""

import bz2
import gzip
import io
import os
import struct
import zipfile

import nibabel
import numpy as np
import pytest
from nifti_files import SHAPE, nifti, voxels, write

from gliomake.datasets import CaseError
from gliomake.datasets.nifti import NiftiError, read_header, read_slices
from gliomake.datasets.root import AccessError, DataRoot, Limits

EXPECTED = voxels().transpose(2, 0, 1)


def with_extension(raw, code=4, content=b"<AFNI/>", offset=2880):
    size = offset - 352
    body = struct.pack("<ii", size, code) + content.ljust(size - 8, b"\0")
    changed = bytearray(raw[:348] + b"\1\0\0\0" + body + raw[352:])
    changed[108:112] = struct.pack("<f", offset)
    return bytes(changed)


# ---- odd and right


@pytest.mark.parametrize("offset", [2880, 3888, 1_000_000])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_extensions_are_read_and_the_voxels_behind_them(tmp_path, ending, offset):
    noise = np.random.default_rng(0).bytes(offset - 1000)
    path = write(tmp_path / f"a{ending}", with_extension(nifti(), 4, noise, offset))
    header = read_header(path)
    assert (header.offset, header.extensions, header.notes) == (offset, (4,), {})
    np.testing.assert_array_equal(read_slices(path), EXPECTED)


@pytest.mark.parametrize("code", [2, 6, 44, 12345])
def test_extensions_of_any_code_are_read(tmp_path, code):
    path = write(tmp_path / "a.nii", with_extension(nifti(), code))
    assert read_header(path).extensions == (code,)


def test_bytes_before_the_voxels_without_an_extension_flag_are_passed_over(tmp_path):
    raw = bytearray(with_extension(nifti()))
    raw[348] = 0
    path = write(tmp_path / "a.nii", bytes(raw))
    assert read_header(path).extensions == ()
    np.testing.assert_array_equal(read_slices(path), EXPECTED)


@pytest.mark.parametrize("form", [nibabel.Nifti1Header, nibabel.Nifti2Header])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_versions_and_byte_orders_are_read_as_nibabel_reads_them(tmp_path, form, order):
    path = write(tmp_path / "a.nii.gz", nifti(form=form, order=order))
    oracle = nibabel.load(path)
    np.testing.assert_array_equal(read_slices(path), oracle.get_fdata().transpose(2, 0, 1))
    np.testing.assert_array_equal(read_header(path).affine, oracle.affine)
    assert read_slices(path).dtype == np.int16


ODD = {
    "no scale factor": {"scl_slope": 0, "scl_inter": 7},
    "slope never set": {"scl_slope": np.nan, "scl_inter": np.nan},
    "display range": {"cal_max": np.nan, "cal_min": np.inf, "glmax": -1},
    "trailing dimensions of 1": {"dim": [5, 5, 4, 3, 1, 1, 0, 0]},
    "dimensions unused": {"dim": [3, 5, 4, 3, 0, 9, -1, 0]},
    "bits a voxel": {"bitpix": 3},
    "no handedness": {"pixdim": [0, 1, 1, 1, 0, 0, 0, 0]},
    "bytes of text": {"descrip": b"\xff\xfe\x80", "intent_name": b"\xe9"},
}


@pytest.mark.parametrize("what", ODD)
def test_odd_fields_that_change_no_value_are_taken(tmp_path, what):
    path = write(tmp_path / "a.nii", nifti(**ODD[what]))
    header = read_header(path)
    assert (header.shape, header.spacing, header.orientation) == (SHAPE, (1, 1, 1), "LPS")
    np.testing.assert_array_equal(read_slices(path), EXPECTED)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "u4", "i8", "u8", "f4", "f8"])
def test_all_types_of_real_numbers_are_read(tmp_path, dtype):
    found = read_slices(write(tmp_path / "a.nii", nifti(voxels(dtype))))
    np.testing.assert_array_equal(found, EXPECTED)
    assert found.dtype == (np.float32 if dtype[0] == "f" else np.dtype(dtype))


def test_a_large_intercept_keeps_the_digits_of_the_values(tmp_path):
    # In float32 arithmetic 16777216 + 1 is 16777216; the result here is 1 again.
    array = (voxels().astype("int32") + 2**24).astype("int32")
    path = write(tmp_path / "a.nii", nifti(array, scl_slope=1, scl_inter=-(2.0**24)))
    np.testing.assert_array_equal(read_slices(path), EXPECTED)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("packed", [True, False])
def test_files_are_read_by_content_and_a_wrong_name_is_noted(tmp_path, name, packed):
    path = tmp_path / name
    path.write_bytes(gzip.compress(nifti()) if packed else nifti())
    np.testing.assert_array_equal(read_slices(path), EXPECTED)
    fits = packed == name.endswith(".gz")
    assert list(read_header(path).notes) == ([] if fits else ["name-and-content"])


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_zeros_behind_the_voxels_are_padding(tmp_path, name):
    path = write(tmp_path / name, nifti() + bytes(10_000))
    np.testing.assert_array_equal(read_slices(path), EXPECTED)
    for tail in (bytes(10_000) + b"\1", bytes(1024**2 + 1)):
        with pytest.raises(NiftiError, match="more than 472 bytes where the header announces 472"):
            read_slices(write(path, nifti() + tail))


def test_a_blank_end_is_no_padding_where_the_type_contradicts_itself(tmp_path):
    # A mask of 16 bits a voxel that is announced as one of 8: its second half is all zeros.
    labels = np.zeros(SHAPE, "u2")
    labels[1:3, 1:3, 0] = 1
    path = write(tmp_path / "a.nii", nifti(labels, datatype=2))
    with pytest.raises(NiftiError, match="more than 412 bytes where the header announces 412"):
        read_slices(path)


def test_a_header_across_members_of_a_gzip_file(tmp_path):
    path, raw = tmp_path / "a.nii.gz", nifti()
    path.write_bytes(b"".join(gzip.compress(raw[k : k + 100]) for k in range(0, len(raw), 100)))
    np.testing.assert_array_equal(read_slices(path), EXPECTED)


# ---- what cannot be


def other(**fields):
    return lambda: nifti(**fields)


def pair():
    return nifti(magic=b"ni1", vox_offset=0)


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.nii", nifti())
    return file.getvalue()


REFUSED = {
    "bzip2": (lambda: bz2.compress(nifti()), "a bzip2 file, .*; unpack it"),
    "zip": (zipped, "a ZIP archive, .*; unpack it"),
    "zstandard": (lambda: b"\x28\xb5\x2f\xfd" + bytes(600), "a Zstandard file"),
    "xz": (lambda: b"\xfd7zXZ\0" + bytes(600), "an xz file"),
    "gzip twice": (lambda: gzip.compress(gzip.compress(nifti())), "a gzip file within a gzip file"),
    "Git LFS": (lambda: b"version https://git-lfs.github.com/spec/v1\noid", "pointer of Git LFS"),
    "web page": (lambda: b"<!DOCTYPE html><html>Sign in", "a web page, .*login"),
    "NRRD": (lambda: b"NRRD0004\n" + bytes(600), "an NRRD file, .*; export the volume as NIfTI"),
    "DICOM": (lambda: bytes(128) + b"DICM" + bytes(600), "a DICOM file"),
    "text": (lambda: b"not found " * 60, r"no NIfTI header \(the file begins with b'not found no'"),
    "nothing": (lambda: b"", "ends within its header, after 0 bytes"),
    "half a header": (lambda: nifti()[:300], "ends within its header, after 300 bytes"),
    "header alone": (lambda: nifti()[:352], "352 bytes where the header announces 472"),
    "one byte short": (lambda: nifti()[:-1], "471 bytes where the header announces 472"),
    "pair": (pair, "the header of a .hdr/.img pair, expected one NIfTI file"),
    "Analyze": (other(magic=b""), "an Analyze header, which gives no orientation"),
    "other mark": (other(magic=b"n+3"), r"a NIfTI header with the mark b'n\+3"),
    "no dimensions": (other(dim=[0, 5, 4, 3, 1, 1, 1, 1]), r"0 dimensions \(dim\[0\]"),
    "many dimensions": (other(dim=[9, 5, 4, 3, 1, 1, 1, 1]), r"9 dimensions \(dim\[0\]"),
    "negative dimensions": (other(dim=[-3, 5, 4, 3, 1, 1, 1, 1]), "-3 dimensions"),
    "two dimensions": (other(dim=[2, 5, 4, 3, 1, 1, 1, 1]), r"shape \(5, 4\)"),
    "four dimensions": (other(dim=[4, 5, 4, 3, 2, 1, 1, 1]), r"shape \(5, 4, 3, 2\)"),
    "no size": (other(dim=[3, 5, 0, 3, 1, 1, 1, 1]), r"shape \(5, 0, 3\)"),
    "negative size": (other(dim=[3, 5, 4, -3, 1, 1, 1, 1]), r"shape \(5, 4, -3\)"),
    "announces more": (other(dim=[3, 5, 4, 300, 1, 1, 1, 1]), "the header announces 12352"),
    "no type": (other(datatype=0), "data type 0, which is unknown"),
    "unknown type": (other(datatype=999), "data type 999, which is unknown"),
    "bits": (other(datatype=1), "data type 1, bits"),
    "RGB": (other(datatype=128), "data type 128, colours"),
    "RGBA": (other(datatype=2304), "data type 2304, colours"),
    "complex": (other(datatype=32), "data type 32, complex numbers"),
    "float128": (other(datatype=1536), "data type 1536, float128"),
    "slope infinite": (other(scl_slope=np.inf), "a scale factor of inf and 0"),
    "intercept NaN": (other(scl_inter=np.nan), "a scale factor of 1 and nan"),
    "intercept infinite": (other(scl_inter=-np.inf), "a scale factor of 1 and -inf"),
    "extension too long": (
        lambda: with_extension(nifti())[:352] + b"\xff\xff\xff\x7f" + with_extension(nifti())[356:],
        "a header extension that cannot be read",
    ),
    "extension of no length": (
        lambda: with_extension(nifti())[:352] + bytes(4) + with_extension(nifti())[356:],
        "a header extension that cannot be read",
    ),
}


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_volume_is_refused_in_words(tmp_path, what, name):
    make, message = REFUSED[what]
    path = tmp_path / name
    raw = make()
    volume = raw[:4] == (348).to_bytes(4, "little")
    path.write_bytes(gzip.compress(raw) if volume and name.endswith(".gz") else raw)
    with pytest.raises(NiftiError, match=message) as caught:
        read_slices(path)
    assert caught.value.file == str(path)
    assert "download the file again" not in str(caught.value) or "truncated" in str(caught.value)


OFFSETS = [np.nan, np.inf, -np.inf, -4000, 0, 100, 351, 352.5, 2e9, 3e38]


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_voxels_that_begin_nowhere_are_refused(tmp_path, name, offset):
    path = write(tmp_path / name, nifti(vox_offset=offset))
    with pytest.raises(NiftiError, match=r"voxels that begin at byte .* \(vox_offset\), expected"):
        read_header(path)


def test_voxels_that_begin_behind_the_end_are_refused(tmp_path):
    path = write(tmp_path / "a.nii", nifti(vox_offset=100_000))
    with pytest.raises(NiftiError, match="472 bytes where the header announces 100120"):
        read_header(path)


RANGES = {
    "overflow by a slope": {"scl_slope": 1e38},
    "all one value by an intercept": {"scl_inter": 1e10},
    "beyond what can be squared": {"scl_inter": 1e20},
    "nothing left by a slope": {"scl_slope": 1e-38},
}


@pytest.mark.parametrize("what", RANGES)
def test_scale_factors_that_lose_the_values_are_refused(tmp_path, what):
    path = write(tmp_path / "a.nii", nifti(**RANGES[what]))
    with pytest.raises(NiftiError, match=r"with scl_slope .* and scl_inter .*correct the scale"):
        read_slices(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300, 1e20])
def test_values_that_float32_cannot_work_with_are_refused(tmp_path, value):
    array = voxels("f8")
    array[1, 2, 0] = value
    path = write(tmp_path / "a.nii", nifti(array))
    with pytest.raises(
        NiftiError, match=r"1 values that are NaN or infinite|values from 0 to 1e\+20"
    ):
        read_slices(path)


# ---- limits, places, machines


def test_limits_are_checked_before_a_voxel_is_read(tmp_path, monkeypatch):
    path = write(tmp_path / "a.nii.gz", nifti())
    for limits, message in (
        (Limits(volume_voxels=59), r"announces 60 voxels .*at most 59 \(limits.volume_voxels\)"),
        (Limits(file_bytes=471), r"announces 472 bytes .*at most 471 \(limits.file_bytes\)"),
        (Limits(file_bytes=100), r"found \d+ bytes, expected at most 100 \(limits.file_bytes\)"),
    ):
        with pytest.raises(CaseError, match=message):
            read_slices(path, root=DataRoot(tmp_path, limits))
    fits = DataRoot(tmp_path, Limits(volume_voxels=60, file_bytes=472))
    np.testing.assert_array_equal(read_slices(path, root=fits), EXPECTED)


@pytest.mark.parametrize("size", [500, 1500, 32767])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_small_file_cannot_announce_a_large_volume(tmp_path, name, size):
    path = write(tmp_path / name, nifti(dim=[3, size, size, size, 1, 1, 1, 1]))
    with pytest.raises(NiftiError, match=r"announces \d+( voxels)?"):
        read_header(path)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_of_a_header_alone_little_is_read(tmp_path, name, monkeypatch):
    array = np.random.default_rng(0).integers(0, 999, (100, 100, 100)).astype("i2")
    path = write(tmp_path / name, nifti(array))
    read = []

    def spy(self, path, case, count=None, original=DataRoot.read_bytes):
        data = original(self, path, case, count)
        read.append(len(data))
        return data

    monkeypatch.setattr(DataRoot, "read_bytes", spy)
    assert read_header(path).shape == (100, 100, 100)
    assert sum(read) <= 2**16 < path.stat().st_size


def test_a_link_out_of_the_root_is_refused_and_one_inside_is_followed(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    write(tmp_path / "outside.nii", nifti())
    write(root / "inside.nii", nifti())
    (root / "a.nii").symlink_to(tmp_path / "outside.nii")
    (root / "b.nii").symlink_to("inside.nii")
    with pytest.raises(CaseError, match="leads out of the data set's root"):
        read_header(root / "a.nii", DataRoot.open(root), "case")
    anywhere = DataRoot.open(root, links="anywhere")
    assert read_header(root / "a.nii", anywhere).shape == SHAPE
    assert read_header(root / "b.nii", DataRoot.open(root)).shape == SHAPE


def test_a_pipe_is_refused_and_waits_for_nobody(tmp_path):
    os.mkfifo(tmp_path / "a.nii")
    with pytest.raises(CaseError, match="a device, pipe or socket"):
        read_header(tmp_path / "a.nii")


def test_too_little_memory_is_no_fault_of_the_file(tmp_path, monkeypatch):
    path = write(tmp_path / "a.nii", nifti())

    def full(self, header):
        raise MemoryError

    monkeypatch.setattr("gliomake.datasets.nifti._File.content", full)
    with pytest.raises(AccessError, match=r"not enough memory.*give the job more memory"):
        read_slices(path)
