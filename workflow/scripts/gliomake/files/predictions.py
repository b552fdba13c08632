"""Files of predicted probabilities: written batch by batch, read, and put behind a gate.

A file holds, one row a slice, ``patient``, ``slice``, ``subset``, ``spacing`` (x, y, z in mm) and
``probability`` (class, height, width) as float16; a classifier's is one pixel, the probability of
tumour. Its attributes say ``study``, ``model``, ``run``, ``classes`` and ``threshold``. A checksum
stands before all of it, see `gliomake.files.sealed`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from gliomake.files.contracts import REBUILD
from gliomake.files.sealed import create_sealed, open_slices, read_names, read_text

BATCH = 64
GATED = "-gated"
ONE, MINUS_ZERO = 0x3C00, 0x8000  # as float16
TEXT = h5py.string_dtype()
_ARRAYS = {
    "probability": (("classes", "height", "width"), (np.dtype(np.float16),)),
    "subset": ((), (str,)),
}


class PredictionError(ValueError):
    """Predictions that cannot be written, read or combined; the message says which and why."""


def write_predictions(
    path: str | Path,
    batches: Iterable[np.ndarray],
    *,
    patient: Sequence[str],
    slice: Sequence[int],
    subset: Sequence[str],
    spacing: np.ndarray,
    attributes: Mapping[str, Any],
) -> None:
    """Write predictions as they come; the file appears when it is complete.

    Parameters
    ----------
    path : str or Path
        The file.
    batches : iterable of ndarray (n, class, height, width)
        Probabilities, which add up to all slices; rounded to float16.
    patient, slice, subset : sequence (slice,)
        Of each slice.
    spacing : ndarray (slice, 3), float32
        x, y, z in mm; NaN where unknown.
    attributes : mapping
        ``study``, ``model``, ``run``, ``classes`` (a list), ``threshold`` and more.

    Raises
    ------
    PredictionError
        The numbers of slices do not agree, or a probability is not a number from 0 to 1.
    """
    if not len(patient):
        raise PredictionError(f"{path}: no slice to predict; the split gives neither val nor test")
    lengths = {"slice": len(slice), "subset": len(subset), "spacing": len(spacing)}
    if any(length != len(patient) for length in lengths.values()):
        raise PredictionError(f"{path}: {len(patient)} patients, but {lengths}")
    with create_sealed(path) as file:
        file.create_dataset("patient", data=np.array(patient, dtype=object), dtype=TEXT)
        file.create_dataset("slice", data=np.asarray(slice, np.int32))
        file.create_dataset("subset", data=np.array(subset, dtype=object), dtype=TEXT)
        file.create_dataset("spacing", data=np.asarray(spacing, np.float32))
        for name, value in attributes.items():
            file.attrs[name] = json.dumps(list(value)) if name == "classes" else value
        done = 0
        for batch in batches:
            values = np.asarray(batch, np.float16)
            if not _are_shares(values):
                raise PredictionError(
                    f"{path}: row {done} or one of the {len(values)} from there on has a "
                    "probability that is not a number from 0 to 1; the weights are broken"
                )
            if not done:
                _create_probability(file, (len(patient), *values.shape[1:]))
            if done + len(values) > len(patient):
                raise PredictionError(f"{path}: more predictions than {len(patient)} slices")
            file["probability"][done : done + len(values)] = values
            done += len(values)
        if done != len(patient):
            raise PredictionError(f"{path}: {done} predictions for {len(patient)} slices")


def _are_shares(values: np.ndarray) -> bool:
    """Return whether all are numbers from 0 to 1, by their bits: 16 times as fast as comparing."""
    bits = values.view(np.uint16)
    return bool(((bits <= ONE) | (bits == MINUS_ZERO)).all())


def _create_probability(file: h5py.File, shape: tuple[int, ...]) -> None:
    # A chunk a slice, so that a reader takes any slice alone; most bytes are nearly 0 or 1.
    options = {"compression": "lzf", "shuffle": True}
    file.create_dataset("probability", shape, np.float16, chunks=(1, *shape[1:]), **options)


@contextmanager
def open_predictions(path: str | Path) -> Iterator[h5py.File]:
    """Read a file of predictions, once it is found whole and what it should be.

    Parameters
    ----------
    path : str or Path
        A file of `write_predictions`.

    Yields
    ------
    h5py.File
        To read from.

    Raises
    ------
    PredictionError
        It is damaged, or holds no predictions.
    """
    with open_slices(path, PredictionError, _ARRAYS, ("classes",)) as file:
        threshold = file.attrs.get("threshold")
        if not (isinstance(threshold, float | int | np.number) and 0 <= threshold <= 1):
            raise PredictionError(
                f"{path}: the threshold is {threshold!r}; expected a number from 0 to 1. {REBUILD}"
            )
        yield file


def to_mask(probability: np.ndarray, threshold: float) -> np.ndarray:
    """Return where tumour is predicted: the one place where a threshold is applied.

    Both are compared as float32. A stored probability of 0.4 is 0.39990 as a float16, and a
    threshold of 0.4 would become the same number if it were compared as a float16.

    Parameters
    ----------
    probability : ndarray of float or uint8
        0 to 1, as stored or computed; of label maps 0 or 1.
    threshold : float
        Lowest probability that counts as tumour.

    Returns
    -------
    ndarray of bool
        Of the same shape.

    Examples
    --------
    >>> to_mask(np.array([0.4, 0.5], np.float16), 0.4)
    array([False,  True])
    """
    if probability.dtype == np.uint8 and 0 < threshold <= 1:
        return probability != 0  # the same, without four times the memory
    return np.asarray(probability, np.float32) >= np.float32(threshold)


def gate_closes(tumour: np.ndarray, threshold: float) -> np.ndarray:
    """Return on which images a gate closes: the mask behind it is empty.

    Parameters
    ----------
    tumour : ndarray of float, shape (image,)
        The classifier's probability of tumour.
    threshold : float
        Lowest probability of no tumour that closes it.

    Returns
    -------
    ndarray of bool, shape (image,)
        True where it closes.

    Examples
    --------
    >>> gate_closes(np.array([0.5, 0.6]), 0.5)
    array([ True, False])
    """
    return to_mask(1 - np.asarray(tumour, np.float64), threshold)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def apply_gate(
    segmenter: str | Path, classifier: str | Path, threshold: float, out: str | Path
) -> None:
    """Put a segmenter behind a classifier: where that sees no tumour, the mask is empty.

    Parameters
    ----------
    segmenter : str or Path
        Predictions of masks.
    classifier : str or Path
        Predictions of the same slices by a classifier.
    threshold : float
        An image whose probability of no tumour is at least this gets probability 0 everywhere.
    out : str or Path
        The gated predictions. Their attributes name the gate, its threshold and how many images
        it closed on.

    Raises
    ------
    PredictionError
        The files are of different runs or slices, or the second is not a classifier's.
    """
    with open_predictions(segmenter) as masks, open_predictions(classifier) as gate:
        _check_partners(masks, gate, Path(segmenter), Path(classifier))
        closed = gate_closes(gate["probability"][:, 0, 0, 0], threshold)
        attributes = {name: _plain(value) for name, value in masks.attrs.items()}
        attributes |= {
            "classes": read_names(masks, "classes", PredictionError),
            "model": f"{attributes['model']}{GATED}",
            "gate_segmenter": attributes["model"],
            "gate_classifier": gate.attrs["model"],
            "gate_threshold": threshold,
            "gate_closed": int(closed.sum()),
        }
        write_predictions(
            out,
            _gated(masks["probability"], closed),
            patient=masks["patient"].asstr()[:].tolist(),
            slice=masks["slice"][:].tolist(),
            subset=masks["subset"].asstr()[:].tolist(),
            spacing=masks["spacing"][:],
            attributes=attributes,
        )


def _gated(probability: h5py.Dataset, closed: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, len(closed), BATCH):
        values = probability[first : first + BATCH]
        values[closed[first : first + BATCH]] = 0
        yield values


def _check_partners(masks: h5py.File, gate: h5py.File, segmenter: Path, classifier: Path) -> None:
    shape = gate["probability"].shape
    if shape[1:] != (1, 1, 1):
        raise PredictionError(
            f"{classifier} is not a classifier's: a slice's prediction has the shape {shape[1:]}, "
            "expected (1, 1, 1)"
        )
    for name in ("study", "run", "model"):
        for file in (masks, gate):
            read_text(file, name, PredictionError)
    for name in ("study", "run"):
        if masks.attrs[name] != gate.attrs[name]:
            raise PredictionError(
                f"{segmenter} is of {name} {masks.attrs[name]}, {classifier} of "
                f"{gate.attrs[name]}; a gate needs both of one {name}"
            )
    keys = [
        list(
            zip(
                file["subset"].asstr()[:].tolist(),
                file["patient"].asstr()[:].tolist(),
                file["slice"][:].tolist(),
                strict=True,
            )
        )
        for file in (masks, gate)
    ]
    if keys[0] == keys[1]:
        return
    if len(keys[0]) != len(keys[1]):
        detail = f"{len(keys[0])} slices against {len(keys[1])}"
    else:
        row = next(i for i, pair in enumerate(zip(*keys, strict=True)) if pair[0] != pair[1])
        detail = f"row {row} is {keys[0][row]} against {keys[1][row]}"
    raise PredictionError(
        f"{segmenter} and {classifier} do not hold the same slices ({detail}); "
        "predict both again from one split"
    )
