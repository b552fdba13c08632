"""Predicted probabilities beside the truth, as counts: of pixels in bins, of images one by one.

One pass over a run's predictions gives all that curves and calibration errors are made from, see
`gliomake.scoring.curves`. Probabilities are stored as float16, which knows 15 361 numbers from 0
to 1: pixels are counted by these, exactly and whatever their number, and put into bins at the end.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gliomake.files.contracts import FileError
from gliomake.files.tsv import read_tsv
from gliomake.scoring.counts import PredictedSlices, read_predictions

BINS = 10
"""Bins of equal width; a probability on an edge is in the bin above, 1 in the last."""
COLUMNS = ["subset", "class", "patient", "probability", "negative", "positive"]
_ONE = int(np.float16(1).view(np.uint16))
# All numbers from 0 to 1 that a float16 can be, by their bits.
_VALUES = np.arange(_ONE + 1, dtype=np.uint16).view(np.float16).astype(np.float64)
# Slices counted at a time: each pixel takes 8 bytes then.
_CHUNK = 64


class CalibrationError(ValueError):
    """Predictions whose probabilities cannot be counted."""


def calibrate_run(predictions: str | Path, shards: Sequence[str | Path]) -> pd.DataFrame:
    """Count the probabilities of a run on its preprocessed slices.

    Parameters
    ----------
    predictions : str or Path
        A ``predictions.h5``.
    shards : sequence of path
        All shards of the study's recipe.

    Returns
    -------
    DataFrame
        As of `count_probabilities`.

    Raises
    ------
    PredictionError, ShardError
        A file is damaged, or a predicted slice is in no shard.
    """
    return count_probabilities(read_predictions(predictions, shards))


def count_probabilities(parts: Iterable[PredictedSlices]) -> pd.DataFrame:
    """Count pixels, or images, by predicted probability and truth.

    Parameters
    ----------
    parts : iterable of PredictedSlices
        Predictions and truth; memory does not grow with their number.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`. ``negative`` and ``positive`` are how many are not and are of the class.
        Of masks one row a subset, class and bin that has any pixel: ``probability`` is the mean of
        its pixels, ``patient`` is empty. Of a classifier one row a subset, patient and probability.

    Raises
    ------
    CalibrationError
        There is no slice, or a probability is not a number from 0 to 1.
    """
    pixels: dict[tuple[str, str], np.ndarray] = {}
    images: list[pd.DataFrame] = []
    for part in parts:
        if part.probability.shape[1:] == (1, 1, 1):
            images.append(_images(part))
            continue
        for subset, index, counted in _histograms(part):
            key = (subset, part.classes[index])
            pixels[key] = pixels.get(key, 0) + counted
    if not pixels and not images:
        raise CalibrationError("there is no predicted slice: expected those of val and test")
    rows = [row for key in sorted(pixels) for row in _binned(*key, pixels[key])]
    if images:
        keys = COLUMNS[:4]
        return pd.concat(images).groupby(keys, as_index=False, sort=True).sum()[COLUMNS]
    return pd.DataFrame(rows, columns=COLUMNS)


def read_calibration(path: str | Path) -> pd.DataFrame:
    """Read what `count_probabilities` gave.

    Parameters
    ----------
    path : str or Path
        A ``calibration.tsv``.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`.

    Raises
    ------
    FileError
        The file is damaged, or is no such table.
    """
    table = read_tsv(path)
    if list(table.columns) != COLUMNS:
        found = f"the columns {', '.join(map(str, table.columns))}"
        raise FileError(path, found, f"the columns {', '.join(COLUMNS)}")
    for name in ("negative", "positive"):
        if not pd.api.types.is_integer_dtype(table[name]) or (table[name] < 0).any():
            raise FileError(path, f"column {name} has other cells", "whole numbers from 0 on")
    share = pd.to_numeric(table["probability"], errors="coerce")
    if not share.between(0, 1).all():
        raise FileError(path, "column probability has other cells", "numbers from 0 to 1")
    return table


def bin_of(probability: np.ndarray) -> np.ndarray:
    """Say in which of the `BINS` bins each probability lies.

    >>> bin_of(np.array([0.0, 0.0999, 0.5, 0.95, 1.0])).tolist()
    [0, 0, 5, 9, 9]
    """
    return np.minimum(np.asarray(probability, np.float64) * BINS, BINS - 1).astype(int)


def _bits(probability: np.ndarray, part: PredictedSlices) -> np.ndarray:
    """Return the bits of float16 numbers from 0 to 1, as places in a table of them."""
    bits = np.ascontiguousarray(probability, np.float16).view(np.uint16)
    bits = np.where(bits == 0x8000, np.uint16(0), bits)  # -0
    if bits.size and bits.max() > _ONE:
        raise CalibrationError(
            f"slices of patient {part.patient[0]!r} or after it have probabilities that are no "
            "numbers from 0 to 1: the predictions are broken, predict again"
        )
    return bits


def _images(part: PredictedSlices) -> pd.DataFrame:
    """Count images: whether each has any tumour is its truth."""
    bits = _bits(part.probability[:, 0, 0, 0], part)
    tumour = part.truth.astype(bool).any(axis=(1, 2, 3)).astype(np.int64)
    return pd.DataFrame(
        {
            "subset": part.subset,
            "class": part.classes[0],
            "patient": part.patient,
            "probability": _VALUES[bits],
            "negative": 1 - tumour,
            "positive": tumour,
        }
    )


def _histograms(part: PredictedSlices) -> Iterator[tuple[str, int, np.ndarray]]:
    """Yield subset, place of the class, and pixels (truth, float16 number) of some slices."""
    subsets = np.asarray(part.subset)
    for subset in dict.fromkeys(part.subset):
        rows = np.flatnonzero(subsets == subset)
        for first in range(0, len(rows), _CHUNK):
            some = rows[first : first + _CHUNK]
            for index in range(len(part.classes)):
                bits = _bits(part.probability[some, index], part).ravel()
                true = bits[part.truth[some, index].ravel() > 0]
                positive = np.bincount(true, minlength=len(_VALUES))
                every = np.bincount(bits, minlength=len(_VALUES))
                yield str(subset), index, np.stack([every - positive, positive])


def _binned(subset: str, name: str, counts: np.ndarray) -> Iterator[tuple[object, ...]]:
    every, bins = counts.sum(axis=0), bin_of(_VALUES)
    # In steps of float16's smallest number all sums are whole, and none loses a digit.
    steps = (_VALUES * 2**24).astype(np.int64)
    for number in range(BINS):
        inside = bins == number
        n = int(every[inside].sum())
        if n:
            mean = int((every[inside] * steps[inside]).sum()) / (n * 2**24)
            negative, positive = (int(count) for count in counts[:, inside].sum(axis=1))
            yield subset, name, "", mean, negative, positive
