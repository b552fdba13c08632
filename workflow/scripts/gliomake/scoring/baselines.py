"""Trivial models beside the trained ones: no tumour anywhere, and a threshold on one channel.

The threshold is fitted on the training slices, one for each class: of all intensities that occur it
is the one that maximises the pooled Dice of "tumour where the channel is at least this bright".
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gliomake.files.atomic import atomic_path
from gliomake.files.predictions import to_mask, write_predictions
from gliomake.files.sealed import read_names
from gliomake.files.shards import ShardError, load_arrays, open_shard
from gliomake.scoring.averaging import element_scores

# Slices in memory at a time.
BATCH = 512


@dataclass(frozen=True)
class IntensityThreshold:
    """The brightness from which on each class is predicted.

    Attributes
    ----------
    channel : str
        Name of the channel.
    thresholds : dict of str to float or None
        For each class the lowest intensity that is predicted, in the unit of the shards (0 to 255
        where they hold bytes). None where the training set has none of the class: it is never
        predicted.
    dice : dict of str to float or None
        Pooled Dice of each class on the training set.
    slices : int
        Number of training slices.
    """

    channel: str
    thresholds: dict[str, float | None]
    dice: dict[str, float | None]
    slices: int

    def predict(self, image: np.ndarray) -> np.ndarray:
        """Predict slices.

        Parameters
        ----------
        image : ndarray (slice, height, width) of uint8 or float16
            The channel, as stored in the shards.

        Returns
        -------
        ndarray (slice, class, height, width) of float16
            Probabilities, 0 or 1, the classes in the order of `thresholds`.
        """
        masks = [
            np.zeros(image.shape, bool) if value is None else to_mask(image, value)
            for value in self.thresholds.values()
        ]
        return np.stack(masks, axis=1).astype(np.float16)

    def save(self, path: str | Path) -> None:
        """Write the thresholds as JSON."""
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=2, allow_nan=False) + "\n")


def fit_threshold(
    batches: Iterable[tuple[np.ndarray, np.ndarray]], channel: str, classes: Sequence[str]
) -> IntensityThreshold:
    """Fit the thresholds on the training set, read once.

    Parameters
    ----------
    batches : iterable of (image, mask)
        The channel as stored in the shards, (slice, height, width) of uint8 or float16, and the
        masks (slice, class, height, width) of 0 and 1.
    channel : str
        Name of the channel.
    classes : sequence of str
        Names of the classes.

    Returns
    -------
    IntensityThreshold
        Of several equally good thresholds the highest.

    Raises
    ------
    ValueError
        If there is no slice, the shapes do not fit together or an intensity is not finite.
    """
    # Both types have so few values that every one gets its own count.
    total = np.zeros(2**16, np.int64)
    inside = np.zeros((len(classes), 2**16), np.int64)
    slices = 0
    for image, mask in batches:
        if mask.shape != (len(image), len(classes), *image.shape[1:]):
            raise ValueError(
                f"images {image.shape} with masks {mask.shape} of {len(classes)} classes: expected "
                "(slice, height, width) and (slice, class, height, width)"
            )
        codes = image.astype(np.float16).view(np.uint16)
        total += np.bincount(codes.ravel(), minlength=2**16)
        for index in range(len(classes)):
            inside[index] += np.bincount(codes[mask[:, index] > 0], minlength=2**16)
        slices += len(image)
    if not total.any():
        raise ValueError(f"no training slice to fit the threshold of {channel} on")
    values, total, inside = _by_intensity(total, inside)
    thresholds: dict[str, float | None] = {}
    dice: dict[str, float | None] = {}
    for name, histogram in zip(classes, inside, strict=True):
        if not histogram.any():
            thresholds[name] = dice[name] = None
            continue
        tp, predicted = (np.cumsum(part[::-1]) for part in (histogram, total))
        fn, fp = histogram.sum() - tp, predicted - tp
        counts = np.stack([tp, fp, fn, total.sum() - predicted - fn], axis=-1)
        scores = element_scores(counts, "dice")  # from the brightest on
        best = int(scores.argmax())
        thresholds[name], dice[name] = float(values[::-1][best]), float(scores[best])
    return IntensityThreshold(channel, thresholds, dice, slices)


def _by_intensity(
    total: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return counts of float16 codes as counts of intensities, ascending."""
    codes = np.flatnonzero(total)
    values = codes.astype(np.uint16).view(np.float16)
    if not np.isfinite(values).all():
        raise ValueError("some intensities are not finite: build the shards again")
    # 0 and -0 are two codes of one intensity.
    values, place = np.unique(values, return_inverse=True)
    merged = np.zeros((len(inside) + 1, len(values)), np.int64)
    np.add.at(merged.T, place, np.vstack([total, inside])[:, codes].T)
    return values, merged[0], merged[1:]


def fit_from_shards(
    shards: Sequence[str | Path], split: pd.DataFrame, channel: str
) -> IntensityThreshold:
    """Fit the thresholds on the training slices of a split.

    Parameters
    ----------
    shards : sequence of path
        All shards of the study's recipe.
    split : DataFrame
        Columns ``patient slice subset``.
    channel : str
        The channel to threshold.

    Returns
    -------
    IntensityThreshold
        As `fit_threshold` gives it.

    Raises
    ------
    ValueError
        If the split has no training slices.
    """
    with open_shard(shards[0]) as file:
        classes = read_names(file, "classes", ShardError)
    keys = split[split["subset"] == "train"]
    batches = (
        (arrays.image[:, 0], arrays.mask)
        for part in _parts(keys)
        for arrays in [load_arrays(shards, part, [channel])]
    )
    return fit_threshold(batches, channel, classes)


def predict_baseline(
    fitted: IntensityThreshold | None,
    shards: Sequence[str | Path],
    split: pd.DataFrame,
    out: str | Path,
    *,
    attributes: Mapping[str, Any],
) -> None:
    """Write a baseline's predictions of val and test.

    Parameters
    ----------
    fitted : IntensityThreshold or None
        The thresholds; None predicts no tumour anywhere.
    shards : sequence of path
        All shards of the study's recipe.
    split : DataFrame
        Columns ``patient slice subset``.
    out : str or Path
        The predictions.h5.
    attributes : mapping
        ``study``, ``model``, ``run``, ``classes`` and ``threshold``, as of any model.

    Raises
    ------
    ValueError
        If the thresholds are of other classes.
    KeyError
        If a slice is in none of the shards.
    """
    classes = list(attributes["classes"])
    if fitted is not None and list(fitted.thresholds) != classes:
        raise ValueError(
            f"thresholds of {', '.join(fitted.thresholds)}, but the study's classes are "
            f"{', '.join(classes)}: fit them again"
        )
    with open_shard(shards[0]) as file:
        shape = file["mask"].shape[1:]
    keys = split[split["subset"].isin(["val", "test"])].sort_values(["subset", "patient", "slice"])

    def batches() -> Iterator[np.ndarray]:
        for part in _parts(keys):
            if fitted is None:
                yield np.zeros((len(part), *shape), np.float16)
            else:
                yield fitted.predict(load_arrays(shards, part, [fitted.channel]).image[:, 0])

    write_predictions(
        out,
        batches(),
        patient=keys["patient"].tolist(),
        slice=keys["slice"].tolist(),
        subset=keys["subset"].tolist(),
        spacing=_spacing(shards, keys),
        attributes={"task": "segmentation", **attributes},
    )


def _parts(keys: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for first in range(0, len(keys), BATCH):
        yield keys[first : first + BATCH]


def _spacing(shards: Sequence[str | Path], keys: pd.DataFrame) -> np.ndarray:
    """Return the spacing of slices: ndarray (slice, 3) of float32, x, y, z in mm."""
    known: dict[tuple[str, int], np.ndarray] = {}
    for path in shards:
        with open_shard(path) as file:
            names = zip(file["patient"].asstr()[:], file["slice"][:].tolist(), strict=True)
            known.update(zip(names, file["spacing"][:], strict=True))
    wanted = list(zip(keys["patient"], keys["slice"], strict=True))
    missing = [key for key in wanted if key not in known]
    if missing:
        raise ShardError(
            f"{len(missing)} of {len(wanted)} slices are in none of the {len(shards)} shards "
            f"(first {missing[0]}); split and shards belong to different data: rebuild both"
        )
    return np.array([known[key] for key in wanted], np.float32).reshape(-1, 3)
