"""The measured leak, and what fold, seed and model add to a score, as tables of a page."""

from collections.abc import Sequence
from typing import Any

from gliomake.report.comparisons import COMPARED
from gliomake.report.inputs import StudyInputs, records
from gliomake.report.keys import LeakageKey, SpreadKey
from gliomake.report.numbers import STATES, Number, NumberBook
from gliomake.report.scores import conventions_of, enter_score
from gliomake.report.table import Cell, Column, Table, plain, scored, text
from gliomake.report.words import SUBSETS, metric_title, rule_title


def _cell(row: dict[str, Any]) -> list[Cell]:
    """Say of a row what was scored, in the order of `_cell_columns`."""
    return [
        text(row["subset"]),
        text(row["class"]),
        text(metric_title(row["metric"])),
        text(rule_title(row["convention"])),
        text(STATES[bool(row["postprocess"])]),
    ]


def _cell_columns() -> list[Column]:
    return [
        Column("Subset", choices=True),
        Column("Class", choices=True),
        Column("Metric", choices=True, chosen=metric_title("dice")),
        Column("Averaging rule", choices=True),
        Column("Masks", choices=True, chosen=STATES[False], optional=True),
    ]


def protocol_table(inputs: StudyInputs, book: NumberBook) -> Table | None:
    """Put the Dice of a split of slices beside that of the study's main run.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    book : NumberBook
        The page's numbers; the scores are entered.

    Returns
    -------
    Table or None
        One row a model and class, under the main convention; None where no run splits slices.
    """
    frame = inputs.scores
    frame = frame[
        (frame["subset"] == inputs.subset)
        & (frame["metric"] == "dice")
        & (frame["convention"] != "image")
        & ~frame["postprocess"].astype(bool)
    ]
    leaky = sorted({run for run in frame["run"] if run.startswith("slice-")})
    if not leaky:
        return None
    runs = [*leaky, inputs.main_run]
    convention = main_convention(conventions_of(frame))
    frame = frame[(frame["convention"] == convention) & frame["run"].isin(runs)]
    columns = [Column("Model"), Column("Class", optional=True)]
    columns += [Column(f"{run}, with leakage", numeric=True) for run in leaky]
    columns.append(Column(inputs.main_run, numeric=True))
    rows = []
    for (model, class_), part in frame.groupby(["model", "class"], sort=False):
        numbers = {row["run"]: enter_score(inputs, book, row) for row in records(part)}
        if numbers.keys() & set(leaky):
            rows.append([text(model), text(class_), *(scored(numbers.get(run)) for run in runs)])
    masks = inputs.masks(False)
    rule = rule_title(convention).lower()
    caption = f"Dice, {rule}, {SUBSETS[inputs.subset]} set{masks}, with 95 % intervals"
    return Table("protocols", caption, columns, rows).compact()


def main_convention(conventions: Sequence[str]) -> str:
    """Choose the convention to show where there is room for one: the mean over patients."""
    return "patient" if "patient" in conventions else conventions[0]


def leakage_table(inputs: StudyInputs, book: NumberBook) -> Table | None:
    """Show what each leak adds to each score.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    book : NumberBook
        The page's numbers; the differences are entered.

    Returns
    -------
    Table or None
        None where no leak was measured.
    """
    frame = inputs.table(inputs.leakage)
    if frame.empty:
        return None
    columns = [
        Column("Model", choices=True),
        Column(
            "Leaked minus clean",
            numeric=True,
            help="with its 95 % interval over patients and seeds",
        ),
        Column(
            "Leak, %",
            numeric=True,
            help="share of the test patients' other slices that were trained on",
        ),
        *_cell_columns(),
        *(Column(name, numeric=True) for name in ("Patients", "Folds", "Seeds")),
    ]
    rows = [
        [
            text(row["model"]),
            scored(_leak(inputs, book, row)),
            plain(row["leak"]),
            *_cell(row),
            *(plain(row[name]) for name in ("patients", "folds", "seeds")),
        ]
        for row in records(frame[frame["metric"].isin(COMPARED)])
    ]
    caption = "What slices of the test patients in training add to the score"
    return Table("leakage-table", caption, columns, rows).compact()


def _leak(inputs: StudyInputs, book: NumberBook, row: dict[str, Any]) -> Number:
    names = (f"leak{row['leak']}-", "leak0-")
    runs = [f for f in inputs.runs if f.model == row["model"] and f.run.startswith(names)]
    return book.enter(
        LeakageKey.of(row),
        study=inputs.id,
        value=row["difference"],
        interval=row,
        n=row["patients"],
        files=[*(each.counts for each in runs), inputs.leakage],
    )


def spread_table(inputs: StudyInputs, book: NumberBook) -> Table | None:
    """Show how much model, fold and seed move each score.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    book : NumberBook
        The page's numbers; the standard deviations are entered.

    Returns
    -------
    Table or None
        None where the runs do not allow it to be told.
    """
    frame = inputs.table(inputs.spread)
    if frame.empty:
        return None
    columns = [
        Column("Source", choices=True),
        *_cell_columns(),
        Column("Standard deviation", numeric=True, help="in units of the score"),
        *(
            Column(name, numeric=True)
            for name in ("Degrees of freedom", "Models", "Folds", "Seeds")
        ),
    ]
    files = [f for f in inputs.runs if f.run.startswith("leak0-")]
    rows = []
    for row in records(frame[frame["metric"].isin(COMPARED)]):
        number = book.enter(
            SpreadKey.of(row),
            study=inputs.id,
            value=row["sd"],
            files=[*(each.counts for each in files), inputs.spread],
        )
        rows.append(
            [
                text(row["source"]),
                *_cell(row),
                scored(number),
                *(plain(row[n]) for n in ("degrees_of_freedom", "models", "folds", "seeds")),
            ]
        )
    caption = "How much of a score is model, fold and seed"
    return Table("spread-table", caption, columns, rows).compact()
