"""NIfTI predictions that are brought along: each form, each fault."""

import nibabel
import numpy as np
import pytest
from brought_scans import DEPTH, STUDY, Scans
from own_files import SHAPE, labels

from gliomake.brought import SourceError
from gliomake.datasets import CaseError


@pytest.fixture
def scans(tmp_path):
    return Scans(tmp_path)


@pytest.mark.parametrize("code", ["LPS", "RAS", "PIR"])
def test_a_label_map_is_read_as_the_truth_is(tmp_path, code):
    scans = Scans(tmp_path, code)
    scans.write("A.nii.gz", labels())
    found = scans.open().read(scans.case())
    assert found.probability.dtype == np.uint8 and found.missing == 0
    np.testing.assert_array_equal(found.probability, scans.truth_of())
    assert found.files == ("A.nii.gz",)


def test_labels_of_its_own_are_counted_by_them(scans):
    scans.write("A.nii.gz", labels() * 10)
    mine = {"core": [10, 30], "oedema": [20]}
    found = scans.open(labels=mine).read(scans.case())
    np.testing.assert_array_equal(found.probability, scans.truth_of())


def test_one_class_of_another_name_is_any_label(scans):
    scans.write("A.nii.gz", labels())
    found = scans.open(classes=("tumour",)).read(scans.case())
    np.testing.assert_array_equal(found.probability[:, 0], scans.truth_of().max(axis=1))


def test_what_is_missing_is_empty_and_counted(scans):
    scans.write("A.nii.gz", labels())
    source = scans.open()
    assert source.cases() == {"A"}
    found = source.read(scans.case("B"))
    assert not found.probability.any() and found.missing == DEPTH and found.files == ()


def test_labels_stored_as_floats_are_labels(scans):
    scans.write("A.nii.gz", labels().astype(np.float32) * np.float32(1.0001))
    found = scans.open().read(scans.case())
    np.testing.assert_array_equal(found.probability, scans.truth_of())
    assert "from whole numbers" in found.note


def shares(classes=2, background=False):
    """Probabilities of a case, classes last; with the background they add up to 1."""
    values = np.random.default_rng(0).uniform(0.01, 1, (*SHAPE, classes + background))
    return (values / values.sum(axis=-1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("background", [False, True])
def test_probabilities_in_four_dimensions(scans, background):
    values = shares(background=background)
    save_4d(scans, values)
    found = scans.open().read(scans.case())
    assert found.probability.dtype == np.float32
    expected = values[..., int(background) :].transpose(2, 3, 0, 1)
    np.testing.assert_allclose(found.probability, expected, atol=1e-6)


def save_4d(scans, values, name="A.nii.gz", affine=None):
    stored = nibabel.load(scans.truth / "A" / "A_seg.nii.gz")
    affine = stored.affine if affine is None else affine
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_zooms((*stored.header.get_zooms()[:3], 1))
    nibabel.save(image, scans.folder / name)


def test_a_file_of_probabilities_a_class(scans):
    values = shares()
    for index_, name in enumerate(STUDY):
        scans.write(f"A_{name}.nii.gz", values[..., index_])
    source = scans.open("{case}_{class}.nii.gz")
    found = source.read(scans.case())
    np.testing.assert_allclose(found.probability, values.transpose(2, 3, 0, 1), atol=1e-6)
    assert found.files == ("A_core.nii.gz", "A_oedema.nii.gz")
    (scans.folder / "A_oedema.nii.gz").unlink()
    with pytest.raises(CaseError, match="no file of class oedema beside it"):
        scans.open("{case}_{class}.nii.gz").read(scans.case())


def test_one_map_of_probabilities_of_a_single_class(scans):
    values = shares()[..., 0]
    scans.write("A.nii.gz", values)
    found = scans.open(classes=("tumour",)).read(scans.case())
    np.testing.assert_allclose(found.probability[:, 0], values.transpose(2, 0, 1), atol=1e-6)


def test_overlapping_classes_are_remarked(scans):
    save_4d(scans, np.full((*SHAPE, 2), 0.9, np.float32))
    assert "add up to 1.8" in scans.open().read(scans.case()).note


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s: s.write("A.nii.gz", labels() * 2), "labels 4"),
        (lambda s: s.write("A.nii.gz", labels()[:-1]), "shape"),
        (lambda s: s.write("A.nii.gz", labels(), edges=(0.9, 0.8, 4.0)), "as in"),
        (lambda s: s.write("A.nii.gz", labels(), code="RAS"), "axes in another order"),
        (lambda s: s.write("A.nii.gz", labels() * np.float32(0.4)), "nearest neighbour"),
        (lambda s: s.write("A.nii.gz", labels().astype(np.float32) - 1), "from -1 to .*logits"),
        (lambda s: s.write("A.nii.gz", labels() * 255), "--prediction-labels 1="),
        (lambda s: save_4d(s, shares(background=True) * 0.9), "in 120 voxels not to 1"),
        (lambda s: save_4d(s, shares() * 3), "probabilities from 0 to 1"),
        (lambda s: save_4d(s, shares() - 1), "values from -"),
        (lambda s: save_4d(s, shares(5)), "5 probabilities a voxel"),
        (lambda s: save_4d(s, shares()[:-1]), "shape"),
        (lambda s: save_4d(s, shares() * np.nan), "NaN"),
        (lambda s: save_4d(s, shares(), affine=np.diag([2.0, 2, 2, 1])), "affine"),
        (lambda s: (s.folder / "A.nii.gz").write_bytes(b"\x1f\x8b damaged"), "damaged"),
        (lambda s: (s.folder / "A.nii.gz").write_bytes(b""), "found"),
    ],
)  # fmt: skip
def test_a_spoilt_file_is_named(scans, spoil, words):
    spoil(scans)
    with pytest.raises(CaseError, match=words) as told:
        scans.open().read(scans.case())
    assert "A.nii.gz" in str(told.value)


def test_two_files_of_a_case_are_refused(scans):
    scans.write("A.nii.gz", labels())
    scans.write("A.nii", labels())
    with pytest.raises(CaseError, match=r"A\.nii and A\.nii\.gz for one case"):
        scans.open("{case}.nii*").read(scans.case())


def test_a_prediction_too_many_is_named(scans):
    scans.write("A.nii.gz", labels())
    scans.write("D.nii.gz", labels())
    with pytest.raises(SourceError, match=r"1 cases that the data set does not have: D \(D\.nii"):
        scans.open().cases()


def test_folders_without_a_common_case(scans):
    scans.write("X1.nii.gz", labels())
    with pytest.raises(SourceError, match="no prediction of any of its cases"):
        scans.open().cases()


def test_an_empty_folder_says_what_was_looked_for(scans):
    with pytest.raises(CaseError, match=r"no file that fits '\{case\}\.nii\.gz'"):
        scans.open()


def test_labels_that_nobody_explains_are_asked_for(tmp_path):
    scans = Scans(tmp_path)
    scans.write("A.nii.gz", labels())
    source = scans.open()
    source._dataset = type("Other", (), {"name": "other", "classes": STUDY})()
    with pytest.raises(SourceError, match=r"say it in `predictions\.labels`"):
        source.read(scans.case())


def save_npz(scans, values, name="A.npz", key="probabilities"):
    np.savez_compressed(scans.folder / name, **{key: values})


@pytest.mark.parametrize("key", ["probabilities", "softmax"])
def test_probabilities_as_nnunet_saves_them(scans, key):
    """Class, z, y, x with the background first; half floats are read as well."""
    values = shares(background=True)
    save_npz(scans, values.transpose(3, 2, 1, 0), key=key)
    found = scans.open("{case}.npz").read(scans.case())
    assert found.files == ("A.npz",) and found.probability.dtype == np.float32
    expected = values[..., 1:].transpose(2, 3, 0, 1)
    np.testing.assert_allclose(found.probability, expected, atol=1e-6)
    assert scans.open("{case}.npz").read(scans.case("B")).missing


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s: save_npz(s, shares().transpose(3, 2, 1, 0)[:, :-1]), "shape"),
        (lambda s: save_npz(s, shares(background=True).transpose(3, 2, 1, 0) * 0.9), "not to 1"),
        (lambda s: save_npz(s, shares(5).transpose(3, 2, 1, 0)), "5 probabilities a voxel"),
        (lambda s: save_npz(s, shares().transpose(3, 2, 1, 0) * np.nan), "NaN"),
        (lambda s: save_npz(s, shares()[..., 0]), r"an array \(5, 4, 6\)|an array"),
        (lambda s: save_npz(s, labels()[None]), "of uint8|of int"),
        (lambda s: save_npz(s, shares(), key="logits"), "arrays logits"),
        (lambda s: save_npz(s, np.array([{}]), key="probabilities"), "damaged"),
        (lambda s: (s.folder / "A.npz").write_bytes(b"PK\x03\x04 damaged"), "damaged"),
    ],
)
def test_a_spoilt_npz_is_named(scans, spoil, words):
    spoil(scans)
    with pytest.raises(CaseError, match=words) as caught:
        scans.open("{case}.npz").read(scans.case())
    assert "A.npz" in str(caught.value)
