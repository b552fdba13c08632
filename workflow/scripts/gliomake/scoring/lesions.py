"""Lesion by lesion: which are found, and how well, by the definition of BraTS since 2023.

A lesion of the truth is what hangs together once it is dilated; predicted voxels that hang together
(26 neighbours) are one predicted lesion. A predicted lesion that touches the dilated true one
belongs to it, and all of them together are compared with it. True lesions up to a smallest volume
are left out. A lesion that is missed and a predicted one that belongs to none count Dice 0, NSD 0
and a fixed distance; a patient's score is the mean over all of them. Where there is nothing at all
the scores are 1, 1 and 0 mm.

The rules are those of the challenge's own program (BraTS-2023-Metrics). Surfaces are counted by
voxels, as everywhere here, where that program weighs them by area: `hd95` differs a little.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from gliomake.boxes import bounding_box
from gliomake.scoring.distances import surface_distances
from gliomake.scoring.metrics import DISTANCE_METRICS

NEIGHBOURS_26 = np.ones((3, 3, 3), bool)
DILATION = ndimage.generate_binary_structure(3, 2)


@dataclass(frozen=True)
class LesionRules:
    """What the challenges of one year chose.

    Attributes
    ----------
    dilation : int
        Steps by which true lesions are dilated; a step reaches 18 neighbours.
    smallest : float
        True lesions of at most so many mm3 are left out.
    penalty : float
        Distance that a missed or made-up lesion counts, mm.
    """

    dilation: int
    smallest: float
    penalty: float = 374.0


LESION_RULES = {
    "glioma-2023": LesionRules(dilation=3, smallest=50),
    "metastases-2023": LesionRules(dilation=1, smallest=2),
}
"""By their name in a study: gliomas, children and Sub-Saharan Africa; metastases."""


@dataclass(frozen=True)
class LesionScores:
    """The lesions of one patient and class.

    Attributes
    ----------
    true, hit, spurious : int
        Lesions of the truth that count, those of them that are found, and predicted ones that
        belong to none.
    dice, nsd, hd95 : float
        Means over them all; hd95 in mm.
    """

    true: int
    hit: int
    spurious: int
    dice: float
    nsd: float
    hd95: float

    @property
    def recall(self) -> float:
        """Share of the true lesions that are found; NaN where there is none."""
        return _share(self.hit, self.true)

    @property
    def precision(self) -> float:
        """Share of what is found that is true; NaN where nothing is."""
        return _share(self.hit, self.hit + self.spurious)

    @property
    def f1(self) -> float:
        """2 hit / (2 hit + spurious + missed); NaN where there is nothing at all."""
        return _share(2 * self.hit, self.hit + self.true + self.spurious)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def score_lesions(
    predicted: np.ndarray,
    truth: np.ndarray,
    number: Sequence[int],
    spacing: tuple[float, float, float],
    rules: LesionRules,
) -> LesionScores:
    """Score the lesions of one patient and class.

    Parameters
    ----------
    predicted, truth : ndarray (slice, height, width) of bool
        The masks.
    number : sequence (slice,) of int
        Slice numbers, ascending; where some are missing, there is nothing.
    spacing : tuple of float
        mm along height, width and between slices.
    rules : LesionRules
        Of `LESION_RULES`.

    Returns
    -------
    LesionScores
        Scores of the patient.
    """
    predicted, truth = (_without_gaps(mask, number, rules.dilation) for mask in (predicted, truth))
    # Only where there is anything: that is a small part of a volume.
    room = bounding_box(predicted | truth, rules.dilation)
    if not predicted[room].size:
        return LesionScores(0, 0, 0, 1.0, 1.0, 0.0)
    predicted, truth = predicted[room], truth[room]
    found, count = ndimage.label(predicted, NEIGHBOURS_26)
    lesions, reach, bounds = _true_lesions(truth, rules.dilation)
    near = found[bounds]
    both = (reach > 0) & (near > 0)
    touching = np.stack(
        np.divmod(np.unique(reach[both].astype(np.int64) * (count + 1) + near[both]), count + 1)
    )
    sizes = np.bincount(lesions.ravel(), minlength=2)
    predicted_sizes = np.bincount(found.ravel(), minlength=count + 1)
    shared = np.bincount(lesions[near > 0], minlength=len(sizes))
    voxel = spacing[0] * spacing[1] * spacing[2]
    places = ndimage.find_objects(found)
    dice: list[float] = []
    nsd: list[float] = []
    hd95: list[float] = []
    hit = 0
    for lesion, place in enumerate(ndimage.find_objects(lesions), start=1):
        if place is None or sizes[lesion] * voxel <= rules.smallest:
            continue
        own = touching[1, touching[0] == lesion]
        if not len(own):
            dice, nsd, hd95 = [*dice, 0.0], [*nsd, 0.0], [*hd95, rules.penalty]
            continue
        hit += 1
        dice.append(2 * shared[lesion] / (sizes[lesion] + predicted_sizes[own].sum()))
        shifted = tuple(
            slice(part.start + bound.start, part.stop + bound.start)
            for part, bound in zip(place, bounds, strict=True)
        )
        box = _around([shifted, *(places[each - 1] for each in own)])
        one = np.zeros(found.shape, bool)[box]
        inside = tuple(
            slice(part.start - outer.start, part.stop - outer.start)
            for part, outer in zip(shifted, box, strict=True)
        )
        one[inside] = lesions[place] == lesion
        other = np.isin(found[box], own)
        measured = surface_distances(other, one, range(len(one)), spacing)
        named = dict(zip(DISTANCE_METRICS, measured, strict=False))
        nsd.append(named["nsd"])
        hd95.append(named["hd95"])
    spurious = count - len(set(touching[1].tolist()))
    total = len(dice) + spurious
    if not total:  # only lesions that are too small to count
        return LesionScores(0, 0, 0, 1.0, 1.0, 0.0)
    return LesionScores(
        true=len(dice),
        hit=hit,
        spurious=spurious,
        dice=sum(dice) / total,
        nsd=sum(nsd) / total,
        hd95=(sum(hd95) + spurious * rules.penalty) / total,
    )


def _true_lesions(
    truth: np.ndarray, dilation: int
) -> tuple[np.ndarray, np.ndarray, tuple[slice, ...]]:
    """Give each lesion a number: its voxels, its surroundings, and where in the volume they lie.

    Only as far as the dilation reaches: most of a volume holds no lesion.
    """
    bounds = bounding_box(truth, dilation)
    if not truth[bounds].size:
        none = np.zeros((1, 1, 1), int)
        return none, none, (slice(0, 1),) * 3
    part = truth[bounds]
    wide = ndimage.binary_dilation(part, DILATION, iterations=dilation)
    reach, _ = ndimage.label(wide, NEIGHBOURS_26)
    return reach * part, reach, bounds


def _without_gaps(mask: np.ndarray, number: Sequence[int], dilation: int) -> np.ndarray:
    """Put slices at their heights; a long gap is as good as one that no dilation bridges."""
    steps = np.minimum(np.diff(np.asarray(number, int)), 2 * dilation + 2)
    if (steps == 1).all():
        return np.asarray(mask, bool)
    heights = np.concatenate([[0], np.cumsum(steps)])
    dense = np.zeros((heights[-1] + 1, *mask.shape[1:]), bool)
    dense[heights] = mask
    return dense


def _around(boxes: Sequence[tuple[slice, ...]]) -> tuple[slice, ...]:
    return tuple(
        slice(min(box[axis].start for box in boxes), max(box[axis].stop for box in boxes))
        for axis in range(3)
    )
