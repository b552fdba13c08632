"""Brain MRI with COCO annotations: three folders of images, each with its JSON."""

import re
import reprlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from gliomake.datasets.base import (
    CaseError,
    CaseReport,
    Finding,
    Problem,
    Volume,
    channel_indices,
    intensity_facts,
    pixel_hash,
    slice_rows,
)
from gliomake.datasets.coco_categories import choose, folded
from gliomake.datasets.coco_findings import (
    annotation_findings,
    contradictions,
    idle_categories,
    picture_findings,
    repeated_ids,
)
from gliomake.datasets.coco_json import (
    Category,
    Content,
    count_annotations,
    named,
    read_content,
)
from gliomake.datasets.coco_layout import (
    ANNOTATIONS,
    FOLDERS,
    Entry,
    Images,
    Subset,
    check_name,
    find_subsets,
    same_image,
)
from gliomake.datasets.coco_masks import (
    EXPORT,
    PIXELS_A_POINT,
    SegmentationError,
    box_share,
    encode,
    outline_length,
    unite,
)
from gliomake.datasets.duplicates import image_duplicates, thumbnail
from gliomake.datasets.pictures import Picture, PictureError, decode
from gliomake.datasets.root import DataRoot, Limits

__all__ = ["ANNOTATIONS", "FOLDERS", "CocoDataset"]


@dataclass(frozen=True)
class _Drawing:
    """The annotations of an image, drawn."""

    mask: np.ndarray
    annotations: list[dict[str, Any]]
    """Those that make up the mask."""
    contradictions: list[str]
    empty: int


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
    categories : sequence of str, optional
        Names of the categories whose union is the tumour; by default the only one that it can be.
    channels : mapping, optional
        The one channel's name; ``grey`` by default.
    classes : mapping of str to sequence of str, optional
        Name to the categories whose union is the class; one without categories has that of its
        name. By default one class, ``tumour``, of `categories`.
    patient : str, optional
        A regular expression on a file's name (without its suffix), whose first group is the
        patient; by default no patient is known.
    links : {"inside", "anywhere"}
        Whether links that lead out of the root are followed.
    limits : Limits or mapping, optional
        What one file may hold.

    Raises
    ------
    CaseError
        If there is no such folder in it, a JSON cannot be understood, or it cannot be said which
        categories are the tumour.
    AccessError
        If the machine could not read a folder or JSON.
    """

    channels: tuple[str, ...] = ("grey",)
    classes: tuple[str, ...] = ("tumour",)
    needed_folders: tuple[str, ...] = FOLDERS
    """Folders that must hold a case; the split is made by them."""

    def __init__(
        self,
        root: str | Path,
        name: str = "coco",
        *,
        categories: Sequence[str] | None = None,
        channels: Mapping[str, str] | None = None,
        classes: Mapping[str, Sequence[str]] | None = None,
        patient: str | None = None,
        links: str = "inside",
        limits: Limits | Mapping[str, int] | None = None,
    ):
        self.name = name
        if channels:
            self.channels = tuple(channels)
        parts = {key: list(names) or [key] for key, names in (classes or {}).items()}
        if classes:
            self.classes = tuple(classes)
            categories = list(dict.fromkeys(each for names in parts.values() for each in names))
        self._patient = re.compile(patient) if patient else None
        self._data = DataRoot.open(
            root, limits if isinstance(limits, Limits) else dict(limits or {}), links
        )
        self._images = Images(self._data)
        self._problems: list[Problem] = []
        self._entries: dict[str, Entry] = {}
        subsets, self._findings = find_subsets(self._data)
        self.root = subsets[0].path.parent
        self._categories: dict[str, dict[int, Category]] = {}
        counts: Counter[str] = Counter()
        for subset in subsets:
            content = read_content(self._data, subset.annotations)
            self._categories[subset.name] = content.categories
            self._list_images(subset, content)
            self._findings += repeated_ids(subset.name, content)
            counts += count_annotations(content)
        self._chosen, found = choose(
            self._categories,
            counts,
            categories,
            setting=f"datasets.{name}.{'classes' if classes else 'categories'}",
            path=self.root,
        )
        self._findings += found
        self._groups = [{folded(each) for each in names} for names in parts.values()]
        if self._patient:
            self.needed_folders = ()

    def cases(self) -> list[str]:
        """List the cases, ``<folder>/<file>``, sorted."""
        return sorted(self._entries)

    def load(self, case: str, channels: Sequence[str] | None = None) -> Volume:
        """Load an image and the union of its tumour annotations.

        Raises
        ------
        CaseError
            If the image is missing, damaged, outside the data set, not of the announced size or of
            values that bytes cannot hold, or an annotation cannot be drawn.
        AccessError
            If the machine could not read the image.
        """
        channel_indices(self.channels, channels)
        entry = self._entries[case]
        return self._volume(entry, self._read_picture(entry), self._draw(entry))

    def inspect(self, case: str, channels: Sequence[str] | None = None) -> CaseReport:
        """Load and check an image; what is wrong with it becomes its ``problems``.

        ``channels`` changes nothing: an image has one channel.
        """
        channel_indices(self.channels, channels)
        entry = self._entries[case]
        report = CaseReport(case, "")
        try:
            report.patient = self._patient_of(entry)
            picture, drawing = self._read_picture(entry), self._draw(entry)
        except CaseError as error:
            report.problems.append(error.problem)
            return report
        volume = self._volume(entry, picture, drawing)
        boxes, annotations = box_share(drawing.annotations, drawing.mask.shape[1:])
        report.slices = slice_rows(volume, self.classes)
        report.facts = {
            "folder": entry.subset.name,
            "spacing": None,
            "intensity": intensity_facts(volume.image, self.channels),
            "sha256": pixel_hash(picture.grey),
            "thumbnail": thumbnail(picture.grey),
            "pictures": list(picture.notes),
            "annotations": annotations,
            "boxes": boxes,
            "contradictions": drawing.contradictions,
            "empty": drawing.empty,
            "crowds": sum(bool(item.get("iscrowd")) for item in drawing.annotations),
            "categories": dict(
                Counter(self._label(entry, item["category_id"]) for item in entry.annotations)
            ),
        }
        return report

    def check_root(self) -> list[Problem]:
        """Report annotations that belong to no image."""
        return list(self._problems)

    def metadata(self) -> dict[str, dict[str, Any]]:
        """Describe each image: its folder, file and image id; there is no stratum."""
        return {
            case: {
                "stratum": "",
                "folder": entry.subset.name,
                "file": entry.file_name,
                "image_id": entry.image_id,
            }
            for case, entry in self._entries.items()
        }

    def compare(self, reports: Sequence[CaseReport]) -> list[Finding]:
        """Find boxes in place of outlines, contradictions, duplicates, what was read otherwise."""
        known = {
            f"{number}: {category.name}"
            for table in self._categories.values()
            for number, category in table.items()
        }
        return [
            *self._findings,
            *picture_findings(reports),
            *annotation_findings(reports),
            *image_duplicates(reports),
            *idle_categories(reports, known),
        ]

    def _list_images(self, subset: Subset, content: Content) -> None:
        by_id: dict[int, list[Entry]] = defaultdict(list)
        by_file: dict[str, Entry] = {}
        for item in content.images:
            entry = by_file.get(same_image(item["file_name"]))
            if entry is None:
                entry = self._new_entry(subset, item)
                by_file[same_image(item["file_name"])] = self._entries[entry.case] = entry
            else:
                entry.doubts.append(("two entries for this file", "one entry a file"))
            by_id[item["id"]].append(entry)
        for image_id, same in by_id.items():
            if len(same) > 1:
                for entry in same:
                    entry.doubts.append((f"image id {image_id} {len(same)} times", "unique ids"))
        for item in content.annotations:
            for entry in by_id.get(item["image_id"], []):
                entry.annotations.append(item)
            if item["image_id"] not in by_id:
                found = f"{named(item)} of an unknown image id {item['image_id']}"
                error = CaseError("", subset.annotations, found, "ids that 'images' lists", EXPORT)
                self._problems.append(error.problem)

    def _new_entry(self, subset: Subset, item: dict[str, Any]) -> Entry:
        name = item["file_name"]
        wrong = check_name(name, self._data.limits.name_length)
        # A name that cannot be a file's may not be written either.
        shown = ascii(name[:40])[1:-1] + f" (image {item['id']})" if wrong else name
        entry = Entry(
            f"{subset.name}/{PurePosixPath(shown)}",
            subset,
            item["id"],
            name,
            item["height"],
            item["width"],
            len(self._entries),
        )
        if wrong:
            entry.doubts.append((wrong, f"the name of an image in {subset.name}"))
        return entry

    def _read_picture(self, entry: Entry) -> Picture:
        for found, expected in entry.doubts:
            raise CaseError(entry.case, entry.subset.annotations, found, expected, EXPORT)
        path = self._images.find(entry.subset, entry.file_name, entry.case)
        try:
            picture = decode(self._data.read_bytes(path, entry.case), self._data.limits)
        except PictureError as error:
            raise CaseError(entry.case, path, error.found, error.expected, error.advice) from error
        if picture.grey.shape != (entry.height, entry.width):
            turned = picture.orientation != 1
            raise CaseError(
                entry.case,
                path,
                f"an image of height and width {picture.grey.shape}"
                + (f", turned by its EXIF orientation {picture.orientation}" if turned else ""),
                f"{(entry.height, entry.width)}, as its JSON says",
                "remove the orientation if outlines are of the stored pixels, or export again"
                if turned
                else EXPORT,
            )
        return picture

    def _draw(self, entry: Entry) -> _Drawing:
        """Draw the union of an image's tumour annotations; its size is that of its image."""
        size, path = (entry.height, entry.width), entry.subset.annotations
        chosen = [item for item in entry.annotations if self._is_tumour(entry, item)]
        codes, contradicted, empty, length = [], [], [], 0.0
        limit = PIXELS_A_POINT * self._data.limits.polygon_points
        for item in chosen:
            try:
                code = encode(item.get("segmentation"), size, self._data.limits)
                length += outline_length(item["segmentation"])
                if length > limit:
                    raise SegmentationError(
                        f"outlines of more than {limit} pixels' length in one image",
                        f"{PIXELS_A_POINT} for each of limits.polygon_points",
                    )
            except SegmentationError as error:
                found = f"{named(item)} with {error.found}"
                raise CaseError(entry.case, path, found, error.expected, error.advice) from error
            codes.append(code)
            if not coco_mask.area(code):
                empty.append(item)
            contradicted += [f"{named(item)}: {text}" for text in contradictions(item, code)]
        if chosen and len(empty) == len(chosen):
            raise CaseError(
                entry.case,
                path,
                f"{', '.join(map(named, empty[:3]))}, drawing not one pixel in an image of {size}",
                "an outline around the tumour, in pixels of this image",
                EXPORT,
            )
        groups = self._groups or [set(self._chosen)]
        kinds = [folded(self._category(entry, item).name) for item in chosen]
        mask = np.zeros((len(groups), *size), np.uint8)
        for index, group in enumerate(groups):
            of_class = [code for code, kind in zip(codes, kinds, strict=True) if kind in group]
            if of_class:
                mask[index] = coco_mask.decode(unite(of_class))
        return _Drawing(mask, chosen, contradicted, len(empty))

    def _volume(self, entry: Entry, picture: Picture, drawing: _Drawing) -> Volume:
        number, mask = np.array([entry.number]), drawing.mask[None]
        patient = self._patient_of(entry)
        return Volume(entry.case, patient, number, picture.grey[None, None], mask, None)

    def _patient_of(self, entry: Entry) -> str:
        """Give the patient that a file's name says; empty where none is known."""
        if self._patient is None:
            return ""
        match = self._patient.search(PurePosixPath(entry.file_name).stem)
        if match is None or not match[1]:
            raise CaseError(
                entry.case,
                entry.subset.annotations,
                f"an image {entry.file_name!r} that the expression `patient: "
                f"{self._patient.pattern}` does not fit",
                "a patient as its first group",
                "correct the expression, or rename the image",
            )
        return match[1]

    def _is_tumour(self, entry: Entry, item: dict[str, Any]) -> bool:
        return folded(self._category(entry, item).name) in self._chosen

    def _category(self, entry: Entry, item: dict[str, Any]) -> Category:
        """Give the category of an annotation.

        Raises
        ------
        CaseError
            There is no such category.
        """
        known = self._categories[entry.subset.name]
        category = item.get("category_id")
        if type(category) is not int or category not in known:
            raise CaseError(
                entry.case,
                entry.subset.annotations,
                f"{named(item)} of an unknown category {reprlib.repr(category)}",
                f"one of {', '.join(map(str, known))}",
                EXPORT,
            )
        return known[category]

    def _label(self, entry: Entry, category: int) -> str:
        return f"{category}: {self._categories[entry.subset.name][category].name}"
