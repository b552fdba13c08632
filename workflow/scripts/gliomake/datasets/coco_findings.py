"""What a COCO set's annotations say of themselves, held against what they draw."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from gliomake.datasets.base import CaseReport, Finding
from gliomake.datasets.coco_json import Content, named
from gliomake.datasets.pictures import NOTES

AREA_TOLERANCE = 0.25
"""Share by which the stated and the drawn area may differ, besides the pixels along the edge.

An ellipse fills 0.79 of its box, which some exporters give for the area.
"""

BOX_TOLERANCE = 0.05
"""Share of its longer side by which an edge of the stated box may be off, besides two pixels."""

_SHOWN = 3


def contradictions(annotation: Mapping[str, Any], code: dict[str, Any]) -> list[str]:
    """Return where an annotation's ``area`` or ``bbox`` is not that of its drawn mask.

    Parameters
    ----------
    annotation : mapping
        As the JSON has it; what it leaves out or leaves empty is not compared.
    code : dict
        Its mask in pycocotools' run-length code.

    Returns
    -------
    list of str
        Nothing where they agree.
    """
    found = []
    drawn, box = int(coco_mask.area(code)), coco_mask.toBbox(code)
    area = annotation.get("area")
    if area is not None:
        stated = _numbers([area], 1)
        edge = box[2] + box[3]
        if stated is None:
            found.append("an area that is no number")
        elif abs(stated[0] - drawn) > AREA_TOLERANCE * max(stated[0], drawn) + edge:
            found.append(f"area {stated[0]:g}, {drawn} pixels drawn")
    bbox = annotation.get("bbox")
    if bbox is not None and bbox != []:
        stated = _numbers(bbox, 4)
        if stated is None:
            found.append("a bbox that is not four numbers")
        elif drawn and _box_differs(stated, box, code["size"]):
            shown = ([f"{value:g}" for value in edges] for edges in (stated, box))
            found.append("bbox [{}], drawn [{}]".format(*(", ".join(edges) for edges in shown)))
    return found


def picture_findings(reports: Sequence[CaseReport]) -> list[Finding]:
    """Return what was done to pictures while they were decoded."""
    findings = []
    for note, predicate in NOTES.items():
        cases = _cases(reports, lambda facts, note=note: note in facts.get("pictures", []))
        if cases:
            findings.append(Finding(note, f"{len(cases)} images {predicate}", cases))
    return findings


def annotation_findings(reports: Sequence[CaseReport]) -> list[Finding]:
    """Return where annotations are boxes, contradict themselves, draw nothing or are not there."""
    return [
        *_boxes(reports),
        *_contradicted(reports),
        *_listed(
            reports,
            "empty-annotations",
            "empty",
            "annotations draw no pixel; others of their image do",
        ),
        *_listed(
            reports,
            "crowds",
            "crowds",
            "annotations are marked iscrowd, a group of objects, and are taken like the others",
        ),
        *_unannotated(reports),
    ]


def _numbers(values: Any, count: int) -> np.ndarray | None:
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(type(value) in (int, float) for value in values):
        return None
    try:
        numbers = np.array(values, float)
    except OverflowError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _box_differs(stated: np.ndarray, drawn: np.ndarray, size: Sequence[int]) -> bool:
    height, width = size
    limit = np.array([width, height, width, height])
    edges = [
        np.clip(np.concatenate([box[:2], box[:2] + box[2:]]), 0, limit) for box in (stated, drawn)
    ]
    return bool(np.abs(edges[0] - edges[1]).max() > 2 + BOX_TOLERANCE * max(drawn[2:]))


def _cases(reports: Sequence[CaseReport], which: Any) -> tuple[str, ...]:
    return tuple(report.case for report in reports if which(report.facts))


def _listed(reports: Sequence[CaseReport], kind: str, fact: str, predicate: str) -> list[Finding]:
    cases = _cases(reports, lambda facts: facts.get(fact))
    total = sum(report.facts.get(fact, 0) for report in reports)
    return [Finding(kind, f"{total} {predicate}", cases)] if cases else []


def _contradicted(reports: Sequence[CaseReport]) -> list[Finding]:
    cases = _cases(reports, lambda facts: facts.get("contradictions"))
    if not cases:
        return []
    reasons = [
        f"{report.case} {reason}"
        for report in reports
        for reason in report.facts.get("contradictions", [])
    ]
    more = f"; and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
    message = (
        f"{len(reasons)} times an annotation states another area or bbox than its outline draws: "
        f"{'; '.join(reasons[:_SHOWN])}{more}"
    )
    return [Finding("annotation-contradictions", message, cases)]


def _boxes(reports: Sequence[CaseReport]) -> list[Finding]:
    """Return that the masks are boxes where most of them are, and that some are where some are."""
    total = sum(report.facts.get("annotations", 0) for report in reports)
    boxed = _cases(reports, lambda facts: facts.get("boxes"))
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
    bare = _cases(reports, lambda facts: facts.get("annotations") == 0)
    of_all = f"{len(bare)} of {len(reports)} images"
    message = f"{of_all} have no annotation of the tumour: their mask is empty"
    return [Finding("no-annotation", message, bare)] if bare else []


def idle_categories(reports: Sequence[CaseReport], known: set[str]) -> list[Finding]:
    """Name the categories (``<id>: <name>``) that no annotation has."""
    used: Counter[str] = Counter()
    for report in reports:
        used.update(report.facts.get("categories", {}))
    idle = sorted(known - set(used))
    if not idle:
        return []
    message = f"no annotation has the categories {', '.join(idle)}; in use: " + (
        ", ".join(sorted(used)) or "none"
    )
    return [Finding("unused-categories", message)]


def repeated_ids(folder: str, content: Content) -> list[Finding]:
    """Return which annotation ids are not unique: merged exports, of which one may be a copy."""
    ids = Counter(named(item) for item in content.annotations if "id" in item)
    repeated = [name for name, count in ids.items() if count > 1]
    if not repeated:
        return []
    message = f"{folder}: {len(repeated)} ids of annotations occur more than once, such as "
    return [Finding("repeated-annotation-ids", message + ", ".join(repeated[:3]))]
