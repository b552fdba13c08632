"""What is measured of a run, in one pass over its predictions: counts, distances, regions, lesions.

A region is the union of some of a study's classes, as BraTS scores whole tumour and tumour core. It
is scored like a class, and never part of a mean over classes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gliomake.files.predictions import PredictionError, to_mask
from gliomake.scoring.counts import COLUMNS as COUNTED
from gliomake.scoring.counts import PredictedSlices, count_predictions, read_predictions
from gliomake.scoring.distances import COLUMNS as DISTANT
from gliomake.scoring.distances import measure_predictions, patients_of
from gliomake.scoring.lesions import LESION_RULES, score_lesions
from gliomake.scoring.metrics import DISTANCE_METRICS
from gliomake.scoring.patient_metrics import LESION_METRICS
from gliomake.scoring.postprocess import clean_masks

KEYS = ["patient", "subset", "class", "postprocess"]
VOLUMES = ["truth_ml", "predicted_ml"]
LESIONS = ["lesions", "hit", "spurious"]
PATIENT_COLUMNS = [*KEYS, *VOLUMES, *DISTANCE_METRICS, *LESIONS, *LESION_METRICS]
MM3_A_ML = 1000


class EmptyRunError(ValueError):
    """Predictions without a slice."""


@dataclass(frozen=True)
class Measured:
    """What is measured of a run.

    Attributes
    ----------
    counts, distances : DataFrame
        Rows of ``counts.tsv`` and ``distances.tsv``, of the study's classes.
    regions : DataFrame
        Counts of the regions, with the columns of ``counts.tsv``.
    patients : DataFrame
        One row a patient, class or region, and clean-up, with `PATIENT_COLUMNS`: volumes; of
        regions distances; lesions where they are scored. No row where no spacing is known.
    """

    counts: pd.DataFrame
    distances: pd.DataFrame
    regions: pd.DataFrame
    patients: pd.DataFrame

    @classmethod
    def joined(cls, parts: Sequence["Measured"]) -> "Measured":
        """Put the parts of a run together, in the order of the files."""
        names = ("counts", "distances", "regions", "patients")
        keys = (COUNTED[:5], DISTANT[:4], COUNTED[:5], KEYS)
        tables = []
        for name, key in zip(names, keys, strict=True):
            whole = [table for table in (getattr(part, name) for part in parts) if len(table)]
            table = pd.concat(whole) if whole else getattr(parts[0], name)
            tables.append(table.sort_values(key, ignore_index=True))
        return cls(*tables)


def measure_run(predictions: str | Path, shards: Sequence[str | Path], **options: Any) -> Measured:
    """Measure a run on its preprocessed slices.

    Parameters
    ----------
    predictions : str or Path
        A ``predictions.h5``.
    shards : sequence of path
        All shards of the study's recipe.
    **options
        As in `measure_slices`.

    Returns
    -------
    Measured
        Tables.

    Raises
    ------
    PredictionError
        There is no prediction, or the file is damaged.
    ShardError
        A shard is, or a predicted slice is in none of them.
    """
    try:
        return measure_slices(read_predictions(predictions, shards), **options)
    except EmptyRunError:
        raise PredictionError(
            f"{predictions} holds no slice: expected those of val and test"
        ) from None


def measure_slices(
    parts: Iterable[PredictedSlices],
    *,
    regions: Mapping[str, Sequence[str]] | None = None,
    distances: bool = True,
    lesions: str | None = None,
    postprocess: Mapping[str, Any] | None = None,
) -> Measured:
    """Measure predictions, some patients at a time.

    Parameters
    ----------
    parts : iterable of PredictedSlices
        Whole patients; at least one.
    regions : mapping of str to sequence of str, optional
        Classes of each region.
    distances : bool
        Whether surface distances are measured.
    lesions : str, optional
        A key of `LESION_RULES`; without it no lesion is looked at.
    postprocess : mapping, optional
        As in `count_predictions`.

    Returns
    -------
    Measured
        Tables.

    Raises
    ------
    EmptyRunError
        There is no slice.
    ValueError
        A probability is not a number from 0 to 1.
    """
    measured = [_measure(part, regions or {}, distances, lesions, postprocess) for part in parts]
    if not measured:
        raise EmptyRunError("there is no predicted slice: expected those of val and test")
    return Measured.joined(measured)


def _measure(
    part: PredictedSlices,
    regions: Mapping[str, Sequence[str]],
    far: bool,
    lesions: str | None,
    postprocess: Mapping[str, Any] | None,
) -> Measured:
    masks = part.probability.shape[2:] != (1, 1)  # a classifier has no surface, and no volume
    distances = measure_predictions(part, postprocess) if masks and far else _none(DISTANT)
    union = with_regions(part, regions) if masks and regions else None
    counts = _count(part, postprocess)
    of_regions = _count(union, postprocess) if union else _none(COUNTED)
    patients = _none(PATIENT_COLUMNS)
    if masks and (regions or lesions):
        pairs = [(part, counts)] if union is None else [(part, counts), (union, of_regions)]
        patients = _patients(pairs, far, lesions, postprocess)
    return Measured(counts, distances, of_regions, patients)


def _none(columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))


def _count(part: PredictedSlices, postprocess: Mapping[str, Any] | None) -> pd.DataFrame:
    return count_predictions(
        part.probability,
        part.truth,
        part.threshold,
        patient=part.patient,
        number=part.number,
        subset=part.subset,
        classes=part.classes,
        postprocess=postprocess,
    )


def with_regions(part: PredictedSlices, regions: Mapping[str, Sequence[str]]) -> PredictedSlices:
    """Return the regions of some slices in place of their classes.

    Parameters
    ----------
    part : PredictedSlices
        Some slices.
    regions : mapping of str to sequence of str
        Classes of each region.

    Returns
    -------
    PredictedSlices
        A voxel is of a region where it is of any of its classes.
    """
    places = [[part.classes.index(name) for name in classes] for classes in regions.values()]
    return replace(
        part,
        # The largest probability reaches the threshold where any does.
        probability=np.stack([part.probability[:, each].max(axis=1) for each in places], axis=1),
        truth=np.stack([part.truth[:, each].max(axis=1) for each in places], axis=1),
        classes=list(regions),
    )


def _patients(
    pairs: Sequence[tuple[PredictedSlices, pd.DataFrame]],
    far: bool,
    lesions: str | None,
    postprocess: Mapping[str, Any] | None,
) -> pd.DataFrame:
    """Measure volumes and lesions of each patient; of regions, the second pair, distances too."""
    frames = []
    for index, (part, counts) in enumerate(pairs):
        volumes = _volumes(part, counts)
        if lesions and len(volumes):
            volumes = volumes.merge(_lesions(part, lesions, postprocess), how="left", on=KEYS)
        if index and far:
            distances = measure_predictions(part, postprocess).drop(columns="missed")
            volumes = volumes.merge(distances, how="left", on=KEYS)
        frames.append(volumes)
    whole = [frame for frame in frames if len(frame)]
    return pd.concat(whole).reindex(columns=PATIENT_COLUMNS) if whole else _none(PATIENT_COLUMNS)


def _volumes(part: PredictedSlices, counts: pd.DataFrame) -> pd.DataFrame:
    """Take volumes from the counts: their voxels are counted already."""
    frames = []
    for (patient, subset), members in patients_of(part):
        ml = math.prod(float(length) for length in part.spacing[members][0]) / MM3_A_ML
        own = counts[(counts["patient"] == patient) & (counts["subset"] == subset)]
        own = own[own["slice"].isin(np.asarray(part.number)[members])]
        voxels = own.groupby(KEYS, sort=False)[["tp", "fp", "fn"]].sum()
        volumes = {"truth_ml": voxels["tp"] + voxels["fn"]}
        volumes |= {"predicted_ml": voxels["tp"] + voxels["fp"]}
        frames.append(pd.DataFrame(volumes).mul(ml).reset_index())
    return pd.concat(frames) if frames else pd.DataFrame()


def _lesions(
    part: PredictedSlices, rule: str, postprocess: Mapping[str, Any] | None
) -> pd.DataFrame:
    rows = []
    for (patient, subset), members in patients_of(part):
        x, y, z = (float(length) for length in part.spacing[members][0])
        number = np.asarray(part.number)[members]
        truth = part.truth[members] > 0
        masks = to_mask(part.probability[members], part.threshold)
        variants = [(False, masks)]
        if postprocess is not None:
            variants.append((True, clean_masks(masks, postprocess)))
        for cleaned, predicted in variants:
            for index, name in enumerate(part.classes):
                one, other = truth[:, index], predicted[:, index]
                found = score_lesions(other, one, number, (x, y, z), LESION_RULES[rule])
                row = dict(zip(KEYS, (patient, subset, name, cleaned), strict=True))
                row |= {"lesions": found.true, "hit": found.hit, "spurious": found.spurious}
                rows.append(row | {key: each.value(found) for key, each in LESION_METRICS.items()})
    return pd.DataFrame(rows)
