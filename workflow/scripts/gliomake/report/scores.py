"""Scores, comparisons and the measured leak as tables of a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gliomake.report.inputs import StudyInputs, records
from gliomake.report.keys import ComparisonKey, ScoreKey
from gliomake.report.numbers import STATES, Number, NumberBook
from gliomake.report.run_files import RunFiles
from gliomake.report.table import Column, Table, plain, scored, text
from gliomake.scoring.compare import FEWEST_PATIENTS
from gliomake.scoring.metrics import DISTANCE_METRICS
from gliomake.scoring.patient_metrics import LESION_METRICS
from gliomake.study.model import BASELINES, GATED

CONVENTIONS = {
    "pooled": "all pixels of the subset in one count",
    "patient": "a patient's slices in one count, then the mean over patients",
    "slice-empty1": "mean over slices; a slice empty in truth and mask counts 1",
    "slice-empty0": "mean over slices; a slice empty in truth and mask counts 0",
    "slice-skip": "mean over slices; slices empty in truth and mask are left out",
    "slice-tumour": "mean over the slices that have tumour in the truth",
    "image": "one decision an image",
}
# The page compares models by these; comparisons.tsv has all metrics.
COMPARED = ("dice", "iou", "hd95", "accuracy")


class StaleTableError(ValueError):
    """A table that was built from other scores than those beside it."""


def _behind(inputs: StudyInputs, files: RunFiles, row: dict[str, Any]) -> list[Path | None]:
    """Name the files that a score rests on."""
    region, metric = row["class"] in inputs.study.regions, row["metric"]
    if metric in LESION_METRICS:
        return [files.counts, files.patients]
    if region:
        return [files.regions, files.patients if metric in DISTANCE_METRICS else None]
    return [files.counts, files.distances if metric in DISTANCE_METRICS else None]


def enter_score(inputs: StudyInputs, book: NumberBook, row: dict[str, Any]) -> Number:
    """Enter one row of ``metrics.json`` among a page's numbers.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    book : NumberBook
        The page's numbers.
    row : dict
        A row, with its model.

    Returns
    -------
    Number
        The number with its provenance.
    """
    files = inputs.run_files(row["model"], row["run"])
    return book.enter(
        ScoreKey.of(row),
        study=inputs.id,
        value=row["value"],
        interval=row,
        n=row["n"],
        files=_behind(inputs, files, row),
    )


def conventions_of(frame: pd.DataFrame) -> list[str]:
    """List the conventions that a set of scores has, in the order of their definitions."""
    present = set(frame["convention"])
    return [name for name in CONVENTIONS if name in present]


def score_tables(inputs: StudyInputs, book: NumberBook) -> list[Table]:
    """Show all scores, a column a convention; classifiers have a table of their own.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    book : NumberBook
        The page's numbers; all scores are entered.

    Returns
    -------
    list of Table
        Segmentation first.
    """
    frame = inputs.scores
    images = frame["convention"] == "image"
    tables = []
    for name, part in (("segmentation", frame[~images]), ("classification", frame[images])):
        if len(part):
            tables.append(_score_table(inputs, book, name, part))
    return tables


def _score_table(inputs: StudyInputs, book: NumberBook, name: str, frame: pd.DataFrame) -> Table:
    conventions = conventions_of(frame)
    keys = ["model", "run", "subset", "class", "metric", "postprocess"]
    metrics = list(dict.fromkeys(frame["metric"]))
    subset = inputs.reported_subset
    chosen = {
        "run": inputs.main_run,
        "subset": subset if (frame["subset"] == subset).any() else "",
        "metric": "dice" if "dice" in metrics else "",
        "postprocess": STATES[False],
    }
    columns = [
        Column("Model", choices=True),
        Column("Run", choices=True, chosen=chosen["run"]),
        Column("Subset", choices=True, chosen=chosen["subset"]),
        Column("Class", choices=True),
        Column("Metric", choices=True, chosen=chosen["metric"]),
        Column("Masks", choices=True, chosen=chosen["postprocess"], optional=True),
        *(Column(each, numeric=True, help=CONVENTIONS[each]) for each in conventions),
        Column("n", numeric=True, help="slices pooled; patients for hd95 and nsd; or images"),
    ]
    rows = []
    groups: dict[tuple, list[dict[str, Any]]] = {}
    for row in records(frame):
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    for values, part in groups.items():
        labels = dict(zip(keys, values, strict=True))
        numbers = {row["convention"]: enter_score(inputs, book, row) for row in part}
        first = next(iter(numbers.values()))
        rows.append(
            [
                *(text(labels[key]) for key in keys[:-1]),
                text(STATES[bool(labels["postprocess"])]),
                *(scored(numbers.get(each)) for each in conventions),
                plain(numbers.get("pooled", first).n),
            ]
        )
    what = "Scores of every run" if name == "segmentation" else "Scores of the classifier"
    caption = f"{what}, subset, class and metric under every convention, with 95 % intervals"
    return Table(f"scores-{name}", caption, columns, rows).compact()


def headline(inputs: StudyInputs, book: NumberBook) -> list[dict[str, Any]]:
    """Pick the scores that the page opens with: Dice of the main run, each class, each model.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    book : NumberBook
        The page's numbers.

    Returns
    -------
    list of dict
        One a class: ``class``, ``subset``, ``conventions`` and ``rows`` of
        ``model``, ``kind`` (``model``, ``gated`` or ``baseline``) and ``numbers``.
    """
    frame = inputs.scores
    frame = frame[
        (frame["run"] == inputs.main_run)
        & (frame["metric"] == "dice")
        & (frame["convention"] != "image")
        & ~frame["postprocess"].astype(bool)
    ]
    blocks = []
    for subset in dict.fromkeys((inputs.reported_subset, inputs.subset)):
        part = frame[frame["subset"] == subset]
        classes = _class_order([*inputs.study.classes, *inputs.study.regions], part["class"])
        # Beside the subset that the document reports on, the test set in short.
        for class_ in classes if subset == inputs.reported_subset else classes[:1]:
            blocks.append(_headline_block(inputs, book, part[part["class"] == class_]))
    return blocks


def _headline_block(inputs: StudyInputs, book: NumberBook, frame: pd.DataFrame) -> dict[str, Any]:
    conventions = conventions_of(frame)
    rows = []
    for model, part in frame.groupby("model", sort=False):
        numbers = {row["convention"]: enter_score(inputs, book, row) for row in records(part)}
        ordered = [numbers.get(each) for each in conventions]
        rows.append({"model": model, "kind": model_kind(str(model)), "numbers": ordered})
    return {
        "class": frame["class"].iloc[0],
        "subset": frame["subset"].iloc[0],
        "masks": inputs.masks(False),
        "conventions": conventions,
        "rows": rows,
    }


def with_ids(block: dict[str, Any]) -> dict[str, Any]:
    """Give a block of the headline with the ids of its numbers in their place."""
    rows = [
        row | {"numbers": [number.id if number else None for number in row["numbers"]]}
        for row in block["rows"]
    ]
    return block | {"rows": rows}


def _class_order(classes: Sequence[str], present: pd.Series) -> list[str]:
    found = set(present)
    return [name for name in ("mean", *classes) if name in found]


def model_kind(model: str) -> str:
    """Distinguish a trained model from one behind the gate and from a trivial baseline."""
    if model in BASELINES:
        return "baseline"
    return "gated" if model.endswith(GATED) else "model"


def comparison_table(inputs: StudyInputs, book: NumberBook) -> Table | None:
    """Show the paired comparisons of models.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    book : NumberBook
        The page's numbers; the differences are entered.

    Returns
    -------
    Table or None
        None where nothing was compared.
    """
    frame = inputs.table(inputs.comparisons)
    if frame.empty:
        return None
    frame = frame[
        frame["metric"].isin(COMPARED)
        & ((frame["metric"] != "accuracy") | (frame["convention"] == "image"))
    ]
    columns = _comparison_columns(inputs, conventions_of(frame))
    rows = []
    for row in records(frame):
        number = _difference(inputs, book, row)
        rows.append(
            [
                *(text(row[key]) for key in ("model_a", "model_b", "run", "subset", "class")),
                *(text(row[key]) for key in ("metric", "convention")),
                text(STATES[bool(row["postprocess"])]),
                scored(number),
                text(_says(number, str(row["model_a"]), str(row["model_b"]))),
                plain(row["n"]),
                plain(row["patients_to_settle"]),
            ]
        )
    caption = "Every pair of models on the same patients: the difference and its interval"
    return Table("comparisons", caption, columns, rows).compact()


def _comparison_columns(inputs: StudyInputs, conventions: Sequence[str]) -> list[Column]:
    return [
        Column("A", choices=True),
        Column("B", choices=True),
        Column("Run", choices=True, chosen=inputs.main_run, optional=True),
        Column("Subset", choices=True, chosen=inputs.reported_subset),
        Column("Class", choices=True),
        Column("Metric", choices=True, chosen="dice"),
        Column(
            "Convention",
            choices=True,
            chosen="patient" if "patient" in conventions else conventions[0],
        ),
        Column("Masks", choices=True, chosen=STATES[False], optional=True),
        Column("A minus B", numeric=True, help="with its 95 % interval, paired over patients"),
        Column("Says", choices=True),
        Column("n", numeric=True),
        Column(
            "Patients for 80 % power",
            numeric=True,
            help="where a difference is inconclusive: the sample size at which one this large "
            "would be found in 80 % of samples",
        ),
    ]


def _difference(inputs: StudyInputs, book: NumberBook, row: dict[str, Any]) -> Number:
    files = [inputs.run_files(row[key], row["run"]) for key in ("model_a", "model_b")]
    return book.enter(
        ComparisonKey.of(row),
        study=inputs.id,
        value=row["difference"],
        interval=row,
        n=row["n"],
        files=[*(each.counts for each in files), inputs.comparisons],
    )


def _says(number: Number, a: str, b: str) -> str:
    if number.ci_low is None or number.ci_high is None:
        return "undefined"
    if (number.n or 0) < FEWEST_PATIENTS:
        return "too few patients to tell"
    if number.ci_low > 0:
        return f"{a} is higher"
    if number.ci_high < 0:
        return f"{b} is higher"
    return "inconclusive: the interval includes 0"
