"""The work: scans to probabilities and masks, on the network's grid and on the scan's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from skimage.transform import resize

from gliomake.files.predictions import gate_closes, to_mask
from gliomake.infer.check import check_scan
from gliomake.infer.model import Model
from gliomake.infer.scan import Scan
from gliomake.prepare.preprocess import normalise

TOGETHER = 64
"""Slices of several scans that are predicted at a time, give or take one scan."""


@dataclass(frozen=True)
class Prediction:
    """What a model found on a scan.

    Attributes
    ----------
    scan : Scan
        The scan.
    classes : tuple of str
        The model's classes.
    labels : dict of str to int
        Value of each class in a label map.
    colours : dict of str to str
        Colour of each class, ``#rrggbb``.
    threshold : float
        Lowest probability that is tumour.
    probability : ndarray (slice, class, size, size), float16
        On the network's grid; behind a gate 0 where that is closed. (slice, 1, 1, 1) of a
        classifier.
    mask : ndarray (slice, class, height, width) of bool
        On the scan's own grid; empty of a classifier.
    gate : ndarray (slice,) of float, or None
        The classifier's probability of tumour.
    closed : ndarray (slice,) of bool
        Where the gate found no tumour; all False without one.
    entropy : ndarray (slice, class, size, size), float32, or None
        Of the mean over flips, bits a pixel; None where no flips were asked for.
    averaged : bool
        Whether `probability` is the mean over flips.
    warnings : tuple of str
        What a reader must know before they believe it.
    """

    scan: Scan
    classes: tuple[str, ...]
    labels: Mapping[str, int]
    colours: Mapping[str, str]
    threshold: float
    probability: np.ndarray
    mask: np.ndarray
    gate: np.ndarray | None
    closed: np.ndarray
    entropy: np.ndarray | None
    averaged: bool
    warnings: tuple[str, ...]

    @property
    def is_classified(self) -> bool:
        """Whether it is a classifier's, without masks."""
        return self.probability.shape[1:] == (1, 1, 1)

    def tumour_probability(self) -> np.ndarray:
        """Return each slice's probability of tumour, (slice,) float64.

        The classifier's where there is one, else that of the slice's most probable pixel.
        """
        if self.gate is not None:
            return self.gate
        return self.probability.reshape(len(self.probability), -1).max(axis=1).astype(np.float64)


def prepare(scan: Scan, model: Model) -> np.ndarray:
    """Preprocess a scan by the recipe that the model was trained with.

    Returns
    -------
    ndarray (slice, channel, size, size)
        uint8 for the intensity ``unit``, else float16.
    """
    if scan.prepared:
        return scan.image
    recipe = model.about.recipe
    slices = [normalise(each, recipe["intensity"], recipe["image_size"]) for each in scan.image]
    return np.stack(slices)


def predict_scans(
    model: Model, scans: Sequence[Scan], *, flips: bool = False, uncertainty: bool = False
) -> Iterator[Prediction]:
    """Predict scans one after the other.

    Parameters
    ----------
    model : Model
        With its gate where one is wanted.
    scans : sequence of Scan
        Of `gliomake.infer.inputs`.
    flips : bool
        Whether the probability is the mean over the scan and its flips.
    uncertainty : bool
        Whether the entropy over flips is computed, even where they are not averaged.

    Yields
    ------
    Prediction
        In the order of the scans.

    Raises
    ------
    CaseError
        A scan that the model cannot see; see `gliomake.infer.check`.
    """
    waiting: list[tuple[Scan, list[str], np.ndarray]] = []
    for scan in scans:
        unlike = [] if scan.prepared else check_scan(scan, model.about)
        warnings = [*scan.warnings, *unlike]
        waiting.append((scan, warnings, prepare(scan, model)))
        if sum(len(image) for _, _, image in waiting) >= TOGETHER:
            yield from _predict(model, waiting, flips, uncertainty)
            waiting = []
    if waiting:
        yield from _predict(model, waiting, flips, uncertainty)


def _predict(
    model: Model,
    waiting: Sequence[tuple[Scan, list[str], np.ndarray]],
    flips: bool,
    uncertainty: bool,
) -> Iterator[Prediction]:
    image = np.concatenate([prepared for _, _, prepared in waiting])
    entropy = None
    if flips or uncertainty:
        parts = model.predict_flips(image)
        mean = parts.mean(axis=0)
        entropy = binary_entropy(mean)
        probability = mean.astype(np.float16) if flips else parts[0].astype(np.float16)
    else:
        probability = model.predict(image)
    gate = closed = None
    if model.gate is not None:
        gate = model.gate.predict(image)[:, 0, 0, 0].astype(np.float64)
        closed = gate_closes(gate, model.about.gate.threshold)  # type: ignore[union-attr]
        probability = probability.copy()
        probability[closed] = 0
    start = 0
    for scan, warnings, prepared in waiting:
        rows = slice(start, start + len(prepared))
        start += len(prepared)
        yield Prediction(
            scan=scan,
            classes=tuple(model.about.classes),
            labels=model.about.labels,
            colours=model.about.colours,
            threshold=model.about.threshold,
            probability=probability[rows],
            mask=_mask(probability[rows], scan, model.about.threshold),
            gate=None if gate is None else gate[rows],
            closed=np.zeros(len(prepared), bool) if closed is None else closed[rows],
            entropy=None if entropy is None else entropy[rows],
            averaged=flips,
            warnings=tuple(warnings),
        )


def _mask(probability: np.ndarray, scan: Scan, threshold: float) -> np.ndarray:
    """Return the mask on the scan's own grid."""
    count, classes, *size = probability.shape
    if tuple(size) == (1, 1):
        return np.zeros((count, 0, *scan.size), bool)
    mask = np.zeros((count, classes, *scan.size), bool)
    for row, values in enumerate(probability):
        # Most slices of a volume have nothing to enlarge.
        if to_mask(values.max(), threshold):
            mask[row] = to_mask(to_grid(values, scan.size), threshold)
    return mask


def to_grid(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring maps to another size, bilinearly.

    Parameters
    ----------
    values : ndarray (class, height, width)
        Probabilities or entropies.
    size : tuple of int
        Height and width wanted.

    Returns
    -------
    ndarray (class, height, width), float32
        As they are where the size is theirs already.
    """
    values = values.astype(np.float32)
    if values.shape[1:] == tuple(size):
        return values
    shape = (len(values), *size)
    return resize(values, shape, order=1, mode="edge", anti_aliasing=False).astype(np.float32)


def binary_entropy(probability: np.ndarray) -> np.ndarray:
    """Return the entropy of yes or no, in bits: 0 for certainty, 1 for a probability of 0.5.

    Parameters
    ----------
    probability : ndarray of float
        0 to 1.

    Returns
    -------
    ndarray of float32
        Of the same shape.

    Examples
    --------
    >>> binary_entropy(np.array([0.0, 0.5, 1.0])).tolist()
    [0.0, 1.0, 0.0]
    """
    p = np.clip(probability.astype(np.float32), 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = -(p * np.log2(p)) - (1 - p) * np.log2(1 - p)
    return np.where((p > 0) & (p < 1), parts, np.float32(0)).astype(np.float32)
