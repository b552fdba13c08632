"""Grid and place of a case's files, and masks with scale factors, through the reader of BraTS."""

import gzip

import nibabel
import numpy as np
import pytest
from nifti_files import nifti

from gliomake.datasets import CaseError
from gliomake.datasets.brats import BratsDataset

CASE = "BraTS2021_00007"
SHAPE = (12, 10, 6)
FILES = ("t1", "t1ce", "t2", "flair", "seg")
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
LPS[1, 3] = 239
LABELS = np.zeros(SHAPE, np.uint8)
LABELS[2:6, 2:6, 1:4] = 2
LABELS[3:5, 3:5, 2] = 4
LABELS[3, 3, 2] = 1


def image(seed):
    return np.random.default_rng(seed).integers(1, 900, SHAPE).astype(np.int16)


@pytest.fixture
def case(tmp_path):
    """Write a case; a file's array, affine or header fields may be other ones."""

    def make(**changes):
        folder = tmp_path / CASE
        folder.mkdir(exist_ok=True)
        for seed, name in enumerate(FILES):
            array = LABELS if name == "seg" else image(seed)
            change = {"array": array, "affine": LPS} | changes.get(name, {})
            raw = nifti(**change)
            (folder / f"{CASE}_{name}.nii.gz").write_bytes(gzip.compress(raw, 1))
        return tmp_path

    return make


def refused(root, **options):
    return [error.message for error in BratsDataset(root, **options).inspect(CASE).problems]


def findings(root, **options):
    dataset = BratsDataset(root, **options)
    report = dataset.inspect(CASE)
    assert not report.problems
    return {finding.kind: finding for finding in dataset.compare([report])}, report


def turned(array, affine, axes):
    """Give an array and its affine with some axes backwards: the same volume in space."""
    affine = affine.copy()
    for axis in axes:
        affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
        affine[:3, axis] *= -1
    return {"array": np.flip(array, axes), "affine": affine}


SHIFTED = LPS.copy()
SHIFTED[0, 3] = 5
ELSEWHERE = {"identity": np.eye(4), "another origin": SHIFTED, "RAS": np.diag([1.0, 1, 1, 1])}


@pytest.mark.parametrize("what", ELSEWHERE)
@pytest.mark.parametrize("name", ["seg", "flair", "t1"])
def test_another_affine_on_the_same_grid_is_refused_with_both_and_the_remedy(case, what, name):
    root = case(**{name: {"affine": ELSEWHERE[what]}})
    (message,) = refused(root)  # of the odd one alone, be it the first
    assert f"{CASE}_{name}.nii.gz: found affine" in message
    other = "t1" if name != "t1" else "t1ce"
    assert "expected affine [[-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 239.0], [0" in message
    assert f"as in {CASE}_{other}.nii.gz" in message
    assert f"write the header of {CASE}_{other}.nii.gz into the file" in message
    assert "`geometry: grid`" in message
    assert "resample only if they do not fit" in message


@pytest.mark.parametrize("what", ELSEWHERE)
@pytest.mark.parametrize(("name", "kind"), [("seg", "mask"), ("t2", "modality")])
def test_with_geometry_grid_it_is_taken_and_listed(case, what, name, kind):
    expected = BratsDataset(case()).load(CASE)
    root = case(**{name: {"affine": ELSEWHERE[what]}})
    found, report = findings(root, geometry="grid")
    finding = found.pop(f"{kind}-geometry")
    assert not found
    assert (finding.cases, finding.files) == ((CASE,), (f"{CASE}_{name}.nii.gz",))
    assert "taken as their voxels lie" in finding.message
    assert report.facts["orientation"] == "LPS"
    volume = BratsDataset(root, geometry="grid").load(CASE)
    np.testing.assert_array_equal(volume.mask, expected.mask)
    np.testing.assert_array_equal(volume.image, expected.image)


def test_noise_in_an_affine_is_taken(case):
    noisy = LPS.copy()
    noisy[0, 1] = noisy[1, 2] = 2e-8
    noisy[1, 3] += 5e-4
    assert findings(case(seg={"affine": noisy}))[0] == {}


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
@pytest.mark.parametrize("geometry", ["strict", "grid"])
def test_a_mask_in_another_order_of_voxels_is_to_be_reoriented(case, axes, geometry):
    # Taken as it lies it would be a mirror image of the truth.
    (message,) = refused(case(seg=turned(LABELS, LPS, axes)), geometry=geometry)
    assert "the same place with its axes in another order or direction" in message
    assert (
        "reorient the file to these axes (nibabel: as_reoriented; nothing is resampled)" in message
    )


@pytest.mark.parametrize("geometry", ["strict", "grid"])
def test_another_grid_is_to_be_resampled(case, geometry):
    (message,) = refused(case(seg={"array": LABELS[1:]}), geometry=geometry)
    assert "found shape (11, 10, 6), expected shape (12, 10, 6), as in" in message
    assert "resample the file to that grid (a mask by nearest neighbour)" in message
    (message,) = refused(case(seg={"affine": LPS @ np.diag([1, 1, 2, 1.0])}), geometry=geometry)
    assert "found spacing (1.0, 1.0, 2.0) mm, expected spacing (1.0, 1.0, 1.0) mm" in message
    assert f"only its header is another, write the header of {CASE}_t1.nii.gz" in message


def test_another_geometry_is_an_error(case):
    with pytest.raises(ValueError, match="geometry 'loose': expected one of strict, grid"):
        BratsDataset(case(), geometry="loose")


def test_a_header_that_contradicts_itself_is_refused_in_every_file(case):
    wrong = {"affine": LPS @ np.diag([1.3, 1.3, 10, 1]), "pixdim": [1, 1, 1, 1, 0, 0, 0, 0]}
    messages = refused(case(**dict.fromkeys(FILES, wrong)))
    assert len(messages) == 5
    assert all(
        "1 x 1 x 1 mm by pixdim and of 1.3 x 1.3 x 10 mm by the sform" in m for m in messages
    )


def test_metres_become_mm_in_the_reader(case):
    small = LPS.copy()
    small[:3] *= 0.001
    metres = {"affine": small, "xyzt_units": 1}
    volume = BratsDataset(case(**dict.fromkeys(FILES, metres))).load(CASE)
    assert volume.spacing == (1, 1, 1)


def test_unusual_headers_are_listed(case):
    unset = {"sform_code": 0, "qform_code": 0}
    found, report = findings(case(**dict.fromkeys(FILES, unset)))
    assert list(found) == ["no-orientation"]
    assert found["no-orientation"].message.startswith("files that do not say where left")
    assert report.facts["orientation"] == "???"
    found, _ = findings(case(flair={"qoffset_x": 30}))
    assert found["sform-and-qform"].files == (f"{CASE}_flair.nii.gz",)


# ---- labels and scale factors


def test_labels_within_rounding_of_whole_numbers_are_those_numbers(case, tmp_path):
    expected = BratsDataset(case()).load(CASE)
    plain = BratsDataset(tmp_path).inspect(CASE).facts["labels"]
    # As nibabel stores float labels in a uint16 file: slope 4 / 65535.
    saved = nibabel.Nifti1Image(LABELS.astype(np.float64), LPS)
    saved.set_data_dtype(np.uint16)
    nibabel.save(saved, tmp_path / CASE / f"{CASE}_seg.nii.gz")
    found, report = findings(tmp_path)
    assert set(found) == {"scaled-mask", "rounded-labels"}
    assert report.facts["labels"] == plain
    np.testing.assert_array_equal(BratsDataset(tmp_path).load(CASE).mask, expected.mask)


@pytest.mark.parametrize("noise", [1e-6, -2e-5, 9e-4])
def test_float_labels_with_rounding_noise_are_whole(case, noise):
    labels = LABELS * np.float32(1 + noise / 4)
    found, report = findings(case(seg={"array": labels.astype(np.float32)}))
    assert list(found) == ["rounded-labels"]
    assert report.facts["labels"] == {"0": 672, "1": 1, "2": 44, "4": 3}


def test_a_scale_factor_that_makes_fractions_is_named(case):
    (message,) = refused(case(seg={"scl_slope": 0.3}))
    assert "a scale factor in the header (scl_slope 0.3, scl_inter 0)" in message
    assert "of 48 voxels: 0.3 (stored as 1), 0.6 (stored as 2), 1.2 (stored as 4)" in message
    assert "if the stored numbers are the labels, set scl_slope to 0" in message


def test_a_scale_factor_that_makes_labels_is_applied_and_listed(case):
    half = {"array": LABELS * 2, "scl_slope": 0.5}
    expected = BratsDataset(case()).load(CASE)
    found, _ = findings(case(seg=half))
    assert list(found) == ["scaled-mask"]
    assert "scl_slope 0.5, scl_inter 0" in found["scaled-mask"].message
    np.testing.assert_array_equal(BratsDataset(case(seg=half)).load(CASE).mask, expected.mask)


def test_labels_between_whole_numbers_are_refused_with_their_digits(case):
    labels = LABELS.astype(np.float32)
    labels[0, 0, 0] = 1.002
    (message,) = refused(case(seg={"array": labels}))
    assert "labels that are no integers 1.002 (1 voxels)" in message


def test_limits_and_links_are_those_of_the_data_set(case, tmp_path):
    root = case()
    messages = refused(root, limits={"volume_voxels": 719})
    assert len(messages) == 5
    assert "announces 720 voxels" in messages[0]
    outside = tmp_path.parent / f"{tmp_path.name}-outside.nii.gz"
    path = root / CASE / f"{CASE}_t1.nii.gz"
    path.rename(outside)
    path.symlink_to(outside)
    (message,) = refused(root)
    assert "leads out of the data set's root" in message
    assert not refused(root, links="anywhere")
    with pytest.raises(CaseError, match="leads out"):
        BratsDataset(root).load(CASE)
