"""A NIfTI file with any field set to anything, as the tests of readers and headers need it."""

import gzip

import nibabel
import numpy as np

SHAPE = (5, 4, 3)


def voxels(dtype="int16"):
    return np.arange(60).reshape(SHAPE, order="F").astype(dtype)


def nifti(array=None, *, affine=None, form=nibabel.Nifti1Header, order="<", **fields):
    """Give the bytes of a file; fields are set last, unchecked."""
    array = voxels() if array is None else array
    header = form(endianness=order, check=False)
    header.set_data_dtype(array.dtype)
    header.set_data_shape(array.shape)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) if affine is None else np.asarray(affine, float)
    header.set_sform(affine, 1)
    header.set_qform(affine, 1)
    header["vox_offset"] = header.single_vox_offset
    header["scl_slope"], header["scl_inter"] = 1, 0
    header["magic"] = header.single_magic
    with np.errstate(all="ignore"):
        for name, value in fields.items():
            header[name] = value
    stored = array.astype(array.dtype.newbyteorder(order))
    return header.binaryblock + bytes(4) + stored.tobytes(order="F")


def write(path, raw):
    path.write_bytes(gzip.compress(raw, 1) if path.suffix == ".gz" else raw)
    return path
