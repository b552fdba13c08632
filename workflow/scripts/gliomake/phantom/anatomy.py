"""Smooth random anatomy of a head in normalised coordinates.

Coordinates run from -1 to 1 along each axis of the volume. Everything is elementwise IEEE
arithmetic, with no BLAS and no transcendental function, whose last bits differ between machines.
"""

import math
from dataclasses import dataclass

import numpy as np

BACKGROUND, CSF, GREY, WHITE = range(4)


def centres(size: int) -> np.ndarray:
    """Give the voxel centres of an axis in normalised coordinates, float32."""
    return ((2 * np.arange(size) + 1) / size - 1).astype(np.float32)


def soft(distance: np.ndarray, width: float) -> np.ndarray:
    """Rise smoothly from 0 to 1 where a signed distance crosses 0, over a given width."""
    step = np.clip(distance / width + 0.5, 0, 1)
    return step * step * (3 - 2 * step)


def spline(values: np.ndarray, positions: np.ndarray, axis: int) -> np.ndarray:
    """Evaluate a cubic B-spline of ``cells + 3`` coefficients along one axis over -1 to 1."""
    cells = values.shape[axis] - 3
    place = (positions + 1) * (cells / 2)
    cell = np.clip(place.astype(np.intp), 0, cells - 1)
    u = (place - cell).astype(np.float32)
    v = 1 - u
    weights = (
        v * v * v / 6,
        (4 - 6 * u * u + 3 * u * u * u) / 6,
        (4 - 6 * v * v + 3 * v * v * v) / 6,
        u * u * u / 6,
    )
    shape = [1] * values.ndim
    shape[axis] = -1
    total = weights[0].reshape(shape) * np.take(values, cell, axis)
    for shift in (1, 2, 3):
        total += weights[shift].reshape(shape) * np.take(values, cell + shift, axis)
    return total


class Field:
    """A smooth random field of about unit spread: a cubic B-spline with normal coefficients."""

    def __init__(
        self, rng: np.random.Generator, cells: tuple[int, int, int], y: np.ndarray, x: np.ndarray
    ) -> None:
        coefficients = 3 * rng.standard_normal([count + 3 for count in cells], np.float32)
        self._planes = spline(spline(coefficients, x, 2), y, 1)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Evaluate on slices: z of shape (slice,) gives (slice, height, width)."""
        return spline(self._planes, z, 0)


@dataclass
class Slab:
    """The voxels inside the brain of some neighbouring slices; vectors, but for ``inside``."""

    inside: np.ndarray
    z: np.ndarray
    y: np.ndarray
    x: np.ndarray
    ventricle: np.ndarray
    csf: np.ndarray
    grey: np.ndarray

    def tissue(self) -> np.ndarray:
        """Name the tissue that fills most of each voxel."""
        solid = np.where(self.grey > 0.5, GREY, WHITE)
        return np.where(self.csf > 0.5, CSF, solid).astype(np.uint8)


class Anatomy:
    """Brain, cortex, ventricles and deep nuclei of one patient."""

    def __init__(self, rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> None:
        self.half_axes = np.array([0.62, 0.76, 0.88]) * rng.uniform(0.94, 1.06, 3)
        left, top = rng.uniform(-0.04, 0.04, 2).tolist()
        angle = float(rng.uniform(-0.12, 0.12))
        self.cortex = float(rng.uniform(0.085, 0.115))
        self.ventricle_size = float(rng.uniform(0.8, 1.45))
        # Head coordinates: centred and turned within the slice.
        cosine, sine = math.cos(angle), math.sin(angle)
        across, down = x[None, :] - left, y[:, None] - top
        self.x = cosine * across + sine * down
        self.y = cosine * down - sine * across
        self._outline = Field(rng, (3, 3, 3), y, x)
        self._folds = Field(rng, (15, 20, 20), y, x)
        self._midline = Field(rng, (4, 4, 4), y, x)

    def slab(self, z: np.ndarray) -> Slab:
        """Fill the slices at z with tissue."""
        wide, long, high = self.half_axes.tolist()
        broad = wide * (1 + 0.13 * self.y)
        plane = (self.x / broad) ** 2 + (self.y / long) ** 2
        radius = np.sqrt(plane + (z[:, None, None] / high) ** 2)
        depth = 1 - radius + 0.025 * self._outline(z)
        inside = depth > 0
        depth = depth[inside]
        folds = np.abs(self._folds(z)[inside])
        x, y, height = (
            np.broadcast_to(axis, inside.shape)[inside]
            for axis in (self.x, self.y, z[:, None, None])
        )
        x = x + 0.006 * self._midline(z)[inside]
        side = np.abs(x)

        sulci = soft(0.22 - folds, 0.35) * soft(0.17 - depth, 0.08)
        rim = soft(0.022 - depth, 0.02)
        fissure = soft(0.011 - side, 0.014) * soft(np.maximum(0.4 - depth, height - 0.25), 0.1)
        ventricle = self._ventricle_depth(side, y, height)
        csf = np.maximum(np.maximum(sulci, rim), np.maximum(fissure, soft(ventricle, 0.22)))
        bank = soft(0.75 - folds, 0.3) * soft(0.23 - depth, 0.08)
        ribbon = soft(self.cortex - depth, 0.05)
        grey = np.maximum(np.maximum(bank, ribbon), self._nuclei(side, y, height))
        return Slab(inside, height, y, x, ventricle, csf, grey)

    def _ventricle_depth(self, side: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Depth inside the lateral and third ventricles, in shares of their half width."""
        size = self.ventricle_size
        # The horns part towards the back, and a little towards the front.
        bend = 0.09 + 0.45 * (y - 0.02) ** 2
        lateral = 1 - np.sqrt(
            ((side - bend) / (0.05 * size)) ** 2
            + ((y - 0.04) / (0.34 * math.sqrt(size))) ** 2
            + ((z - 0.12) / (0.2 * size)) ** 2
        )
        third = 1 - np.sqrt(
            (side / (0.018 * size)) ** 2 + ((y - 0.06) / 0.13) ** 2 + ((z + 0.12) / 0.16) ** 2
        )
        return np.maximum(lateral, third)

    def _nuclei(self, side: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Weight of the deep grey matter: thalamus and putamen on either side."""
        weight = np.zeros_like(side)
        for centre, half in (
            ((0.12, 0.12, -0.05), (0.075, 0.12, 0.14)),
            ((0.25, -0.08, -0.03), (0.05, 0.17, 0.13)),
        ):
            distance = np.zeros_like(side)
            for axis, middle, reach in zip((side, y, z), centre, half, strict=True):
                distance += ((axis - middle) / reach) ** 2
            weight = np.maximum(weight, soft(1 - distance, 0.5))
        return weight
