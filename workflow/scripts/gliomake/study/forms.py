"""The forms of predictions that are brought along, told by what their pattern ends in.

Needs the standard library only: jobs and the start of the workflow read it.
"""

from pathlib import PurePosixPath

ARRAYS = ".npz"
VOLUMES = (".nii", ".nii.gz", ".nii*", ARRAYS)
PICTURES = (".png", ".tif", ".tiff", ".bmp", ".gif")
RESULTS, STORED = ".json", ".h5"


def suffix(pattern: str) -> str:
    """Return what a pattern's file name ends in, such as ``.nii.gz``; it tells the format.

    Examples
    --------
    >>> suffix("{case}/seg.v2.nii.gz")
    '.nii.gz'
    >>> suffix("{case}.nii*")
    '.nii*'
    """
    name = PurePosixPath(pattern).name
    known = (*VOLUMES, *PICTURES, RESULTS, STORED)
    return max((end for end in known if name.endswith(end)), key=len, default="")
