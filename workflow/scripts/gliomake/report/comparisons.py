"""Models against each other, as a table of a page, and which of them is best."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from gliomake.report.charts import Chart
from gliomake.report.forest import TOO_FEW, forest_plots
from gliomake.report.inputs import StudyInputs, records
from gliomake.report.keys import ComparisonKey, ScoreKey
from gliomake.report.numbers import STATES, Number, NumberBook
from gliomake.report.rules import sample
from gliomake.report.scores import class_order, conventions_of, enter_score
from gliomake.report.table import Cell, Column, Table, plain, scored, text
from gliomake.report.words import SUBSETS, metric_title, rule_title
from gliomake.scoring.compare import FEWEST_PATIENTS
from gliomake.study.model import BASELINES

# The page compares models by these; comparisons.tsv has all metrics.
COMPARED = ("dice", "iou", "hd95", "accuracy")


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
    frame = _compared(inputs)
    if frame.empty:
        return None
    best = best_model(inputs)
    columns = _comparison_columns(inputs, conventions_of(frame), best)
    rows = []
    for row in records(frame):
        number = _difference(inputs, book, row)
        pair = (str(row["model_a"]), str(row["model_b"]))
        rows.append(
            [
                *(text(model) for model in pair),
                scored(number),
                says(number, *pair),
                text(f"with {best}" if best in pair else "without it"),
                *(text(row[key]) for key in ("run", "subset", "class")),
                text(metric_title(row["metric"])),
                text(rule_title(row["convention"])),
                text(STATES[bool(row["postprocess"])]),
                plain(row["n"]),
                plain(row["patients_to_settle"]),
            ]
        )
    caption = "Pairs of models on the same patients: the difference and its interval"
    return Table("comparisons", caption, columns, rows).compact()


def comparison_charts(inputs: StudyInputs) -> list[Chart]:
    """Draw the differences in Dice as forest plots, from the rows of `comparison_table`.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    list of Chart
        The best model against the others, then all other pairs; none where no model has a Dice.
    """
    ranked = records(_ranked(inputs))
    return forest_plots(inputs, _compared(inputs), ranked[0]) if ranked else []


def _compared(inputs: StudyInputs) -> pd.DataFrame:
    """Read the comparisons that the page shows."""
    frame = inputs.table(inputs.comparisons)
    if frame.empty:
        return frame
    return frame[
        frame["metric"].isin(COMPARED)
        & ((frame["metric"] != "accuracy") | (frame["convention"] == "image"))
    ]


def _ranked(inputs: StudyInputs) -> pd.DataFrame:
    """Rank the models by Dice, one rule and class: the mean per patient and over classes if any."""
    frame = inputs.scores
    frame = frame[
        (frame["run"] == inputs.main_run)
        & (frame["subset"] == inputs.reported_subset)
        & (frame["metric"] == "dice")
        & ~frame["postprocess"].astype(bool)
        & ~frame["model"].isin(BASELINES)
        & frame["value"].notna()
    ]
    rules = [rule for rule in ("patient", "pooled") if rule in set(frame["convention"])]
    classes = class_order(inputs.study.classes, frame["class"])
    if not rules or not classes:
        return frame.iloc[:0]
    frame = frame[(frame["convention"] == rules[0]) & (frame["class"] == classes[0])]
    order = frame["value"].astype(float).sort_values(ascending=False, kind="stable").index
    return frame.loc[order]


def best_model(inputs: StudyInputs) -> str:
    """Find the model of the highest Dice.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    str
        On the subset that the report is about, main run; empty where no model has a Dice.
    """
    ranked = _ranked(inputs)
    return "" if ranked.empty else str(ranked["model"].iloc[0])


def best_and_next(inputs: StudyInputs, book: NumberBook) -> dict[str, Any]:
    """Describe the best model, the next one, and what their difference settles.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    book : NumberBook
        Where the numbers are entered.

    Returns
    -------
    dict
        ``model number class rule subset sample``; with a second model also ``rival
        rival_number``, and where both were compared ``difference of verdict``. Empty where no
        model has a Dice.
    """
    ranked = records(_ranked(inputs))
    if not ranked:
        return {}
    first = ranked[0]
    patients = inputs.run_files(first["model"], first["run"]).patients_of.get(first["subset"])
    slices = inputs.scores_by_key[ScoreKey.of(first | {"convention": "pooled"})]["n"]
    found = {
        "model": first["model"],
        "number": enter_score(inputs, book, first),
        "class": first["class"] if len(inputs.study.classes) > 1 else "",
        "rule": rule_title(first["convention"]).lower(),
        "subset": SUBSETS[first["subset"]],
        "sample": sample(slices, patients),
    }
    if len(ranked) == 1:
        return found
    second = ranked[1]
    found |= {"rival": second["model"], "rival_number": enter_score(inputs, book, second)}
    table = inputs.table(inputs.comparisons)
    pair = {first["model"], second["model"]}
    keys = ("run", "subset", "class", "metric", "convention", "postprocess")
    for row in records(table):
        if {row["model_a"], row["model_b"]} == pair and all(row[k] == first[k] for k in keys):
            names = (str(row["model_a"]), str(row["model_b"]))
            number = _difference(inputs, book, row)
            verdict = says(number, *names).text
            found |= {"difference": number, "of": " minus ".join(names), "verdict": verdict}
    return found


def _comparison_columns(inputs: StudyInputs, conventions: Sequence[str], best: str) -> list[Column]:
    rule = "patient" if "patient" in conventions else conventions[0]
    return [
        Column("A", choices=True),
        Column("B", choices=True),
        Column("A minus B", numeric=True, help="with its 95 % interval, paired over patients"),
        Column("Verdict", choices=True, help="which model is higher, where the interval tells"),
        Column(
            "Pair",
            choices=True,
            chosen=f"with {best}" if best else "",
            optional=True,
            help="whether one of the two is the model of the highest Dice",
        ),
        Column("Run", choices=True, chosen=inputs.main_run, optional=True),
        Column("Subset", choices=True, chosen=inputs.reported_subset),
        Column("Class", choices=True),
        Column("Metric", choices=True, chosen=metric_title("dice")),
        Column("Averaging rule", choices=True, chosen=rule_title(rule)),
        Column("Masks", choices=True, chosen=STATES[False], optional=True),
        Column("n", numeric=True, help="patients; images where there are no patients"),
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


def says(number: Number, a: str, b: str) -> Cell:
    """Say what a difference of two models settles; in grey where it settles nothing."""
    if number.ci_low is None or number.ci_high is None:
        return Cell("undefined", "undefined", faint=True)
    if (number.n or 0) < FEWEST_PATIENTS:
        return Cell(TOO_FEW, TOO_FEW, faint=True)
    if number.ci_low > 0:
        return text(f"{a} is higher")
    if number.ci_high < 0:
        return text(f"{b} is higher")
    return Cell("inconclusive", "inconclusive", title="the interval includes 0", faint=True)
