"""Pictures of slices as any data set may have them: a page says which file is what."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gliomake.datasets import patterns
from gliomake.datasets.base import (
    CaseError,
    CaseReport,
    Finding,
    Volume,
    duplicate_slices,
    intensity_facts,
    slice_hashes,
    slice_rows,
)
from gliomake.datasets.labels import split_classes
from gliomake.datasets.paged import PagedDataset
from gliomake.datasets.pictures import PictureError, decode, decode_colours, decode_labels
from gliomake.datasets.root import DataRoot, Limits

COLOURS = 3


class ImagesDataset(PagedDataset):
    """Slices as pictures (PNG, TIFF, JPEG, BMP, GIF), and their masks (all but JPEG).

    A file is a channel where the pattern has ``{channel}``. Else it holds all of them: one channel
    is grey, three are red, green and blue. Masks hold labels: grey values or places in a palette.

    Parameters
    ----------
    root : path-like
        The folder at which the patterns start.
    channels : mapping of str to str
        Name to what stands in file names; none where there are masks alone.
    classes : mapping of str to sequence of int
        Name to labels, see `split_classes`.
    files, mask : str
        Patterns, see `gliomake.datasets.patterns`. Without ``{slice}`` a case is one picture.
        Without `files` there are masks alone.
    patient, strata, links, limits
        See `PagedDataset`.
    orientation : {"upright", "transposed"}
        How figures show the slices; pixels stay as they are stored.
    ignore_labels : sequence of int
        Labels that are background.

    Raises
    ------
    CaseError
        No file fits.
    AccessError
        The root could not be read.
    """

    name = "images"

    def __init__(
        self,
        root: str | Path | DataRoot,
        channels: Mapping[str, str],
        classes: Mapping[str, Sequence[int]],
        files: str | None = None,
        mask: str = "",
        patient: str | None = None,
        strata: str | Mapping[str, str] | None = None,
        orientation: str = "upright",
        ignore_labels: Sequence[int] = (),
        links: str = "inside",
        limits: Limits | dict[str, int] | None = None,
    ):
        super().__init__(root, channels, classes, patient, strata, links, limits)
        self._labels, self._ignored = classes, tuple(ignore_labels)
        self._single = "{channel}" not in (files or "")
        if files and self._single and len(self.channels) not in (1, COLOURS):
            raise CaseError(
                "",
                self.root,
                f"{len(self.channels)} channels in one picture ({', '.join(self.channels)})",
                "1 (grey) or 3 (red, green, blue), or {channel} in `files`",
                "put {channel} into the pattern on the data set's page, or correct `channels`",
            )
        self._find(self.root, files, mask, channels)

    def compare(self, reports: Sequence[CaseReport]) -> list[Finding]:
        """Find slices with the same pixels."""
        return [*super().compare(reports), *duplicate_slices(reports)]

    def _check(self, case: str) -> list[CaseError]:
        """Find what is missing, doubled, or without its mask, by the names alone."""
        found, errors = self._cases[case], super()._check(case)
        channels = [""] if self._single and self.channels else list(self.channels)
        numbers = sorted({number for _, number in found.images} | set(found.masks))
        for number in numbers:
            where = f" of slice {number}" if len(numbers) > 1 else ""
            images = [found.images.get((channel, number), []) for channel in channels]
            masks = found.masks.get(number, [])
            there = next((paths[0] for paths in (*images, masks) if paths), self.root)
            if images and not any(images):
                advice = "add the images, or take the mask away"
                errors.append(CaseError(case, there, "a mask without images", "both", advice))
                continue
            for what, paths in (
                *((f"channel {name}", paths) for name, paths in zip(channels, images, strict=True)),
                ("mask", masks),
            ):
                named = (what if what != "channel " else "image") + where
                if len(paths) > 1:
                    errors.append(patterns.several(case, paths, named))
                elif not paths:
                    expected = "one file a channel, and one mask"
                    advice = "complete the case, or leave it out"
                    lacks = f"no file for {named} beside it"
                    errors.append(CaseError(case, there, lacks, expected, advice))
        return errors

    def _read(self, case: str, channels: Sequence[str]) -> tuple[Volume, dict[str, Any]]:
        for error in self._check(case):
            raise error
        found = self._cases[case]
        numbers = sorted(found.masks)
        images, masks, counts = [], [], dict[str, int]()
        size: tuple[int, ...] = ()
        for number in numbers:
            path = found.masks[number][0]
            labels = self._decoded(decode_labels, path, case)
            image = self._image(case, number, channels) if channels else labels[None][:0]
            size = size or image.shape[1:]
            for shape, file in ((image.shape[1:], self._first_file(case, number)),
                                (labels.shape, path)):  # fmt: skip
                if shape != size:
                    advice = "resample it (a mask by nearest neighbour), or leave the case out"
                    expected = f"{size}, as in the case's first slice"
                    raise CaseError(case, file, f"a picture of {shape} pixels", expected, advice)
            parts, present = split_classes(case, path, labels[None], self._labels, self._ignored)
            images.append(image)
            masks.append(parts[0])
            for label, count in present.items():
                counts[label] = counts.get(label, 0) + count
        first = self._first_file(case, numbers[0])
        slices = np.array(self._numbered(case, numbers, first))
        volume = Volume(case, self._patients[case], slices, np.stack(images), np.stack(masks), None)
        return volume, {"layout": "images", "labels": counts}

    def _describe(
        self, report: CaseReport, volume: Volume, facts: dict[str, Any], channels: Sequence[str]
    ) -> None:
        report.slices = slice_rows(volume, self.classes)
        report.facts = facts | {
            "spacing": None,
            "intensity": intensity_facts(volume.image, channels),
            "slice_sha256": slice_hashes(volume.image),
        }

    def _first_file(self, case: str, number: int) -> Path:
        if not self.channels:
            return self._cases[case].masks[number][0]
        channel = "" if self._single else self.channels[0]
        return self._cases[case].images[channel, number][0]

    def _image(self, case: str, number: int, channels: Sequence[str]) -> np.ndarray:
        """Read a slice's channels: uint8, (channel, height, width)."""
        files = self._cases[case].images
        if not self._single:
            planes = [self._grey(files[name, number][0], case) for name in channels]
            for name, plane in zip(channels, planes, strict=True):
                if plane.shape != planes[0].shape:
                    path, expected = files[name, number][0], f"{planes[0].shape}, as {channels[0]}"
                    found, advice = f"a picture of {plane.shape} pixels", "resample one of the two"
                    raise CaseError(case, path, found, expected, advice)
            return np.stack(planes)
        path = files["", number][0]
        if len(self.channels) == 1:
            return self._grey(path, case)[None]
        colours = self._decoded(decode_colours, path, case)
        return np.moveaxis(colours, 2, 0)[[self.channels.index(name) for name in channels]]

    def _grey(self, path: Path, case: str) -> np.ndarray:
        return self._decoded(decode, path, case).grey

    def _decoded(self, read: Any, path: Path, case: str) -> Any:
        try:
            return read(self._disk.read_bytes(path, case), self._disk.limits)
        except PictureError as error:
            raise CaseError(case, path, error.found, error.expected, error.advice) from error


def class_masks(dataset: ImagesDataset, case: str, path: Path, labels: np.ndarray) -> np.ndarray:
    """Turn label maps into the classes of a data set, see `split_classes`."""
    return split_classes(case, path, labels, dataset._labels, dataset._ignored)[0]
