"""Where the voxels of a NIfTI file lie: edges in mm and affine, from fields that must agree.

The edges are those of ``pixdim``. The affine is the sform's where ``sform_code`` is set, else the
qform's where ``qform_code`` is set. Where neither is, the header gives no orientation.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import nibabel
import numpy as np

from gliomake.datasets.base import CaseError

UNITS = {0: ("no unit", 1.0), 1: ("metre", 1e3), 2: ("mm", 1.0), 3: ("micron", 1e-3)}
"""Names of the spatial units of ``xyzt_units``, and their mm; no unit is taken for mm."""

EDGES = (0.01, 100.0)
"""Least and greatest edge of a voxel of a head, mm: beyond them a field or the unit is wrong."""

AGREE = 1e-3
"""By which share ``pixdim`` and the affine's scale may differ: rounding of tools."""

SKEW = 0.01
"""Cosine between two axes up to which they count as being at right angles."""

APART = 0.1
"""By how many voxel edges sform and qform may place a corner apart."""

FARTHEST = 1e6
"""Offsets beyond so many mm are no place of a head."""

_CODES = range(6)
_RIGHT = "find out which is right and write it into both, or leave the case out"
_RESTORE = "restore the original file, or leave the case out"

Fail = Callable[[str, str, str], CaseError]


@dataclass(frozen=True)
class Space:
    """What a header says of space; see `NiftiHeader`."""

    spacing: tuple[float, float, float]
    affine: np.ndarray
    orientation: str
    notes: dict[str, str] = field(default_factory=dict)


def space_of(header: Any, shape: tuple[int, int, int], fail: Fail) -> Space:
    """Read edges and affine of a header in mm.

    Parameters
    ----------
    header : Nifti1Header or Nifti2Header
        As stored, nothing of it corrected.
    shape : tuple of int, (x, y, z)
        Voxels.
    fail : callable
        Makes the error out of what was found, what was expected and what to do.

    Raises
    ------
    CaseError
        If a field cannot be, or two contradict each other.
    """
    code = int(header["xyzt_units"]) & 7
    if code not in UNITS:
        raise fail(
            f"the unit of length {code} (xyzt_units)", "0 to 3: none, metre, mm, micron", _RESTORE
        )
    unit, factor = UNITS[code]
    edges = _edges(header, unit, factor, fail)
    for name in ("sform_code", "qform_code"):
        if int(header[name]) not in _CODES:
            raise fail(f"{name} {int(header[name])}", "a code from 0 to 5", _RESTORE)
    has_sform, has_qform = (int(header[name]) > 0 for name in ("sform_code", "qform_code"))
    notes: dict[str, str] = {}
    if has_sform:
        affine = _in_mm(header.get_sform(), factor)
        _check_affine("sform", affine, edges, fail)
        if has_qform:
            notes |= _compare_forms(affine, _qform(header, factor), shape, edges, fail)
    elif has_qform:
        found = _qform(header, factor)
        if isinstance(found, str):
            raise fail(found, "the quaternion of a rotation, and an offset in mm", _RESTORE)
        affine = found
    else:
        notes["no-orientation"] = "neither sform nor qform is set (their codes are 0)"
        affine = np.diag([*edges, 1.0])
    orientation = "".join(nibabel.aff2axcodes(affine)) if has_sform or has_qform else "???"
    x, y, z = (round(float(edge), 6) for edge in edges)
    return Space((x, y, z), affine, orientation, notes)


def _edges(header: Any, unit: str, factor: float, fail: Fail) -> np.ndarray:
    stored = np.asarray(header["pixdim"][1:4], np.float64)
    edges = stored * factor
    least, most = EDGES
    # NaN fails both comparisons.
    if ((edges >= least * (1 - AGREE)) & (edges <= most * (1 + AGREE))).all():
        return edges
    sizes = " x ".join(f"{edge:g}" for edge in stored)
    raise fail(
        f"voxel edges of {sizes} (pixdim; {unit}, xyzt_units)",
        f"{least:g} to {most:g} mm each",
        "correct pixdim or the unit in the header, or leave the case out",
    )


def _in_mm(affine: np.ndarray, factor: float) -> np.ndarray:
    affine = np.array(affine, np.float64)
    affine[:3] *= factor
    return affine


def _qform(header: Any, factor: float) -> np.ndarray | str:
    """Give the qform's affine, or say why there is none."""
    header = header.copy()
    # As in the format's own library: what is not negative is 1.
    header["pixdim"][0] = -1 if header["pixdim"][0] < 0 else 1
    names = ("quatern_b", "quatern_c", "quatern_d")
    parts = np.array([header[name] for name in names], np.float64)
    length = float(np.sqrt((parts**2).sum()))
    if 1 < length < 1 + AGREE:
        for name, part in zip(names, parts / length * (1 - 1e-7), strict=True):
            header[name] = part
    shown = ", ".join(f"{part:g}" for part in parts)
    try:
        affine = _in_mm(header.get_qform(), factor)
    except (ValueError, nibabel.spatialimages.HeaderDataError):
        return f"a qform with the quaternion ({shown}), which is no rotation"
    if not _finite(affine):
        return f"a qform with the quaternion ({shown}) and the offset {affine[:3, 3].tolist()} mm"
    return affine


def _finite(affine: np.ndarray) -> bool:
    return bool((np.abs(affine) < FARTHEST).all())


def _check_affine(name: str, affine: np.ndarray, edges: np.ndarray, fail: Fail) -> None:
    if not _finite(affine):
        raise fail(f"the {name} {affine[:3].tolist()}", "finite numbers in mm", _RESTORE)
    scales = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    if not np.allclose(scales, edges, rtol=AGREE, atol=0):
        found, expected = (
            " x ".join(f"{value:.5g}" for value in values) for values in (edges, scales)
        )
        raise fail(
            f"voxel edges of {found} mm by pixdim and of {expected} mm by the {name}",
            "the same edges by both, as distances in mm rest on them",
            _RIGHT,
        )
    axes = affine[:3, :3] / scales
    skew = np.abs(axes.T @ axes - np.eye(3)).max()
    if skew > SKEW:
        raise fail(
            f"the {name} {affine[:3].round(4).tolist()}, whose axes are not at right angles",
            "a grid of right angles, as distances in mm rest on it",
            "resample the case to such a grid, or leave it out",
        )


def _compare_forms(
    sform: np.ndarray,
    qform: np.ndarray | str,
    shape: tuple[int, int, int],
    edges: np.ndarray,
    fail: Fail,
) -> dict[str, str]:
    """Say in what the qform differs from the sform, which counts."""
    if isinstance(qform, str):
        return {"sform-and-qform": f"{qform}; the sform counts"}
    corners = np.array([(*c, 1.0) for c in itertools.product(*((0, n - 1) for n in shape))])
    apart = float(np.abs(corners @ (sform - qform).T).max())
    if apart <= APART * edges.min():
        return {}
    ours, theirs = ("".join(nibabel.aff2axcodes(affine)) for affine in (sform, qform))
    if ours != theirs:
        raise fail(
            f"an orientation of {ours} by the sform and of {theirs} by the qform",
            "the same by both",
            _RIGHT,
        )
    return {
        "sform-and-qform": f"they place the volume up to {apart:.3g} mm apart; the sform counts"
    }
