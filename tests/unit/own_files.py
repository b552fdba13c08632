"""Small data sets of one's own, in the layouts that pages describe."""

import json
from pathlib import Path

import nibabel
import numpy as np

SHAPE, EDGES = (6, 5, 4), (0.9, 0.8, 5.0)
CHANNELS = {"t2": "t2", "adc": "adc"}
CLASSES = {"core": [1, 3], "oedema": [2]}


def volume(seed: int, shape=SHAPE) -> np.ndarray:
    """Intensities with a background of 0 at all corners."""
    image = np.random.default_rng(seed).integers(10, 900, shape).astype(np.int16)
    image[0, 0], image[-1, -1], image[0, -1], image[-1, 0] = 0, 0, 0, 0
    return image


def labels(shape=SHAPE) -> np.ndarray:
    """A mask in which every label has a place of its own."""
    mask = np.zeros(shape, np.uint8)
    mask[1, 1, 1], mask[2, 1, 1], mask[2:4, 3, 2] = 1, 3, 2
    return mask


def save(array: np.ndarray, path: Path, code: str = "LPS", edges=EDGES) -> None:
    """Write a volume that is stored so that its axes run as the code says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([-edges[0], -edges[1], edges[2], 1.0])
    orientations = nibabel.orientations
    turn = orientations.ornt_transform(
        orientations.axcodes2ornt("LPS"), orientations.axcodes2ornt(code)
    )
    moved = affine @ orientations.inv_ornt_aff(turn, array.shape)
    nibabel.save(nibabel.Nifti1Image(orientations.apply_orientation(array, turn), moved), path)


def case(folder: Path, name: str, seed: int = 0, code: str = "LPS", mask=None) -> None:
    """Write a case's two channels and its mask into a folder of its own."""
    for number, channel in enumerate(CHANNELS):
        save(volume(seed + number), folder / name / f"{name}_{channel}.nii.gz", code)
    save(labels() if mask is None else mask, folder / name / f"{name}_seg.nii.gz", code)


def nnunet(folder: Path, description: dict | None, names=("A", "B")) -> None:
    """Write nnU-Net's raw layout."""
    for seed, name in enumerate(names):
        for number in range(2):
            save(volume(10 * seed + number), folder / "imagesTr" / f"{name}_{number:04}.nii.gz")
        save(labels(), folder / "labelsTr" / f"{name}.nii.gz")
    if description is not None:
        (folder / "dataset.json").write_text(json.dumps(description))
