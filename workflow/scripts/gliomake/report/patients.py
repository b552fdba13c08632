"""Dice patient by patient: a strip of dots a model, and Dice against the true volume."""

from collections.abc import Iterator
from math import ceil, floor, log10

import pandas as pd

from gliomake.files.tsv import read_tsv
from gliomake.report.charts import Chart, Mark, Scale, dot, framed, label, line, square
from gliomake.report.inputs import StudyInputs, records
from gliomake.report.numbers import format_value
from gliomake.report.run_files import RunFiles
from gliomake.report.table import Column, Table, plain, text
from gliomake.report.words import SUBSETS
from gliomake.scoring.averaging import element_scores
from gliomake.scoring.metrics import COUNT_COLUMNS
from gliomake.study.model import BASELINES

WIDTH, EDGE, STEP, TOP, BOTTOM = 360, 8, 40, 8, 26
NAMED = 2000
"""Dots of a chart at most that name their patients, which takes room."""
PANELS = 12
"""Plots of Dice against volume of a page at most."""
COLUMNS = ["model", "class", "patient", "dice", "truth_ml"]


def patient_scores(inputs: StudyInputs) -> pd.DataFrame:
    """Compute the Dice of each patient, all slices in one count.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`: main run, reported subset, masks as predicted; no baselines. Dice is NaN
        where neither truth nor prediction has a pixel, ``truth_ml`` where no volume was measured.
        No row where the data set names no patients.
    """
    frames = [
        found
        for files in inputs.runs
        if files.run == inputs.main_run
        and files.model not in BASELINES
        and not inputs.study.classifies(files.model)
        and len(found := _of_run(inputs, files))
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)


def _of_run(inputs: StudyInputs, files: RunFiles) -> pd.DataFrame:
    keys = ["class", "patient"]
    counts = _raw(inputs, read_tsv(files.counts))
    counts = counts[counts["patient"] != ""]
    sums = counts.groupby(keys, as_index=False)[COUNT_COLUMNS].sum()
    sums = sums.assign(
        model=files.model, dice=element_scores(sums[COUNT_COLUMNS].to_numpy(), "dice")
    )
    volumes = _raw(inputs, read_tsv(files.patients)) if files.patients else pd.DataFrame()
    if volumes.empty:
        return sums.assign(truth_ml=float("nan"))[COLUMNS]
    return sums.merge(volumes[[*keys, "truth_ml"]], how="left", on=keys)[COLUMNS]


def _raw(inputs: StudyInputs, table: pd.DataFrame) -> pd.DataFrame:
    """Choose masks as predicted of the reported subset."""
    if table.empty:
        return table
    return table[~table["postprocess"].astype(bool) & (table["subset"] == inputs.reported_subset)]


def patient_table(scores: pd.DataFrame) -> Table | None:
    """Show how Dice is spread over patients.

    Parameters
    ----------
    scores : DataFrame
        Of `patient_scores`.

    Returns
    -------
    Table or None
        None where no patient has a score.
    """
    rows = []
    for (model, name), part in scores.groupby(["model", "class"], sort=False):
        dice = part["dice"].dropna()
        if dice.empty:
            continue
        spread = [float(dice.quantile(share)) for share in (0, 0.25, 0.5, 0.75, 1)]
        rows.append(
            [
                text(model),
                text(name),
                plain(len(dice)),
                plain(len(part) - len(dice)),
                plain(float(dice.mean()), whole=False),
                *(plain(value, whole=False) for value in spread),
            ]
        )
    columns = [
        Column("Model", choices=True),
        Column("Class", choices=True, optional=True),
        Column("Patients", numeric=True),
        Column("Undefined", numeric=True, help="nothing in truth and prediction; left out"),
        Column("Mean", numeric=True),
        Column("Lowest", numeric=True),
        Column("Lower quarter", numeric=True, help="a quarter of the patients is lower"),
        Column("Median", numeric=True),
        Column("Upper quarter", numeric=True, help="a quarter of the patients is higher"),
        Column("Highest", numeric=True),
    ]
    caption = "Dice of single patients: how far it is spread"
    return Table("patients-dice", caption, columns, rows).compact() if rows else None


def strips(inputs: StudyInputs, scores: pd.DataFrame) -> list[Chart]:
    """Draw the Dice of all patients, a strip a model and a chart a class.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    scores : DataFrame
        Of `patient_scores`.

    Returns
    -------
    list of Chart
        In the order of the study's classes.
    """
    defined = scores[scores["dice"].notna()]
    return [
        _strip(f"Dice by patient, {name}, {SUBSETS[inputs.reported_subset]} set", name, part)
        for name in inputs.study.classes
        if len(part := defined[defined["class"] == name])
    ]


def _strip(title: str, name: str, scores: pd.DataFrame) -> Chart:
    across = Scale(0, 1, EDGE, WIDTH - EDGE)
    marks, said = [], []
    for place, (model, part) in enumerate(scores.groupby("model", sort=False)):
        top, mean = TOP + STEP * place, float(part["dice"].mean())
        said.append(f"{model}: {len(part)} patients, {part['dice'].min():.3f} to "
                    f"{part['dice'].max():.3f}, mean {mean:.3f}")  # fmt: skip
        marks += [
            label(EDGE, top + 10, str(model)),
            label(WIDTH - EDGE, top + 10, f"mean {format_value(mean, 'dice')}", "end"),
            line(EDGE, top + 26, WIDTH - EDGE, top + 26, "zero"),
            *_dots(part, across, top + 26, len(scores) <= NAMED),
            line(across.at(mean), top + 16, across.at(mean), top + 36, "mean", "mean"),
        ]
    height = TOP + STEP * len(said) + BOTTOM
    marks.append(line(EDGE, height - BOTTOM, WIDTH - EDGE, height - BOTTOM))
    for tick, anchor in ((0, "start"), (0.5, "middle"), (1, "end")):
        marks.append(label(across.at(tick), height - 10, f"{tick:g}", anchor))
    return Chart(f"dice-{name}", title, f"{title}. {'; '.join(said)}.", WIDTH, height, tuple(marks))


def _dots(part: pd.DataFrame, across: Scale, height: float, named: bool) -> Iterator[Mark]:
    """Place a dot a patient; equal scores are set apart up and down, always the same way."""
    for place, row in enumerate(records(part)):
        away = (place * 5 % 9 - 4) * 1.5
        words = f"{row['patient']} {row['dice']:.3f}" if named else ""
        yield dot(across.at(row["dice"]), height + away, 2.5, words=words)


def volume_plots(scores: pd.DataFrame) -> list[Chart]:
    """Draw Dice against the true volume, a chart a model and class.

    Parameters
    ----------
    scores : DataFrame
        Of `patient_scores`.

    Returns
    -------
    list of Chart
        Of the first `PANELS` with two patients or more of a true volume; one axis for all.
    """
    known = scores[scores["dice"].notna() & (scores["truth_ml"] > 0)]
    if known.empty:
        return []
    ends = floor(log10(known["truth_ml"].min())), ceil(log10(known["truth_ml"].max()))
    across, _ = square(*ends)
    groups = [
        (f"{model}, {name}", part)
        for (model, name), part in known.groupby(["model", "class"], sort=False)
        if len(part) > 1
    ]
    return [_scatter(title, part, across) for title, part in groups[:PANELS]]


def _scatter(title: str, part: pd.DataFrame, across: Scale) -> Chart:
    _, up = square()
    marks = [
        dot(
            across.at(log10(row["truth_ml"])),
            up.at(row["dice"]),
            words=f"{row['patient']}: {row['truth_ml']:.3g} ml, Dice {row['dice']:.3f}",
        )
        for row in records(part)
    ]
    powers = range(int(across.low), int(across.high) + 1)
    ticks = (
        {across.at(power): f"{10.0**power:g}" for power in powers},
        {up.at(tick): f"{tick:g}" for tick in (0, 0.5, 1)},
    )
    words = f"Dice against true volume. {title}, {len(part)} patients."
    id_ = f"volume-{title.replace(', ', '-')}"
    return framed(id_, title, words, ("true volume, ml (log)", "Dice"), ticks, marks)
