"""What must hold of scores and of predictions brought along, as far as a study's page shows it."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from string import Formatter

from gliomake.study.evaluation import NATIVE, Brought
from gliomake.study.faults import Fault, meant
from gliomake.study.forms import ARRAYS, PICTURES, RESULTS, STORED, VOLUMES, suffix
from gliomake.study.model import Study
from gliomake.study.run import ALL, parse_run

FIELDS = ("case", "patient", "slice", "class")


def evaluation_faults(study: Study) -> Iterator[Fault]:
    """Check what a study says of its scores and of predictions that are brought along.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Fault
        A grid, a run, a region, a pattern or labels that do not fit.
    """
    if study.brought and not study.evaluation.native:
        what = f"found {study.evaluation.grid!r}; predictions that are brought along are of the"
        yield Fault(("evaluation", "grid"), f"{what} scans as they are, so only {NATIVE} will do")
    for index, run in enumerate(study.runs):
        if study.models and parse_run(run).split == ALL:
            what = f"run {run} cannot exist: nothing is left to train {next(iter(study.models))} on"
            yield Fault(("runs", str(index)), what)
    if study.models and not study.training:
        yield Fault(("training",), "is missing; it says how the models are trained")
    for name, classes in study.regions.items():
        if name in (*study.classes, "mean"):
            what = "the name is that of a class; take another"
            yield Fault(("regions", name), what)
        for each in classes:
            if each not in study.classes:
                what = f"the study has no class {each!r}; {meant(each, study.classes)}"
                yield Fault(("regions", name), what)
    for name, block in study.brought.items():
        where = ("models", name, "predictions")
        for reason in _pattern_faults(block.pattern):
            yield Fault((*where, "pattern"), f"found {block.pattern!r}; {reason}")
        yield from _label_faults(study, block, where)


def _pattern_faults(pattern: str) -> Iterator[str]:
    end = suffix(pattern)
    if not end:
        listed = ", ".join((".nii.gz", ARRAYS, *PICTURES, RESULTS, STORED))
        yield f"expected a file name that ends in one of {listed}"
        return
    try:
        fields = [name for _, name, _, _ in Formatter().parse(pattern) if name is not None]
    except ValueError as error:
        yield str(error)
        return
    one = end in (RESULTS, STORED)
    allowed = ("folder",) if end == RESULTS else () if one else FIELDS
    for name in fields:
        if name not in allowed:
            known = [f"{{{each}}}" for each in allowed]
            yield meant(f"{{{name}}}", known) if known else "one file holds all: no braces"
    if not one and not {"case", "patient"} & set(fields):
        yield "put {case} where the case's name stands"
    if end in VOLUMES and "slice" in fields:
        yield f"a {end} file is a whole volume: take {{slice}} out"
    if end == ARRAYS and "class" in fields:
        yield "an .npz file holds all classes: take {class} out"
    if PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
        yield "expected a path below `root`"


def _label_faults(study: Study, block: Brought, where: tuple[str, ...]) -> Iterator[Fault]:
    if not block.labels:
        return
    for name in block.labels:
        if name not in study.classes:
            what = f"the study has no class {name!r}; {meant(name, study.classes)}"
            yield Fault((*where, "labels", name), what)
    for name in study.classes:
        if name not in block.labels:
            yield Fault((*where, "labels"), f"class {name} has no values; give each class its own")
    for name, values in block.labels.items():
        if 0 in values and suffix(block.pattern) != RESULTS:
            yield Fault((*where, "labels", name), "found 0, which is the background")
