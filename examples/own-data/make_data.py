"""Write twelve made-up patients, as data of your own might look, into the folder ``data``.

Each patient is a folder with two channels and a mask: ``p01/p01_t2.nii.gz``, ``p01_adc.nii.gz``,
``p01_seg.nii.gz``. Voxels are 0.9 x 0.9 x 5 mm. Labels: 1 necrosis, 2 tumour, 3 oedema.
"""

import sys
from pathlib import Path

import nibabel
import numpy as np

PATIENTS = 12
SHAPE = (48, 40, 8)
EDGES = (0.9, 0.9, 5.0)  # mm


def patient(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw a head with a tumour of three nested parts: ``t2``, ``adc`` and ``seg`` (x, y, z)."""
    x, y, z = np.indices(SHAPE)
    middle = [(size - 1) / 2 for size in SHAPE]
    head = ((x - middle[0]) / 21) ** 2 + ((y - middle[1]) / 17) ** 2 < 1
    centre = [rng.uniform(0.4, 0.6) * size for size in SHAPE]
    away = np.sqrt(
        sum(
            ((index - place) * edge) ** 2
            for index, place, edge in zip((x, y, z), centre, EDGES, strict=True)
        )
    )
    radius = rng.uniform(10, 13)  # mm
    seg = np.zeros(SHAPE, np.uint8)
    for label, share in ((3, 1.0), (2, 0.7), (1, 0.4)):
        seg[head & (away < share * radius)] = label
    t2 = np.choose(seg, [300, 620, 460, 780]) + rng.normal(0, 25, SHAPE)
    adc = np.choose(seg, [800, 1500, 600, 1150]) + rng.normal(0, 60, SHAPE)
    return {
        "t2": np.where(head, t2, 0).clip(0).astype(np.int16),
        "adc": np.where(head, adc, 0).clip(0).astype(np.int16),
        "seg": seg,
    }


def main(folder: Path) -> None:
    """Write all patients, the same each time."""
    affine = np.diag([-EDGES[0], -EDGES[1], EDGES[2], 1.0])
    for number in range(1, PATIENTS + 1):
        name = f"p{number:02}"
        (folder / name).mkdir(parents=True, exist_ok=True)
        for part, array in patient(np.random.default_rng(number)).items():
            image = nibabel.Nifti1Image(array, affine)
            nibabel.save(image, folder / name / f"{name}_{part}.nii.gz")
    print(f"{PATIENTS} patients in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data")
