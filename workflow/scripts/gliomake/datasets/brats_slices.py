"""BraTS 2020 as slice files: ``volume_<patient>_slice_<number>.h5`` with image and mask."""

import re
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from gliomake.datasets.base import CaseError, Problem
from gliomake.datasets.brats_layout import CHANNELS, CLASSES, Reading

SLICE_FILE = re.compile(r"volume_(\d+)_slice_(\d+)\.h5")

SPACING = (1.0, 1.0, 1.0)
"""The files carry none; every BraTS volume was resampled to 1 mm before its release."""


class SliceLayout:
    """Folders of slice files; volume N is patient N of the NIfTI release.

    Parameters
    ----------
    files : sequence of Path
        Slice files, as found.
    channel_order : sequence of str
        What the last axis of ``image`` holds.
    """

    def __init__(self, files: Sequence[Path], channel_order: Sequence[str] = CHANNELS):
        if sorted(channel_order) != sorted(CHANNELS):
            raise ValueError(
                f"channel_order {list(channel_order)}: expected {', '.join(CHANNELS)} in the order "
                "of the slice files' last axis"
            )
        self.channel_order = tuple(channel_order)
        self._files: dict[str, dict[int, list[Path]]] = {}
        for path in sorted(files):
            match = SLICE_FILE.fullmatch(path.name)
            if match:
                case = f"BraTS20_Training_{int(match[1]):03d}"
                self._files.setdefault(case, {}).setdefault(int(match[2]), []).append(path)
        self._depth = 1 + max((max(found) for found in self._files.values()), default=-1)
        self.folders = sorted({path.parent for path in files})

    def cases(self) -> list[str]:
        """List the case ids, sorted."""
        return sorted(self._files)

    def patient(self, case: str) -> str:
        """Give the patient of a case."""
        return case

    def folder(self, case: str) -> Path:
        """Give the folder that holds a case."""
        return next(iter(self._files[case].values()))[0].parent

    def check_root(self) -> list[Problem]:
        """Find nothing: what can be wrong here is wrong with a case."""
        return []

    def check(self, case: str, channels: Sequence[str]) -> list[CaseError]:
        """Find slices that are missing or there twice."""
        files = self._files[case]
        missing = sorted(set(range(self._depth)) - set(files))
        errors = [
            CaseError(
                case,
                paths[1],
                f"slice {number} a second time (the first is {paths[0]})",
                "one file a slice",
                "remove one of the two, or point the data set's root at one copy",
            )
            for number, paths in sorted(files.items())
            if len(paths) > 1
        ]
        if missing:
            shown = ", ".join(map(str, missing[:8])) + (" ..." if len(missing) > 8 else "")
            errors.append(
                CaseError(
                    case,
                    self.folder(case),
                    f"{len(files)} slices, without number {shown}",
                    f"slices 0 to {self._depth - 1}, as in the other volumes",
                    "complete the download, or leave the case out",
                )
            )
        return errors

    def read(self, case: str, channels: Sequence[str]) -> Reading:
        """Read the mask and these channels of all slices.

        Raises
        ------
        CaseError
            If a slice is missing or damaged, or holds values that it should not.
        """
        for error in self.check(case, channels):
            raise error
        numbers = sorted(self._files[case])
        columns = [self.channel_order.index(name) for name in channels]
        # The first slice is read twice, to know the size of all.
        size = _read_slice(case, self._files[case][numbers[0]][0])[1].shape[:2]
        image = np.empty((len(numbers), len(columns), *size), np.float32)
        mask = np.empty((len(numbers), len(CLASSES), *size), np.uint8)
        shift = np.zeros((len(numbers), len(columns)), np.float32)
        types: set[str] = set()
        for row, number in enumerate(numbers):
            path = self._files[case][number][0]
            pixels, parts, stored = _read_slice(case, path)
            if pixels.shape[:2] != size:
                raise CaseError(
                    case,
                    path,
                    f"a slice of {pixels.shape[:2]} pixels",
                    f"{size}, as in the case's first slice",
                    "restore the original file",
                )
            image[row] = pixels[..., columns].transpose(2, 0, 1)
            mask[row] = parts.transpose(2, 0, 1)
            types.add(stored)
            shift[row] = _background(image[row])
            image[row] -= shift[row][:, None, None]
        facts = {
            "layout": "slices",
            "channel_order": list(self.channel_order),
            "dtype": sorted(types),
            "labels": {name: int(mask[:, index].sum()) for index, name in enumerate(CLASSES)},
        }
        if shift.any():
            facts["background_shifted_to_0"] = {
                name: [float(shift[:, index].min()), float(shift[:, index].max())]
                for index, name in enumerate(channels)
            }
        return Reading(np.array(numbers), image, mask, SPACING, facts)


def _read_slice(case: str, path: Path) -> tuple[np.ndarray, np.ndarray, str]:
    """Give image (height, width, channel), mask (height, width, class) and the image's type."""

    def error(found: str, expected: str) -> CaseError:
        return CaseError(case, path, found, expected, "download the file again")

    try:
        with h5py.File(path) as file:
            image, mask = file["image"][()], file["mask"][()]
    except KeyError as reason:
        raise error(f"no dataset in it: {reason}", "datasets 'image' and 'mask'") from reason
    except (OSError, RuntimeError) as reason:
        raise error(f"a truncated or damaged file ({reason})", "an HDF5 file") from reason
    if image.ndim != 3 or image.shape[2] != len(CHANNELS):
        raise error(f"an image of shape {image.shape}", f"(height, width, {len(CHANNELS)})")
    if mask.shape != (*image.shape[:2], len(CLASSES)):
        raise error(
            f"a mask of shape {mask.shape}", f"{(*image.shape[:2], len(CLASSES))}, as the image"
        )
    stored = str(image.dtype)
    bad = int(image.size - np.count_nonzero(np.isfinite(image)))
    if bad:
        raise error(f"{bad} values that are NaN or infinite", "finite numbers only")
    values = np.unique(mask)
    if not np.isin(values, (0, 1)).all():
        raise error(f"mask values {values[:8].tolist()}", "0 and 1")
    overlap = int((mask.astype(np.uint8).sum(axis=2) > 1).sum())
    if overlap:
        raise error(f"{overlap} pixels in more than one class", "classes that do not overlap")
    return image, mask, stored


def _background(image: np.ndarray) -> np.ndarray:
    """Give each channel's value outside the head (channel,), 0 where it cannot be told.

    A standardised copy has its background below 0. What follows (non-zero statistics, padding)
    takes 0 for background, and neither z-score nor min-max notices a shift.
    """
    corners = image[:, (0, 0, -1, -1), (0, -1, 0, -1)]
    same = (corners == corners[:, :1]).all(axis=1)
    return np.where(same, corners[:, 0], 0)
