"""Predictions in a COCO results file: a list of instances with their scores."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pycocotools import mask as coco_mask

from gliomake.brought.source import SHOWN, Case, Found, SourceError
from gliomake.datasets.base import CaseError, Dataset
from gliomake.datasets.coco_masks import SegmentationError, encode
from gliomake.datasets.root import DataRoot

KEYS = ("image_id", "category_id", "segmentation")


class ResultsSource:
    """A COCO results file, or one for each folder of the data set.

    The probability of a pixel is the largest score of the instances that cover it; an instance
    without a score counts as certain.

    Parameters
    ----------
    disk : DataRoot
        Its folder.
    pattern : str
        The file in it; ``{folder}`` stands for ``train``, ``valid`` or ``test``.
    classes : sequence of str
        The study's classes.
    labels : mapping of str to sequence of int
        Category ids of each class; a single class may leave them out and has all.
    dataset : Dataset
        Not used.
    cases : DataFrame
        The data set's ``cases.tsv``, with ``folder`` and ``image_id``.
    """

    def __init__(
        self,
        disk: DataRoot,
        pattern: str,
        classes: Sequence[str],
        labels: Mapping[str, Sequence[int]],
        dataset: Dataset,
        cases: pd.DataFrame,
    ):
        self._disk, self._pattern = disk, pattern
        if "image_id" not in cases:
            raise SourceError(
                f"{disk.path / pattern}: found a COCO results file, which names images by their id "
                f"in a COCO data set; data set {dataset.name} is none"
            )
        if len(classes) > 1 and not labels:
            raise SourceError(
                f"{disk.path / pattern}: nothing says which category is which of "
                f"{', '.join(classes)}; say it in `predictions.labels`, such as {{{classes[0]}: "
                "[1]}"
            )
        self._classes = list(classes)
        self._of = {category: name for name, ids in labels.items() for category in ids}
        self._files = self._find(cases)
        self._instances: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._path: dict[str, Path] = {}
        for path, known in self._files.items():
            self._read_file(path, known)

    def _find(self, cases: pd.DataFrame) -> dict[Path, dict[int, str]]:
        """Name the files that are there, each with the images that it may be about."""
        if "{folder}" in self._pattern:
            groups = {
                self._disk.path / self._pattern.replace("{folder}", str(folder)): part
                for folder, part in cases.groupby("folder")
            }
        else:
            groups = {self._disk.path / self._pattern: cases}
        found = {}
        for path, part in groups.items():
            if path.is_file():
                ids = part["image_id"].astype(int)
                if ids.duplicated().any():
                    raise SourceError(
                        f"{path}: image id {ids[ids.duplicated()].iloc[0]} is in several folders "
                        "of the data set; give a file a folder, with {folder} in "
                        "`predictions.pattern`"
                    )
                found[path] = dict(zip(ids, part["case"], strict=True))
        if not found:
            listed = ", ".join(str(path) for path in groups)
            raise SourceError(f"found none of {listed}; correct `predictions.pattern`")
        return found

    def _read_file(self, path: Path, known: Mapping[int, str]) -> None:
        try:
            content = json.loads(self._disk.read_bytes(path, ""))
        except (ValueError, RecursionError) as error:
            raise SourceError(
                f"{path}: found no JSON ({error}); write the results again"
            ) from error
        if not isinstance(content, list):
            raise SourceError(
                f"{path}: found a {type(content).__name__}; expected COCO's results, a list of "
                f"instances with {', '.join(KEYS)} and score"
            )
        strange = []
        for number, item in enumerate(content):
            if not isinstance(item, dict) or not set(KEYS) <= item.keys():
                raise SourceError(
                    f"{path}: entry {number} has not all of {', '.join(KEYS)}; write it again"
                )
            case = known.get(item["image_id"]) if type(item["image_id"]) is int else None
            if case is None:
                strange.append(item["image_id"])
                continue
            if self._of and item["category_id"] not in self._of:
                raise SourceError(
                    f"{path}: entry {number} is of category {item['category_id']!r}; "
                    f"`predictions.labels` has {', '.join(map(str, sorted(self._of)))}"
                )
            score = item.get("score", 1.0)
            if type(score) not in (int, float) or not 0 <= score <= 1:
                raise SourceError(f"{path}: entry {number} has score {score!r}; expected 0 to 1")
            self._instances[case].append(item)
            self._path[case] = path
        if strange:
            ids = sorted(set(map(str, strange)))
            raise SourceError(
                f"{path}: found {len(strange)} instances of {len(ids)} images that the data set "
                f"does not have (image_id {', '.join(ids[:SHOWN])}); expected results for these "
                f"{len(known)} images. Is it the file of another set or folder?"
            )

    def cases(self) -> set[str]:
        """Name the cases about which a file is: an image without instances is found empty."""
        return {case for known in self._files.values() for case in known.values()}

    def read(self, case: Case) -> Found:
        """Draw the instances of an image, see `gliomake.brought.Source`."""
        values = np.zeros((1, len(self._classes), *case.size), np.float32)
        if len(case.numbers) != 1:
            raise SourceError(f"case {case.case} has several slices; expected one image a case")
        covered = case.case in self.cases()
        for item in self._instances.get(case.case, ()):
            name = self._of.get(item["category_id"], self._classes[0])
            try:
                code = encode(item["segmentation"], case.size, self._disk.limits)
            except SegmentationError as error:
                path = self._path[case.case]
                raise CaseError(
                    case.case, path, error.found, error.expected, error.advice
                ) from error
            mask = coco_mask.decode(code).astype(np.float32) * float(item.get("score", 1.0))
            layer = values[0, self._classes.index(name)]
            np.maximum(layer, mask, out=layer)
        names = [path.name for path, known in self._files.items() if case.case in known.values()]
        return Found(values, tuple(names), int(not covered))
