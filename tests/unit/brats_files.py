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
