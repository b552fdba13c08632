"""A made-up head with a tumour, seen through the four contrasts of a glioma protocol.

The geometry lives in normalised coordinates (-1 to 1 along each axis of the volume) and is drawn
from ``(seed, patient)`` alone, so that one patient is the same anatomy in a volume of any size;
only the noise belongs to the voxel grid.
"""

import math
from dataclasses import dataclass

import numpy as np

from gliomake.phantom.anatomy import (
    Anatomy,
    Field,
    Slab,
    centres,
    soft,
)

NEC, ED, ET = 1, 2, 4
CONTRASTS = ("t1", "t1ce", "t2", "flair")

# Intensity of each material under (t1, t1ce, t2, flair): the order of a clinical radiograph's
# grey values, in a unit where the brightest tissue is about 1.
_INTENSITY = {
    "csf": (0.16, 0.16, 0.95, 0.12),
    "grey": (0.42, 0.45, 0.56, 0.53),
    "white": (0.60, 0.62, 0.42, 0.43),
    "oedema": (0.44, 0.46, 0.78, 0.84),
    "rim": (0.40, 0.98, 0.66, 0.74),
    "core": (0.24, 0.26, 0.88, 0.52),
}
_NOISE = 0.025
# Voxels computed at once: keeps the working memory of a full-size head under 200 MiB.
_SLAB = 1 << 20


@dataclass(frozen=True)
class Head:
    """A phantom's truth and its four contrasts.

    Attributes
    ----------
    tissue : ndarray of uint8, shape (slice, height, width)
        `anatomy.BACKGROUND`, ``CSF``, ``GREY`` or ``WHITE``, as without the tumour.
    tumour : ndarray of uint8, shape (slice, height, width)
        0, `NEC`, `ED` or `ET`, the labels of BraTS.
    t1, t1ce, t2, flair : ndarray of float32, shape (slice, height, width)
        Intensity: 0 outside the brain, positive inside it, about 1 for the brightest tissue.
        Slices run from the neck up, rows from the forehead back, columns from one ear to the
        other.
    """

    tissue: np.ndarray
    tumour: np.ndarray
    t1: np.ndarray
    t1ce: np.ndarray
    t2: np.ndarray
    flair: np.ndarray


def make_head(
    patient: int,
    seed: int = 0,
    shape: tuple[int, int, int] = (24, 256, 256),
    texture: float = 0.0,
) -> Head:
    """Make the head of one patient.

    With ``texture`` above 0 the patient gets a second lesion, a mirror image in the other
    hemisphere that looks like the tumour in kind but is not one: nothing visible tells the two
    apart. Each of the two carries a texture of its own (a tint of the four contrasts and a
    grating) that is drawn for this patient and lesion, the same in every slice and in no relation
    to the label over patients. Who has seen other slices of the patient knows which texture is
    the tumour's; who has not must guess. That is the advantage that a leaky split gives, planted
    to be found.

    Parameters
    ----------
    patient : int
        The patient's number, from 0.
    seed : int
        Seed of the phantom set, from 0.
    shape : tuple of int
        Slices, height and width of the volume in voxels.
    texture : float
        Strength of the texture in the unit of the contrasts; 0 for none.

    Raises
    ------
    ValueError
        If an argument is negative or the shape is not three positive sizes.
    """
    if patient < 0 or seed < 0 or texture < 0:
        raise ValueError(
            f"found patient {patient}, seed {seed}, texture {texture}: expected none below 0"
        )
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"found shape {shape}: expected slices, height and width above 0")
    streams = [
        np.random.Generator(np.random.PCG64(child))
        for child in np.random.SeedSequence([seed, patient]).spawn(5)
    ]
    anatomy_stream, tumour_stream, look_stream, texture_stream, noise_stream = streams
    z, y, x = (centres(size) for size in shape)
    anatomy = Anatomy(anatomy_stream, y, x)
    lesions = [_Lesion(tumour_stream, anatomy, y, x)]
    if texture > 0:
        lesions.append(_Lesion(texture_stream, anatomy, y, x, mirror=lesions[0]))
        for lesion in lesions:
            lesion.texture = _Texture(texture_stream, texture)
    look = _Look(look_stream, y, x)

    tissue = np.zeros(shape, np.uint8)
    tumour = np.zeros(shape, np.uint8)
    contrasts = {name: np.zeros(shape, np.float32) for name in CONTRASTS}
    step = max(1, _SLAB // (shape[1] * shape[2]))
    for start in range(0, shape[0], step):
        part = slice(start, start + step)
        slab = anatomy.slab(z[part])
        shells = [lesion.shells(slab, z[part]) for lesion in lesions]
        images = look.develop(slab, lesions, shells, z[part])
        images += _NOISE * noise_stream.standard_normal(images.shape, np.float32)
        # Above 0 inside the brain, so that what is not 0 is brain, as after skull stripping.
        np.maximum(images, 0.01, out=images)
        tissue[part][slab.inside] = slab.tissue()
        tumour[part][slab.inside] = shells[0].labels()
        for name, voxels in zip(CONTRASTS, images, strict=True):
            contrasts[name][part][slab.inside] = voxels
    return Head(tissue=tissue, tumour=tumour, **contrasts)


class _Texture:
    """What marks one lesion of one patient: a tint of the contrasts and a grating."""

    def __init__(self, rng: np.random.Generator, strength: float) -> None:
        tint = rng.standard_normal(len(CONTRASTS))
        self.tint = (strength / math.hypot(*tint) * tint).tolist()
        angle, wavelength = rng.uniform((0, 0.06), (math.pi, 0.14)).tolist()
        self._wave = math.cos(angle) / wavelength, math.sin(angle) / wavelength

    def pattern(self, slab: Slab) -> np.ndarray:
        """Give the grating (a triangle wave between 0.5 and 1.5) in the slab's voxels."""
        phase = self._wave[0] * slab.x + self._wave[1] * slab.y
        return 0.5 + 2 * np.abs(phase - np.floor(phase) - 0.5)


@dataclass
class _Shells:
    """Weights, 0 to 1, of nested parts in a slab's voxels: core, with rim, with oedema."""

    core: np.ndarray
    solid: np.ndarray
    whole: np.ndarray

    def labels(self) -> np.ndarray:
        """Label each voxel by the innermost part that fills most of it."""
        outer = np.where(self.solid > 0.5, ET, np.where(self.whole > 0.5, ED, 0))
        return np.where(self.core > 0.5, NEC, outer).astype(np.uint8)


class _Lesion:
    """Three nested parts: a core, a rim around it, oedema that follows the white matter."""

    def __init__(
        self,
        rng: np.random.Generator,
        anatomy: Anatomy,
        y: np.ndarray,
        x: np.ndarray,
        mirror: "_Lesion | None" = None,
    ) -> None:
        if mirror is None:
            size = rng.uniform(0.22, 0.32)
            self.centre = self._place(rng, anatomy)
            self.half_axes = size * rng.uniform((0.85, 0.85, 0.95), (1.15, 1.15, 1.3))
            self.core, self.solid = rng.uniform((0.36, 0.58), (0.48, 0.7)).tolist()
        else:
            self.centre = mirror.centre * (-1, 1, 1) + rng.uniform(-0.04, 0.04, 3)
            self.half_axes = mirror.half_axes * rng.uniform(0.9, 1.1, 3)
            self.core, self.solid = mirror.core, mirror.solid
        self.texture: _Texture | None = None
        self._lobes = Field(rng, (11, 13, 13), y, x)

    @staticmethod
    def _place(rng: np.random.Generator, anatomy: Anatomy) -> np.ndarray:
        """Draw a centre off the midline, well inside the brain: x, y, z in head coordinates."""
        direction = rng.standard_normal(3) * (1, 1, 0.7)
        direction *= rng.uniform(0.3, 0.6) / math.hypot(*direction)
        centre = direction * anatomy.half_axes
        side = 1 if centre[0] >= 0 else -1
        centre[0] = side * min(max(abs(centre[0]), 0.2), 0.36)
        return centre

    def shells(self, slab: Slab, z: np.ndarray) -> "_Shells":
        """Fill the lesion into the slices at z."""
        side = slab.x if self.centre[0] > 0 else -slab.x
        distance = np.zeros_like(slab.x)
        for axis, middle, reach in zip(
            (slab.x, slab.y, slab.z), self.centre.tolist(), self.half_axes.tolist(), strict=True
        ):
            distance += ((axis - middle) / reach) ** 2
        distance = np.sqrt(distance)
        lobes = 0.15 * self._lobes(z)[slab.inside]
        distance += lobes * np.minimum(2 * distance, 1)
        # It yields to a ventricle, stays on its side of the midline, and its oedema spares the
        # cortex.
        distance += 0.35 * soft(slab.ventricle + 0.35, 0.9)
        spread = distance + 0.3 * slab.grey + 0.15 * slab.csf
        tissue = soft(-slab.ventricle, 0.15) * soft(side + 0.01, 0.02)
        core = soft(self.core - distance, 0.12) * tissue
        solid = soft(self.solid - distance, 0.1) * tissue
        return _Shells(core, solid, np.maximum(soft(1 - spread, 0.14) * tissue, solid))


class _Look:
    """How the scanner shows the tissues: their intensities, bias field and bright artefacts."""

    def __init__(self, rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> None:
        self._intensity = {
            name: np.array(values) * rng.uniform(0.94, 1.06, len(CONTRASTS))
            for name, values in _INTENSITY.items()
        }
        self._gain = rng.uniform(0.9, 1.1, len(CONTRASTS)).tolist()
        self._bias = Field(rng, (2, 2, 2), y, x)
        self._spots = Field(rng, (12, 16, 16), y, x)
        self._flow = Field(rng, (5, 6, 6), y, x)
        self._mottle = Field(rng, (18, 26, 26), y, x)

    def develop(
        self, slab: Slab, lesions: list[_Lesion], shells: list[_Shells], z: np.ndarray
    ) -> np.ndarray:
        """Render the slab's voxels, noise left out: float32 of shape (contrast, voxel)."""
        bias = 1 + np.clip(0.11 * self._bias(z)[slab.inside], -0.3, 0.3)
        near = soft(slab.ventricle + 0.9, 0.8) * (1 - slab.csf)
        spots = soft(self._spots(z)[slab.inside] - 0.9, 0.6) * near
        flow = soft(self._flow(z)[slab.inside] - 0.7, 0.7) * slab.csf
        mottle = 0.02 * self._mottle(z)[slab.inside]
        images = np.empty((len(CONTRASTS), slab.x.size), np.float32)
        for index, contrast in enumerate(CONTRASTS):
            level = {name: float(row[index]) for name, row in self._intensity.items()}
            image = level["white"] + mottle + (level["grey"] - level["white"]) * slab.grey
            image += (level["csf"] - image) * slab.csf
            if contrast == "flair":
                # Two things shine as oedema does: white-matter spots beside the ventricles, and
                # CSF that moved while its signal should have been nulled.
                image += 0.27 * spots + 0.68 * flow
            elif contrast == "t2":
                image += 0.3 * spots
            for lesion, parts in zip(lesions, shells, strict=True):
                image += (level["oedema"] - image) * parts.whole
                image += (level["rim"] - image) * parts.solid
                image += (level["core"] - image) * parts.core
                if lesion.texture is not None:
                    pattern = lesion.texture.tint[index] * lesion.texture.pattern(slab)
                    image += pattern * parts.whole
            images[index] = image * bias * self._gain[index]
        return images
