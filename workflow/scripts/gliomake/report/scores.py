"""Scores as tables of a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gliomake.report.inputs import StudyInputs, records
from gliomake.report.keys import ScoreKey
from gliomake.report.numbers import STATES, Number, NumberBook
from gliomake.report.rules import few_patients, rule_columns, rule_groups, sample, sample_cell
from gliomake.report.run_files import RunFiles
from gliomake.report.table import Column, Table, scored, text
from gliomake.report.words import RULES, agreement, metric_title
from gliomake.scoring.metrics import DISTANCE_METRICS
from gliomake.scoring.patient_metrics import LESION_METRICS
from gliomake.study.model import BASELINES, GATED


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
    """List the averaging rules that a set of scores has, in the order of their definitions."""
    present = set(frame["convention"])
    return [name for name in RULES if name in present]


def score_tables(inputs: StudyInputs, book: NumberBook) -> list[Table]:
    """Show all scores, a column a rule; classifiers have a table of their own.

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
    keys = ["model", "run", "subset", "class", "metric", "postprocess"]
    metrics = list(dict.fromkeys(frame["metric"]))
    subset = inputs.reported_subset
    groups: dict[tuple, dict[str, Number]] = {}
    for row in records(frame):
        numbers = groups.setdefault(tuple(row[key] for key in keys), {})
        numbers[row["convention"]] = enter_score(inputs, book, row)
    rules = rule_groups(list(groups.values()), conventions_of(frame))
    columns = [
        Column("Model", choices=True),
        Column("Run", choices=True, chosen=inputs.main_run),
        Column("Subset", choices=True, chosen=subset if (frame["subset"] == subset).any() else ""),
        Column("Class", choices=True),
        Column("Metric", choices=True, chosen=metric_title("dice") if "dice" in metrics else ""),
        Column("Masks", choices=True, chosen=STATES[False], optional=True),
        *rule_columns(rules),
        Column("Of", help="what the row rests on, and what its intervals are worth"),
    ]
    rows = []
    for values, numbers in groups.items():
        labels = dict(zip(keys, values, strict=True))
        rows.append(
            [
                *(text(labels[key]) for key in ("model", "run", "subset", "class")),
                text(metric_title(labels["metric"])),
                text(STATES[bool(labels["postprocess"])]),
                *(scored(numbers.get(group[0])) for group in rules),
                sample_cell(inputs, labels, numbers),
            ]
        )
    what = "Scores of every run" if name == "segmentation" else "Scores of the classifier"
    caption = f"{what}, subset, class and metric, by averaging rule, with 95 % intervals"
    caption = ". ".join(filter(None, [caption, agreement(rules)]))
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
        One a class: ``class``, ``subset``, ``masks``, ``rules`` (name and meaning of a column),
        ``agreement`` of rules that are one column, ``sample`` and its ``warning``, and ``rows``
        of ``model``, ``kind`` (``model``, ``gated`` or ``baseline``), ``tag`` and ``numbers``.
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
        classes = class_order([*inputs.study.classes, *inputs.study.regions], part["class"])
        # Beside the subset that the document reports on, the test set in short.
        for class_ in classes if subset == inputs.reported_subset else classes[:1]:
            blocks.append(_headline_block(inputs, book, part[part["class"] == class_]))
    return blocks


def _headline_block(inputs: StudyInputs, book: NumberBook, frame: pd.DataFrame) -> dict[str, Any]:
    of_model = {
        str(model): {row["convention"]: enter_score(inputs, book, row) for row in records(part)}
        for model, part in frame.groupby("model", sort=False)
    }
    groups = rule_groups(list(of_model.values()), conventions_of(frame))
    subset = frame["subset"].iloc[0]
    first = next(iter(of_model))
    patients = inputs.run_files(first, inputs.main_run).patients_of.get(subset)
    numbers = of_model[first]
    slices = numbers.get("pooled", next(iter(numbers.values()))).n or 0
    return {
        "class": frame["class"].iloc[0],
        "subset": subset,
        "masks": inputs.masks(False),
        "rules": [[column.title, column.help] for column in rule_columns(groups)],
        "agreement": agreement(groups),
        "sample": sample(slices, patients),
        "warning": few_patients(patients),
        "rows": [
            {
                "model": model,
                "kind": model_kind(model),
                "tag": model_tag(inputs, model),
                "numbers": [numbers.get(group[0]) for group in groups],
            }
            for model, numbers in of_model.items()
        ],
    }


def with_ids(block: dict[str, Any]) -> dict[str, Any]:
    """Give a block of the headline with the ids of its numbers in their place."""
    rows = [
        row | {"numbers": [number.id if number else None for number in row["numbers"]]}
        for row in block["rows"]
    ]
    return block | {"rows": rows}


def class_order(classes: Sequence[str], present: pd.Series) -> list[str]:
    found = set(present)
    return [name for name in ("mean", *classes) if name in found]


def model_kind(model: str) -> str:
    """Distinguish a trained model from one behind the gate and from a trivial baseline."""
    if model in BASELINES:
        return "baseline"
    return "gated" if model.endswith(GATED) else "model"


def model_tag(inputs: StudyInputs, model: str) -> str:
    """Say in a few words what a row is that no trained model stands for."""
    kind = model_kind(model)
    if kind == "gated":
        return "after the classifier"
    if kind == "model":
        return ""
    data = inputs.study.data
    return (
        f"baseline: threshold on {data.channel}"
        if model == data.baseline
        else "baseline: empty mask"
    )
