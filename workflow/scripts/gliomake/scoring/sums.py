"""Sums over patients from which every score of a subset follows, with its error."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gliomake.scoring.averaging import ONE_COUNT, element_scores
from gliomake.scoring.metrics import PER_CLASS_METRICS, count_metric


@dataclass(frozen=True)
class ScoreSums:
    """Sums over units from which every score of a subset follows, whatever the units weigh.

    Attributes
    ----------
    classes, metrics, conventions : tuple of str
        The cells are their product, in this order of nesting, see `cells`.
    units : tuple
        Patients, or slice numbers where there are no patients.
    totals : ndarray (unit, class, 4) of int
        Pixels of each unit.
    sums, sizes : ndarray (unit, class, metric, mean convention) of float64
        The scores of the unit's elements summed, and how many were not left out.
    slices : int
        Number of slices in the subset.
    averaged : bool
        Whether there is a mean over several classes; there is none over regions.
    """

    classes: tuple[str, ...]
    metrics: tuple[str, ...]
    conventions: tuple[str, ...]
    units: tuple
    totals: np.ndarray
    sums: np.ndarray
    sizes: np.ndarray
    slices: int
    averaged: bool = True

    def scores(self, weights: np.ndarray) -> np.ndarray:
        """Compute the scores with weighted units.

        Parameters
        ----------
        weights : ndarray (resample, unit) of float64
            How often each unit counts.

        Returns
        -------
        ndarray (resample, cell) of float64
            In the order of `cells`; NaN where undefined.
        """
        rows, units = weights.shape
        pooled = (weights @ self.totals.reshape(units, -1)).reshape(rows, len(self.classes), 4)
        flat = (units, -1)
        with np.errstate(invalid="ignore"):
            means = (weights @ self.sums.reshape(flat)) / (weights @ self.sizes.reshape(flat))
        means = means.reshape(rows, *self.sums.shape[1:])
        values = np.empty((rows, len(self.classes), len(self.metrics), len(self.conventions)))
        mean_conventions = iter(range(means.shape[-1]))
        for index, convention in enumerate(self.conventions):
            if convention in ONE_COUNT:
                for position, metric in enumerate(self.metrics):
                    values[:, :, position, index] = element_scores(pooled, metric)
            else:
                values[..., index] = means[..., next(mean_conventions)]
        if self._has_mean:
            values = np.concatenate([values, values.mean(axis=1, keepdims=True)], axis=1)
        return values.reshape(rows, -1)[:, self._kept]

    def errors(self, weights: np.ndarray) -> np.ndarray:
        """Compute the standard errors of the scores with weighted units.

        Every score is a ratio of two sums over units, and its error follows from the units'
        distances to that ratio (the delta method): var = sum (a - R b)^2 / (sum b)^2. For a mean
        over classes these distances are added up class by class, whose errors hang together.

        Parameters
        ----------
        weights : ndarray (resample, unit) of float64
            How often each unit counts.

        Returns
        -------
        ndarray (resample, cell) of float64
            In the order of `cells`; NaN where undefined.
        """
        top, bottom = self._fractions
        k = len(self.classes)
        rows, cells = len(weights), top.shape[-1]
        with np.errstate(invalid="ignore", divide="ignore"):
            tops, bottoms = (
                (weights @ part.reshape(len(part), -1)).reshape(rows, k, -1)
                for part in (top, bottom)
            )
            ratio = tops / bottoms
            variances = np.empty((rows, k, cells))
            mean = np.zeros((rows, cells))
            for one in range(k):
                for other in range(one, k if self._has_mean else one + 1):
                    a, b, c, d = top[:, one], bottom[:, one], top[:, other], bottom[:, other]
                    products = np.concatenate([a * c, a * d, b * c, b * d], axis=1)
                    ac, ad, bc, bd = np.split(weights @ products, 4, axis=1)
                    r, q = ratio[:, one], ratio[:, other]
                    shared = ac - q * ad - r * bc + r * q * bd
                    shared /= bottoms[:, one] * bottoms[:, other]
                    if one == other:
                        variances[:, one] = shared
                    mean += shared if one == other else 2 * shared
            if self._has_mean:
                variances = np.concatenate([variances, mean[:, None] / k**2], axis=1)
            # Rounding may leave a little below nothing.
            return np.sqrt(np.maximum(variances, 0)).reshape(rows, -1)[:, self._kept]

    @cached_property
    def _fractions(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what each unit adds to numerator and denominator: (unit, class, cell) each."""
        shape = (*self.totals.shape[:2], len(self.metrics), len(self.conventions))
        top, bottom = np.empty(shape), np.empty(shape)
        averaging = iter(range(self.sums.shape[-1]))
        for index, convention in enumerate(self.conventions):
            if convention not in ONE_COUNT:
                place = next(averaging)
                top[..., index], bottom[..., index] = self.sums[..., place], self.sizes[..., place]
                continue
            counts = np.moveaxis(self.totals, -1, 0)
            for position, metric in enumerate(self.metrics):
                parts = count_metric(metric).fraction(*counts)
                top[:, :, position, index], bottom[:, :, position, index] = parts
        units, k = shape[:2]
        return top.reshape(units, k, -1), bottom.reshape(units, k, -1)

    @property
    def _has_mean(self) -> bool:
        return self.averaged and len(self.classes) > 1 and "image" not in self.conventions

    @cached_property
    def _product(self) -> list[tuple[str, str, str]]:
        classes = (*self.classes, "mean") if self._has_mean else self.classes
        return [(c, m, v) for c in classes for m in self.metrics for v in self.conventions]

    @cached_property
    def _kept(self) -> np.ndarray:
        """Return which of the product are cells: of ``no-tumour`` only scores of either class."""
        return np.array([c != "no-tumour" or m in PER_CLASS_METRICS for c, m, _ in self._product])

    @property
    def cells(self) -> list[tuple[str, str, str]]:
        """Return class, metric, convention of each score; ``mean`` is the mean over classes."""
        return [cell for cell, kept in zip(self._product, self._kept, strict=True) if kept]

    def values(self) -> np.ndarray:
        """Compute the subset's own scores: ndarray (cell,) of float64, NaN where undefined."""
        return self.scores(np.ones((1, len(self.units))))[0]

    def elements(self) -> np.ndarray:
        """Count what each score was computed from, the smallest class for a mean over classes.

        Returns
        -------
        ndarray (cell,) of int
            Slices pooled, or elements averaged.
        """
        averaged = iter(np.moveaxis(self.sizes.sum(axis=0), -1, 0))
        n = np.empty((len(self.classes), len(self.metrics), len(self.conventions)), int)
        for index, convention in enumerate(self.conventions):
            n[..., index] = self.slices if convention in ONE_COUNT else next(averaged)
        if self._has_mean:
            n = np.concatenate([n, n.min(axis=0, keepdims=True)])
        return n.ravel()[self._kept]
