"""Integer counts of true and false pixels, for each slice and class.

Every score of the project comes from these counts. A pixel is predicted where its probability is
at least the threshold.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from gliomake.files.predictions import PredictionError, open_predictions, to_mask
from gliomake.files.sealed import read_names
from gliomake.files.shards import load_arrays
from gliomake.scoring.metrics import COUNT_COLUMNS
from gliomake.scoring.postprocess import clean_masks

COLUMNS = ["patient", "slice", "subset", "class", "postprocess", *COUNT_COLUMNS]
# Slices thresholded and counted at a time.
CHUNK = 64
# Slices whose predictions and truth are in memory at a time, give or take one patient.
BATCH = 1024


class Sliceable(Protocol):
    """What slices like an array: an ndarray, a tensor or an HDF5 data set."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of its axes, the first one the slices."""

    def __getitem__(self, rows: slice, /) -> Any: ...


@dataclass(frozen=True)
class PredictedSlices:
    """Some slices of a run's predictions, with their truth.

    Attributes
    ----------
    patient, subset : list of str
        Of each slice.
    number : list of int
        Slice numbers.
    probability : ndarray (slice, class, height, width) of float16
        As predicted.
    truth : ndarray (slice, class, height, width) of uint8
        0 or 1.
    spacing : ndarray (slice, 3) of float32
        x, y, z in mm; NaN where unknown.
    classes : list of str
        Names of the classes.
    threshold : float
        Lowest probability that counts as tumour.
    """

    patient: list[str]
    subset: list[str]
    number: list[int]
    probability: np.ndarray
    truth: np.ndarray
    spacing: np.ndarray
    classes: list[str]
    threshold: float


def read_predictions(
    predictions: str | Path, shards: Sequence[str | Path], batch: int = BATCH
) -> Iterator[PredictedSlices]:
    """Read a run's predictions and the truth beside them, whole patients at a time.

    Parameters
    ----------
    predictions : str or Path
        A predictions.h5.
    shards : sequence of path
        All shards of the study's recipe.
    batch : int
        Slices to read at a time; a patient's slices of one subset stay together.

    Yields
    ------
    PredictedSlices
        In the order of the file.

    Raises
    ------
    PredictionError
        The predictions are damaged.
    ShardError
        A shard is, or a predicted slice is in none of them.
    """
    with open_predictions(predictions) as file:
        keys = pd.DataFrame(
            {
                "patient": file["patient"].asstr()[:],
                "slice": file["slice"][:].astype(int),
                "subset": file["subset"].asstr()[:],
            }
        )
        classes = read_names(file, "classes", PredictionError)
        threshold = float(file.attrs["threshold"])
        for first, last in _batches(keys, batch):
            part = keys[first:last]
            yield PredictedSlices(
                patient=part["patient"].tolist(),
                subset=part["subset"].tolist(),
                number=part["slice"].tolist(),
                probability=file["probability"][first:last],
                truth=load_arrays(shards, part).mask,
                spacing=file["spacing"][first:last],
                classes=classes,
                threshold=threshold,
            )


def _batches(keys: pd.DataFrame, batch: int) -> Iterator[tuple[int, int]]:
    """Yield bounds of batches that part no patient; without patients a slice stands alone."""
    change = (keys[["patient", "subset"]] != keys[["patient", "subset"]].shift()).any(axis=1)
    starts = np.flatnonzero(change | (keys["patient"] == ""))
    first = 0
    for start in [*starts[1:].tolist(), len(keys)]:
        if start - first >= batch or start == len(keys):
            if start > first:
                yield first, start
            first = start


def count_pixels(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Count true and false positives and negatives.

    Parameters
    ----------
    predicted, truth : ndarray (..., height, width) of bool
        The masks.

    Returns
    -------
    ndarray (..., 4) of int64
        Pixels: tp, fp, fn, tn.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> count_pixels(np.array([[1, 1], [0, 0]]), np.array([[1, 0], [1, 0]]))
    array([1, 1, 1, 1])
    """
    predicted, truth = np.asarray(predicted, bool), np.asarray(truth, bool)
    if predicted.shape != truth.shape:
        raise ValueError(f"predicted masks {predicted.shape} and true masks {truth.shape} differ")
    tp = _count_images(predicted & truth)
    fp = _count_images(predicted) - tp
    fn = _count_images(truth) - tp
    tn = predicted.shape[-1] * predicted.shape[-2] - tp - fp - fn
    return np.stack([tp, fp, fn, tn], axis=-1).astype(np.int64)


def _count_images(masks: np.ndarray) -> np.ndarray:
    # Image by image: NumPy's count along axes turns every pixel into 8 bytes first.
    images = masks.reshape(-1, *masks.shape[-2:])
    counts = np.fromiter((np.count_nonzero(image) for image in images), np.int64, len(images))
    return counts.reshape(masks.shape[:-2])


def count_predictions(
    probability: Sliceable,
    truth: Sliceable,
    threshold: float,
    *,
    patient: Sequence[str],
    number: Sequence[int],
    subset: Sequence[str],
    classes: Sequence[str],
    postprocess: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Count the pixels of predicted slices, some slices at a time.

    Parameters
    ----------
    probability : (slice, class, height, width) of float
        Predicted probabilities. A classifier's are (slice, 1, 1, 1), and its truth is whether the
        slice has any tumour.
    truth : (slice, class, height, width) of 0 and 1
        True masks.
    threshold : float
        Lowest probability that counts as tumour.
    patient, number, subset : sequence (slice,)
        Patient, slice number and subset of each slice.
    classes : sequence of str
        Names of the classes.
    postprocess : mapping, optional
        With it every slice is counted twice, as predicted and cleaned up, see `clean_masks`.

    Returns
    -------
    DataFrame
        Columns ``patient slice subset class postprocess tp fp fn tn``, sorted by the first five.

    Raises
    ------
    ValueError
        If the lengths or shapes do not fit together, or a probability is not a number from 0 to 1.
    """
    _check_shapes(probability, truth, patient, number, subset, classes)
    parts = list(_count_chunks(probability, truth, threshold, postprocess, (patient, number)))
    counts = np.concatenate(parts) if parts else np.zeros((0, 1, len(classes), 4), np.int64)
    n, variants, k, _ = counts.shape
    rows = variants * k
    table = pd.DataFrame(
        {
            "patient": np.repeat(np.asarray(patient, dtype=object), rows),
            "slice": np.repeat(np.asarray(number, dtype=np.int64), rows),
            "subset": np.repeat(np.asarray(subset, dtype=object), rows),
            "class": np.tile(np.asarray(classes, dtype=object), n * variants),
            "postprocess": np.tile(np.repeat(np.array([False, True])[:variants], k), n),
        }
    ).assign(**dict(zip(COUNT_COLUMNS, counts.reshape(-1, 4).T, strict=True)))
    return table.sort_values(COLUMNS[:5], ignore_index=True)[COLUMNS]


def _count_chunks(
    probability: Sliceable,
    truth: Sliceable,
    threshold: float,
    postprocess: Mapping[str, Any] | None,
    names: tuple[Sequence[str], Sequence[int]],
) -> Iterator[np.ndarray]:
    """Yield counts (slice, variant, class, 4), the second variant cleaned up."""
    for first in range(0, probability.shape[0], CHUNK):
        rows = slice(first, first + CHUNK)
        values = np.asarray(probability[rows])
        if values.dtype != np.uint8:  # label maps
            values = np.asarray(values, np.float32)
        if values.size and not (values.min() >= 0 and values.max() <= 1):  # NaN is neither
            sound = ((values >= 0) & (values <= 1)).all(axis=(1, 2, 3))
            bad = first + int(np.argmin(sound))
            raise ValueError(
                f"patient {names[0][bad]!r} slice {names[1][bad]} has probabilities that are no "
                "numbers from 0 to 1: the predictions are broken, predict again"
            )
        masks = to_mask(values, threshold)
        true: np.ndarray = np.asarray(truth[rows]) > 0
        if values.shape[1:] == (1, 1, 1):
            true = np.any(true, axis=(1, 2, 3), keepdims=True)
        variants = [count_pixels(masks, true)]
        if postprocess is not None:
            variants.append(count_pixels(clean_masks(masks, postprocess), true))
        yield np.stack(variants, axis=1)


def _check_shapes(
    probability: Sliceable,
    truth: Sliceable,
    patient: Sequence[str],
    number: Sequence[int],
    subset: Sequence[str],
    classes: Sequence[str],
) -> None:
    n = probability.shape[0]
    lengths = {
        "truth": truth.shape[0],
        "patient": len(patient),
        "number": len(number),
        "subset": len(subset),
    }
    wrong = {name: length for name, length in lengths.items() if length != n}
    if wrong:
        raise ValueError(f"{n} slices are predicted, but there are {wrong}")
    shape = tuple(probability.shape[1:])
    if shape[:1] != (len(classes),):
        raise ValueError(f"predictions have shape {shape}: expected {len(classes)} classes")
    if shape != (1, 1, 1) and shape != tuple(truth.shape[1:]):
        raise ValueError(
            f"a slice's predictions have shape {shape}, its truth {tuple(truth.shape[1:])}: "
            "expected the same (class, height, width)"
        )
