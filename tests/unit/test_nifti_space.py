"""Voxel edges, units and affines of NIfTI headers, and fields of space that contradict."""

import nibabel
import numpy as np
import pytest
from nifti_files import nifti, write

from gliomake.datasets.nifti import NiftiError, read_header

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def edges(x, y, z):
    return [1, x, y, z, 0, 0, 0, 0]


def scaled(x, y, z):
    return np.diag([-x, -y, z, 1.0])


@pytest.mark.parametrize(
    ("unit", "stored", "expected"),
    [
        (0, (1, 1, 2.5), (1, 1, 2.5)),  # unknown: mm
        (2, (1, 1, 2.5), (1, 1, 2.5)),
        (2 + 8, (1, 1, 2.5), (1, 1, 2.5)),  # mm and seconds
        (1, (0.001, 0.001, 0.0025), (1, 1, 2.5)),  # metres
        (3, (1000, 1000, 2500), (1, 1, 2.5)),  # microns
    ],
)
def test_units_are_converted_to_mm(tmp_path, unit, stored, expected):
    affine = scaled(*stored)
    affine[0, 3] = stored[0] * 7
    header = read_header(write(tmp_path / "a.nii", nifti(affine=affine, xyzt_units=unit)))
    assert header.spacing == expected
    np.testing.assert_allclose(header.affine[:3, :3], np.diag([-1, -1, 2.5]), atol=1e-6)
    assert header.affine[0, 3] == pytest.approx(7)


def test_an_unknown_unit_is_refused(tmp_path):
    with pytest.raises(NiftiError, match=r"the unit of length 5 \(xyzt_units\)"):
        read_header(write(tmp_path / "a.nii", nifti(xyzt_units=5)))


@pytest.mark.parametrize("edge", [0, -1, np.nan, np.inf, -np.inf, 1e38, 1e-38, 0.001, 1000])
@pytest.mark.parametrize("axis", [1, 2, 3])
def test_edges_that_no_voxel_has_are_refused(tmp_path, edge, axis):
    pixdim = edges(1, 1, 1)
    pixdim[axis] = edge
    with pytest.raises(NiftiError, match=r"voxel edges of .* \(pixdim; no unit, xyzt_units\)"):
        read_header(write(tmp_path / "a.nii", nifti(pixdim=pixdim)))


@pytest.mark.parametrize(("unit", "name"), [(1, "metre"), (3, "micron")])
def test_a_wrong_unit_shows_by_the_edges(tmp_path, unit, name):
    with pytest.raises(NiftiError, match=rf"edges of 1 x 1 x 1 \(pixdim; {name}, xyzt_units\)"):
        read_header(write(tmp_path / "a.nii", nifti(xyzt_units=unit)))


def test_edges_of_pixdim_and_sform_must_agree(tmp_path):
    path = tmp_path / "a.nii"
    both = r"edges of 1 x 1 x 1 mm by pixdim and of 1\.3 x 1\.3 x 10 mm by the sform"
    with pytest.raises(NiftiError, match=both):
        read_header(write(path, nifti(affine=scaled(1.3, 1.3, 10), pixdim=edges(1, 1, 1))))
    noise = nifti(affine=scaled(1, 1, 1), pixdim=edges(1.0005, 1, 1))
    assert read_header(write(path, noise)).spacing[0] == pytest.approx(1.0005)


def test_what_counts_where_one_form_is_set_or_none(tmp_path):
    path = tmp_path / "a.nii"
    junk = {"srow_x": [9, 9, 9, 9], "srow_y": [np.nan] * 4}
    alone = read_header(write(path, nifti(sform_code=0, **junk)))  # the qform
    np.testing.assert_allclose(alone.affine, LPS, atol=1e-6)
    assert (alone.orientation, alone.notes) == ("LPS", {})
    alone = read_header(write(path, nifti(qform_code=0, quatern_b=5)))  # the sform
    np.testing.assert_array_equal(alone.affine, LPS)
    assert alone.notes == {}
    none = read_header(write(path, nifti(sform_code=0, qform_code=0, pixdim=edges(2, 2, 3))))
    assert (none.spacing, none.orientation, list(none.notes)) == (
        (2, 2, 3),
        "???",
        ["no-orientation"],
    )


def test_sform_and_qform_that_differ(tmp_path):
    path = tmp_path / "a.nii"
    # Of one orientation: the sform counts, and it is noted.
    header = read_header(write(path, nifti(qoffset_x=30)))
    np.testing.assert_array_equal(header.affine, LPS)
    assert header.notes == {
        "sform-and-qform": "they place the volume up to 30 mm apart; the sform counts"
    }
    header = read_header(write(path, nifti(quatern_b=5)))
    assert "no rotation; the sform counts" in header.notes["sform-and-qform"]
    assert read_header(write(path, nifti(qoffset_x=0.05))).notes == {}
    # Of two: nobody knows where left is.
    with pytest.raises(NiftiError, match="orientation of LPS by the sform and of RAS by the qform"):
        read_header(write(path, nifti(quatern_d=0)))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sform_code": 0, "quatern_b": 5}, r"quaternion \(5, 0, 1\), which is no rotation"),
        ({"sform_code": 0, "quatern_b": np.nan}, r"a qform with the quaternion \(nan, 0, 1\)"),
        ({"sform_code": 0, "qoffset_z": np.inf}, r"a qform with .*the offset .*inf\] mm"),
        ({"srow_x": [np.nan] * 4}, r"the sform \[\[nan"),
        ({"srow_y": [0, -1, 0, np.inf]}, "the sform .*inf"),
        ({"srow_z": [0, 0, 1, 1e38]}, "the sform .*e\\+3[78]"),
        ({"srow_z": [0, 0, 0, 0]}, "of 1 x 1 x 0 mm by the sform"),
        ({"srow_x": [-0.8, 0, 0, 0], "srow_y": [0.6, -1, 0, 0]}, "not at right angles"),
        ({"srow_x": [1, 1, 0, 0], "srow_y": [0] * 4}, "not at right angles"),
        ({"sform_code": 99}, "sform_code 99, expected a code from 0 to 5"),
        ({"qform_code": -1}, "qform_code -1, expected"),
    ],
)
def test_affines_that_cannot_be_are_refused(tmp_path, fields, message):
    with pytest.raises(NiftiError, match=message):
        read_header(write(tmp_path / "a.nii", nifti(**fields)))


def test_a_quaternion_that_rounding_made_too_long_is_a_rotation(tmp_path):
    # nibabel alone refuses a length of 1.0002.
    path = write(tmp_path / "a.nii", nifti(sform_code=0, quatern_d=1.0002))
    np.testing.assert_allclose(read_header(path).affine, LPS, atol=1e-3)


@pytest.mark.parametrize("form", [nibabel.Nifti1Header, nibabel.Nifti2Header])
@pytest.mark.parametrize("seed", range(5))
def test_the_affine_is_that_of_nibabel(tmp_path, seed, form):
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = turn * rng.uniform(0.5, 3, 3)
    affine[:3, 3] = rng.uniform(-100, 100, 3)
    for code in (0, 1):
        path = write(tmp_path / "a.nii", nifti(affine=affine, form=form, sform_code=code))
        header, oracle = read_header(path), nibabel.load(path)
        np.testing.assert_allclose(header.affine, oracle.affine, atol=1e-5)
        assert header.orientation == "".join(nibabel.aff2axcodes(oracle.affine))
        assert header.notes == {}
