"""What the tests of BraTS share: the phantoms' shape, their first case, a file with a change."""

import nibabel
import numpy as np

SHAPE = (14, 36, 30)  # slices, height, width: x and y differ, so that a mix-up of axes shows
FIRST = "BraTS20_Training_001"


def rewrite(path, change=lambda data: data, affine=None, dtype=None):
    image = nibabel.load(path)
    data = change(np.asanyarray(image.dataobj).copy())
    if dtype:
        data = data.astype(dtype)
    header = None if dtype else image.header
    changed = nibabel.Nifti1Image(data, image.affine if affine is None else affine, header)
    nibabel.save(changed, path)


def write_case(folder, case, suffixes=("_t1", "_t1ce", "_t2", "_flair"), labels=(1, 2, 4)):
    """Write a small case: modalities of 100, 200, 300, 400, and of each label its number of voxels.

    The suffixes are those of t1, t1ce, t2, flair; without labels there is no mask.
    """
    folder.mkdir(parents=True, exist_ok=True)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    for number, suffix in enumerate(suffixes, start=1):
        image = np.zeros((8, 10, 3), np.int16)
        image[2:6, 2:8] = 100 * number
        image[2, 2, 2] += sum(case.encode()) % 90  # no two cases alike
        nibabel.save(nibabel.Nifti1Image(image, affine), folder / f"{case}{suffix}.nii.gz")
    if labels:
        mask = np.zeros((8, 10, 3), np.uint8)
        for label in labels:
            mask[2 : 2 + label, 1 + label, 1] = label
        name = f"{case}{suffixes[0][0]}seg.nii.gz"
        nibabel.save(nibabel.Nifti1Image(mask, affine), folder / name)
