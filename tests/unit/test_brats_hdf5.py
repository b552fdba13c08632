"""Slice files: nothing but their own bytes is read, and nothing before its size is known."""

import io
import struct
import time
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from gliomake.datasets import CaseError, open_dataset
from gliomake.datasets.brats_hdf5 import read_slice
from gliomake.datasets.root import AccessError, DataRoot, Limits

SIZE = (12, 10)
MASK = np.zeros((*SIZE, 3), np.uint8)
SECRET = np.full((*SIZE, 4), 83, np.uint8)


@pytest.fixture
def place(tmp_path):
    """A root, with something beside it that is none of the data set's."""
    (tmp_path / "root").mkdir()
    (tmp_path / "secret.bin").write_bytes(SECRET.tobytes())
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["image"] = SECRET
    return tmp_path


def write(place, put, mask=MASK):
    """Write a slice file whose image `put` makes; gives the file."""
    path = place / "root" / "volume_1_slice_0.h5"
    with h5py.File(path, "w") as file:
        put(file, place)
        if mask is not None:
            file["mask"] = mask
    return path


def read(path, **limits):
    return read_slice(DataRoot(path.parent, Limits(**limits)), path, "case")


def external_storage(file, place):
    entry = (str(place / "secret.bin"), 0, SECRET.nbytes)
    file.create_dataset("image", SECRET.shape, "u1", external=[entry])


def external_storage_by_a_relative_name(file, place):
    file.create_dataset("image", SECRET.shape, "u1", external=[("../secret.bin", 0, SECRET.nbytes)])


def external_link(file, place):
    file["image"] = h5py.ExternalLink(str(place / "secret.h5"), "image")


def soft_link(file, place):
    file["elsewhere"] = h5py.ExternalLink(str(place / "secret.h5"), "image")
    file["image"] = h5py.SoftLink("/elsewhere")


def virtual(file, place):
    layout = h5py.VirtualLayout(SECRET.shape, "u1")
    layout[...] = h5py.VirtualSource(str(place / "secret.h5"), "image", SECRET.shape)
    file.create_virtual_dataset("image", layout)


def dataset(value, **options):
    return lambda file, place: file.create_dataset("image", data=value, **options)


def unwritten(shape, **options):
    return lambda file, place: file.create_dataset("image", shape, "f8", **options)


def half_written(file, place):
    image = file.create_dataset("image", (*SIZE, 4), "f8", chunks=(6, 10, 4))
    image[:6] = 1


ODD = {
    "external storage": (external_storage, "'image' with its values in '.*secret.bin'"),
    "external storage, relative": (
        external_storage_by_a_relative_name,
        "values in '../secret.bin'",
    ),
    "external link": (external_link, "'image' as a link to another file"),
    "soft link": (soft_link, "'image' as a link to another place"),
    "virtual": (virtual, "virtual data set, which reads other files"),
    "group": (lambda file, place: file.create_group("image"), "'image' as a group"),
    "named type": (
        lambda file, place: file.__setitem__("image", np.dtype("f8")),
        "'image' as a datatype",
    ),
    "strings": (
        lambda file, place: file.create_dataset("image", (*SIZE, 4), h5py.string_dtype()),
        "of type object",
    ),
    "fixed strings": (dataset(np.full((*SIZE, 4), b"a")), r"of type \|S1"),
    "references": (
        lambda file, place: file.create_dataset("image", (*SIZE, 4), h5py.ref_dtype),
        "of type object",
    ),
    "variable length": (
        lambda file, place: file.create_dataset("image", (*SIZE, 4), h5py.vlen_dtype("f4")),
        "of type object",
    ),
    "arrays": (dataset(np.zeros((*SIZE, 4), "(2,)f4").astype("V8")), r"of type \|V8"),
    "compound": (dataset(np.zeros((*SIZE, 4), [("a", "f4"), ("b", "i4")])), "of type"),
    "complex": (dataset(np.ones((*SIZE, 4), np.complex64)), "of type complex64"),
    "long double": (dataset(np.ones((*SIZE, 4), np.longdouble)), "of type float128"),
    "null": (dataset(h5py.Empty("f4")), "without any value"),
    "scalar": (dataset(1.0), r"an image of shape \(\)"),
    "no pixel": (dataset(np.zeros((0, 0, 4))), r"an image of shape \(0, 0, 4\)"),
    "two axes": (dataset(np.zeros(SIZE)), r"an image of shape \(12, 10\)"),
    "four axes": (dataset(np.zeros((*SIZE, 4, 1))), "an image of shape"),
    "five channels": (dataset(np.zeros((*SIZE, 5))), "an image of shape"),
    "another size": (dataset(np.zeros((12, 9, 4))), r"a mask of shape \(12, 10, 3\)"),
    "1e300": (dataset(np.full((*SIZE, 4), 1e300)), "480 values that are NaN, infinite or beyond"),
    "infinite": (dataset(np.full((*SIZE, 4), -np.inf)), "480 values"),
    "never written": (unwritten((*SIZE, 4)), "'image' without its values"),
    "no chunk written": (unwritten((*SIZE, 4), chunks=(6, 10, 4)), "0 of 2 chunks of 'image'"),
    "half written": (half_written, "1 of 2 chunks of 'image'"),
    "no image": (lambda file, place: None, "no dataset 'image'"),
    "gigabytes": (unwritten((60000, 60000, 4), chunks=(100, 100, 4)), r"limits.slice_pixels"),
    "beyond 64 bits": (unwritten((2**40, 2**20, 4), chunks=(8, 8, 4)), r"limits.slice_pixels"),
    "millions of chunks": (
        unwritten((2048, 2048, 4), chunks=(1, 1, 1)),
        "in 16777216 chunks of .*, expected at most 10000 chunks",
    ),
    "a chunk of gigabytes": (
        unwritten((*SIZE, 4), chunks=(16384, 8192, 4), maxshape=(None, None, 4)),
        r"in chunks of \(16384, 8192, 4\).*limits.slice_pixels",
    ),
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_no_plain_array_in_the_file_is_refused(place, what):
    put, message = ODD[what]
    path = write(place, put)
    began = time.perf_counter()
    with pytest.raises(CaseError, match=message) as caught:
        read(path)
    assert time.perf_counter() - began < 1
    assert caught.value.case == "case"
    assert caught.value.file == str(path)
    with pytest.raises(CaseError):  # and of the whole data set, by its own way
        open_dataset("brats2020", place / "root").load("BraTS20_Training_001")


@pytest.mark.parametrize(
    "mask",
    [
        np.full((*SIZE, 3), 2, np.uint8),
        np.full((*SIZE, 3), -1, np.int8),
        np.full((*SIZE, 3), 0.5),
        np.full((*SIZE, 3), np.nan),
        np.full((*SIZE, 3), 257, np.uint16),
    ],
)
def test_masks_of_other_values_than_0_and_1_are_refused(place, mask):
    with pytest.raises(CaseError, match="mask values"):
        read(write(place, dataset(np.ones((*SIZE, 4))), mask))


@pytest.mark.parametrize("kind", ["?", "i1", "u2", ">i4", "i8", "u8", "f2", "f4", ">f8"])
def test_values_of_every_plain_type_are_read_as_they_are(place, kind):
    values = (np.arange(480).reshape(*SIZE, 4) % 2).astype(kind)
    mask = np.zeros((*SIZE, 3), bool)
    mask[3, 4, 1] = True
    pixels, parts, stored = read(write(place, dataset(values), mask))
    np.testing.assert_array_equal(pixels, values)
    assert (pixels.dtype, parts.dtype) == (np.float32, np.uint8)
    assert parts.sum() == parts[3, 4, 1] == 1
    assert stored == str(np.dtype(kind))


@pytest.mark.parametrize(
    "options", [{"compression": "gzip"}, {"compression": "lzf"}, {"fletcher32": True}]
)
def test_packed_files_are_read(place, options):
    values = np.random.default_rng(0).random((*SIZE, 4), np.float32)
    pixels, _, _ = read(write(place, dataset(values, **options)))
    np.testing.assert_array_equal(pixels, values)


GZIP = {"chunks": (5, 10, 3), "compression": "gzip"}


@pytest.mark.parametrize("kind", ["?", "u1", ">i2", "f4", ">f8"])
@pytest.mark.parametrize(
    "also", [{}, {"shuffle": True}, {"fletcher32": True}, {"shuffle": True, "fletcher32": True}]
)
def test_gzip_is_undone_as_hdf5_does_it(place, kind, also):
    values = (np.random.default_rng(0).random((*SIZE, 4)) * 99).astype(kind)
    mask = np.zeros((*SIZE, 3), bool)
    mask[2:5, 1:9, 2] = True
    path = place / "root" / "volume_1_slice_0.h5"
    with h5py.File(path, "w") as file:  # chunks that do not divide the shape
        file.create_dataset("image", data=values, **also, **GZIP)
        file.create_dataset("mask", data=mask, **also, **GZIP)
    pixels, parts, _ = read(path)
    np.testing.assert_array_equal(pixels, values.astype(np.float32))
    np.testing.assert_array_equal(parts, mask)


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        (zlib.compress(bytes(200 * 1024**2)), "of more than 1200 bytes, expected 1200 bytes"),
        (zlib.compress(bytes(1199)), "of 1199 bytes, expected 1200 bytes"),
        (zlib.compress(bytes(1200))[:-5], "a chunk of 'image'"),
        (zlib.compress(bytes(1200))[:-1] + b"x", "damaged chunk of 'image'"),
        (b"x" * 40, "damaged chunk of 'image'"),
    ],
    ids=["bomb", "short", "cut", "checksum", "noise"],
)
def test_a_chunk_that_becomes_another_size_is_refused(place, chunk, message):
    path = write(place, dataset(np.ones((*SIZE, 4)), **GZIP))
    with h5py.File(path, "r+") as file:
        file["image"].id.write_direct_chunk((5, 0, 0), chunk)
    began = time.perf_counter()
    with pytest.raises(CaseError, match=message):
        read(path)
    assert time.perf_counter() - began < 0.5


def test_a_chunk_that_skips_its_packing_is_refused(place):
    path = write(place, dataset(np.ones((*SIZE, 4)), **GZIP))
    with h5py.File(path, "r+") as file:
        file["image"].id.write_direct_chunk((5, 0, 0), bytes(1200), filter_mask=1)
    with pytest.raises(CaseError, match="not packed as the others"):
        read(path)


def test_an_unknown_filter_is_named(place):
    path = write(place, dataset(np.ones((*SIZE, 4)), compression="gzip"))
    raw = bytearray(path.read_bytes())
    at = raw.find(b"deflate")
    raw[at - 8 : at - 6] = struct.pack("<H", 32008)
    path.write_bytes(raw)
    with pytest.raises(CaseError, match="packed by filter 32008, expected gzip, lzf or no packing"):
        read(path)


@pytest.mark.parametrize("where", ["outside", "inside"])
def test_a_slice_file_that_is_a_link_is_read_within_the_root_only(place, where):
    path = write(place, dataset(np.ones((*SIZE, 4))))
    target = (place if where == "outside" else place / "root") / "other.h5"
    path.rename(target)
    path.symlink_to(target)
    if where == "inside":
        assert read(path)[0].sum() == 480
    else:
        with pytest.raises(CaseError, match="leads out of the data set's root"):
            read(path)


def test_limits_are_those_of_the_data_set(place):
    path = write(place, dataset(np.ones((*SIZE, 4))))
    assert read(path, slice_pixels=120)
    with pytest.raises(CaseError, match=r"at most 119 pixels \(limits.slice_pixels\)"):
        read(path, slice_pixels=119)
    with pytest.raises(CaseError, match=r"limits\.file_bytes"):
        read(path, file_bytes=1000)


def test_slices_that_are_too_many_together_are_refused_before_memory_is_taken(place):
    write(place, dataset(np.ones((*SIZE, 4))))
    with pytest.raises(CaseError, match=r"1 slices of 12x10 pixels.*limits.volume_voxels"):
        open_dataset("brats2020", place / "root", limits={"volume_voxels": 119}).load(
            "BraTS20_Training_001"
        )


def test_a_file_that_another_program_has_locked_is_read(place):
    path = write(place, dataset(np.ones((*SIZE, 4))))
    with h5py.File(path, "r+"):
        assert read(path)[0].sum() == 480


def test_a_file_that_may_not_be_read_is_no_damage(place, monkeypatch):
    path = write(place, dataset(np.ones((*SIZE, 4))))

    def refuse(*_):
        raise AccessError(path, "Permission denied")

    monkeypatch.setattr(DataRoot, "read_bytes", refuse)
    with pytest.raises(AccessError):
        open_dataset("brats2020", path.parent).inspect("BraTS20_Training_001")


def test_too_little_memory_is_no_damage(place, monkeypatch):
    path = write(place, dataset(np.ones((*SIZE, 4))))

    def take(*_, **__):
        raise MemoryError

    monkeypatch.setattr(np, "empty", take)
    with pytest.raises(AccessError, match=r"not enough memory.*more memory"):
        open_dataset("brats2020", path.parent).load("BraTS20_Training_001")


@pytest.mark.parametrize("size", [0, 1, 8, 100, 700, 2000])
def test_a_file_that_is_cut_short_or_no_hdf5_is_refused(place, size):
    path = write(place, dataset(np.ones((*SIZE, 4))))
    for raw in (path.read_bytes()[:size], b"x" * size, b"\0" * size):
        path.write_bytes(raw)
        with pytest.raises(CaseError, match="truncated or damaged"):
            read(path)


def test_damage_anywhere_in_the_structure_is_refused_or_leaves_the_values(place):
    path = write(place, dataset(np.ones((*SIZE, 4)), compression="gzip", fletcher32=True))
    whole = path.read_bytes()
    rng = np.random.default_rng(7)
    ends = {"read": 0, "refused": 0}
    for _ in range(60):
        raw = bytearray(whole)
        for at in rng.integers(0, len(raw), 3):
            raw[at] = rng.integers(256)
        path.write_bytes(raw)
        try:
            pixels, parts, _ = read(path)
        except CaseError:
            ends["refused"] += 1
        else:
            ends["read"] += 1
            assert pixels.shape == (*SIZE, 4)
            assert set(np.unique(parts)) <= {0, 1}
    assert min(ends.values()) > 4


# ---- numbers that come from names


def test_a_slice_number_of_nine_digits_spoils_its_own_case_only(place):
    path = write(place, dataset(np.ones((*SIZE, 4))))
    for name in ("volume_2_slice_0.h5", "volume_3_slice_0.h5", "volume_1_slice_999999999.h5"):
        (path.parent / name).write_bytes(path.read_bytes())
    reader = open_dataset("brats2020", path.parent)
    (problem,) = reader.inspect("BraTS20_Training_001").problems
    assert "found slice 999999999, expected slices 0 to 0" in problem.message
    assert not reader.inspect("BraTS20_Training_002").problems


def test_missing_slices_up_to_a_huge_number_are_counted_not_listed(place):
    path = write(place, dataset(np.ones((*SIZE, 4))))
    path.rename(path.parent / "volume_1_slice_999999999.h5")
    began = time.perf_counter()
    (problem,) = open_dataset("brats2020", path.parent).inspect("BraTS20_Training_001").problems
    assert "1 slices, without number 0, 1, 2, 3, 4, 5, 6, 7 ..." in problem.message
    assert time.perf_counter() - began < 1


def test_nothing_is_opened_by_name(place, monkeypatch):
    path = write(place, dataset(np.ones((*SIZE, 4))))
    opened = []
    real = h5py.File.__init__

    def note(self, name, *args, **options):
        opened.append(name)
        real(self, name, *args, **options)

    monkeypatch.setattr(h5py.File, "__init__", note)
    read(path)
    assert isinstance(opened[0], io.BytesIO)
    assert not any(isinstance(name, (str, bytes, Path)) for name in opened)
