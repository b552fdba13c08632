"""Items of the checklist that the data set and its splits answer."""

from typing import Any

import pandas as pd

from gliomake.files.tsv import read_tsv
from gliomake.report.inputs import StudyInputs
from gliomake.reporting.answers import Absent, Answer, fills, main_split, share, trained

SUBSETS = ("train", "val", "test")
DEALT = {
    "predefined": "as the data set's folders have it",
    "slice": "at random, by slice",
    "all": "all are tested",
}
"""By the method of a split; all others are drawn by patient, or by image where none is known."""
DEMOGRAPHIC = ("age", "age_at_initial_pathologic", "gender", "sex", "race", "ethnicity")
CLINICAL = ("grade", "neoplasm_histologic_grade", "histological_type", "survival_days")


@fills(5)
def _design(inputs: StudyInputs) -> Answer:
    value = f"retrospective: data set {inputs.checks['dataset']} existed before"
    return Answer(value, (inputs.integrity,), "whether its collection was prospective")


@fills(7)
def _sources(inputs: StudyInputs) -> Answer:
    checks, told = inputs.checks, inputs.about_data
    made = "synthetic images in the layout of " if checks["data"] == "phantom" else ""
    value = f"{made}{told.get('title', checks['dataset'])}: {checks['cases']['found']} cases found"
    if not told.get("source"):
        left = "from where and by whom: `source` and `terms` on the data set's page"
        return Answer(value, (inputs.integrity,), left)
    terms = f"; terms: {told['terms']}" if told.get("terms") else ""
    return Answer(f"{value}; {told['source']}{terms}", (inputs.integrity,))


@fills(8)
def _included(inputs: StudyInputs) -> Answer:
    cases, rejected = inputs.checks["cases"], inputs.checks["refused"]
    value = f"all cases that can be read: {cases['kept']} of {cases['found']}"
    if rejected:
        value += f", {len(rejected)} files rejected"
    return Answer(value, (inputs.integrity,), "criteria by which the data set was collected")


@fills(10)
def _subsets(inputs: StudyInputs) -> Answer:
    path, split = main_split(inputs)
    whole = len(read_tsv(inputs.slices))
    chosen = {"all": "all slices", "tumour": "slices with tumour"}
    kind = inputs.study.preprocess.slices
    value = f"{chosen.get(kind, kind)}: {len(split)} of {whole}"
    return Answer(value, (path, inputs.slices))


@fills(12)
def _missing(inputs: StudyInputs) -> Answer:
    rejected = inputs.checks["refused"]
    filled = [each for each in inputs.checks["findings"] if "missing" in each["kind"]]
    said = [f"{len(rejected)} files rejected, with their reasons listed"]
    said += [f"{len(each['cases'])} cases: {each['message']}" for each in _alike(filled)]
    return Answer("; ".join(said), (inputs.integrity,))


def _alike(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put findings of the same words together, with the cases of all."""
    cases: dict[str, list[str]] = {}
    for each in findings:
        cases.setdefault(each["message"], []).extend(each["cases"])
    return [{"message": message, "cases": named} for message, named in cases.items()]


@fills(13)
def _acquisition(inputs: StudyInputs) -> Answer:
    cases = read_tsv(inputs.cases)
    edges = cases[["spacing_x", "spacing_y", "spacing_z"]].apply(pd.to_numeric).dropna()
    if edges.empty:
        raise Absent("the files hold no voxel sizes")
    ranges = " x ".join(
        f"{low:g}" if low == high else f"{low:g} to {high:g}"
        for low, high in zip(edges.min(), edges.max(), strict=True)
    )
    channels = ", ".join(inputs.checks["fingerprint"]["intensity"])
    left = "scanners, field strength, sequence parameters"
    return Answer(f"{channels}; voxels {ranges} mm", (inputs.cases, inputs.integrity), left)


@fills(19)
def _dealt(inputs: StudyInputs) -> Answer:
    path, split = main_split(inputs)
    sizes = ", ".join(f"{name} {share(split[split['subset'] == name])}" for name in SUBSETS)
    drawn = "at random, by patient" if split["patient"].ne("").any() else "at random, by image"
    how = DEALT.get(path.stem.partition("-")[0], drawn)
    return Answer(f"{path.stem}: {how}; {sizes}", (path,))


@fills(20)
def _disjoint(inputs: StudyInputs) -> Answer:
    path, split = main_split(inputs)
    known = split[split["patient"] != ""]
    if known.empty:
        left = "whether images of one patient stand on both sides"
        return Answer("by image; the data set has no patient ids", (path,), left)
    both = int((known.groupby("patient")["subset"].nunique() > 1).sum())
    if both:
        return Answer(f"by slice: {both} patients stand in more than one set", (path,))
    return Answer("by patient: no patient stands in two sets (counted)", (path,))


@fills(21)
def _size(inputs: StudyInputs) -> Answer:
    path, split = main_split(inputs)
    value = f"test set: {share(split[split['subset'] == 'test'])}"
    return Answer(value, (path,), "how the size was chosen")


@fills(32)
def _internal(inputs: StudyInputs) -> Answer:
    path, split = main_split(inputs)
    subset = inputs.reported_subset
    value = f"{subset} set of the same data set: {share(split[split['subset'] == subset])}"
    if subset == "val":
        value += "; the set that chose the weights"
    return Answer(value, (path,))


@fills(33)
def _external(inputs: StudyInputs) -> Answer:
    trained(inputs)
    return Answer(f"none: all scores are of {inputs.checks['dataset']}", (inputs.integrity,))


@fills(35)
def _numbers(inputs: StudyInputs) -> Answer:
    path, split = main_split(inputs)
    cases = inputs.checks["cases"]
    sizes = ", ".join(f"{name} {share(split[split['subset'] == name])}" for name in SUBSETS)
    value = f"{cases['found']} cases found, {cases['kept']} kept; {sizes}"
    return Answer(value, (inputs.integrity, path))


@fills(36)
def _people(inputs: StudyInputs) -> Answer:
    path, split = main_split(inputs)
    cases = read_tsv(inputs.cases)
    known = [name for name in (*DEMOGRAPHIC, *CLINICAL) if name in cases and cases[name].any()]
    if not known:
        raise Absent("the data set comes without facts about its patients")
    sides = split.drop_duplicates("patient").set_index("patient")["subset"]
    subset = cases["patient"].map(sides)
    said = []
    for name in known:
        parts = [f"{side} {_spread(cases.loc[subset == side, name])}" for side in SUBSETS]
        said.append(f"{name.replace('_', ' ')}: {', '.join(parts)}")
    left = "" if set(known) & set(DEMOGRAPHIC) else "age and sex"
    return Answer("; ".join(said), (inputs.cases, path), left)


def _spread(values: pd.Series) -> str:
    """Median and range of numbers of many values, else how often each value is there."""
    told = values[values.astype(str) != ""].dropna()
    numbers = pd.to_numeric(told, errors="coerce")
    if len(told) and numbers.notna().all() and numbers.nunique() > 5:
        return f"median {numbers.median():g} ({numbers.min():g} to {numbers.max():g})"
    counts = told.astype(str).value_counts().sort_index()
    return " / ".join(f"{name}: {count}" for name, count in counts.items()) or "not known"
