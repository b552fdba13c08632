"""BraTS 2020 as slice files: ``volume_<patient>_slice_<number>.h5`` with image and mask."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from gliomake.datasets.base import CaseError, Problem
from gliomake.datasets.brats_hdf5 import read_slice
from gliomake.datasets.brats_layout import CHANNELS, CLASSES, Reading, background
from gliomake.datasets.brats_releases import RELEASES
from gliomake.datasets.root import AccessError, DataRoot

SLICE_FILE = re.compile(r"volume_([0-9]+)_slice_([0-9]+)\.h5", re.IGNORECASE)

SPACING = (1.0, 1.0, 1.0)
"""The files carry none; every BraTS volume was resampled to 1 mm before its release."""

SHOWN = 8
"""How many missing slices a message lists."""


class SliceLayout:
    """Folders of slice files; volume N is patient N of the NIfTI release.

    Parameters
    ----------
    files : sequence of Path
        Slice files, as found.
    root : DataRoot
        The data set's root.
    channel_order : sequence of str
        What the last axis of ``image`` holds.
    """

    release = RELEASES["2020"]

    def __init__(
        self, files: Sequence[Path], root: DataRoot, channel_order: Sequence[str] = CHANNELS
    ):
        if sorted(channel_order) != sorted(CHANNELS):
            raise ValueError(
                f"channel_order {list(channel_order)}: expected {', '.join(CHANNELS)} in the order "
                "of the slice files' last axis"
            )
        self.root = root
        self.channel_order = tuple(channel_order)
        self._files: dict[str, dict[int, list[Path]]] = {}
        for path in sorted(files):
            match = SLICE_FILE.fullmatch(path.name)
            if match:
                case = f"BraTS20_Training_{int(match[1]):03d}"
                self._files.setdefault(case, {}).setdefault(int(match[2]), []).append(path)
        # What most volumes have: one file of a wrong number must not make all others incomplete.
        depths = Counter(1 + max(found) for found in self._files.values())
        self._depth = max(depths, key=lambda depth: (depths[depth], depth), default=0)
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

    def has_masks(self) -> bool:
        """Return True: each file holds its own."""
        return True

    def check_root(self) -> list[Problem]:
        """Find nothing: what can be wrong here is wrong with a case."""
        return []

    def check(self, case: str, channels: Sequence[str]) -> list[CaseError]:
        """Find slices that are missing, beyond the others, or there twice."""
        files = self._files[case]
        expected = f"slices 0 to {self._depth - 1}, as in the other volumes"
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
        errors += [
            CaseError(case, paths[0], f"slice {number}", expected, "correct its name or remove it")
            for number, paths in sorted(files.items())
            if number >= self._depth
        ]
        # The numbers come from file names: no list of all that are missing, there may be millions.
        count = self._depth - sum(number < self._depth for number in files)
        if count:
            missing = (number for number in range(self._depth) if number not in files)
            shown = ", ".join(map(str, islice(missing, SHOWN))) + (" ..." if count > SHOWN else "")
            errors.append(
                CaseError(
                    case,
                    self.folder(case),
                    f"{len(files)} slices, without number {shown}",
                    expected,
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
        AccessError
            The machine could not read a file, or has too little memory for the case.
        """
        try:
            return self._read(case, channels)
        except MemoryError as error:
            raise AccessError(self.folder(case), "not enough memory") from error

    def _read(self, case: str, channels: Sequence[str]) -> Reading:
        for error in self.check(case, channels):
            raise error
        numbers = sorted(self._files[case])
        columns = [self.channel_order.index(name) for name in channels]
        image = np.empty((0, 0, 0, 0), np.float32)
        mask = np.empty((0, 0, 0, 0), np.uint8)
        shift = np.zeros((len(numbers), len(columns)), np.float32)
        types: set[str] = set()
        for row, number in enumerate(numbers):
            path = self._files[case][number][0]
            pixels, parts, stored = read_slice(self.root, path, case)
            if row == 0:
                size = pixels.shape[:2]
                self._check_volume(case, len(numbers), size)
                image = np.empty((len(numbers), len(columns), *size), np.float32)
                mask = np.empty((len(numbers), len(CLASSES), *size), np.uint8)
            elif pixels.shape[:2] != size:
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
            shift[row] = background(image[row][:, (0, 0, -1, -1), (0, -1, 0, -1)])
            image[row] -= shift[row][:, None, None]
        facts = {
            "layout": "slices",
            "release": self.release.id,
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

    def _check_volume(self, case: str, depth: int, size: tuple[int, ...]) -> None:
        voxels = depth * int(np.prod(size))
        if voxels > self.root.limits.volume_voxels:
            raise CaseError(
                case,
                self.folder(case),
                f"{depth} slices of {size[0]}x{size[1]} pixels, {voxels} voxels",
                f"at most {self.root.limits.volume_voxels} (limits.volume_voxels)",
                "check the files, or raise the limit for this data set",
            )
