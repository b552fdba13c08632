"""Brain MRI with COCO annotations: three folders of images, each with its JSON."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gliomake.datasets.base import (
    CaseError,
    CaseReport,
    Finding,
    Problem,
    Volume,
    channel_indices,
    pixel_hash,
    slice_rows,
)
from gliomake.datasets.coco_masks import SegmentationError, box_share, draw
from gliomake.datasets.duplicates import image_duplicates, thumbnail

FOLDERS = ("train", "valid", "test")
ANNOTATIONS = "_annotations.coco.json"

_COMPLETE = "complete the download, or leave the image out"
_EXPORT = "correct the JSON or export it again, or leave the image out"


@dataclass
class _Entry:
    """One image as its folder's JSON announces it."""

    case: str
    folder: str
    image_id: int
    file_name: str
    height: int
    width: int
    number: int
    annotations: list[dict[str, Any]] = field(default_factory=list)
    doubts: list[tuple[str, str]] = field(default_factory=list)
    """(found, expected) of what makes the entry ambiguous."""


class CocoDataset:
    """The brain-tumour set in COCO format: an image is a case, and no patient is known.

    The slice number of an image is its place in the whole set: train, valid, test, in the order of
    the image ids.

    Parameters
    ----------
    root : path-like
        The folder of ``train``, ``valid`` and ``test``, or the one around it.
    name : str
        What the workflow calls the data set.

    Raises
    ------
    CaseError
        If there is no such folder in it, or a JSON cannot be understood.
    """

    channels: tuple[str, ...] = ("grey",)
    classes: tuple[str, ...] = ("tumour",)

    def __init__(self, root: str | Path, name: str = "coco"):
        self.name = name
        self.root = _find_root(Path(root))
        self._problems: list[Problem] = []
        self._entries: dict[str, _Entry] = {}
        self._categories: dict[str, dict[int, str]] = {}
        for folder in FOLDERS:
            self._read_folder(folder)

    def cases(self) -> list[str]:
        """List the cases, ``<folder>/<file>``, sorted."""
        return sorted(self._entries)

    def load(self, case: str, channels: Sequence[str] | None = None) -> Volume:
        """Load an image and the union of its annotations.

        Raises
        ------
        CaseError
            If the image is missing, damaged, outside the data set or not of the announced size,
            or an annotation cannot be drawn.
        """
        channel_indices(self.channels, channels)
        entry = self._entries[case]
        image = self._read_image(entry)
        mask = self._draw(entry)
        return Volume(case, "", np.array([entry.number]), image[None, None], mask[None, None], None)

    def inspect(self, case: str, channels: Sequence[str] | None = None) -> CaseReport:
        """Load and check an image; what is wrong with it becomes its ``problems``.

        ``channels`` changes nothing: an image has one channel.
        """
        entry = self._entries[case]
        report = CaseReport(case, "")
        try:
            volume = self.load(case)
        except CaseError as error:
            report.problems.append(error.problem)
            return report
        grey = volume.image[0, 0]
        boxes, annotations = box_share(entry.annotations, volume.mask.shape[-2:])
        report.slices = slice_rows(volume, self.classes)
        report.facts = {
            "folder": entry.folder,
            "spacing": None,
            "intensity": {
                "grey": {
                    "min": float(grey.min()),
                    "max": float(grey.max()),
                    "mean": float(grey.mean()),
                }
            },
            "sha256": pixel_hash(grey),
            "thumbnail": thumbnail(grey),
            "annotations": annotations,
            "boxes": boxes,
            "categories": dict(
                Counter(
                    self._category(entry.folder, item["category_id"]) for item in entry.annotations
                )
            ),
        }
        return report

    def check_root(self) -> list[Problem]:
        """Report missing folders and annotations that belong to no image."""
        return list(self._problems)

    def metadata(self) -> dict[str, dict[str, Any]]:
        """Describe each image: its folder, file and image id; there is no stratum."""
        return {
            case: {
                "stratum": "",
                "folder": entry.folder,
                "file": entry.file_name,
                "image_id": entry.image_id,
            }
            for case, entry in self._entries.items()
        }

    def compare(self, reports: Sequence[CaseReport]) -> list[Finding]:
        """Find boxes in place of outlines, duplicates, idle categories, images without tumour."""
        return [
            *_boxes(reports),
            *image_duplicates(reports),
            *self._idle_categories(reports),
            *_unannotated(reports),
        ]

    def _read_folder(self, folder: str) -> None:
        path = self.root / folder / ANNOTATIONS
        if not path.is_file():
            error = CaseError("", path, "no such file", f"the annotations of {folder}", _COMPLETE)
            self._problems.append(error.problem)
            return
        images, annotations, self._categories[folder] = _read_json(path)
        entries: dict[int, list[_Entry]] = defaultdict(list)
        for item in sorted(images, key=lambda image: image["id"]):
            entry = _Entry(
                f"{folder}/{item['file_name']}",
                folder,
                item["id"],
                item["file_name"],
                item["height"],
                item["width"],
                len(self._entries),
            )
            if entry.case in self._entries:
                entry = self._entries[entry.case]
                entry.doubts.append(("two entries for this file", "one entry a file"))
            self._entries[entry.case] = entry
            entries[item["id"]].append(entry)
        for image_id, same in entries.items():
            if len(same) > 1:
                for entry in same:
                    entry.doubts.append((f"image id {image_id} {len(same)} times", "unique ids"))
        for item in annotations:
            for entry in entries.get(item["image_id"], []):
                entry.annotations.append(item)
            if item["image_id"] not in entries:
                found = f"annotation {item.get('id')} of an unknown image id {item['image_id']}"
                error = CaseError("", path, found, "ids that 'images' lists", _EXPORT)
                self._problems.append(error.problem)

    def _path(self, entry: _Entry) -> Path:
        """Give the image's path, refused where it leads out of the data set."""
        name = entry.file_name
        folder = self.root / entry.folder
        # A Windows path is not absolute here, and still points outside.
        parts = (*PurePosixPath(name).parts, *PureWindowsPath(name).parts)
        anchored = PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor
        path = folder / name
        target = path.resolve()
        # The folder may itself be a link, to where the download lies.
        inside = any(target.is_relative_to(place.resolve()) for place in (self.root, folder))
        if anchored or ".." in parts or not inside:
            raise CaseError(
                entry.case,
                folder / ANNOTATIONS,
                f"a file name that leads out of the data set: {name!r}",
                f"an image in {entry.folder}",
                "correct the JSON, or replace a link by the file itself",
            )
        if not path.is_file():
            raise CaseError(entry.case, path, "no such file", "the image", _COMPLETE)
        return path

    def _read_image(self, entry: _Entry) -> np.ndarray:
        """Read an image as grey values (height, width) uint8, luminance of ITU-R BT.601."""
        path = self._path(entry)
        try:
            with Image.open(path) as image:
                grey = np.asarray(ImageOps.exif_transpose(image).convert("L"))
        except (OSError, UnidentifiedImageError, SyntaxError) as error:
            raise CaseError(
                entry.case, path, f"a damaged image ({error})", "a complete image", _COMPLETE
            ) from error
        if grey.shape != (entry.height, entry.width):
            raise CaseError(
                entry.case,
                path,
                f"an image of height and width {grey.shape}",
                f"{(entry.height, entry.width)}, as its JSON says",
                _EXPORT,
            )
        return grey

    def _draw(self, entry: _Entry) -> np.ndarray:
        """Draw the union of an image's annotations, (height, width) uint8."""
        path = self.root / entry.folder / ANNOTATIONS
        for found, expected in entry.doubts:
            raise CaseError(entry.case, path, found, expected, _EXPORT)
        mask = np.zeros((entry.height, entry.width), np.uint8)
        known = self._categories[entry.folder]
        for item in entry.annotations:
            name = f"annotation {item.get('id')}"
            if item.get("category_id") not in known:
                raise CaseError(
                    entry.case,
                    path,
                    f"{name} of an unknown category {item.get('category_id')}",
                    f"one of {', '.join(map(str, known))}",
                    _EXPORT,
                )
            try:
                mask |= draw(item.get("segmentation"), mask.shape)
            except SegmentationError as error:
                raise CaseError(
                    entry.case, path, f"{name} with {error.found}", error.expected, _EXPORT
                ) from error
        return mask

    def _category(self, folder: str, category: int) -> str:
        return f"{category}: {self._categories[folder][category]}"

    def _idle_categories(self, reports: Sequence[CaseReport]) -> list[Finding]:
        used = {name for report in reports for name in report.facts.get("categories", {})}
        known = {self._category(f, c) for f, table in self._categories.items() for c in table}
        idle = sorted(known - used)
        if not idle:
            return []
        message = f"no annotation has the categories {', '.join(idle)}; in use: " + (
            ", ".join(sorted(used)) or "none"
        )
        return [Finding("unused-categories", message)]


def _find_root(root: Path) -> Path:
    """Give the folder that holds `FOLDERS`: the root, or the first one inside it that does."""
    inside = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    for candidate in (root, *inside):
        if any((candidate / folder / ANNOTATIONS).is_file() for folder in FOLDERS):
            return candidate
    raise CaseError(
        "",
        root,
        "no COCO data set",
        f"{', '.join(FOLDERS)}, each with {ANNOTATIONS}",
        "point the data set's root at the unpacked download",
    )


def _read_json(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[int, str]]:
    """Give images, annotations and categories, checked for what the reader relies on."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        images, annotations = content["images"], content["annotations"]
        categories = {item["id"]: str(item["name"]) for item in content["categories"]}
        for image in images:
            sizes = (image["id"], image["height"], image["width"])
            if not all(type(value) is int for value in sizes) or min(sizes[1:]) < 1:
                raise ValueError(f"image with id, height, width {sizes}")
            if not isinstance(image["file_name"], str) or not image["file_name"]:
                raise ValueError(f"image {image['id']} with file name {image['file_name']!r}")
        for annotation in annotations:
            if type(annotation["image_id"]) is not int:
                raise ValueError(f"annotation of image id {annotation['image_id']!r}")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = f"no key {error}" if isinstance(error, KeyError) else str(error)
        raise CaseError("", path, f"unreadable JSON ({reason})", "COCO format", _EXPORT) from error
    return images, annotations, categories


def _boxes(reports: Sequence[CaseReport]) -> list[Finding]:
    """Say that the masks are boxes where most of them are, and that some are where some are."""
    total = sum(report.facts.get("annotations", 0) for report in reports)
    boxed = tuple(report.case for report in reports if report.facts.get("boxes"))
    boxes = sum(report.facts.get("boxes", 0) for report in reports)
    if not boxes:
        return []
    share = f"{boxes} of {total} annotations ({boxes / total:.1%}) are axis-aligned rectangles"
    if boxes <= total / 2:
        return [Finding("some-boxes", share, boxed)]
    verdict = (
        "the masks are boxes, not outlines, and a Dice on them measures how well a box is filled"
    )
    return [Finding("boxes", f"{share}: {verdict}", boxed)]


def _unannotated(reports: Sequence[CaseReport]) -> list[Finding]:
    bare = tuple(report.case for report in reports if report.facts.get("annotations") == 0)
    message = f"{len(bare)} of {len(reports)} images have no annotation: their mask is empty"
    return [Finding("no-annotation", message, bare)] if bare else []
