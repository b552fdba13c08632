"""What a reader of the report must know of a BraTS data set that refuses nothing."""

from collections import defaultdict
from collections.abc import Sequence

from gliomake.datasets.base import CaseReport, Finding
from gliomake.datasets.brats_layout import CLASSES
from gliomake.datasets.brats_releases import RELEASES, Release
from gliomake.datasets.brats_search import Found

BACKGROUND = 0.05
"""A volume of which less than this share is 0, and some is below, has no background of 0."""


def findings_of_release(release: Release, expected: str | None, found: Found) -> list[Finding]:
    """Say which release was read, if not the expected one, and what beside it was left out.

    Parameters
    ----------
    release : Release
        What was read.
    expected : str or None
        The release that the data set is about.
    found : Found
        What lies under the root.
    """
    findings = []
    if expected and release.id != expected:
        findings.append(
            Finding(
                "release",
                f"these are cases of {release.title}, where {RELEASES[expected].title} is expected;"
                f" labels were read as {release.describe_labels()}",
            )
        )
    for ids, count in sorted(found.left_out.items()):
        titles = " or ".join(RELEASES[name].title for name in ids)
        findings.append(
            Finding("left-out", f"{count} cases of {titles} lie beside, and were not read")
        )
    if found.without_masks:
        folders = tuple(str(path) for path in found.without_masks)
        message = f"{len(folders)} validation cases, which have no masks, were not read"
        findings.append(Finding("no-masks", message, files=folders))
    return findings


def findings_across(reports: Sequence[CaseReport]) -> list[Finding]:
    """Find what shows when the cases are seen together, and gather what is said of several."""
    return [
        *_duplicates(reports),
        *_empty_masks(reports),
        *_geometries(reports),
        *_names(reports),
        *_backgrounds(reports),
        *_cavities(reports),
    ]


def findings_of_volumes(reports: Sequence[CaseReport]) -> list[Finding]:
    """Find what of `findings_across` holds of any data set: its classes are not known here."""
    return [*_duplicates(reports), *_geometries(reports), *_backgrounds(reports)]


def _duplicates(reports: Sequence[CaseReport]) -> list[Finding]:
    groups: dict[str, list[str]] = defaultdict(list)
    for report in reports:
        for digest in set(report.facts.get("sha256", {}).values()):
            groups[digest].append(report.case)
    repeats = sorted({tuple(cases) for cases in groups.values() if len(cases) > 1})
    return [
        Finding("duplicate-cases", f"the same volume in {' and '.join(cases)}", cases)
        for cases in repeats
    ]


def _empty_masks(reports: Sequence[CaseReport]) -> list[Finding]:
    empty = tuple(
        report.case
        for report in reports
        if report.slices and not any(row[name] for row in report.slices for name in CLASSES)
    )
    message = f"{len(empty)} of {len(reports)} cases have no tumour in any slice"
    return [Finding("no-tumour", message, empty)] if empty else []


def _geometries(reports: Sequence[CaseReport]) -> list[Finding]:
    """Say where shape, spacing or orientation is not that of most cases."""
    findings = []
    for fact in ("shape", "spacing", "orientation"):
        groups: dict[str, list[str]] = defaultdict(list)
        for report in reports:
            if fact in report.facts:
                groups[str(report.facts[fact])].append(report.case)
        common = max(groups, key=lambda value: len(groups[value]), default="")
        findings += [
            Finding(f"differing-{fact}", f"{fact} {value} where most have {common}", tuple(cases))
            for value, cases in sorted(groups.items())
            if value != common
        ]
    return findings


def _names(reports: Sequence[CaseReport]) -> list[Finding]:
    """List files that were read though their name is not the published one."""
    files = [
        (report.case, name)
        for report in reports
        for name in report.facts.get("other_names", {}).values()
    ]
    if not files:
        return []
    cases = tuple(sorted({case for case, _ in files}))
    message = f"{len(files)} files have another name than the release's; the first is {files[0][1]}"
    return [Finding("other-names", message, cases, tuple(name for _, name in files))]


def _backgrounds(reports: Sequence[CaseReport]) -> list[Finding]:
    moved = tuple(r.case for r in reports if r.facts.get("background_shifted_to_0"))
    without = tuple(
        report.case
        for report in reports
        if any(
            share < BACKGROUND and report.facts["intensity"][name]["min"] < 0
            for name, share in report.facts.get("zeros", {}).items()
        )
    )
    findings = []
    if moved:
        message = (
            f"the background of {len(moved)} cases is not 0 (standardised before they were stored?)"
            " and was moved to 0"
        )
        findings.append(Finding("background-moved", message, moved))
    if without:
        message = (
            f"hardly any voxel of {len(without)} cases is 0 and some are below (standardised, with "
            "no background to be known?): what is normalised over non-zero voxels is normalised "
            "over all"
        )
        findings.append(Finding("no-background", message, without))
    return findings


def _cavities(reports: Sequence[CaseReport]) -> list[Finding]:
    """List cases with labels that their release has and that are no tumour."""
    cases: dict[str, list[str]] = defaultdict(list)
    for report in reports:
        release = RELEASES.get(report.facts.get("release", ""))
        for label, (name, part) in (release.labels if release else {}).items():
            if not part and str(label) in report.facts["labels"]:
                cases[f"label {label} ({name})"].append(report.case)
    return [
        Finding(
            "no-tumour-label",
            f"{what} in {len(found)} cases was taken for background",
            tuple(found),
        )
        for what, found in sorted(cases.items())
    ]
