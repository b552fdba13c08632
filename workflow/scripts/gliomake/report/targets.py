"""The study's figures and tables as parts of its page."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
from PIL import Image

from gliomake.files.provenance import file_sha256
from gliomake.report.downloads import data_url, download
from gliomake.report.inputs import StudyInputs, records
from gliomake.report.keys import ScoreKey
from gliomake.report.numbers import NumberBook, optional
from gliomake.report.scores import StaleTableError, enter_score
from gliomake.report.table import Cell, Column, Table, plain, scored, text
from gliomake.report.words import column_title, listed, metric_title, rule_title
from gliomake.study.captions import figure_caption
from gliomake.study.names import display_name
from gliomake.study.targets import Target
from gliomake.tables.training import column_rules

INLINE_BYTES = 350_000
FIGURE_PIXELS = 1800
NARROW = 4.5
"""Inches under which a figure has half the width of others, so that all letters are alike."""
KEYS = ["model", "run", "subset", "class", "metric", "convention", "postprocess"]
# Which score a column of a table holds: what its row says, changed like this.
SCORE_COLUMNS: dict[str, dict[str, Any]] = {
    "value": {},
    "before": {"postprocess": False},
    "after": {"postprocess": True},
    "reference": {"model": "against"},
}
INTERVALS = frozenset(
    f"{name}_{end}" for name in ("ci", "before", "after") for end in ("low", "high")
)
FIRST = ("model", "against", "rank", "value", "before", "after", "reference", "difference")
HIDDEN = frozenset({"data", "scale", "overrides"})
# Kinds of tables whose columns are averaged by rules that no cell names.
RULED = frozenset({"epochs"})


def figures(inputs: StudyInputs) -> list[dict[str, str]]:
    """Take the study's figures into the page.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    list of dict
        ``target``, ``title``, ``words`` (see `figure_words`), ``width`` (of a page's column; see
        `NARROW`), ``path``, ``source`` (a ``data:`` address).
    """
    return [
        {
            "target": target,
            "title": display_name(target),
            "words": figure_words(inputs, target),
            "width": "narrow" if _inches(path) < NARROW else "broad",
            "path": str(path),
            "source": figure_source(path),
        }
        for target, path in inputs.figures.items()
    ]


def figure_words(inputs: StudyInputs, target: str) -> str:
    """Say in words what a figure shows: on the page, and in place of the picture.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    target : str
        The figure.

    Returns
    -------
    str
        The title that it was drawn with (what, of whom, how many), and its caption.

    Raises
    ------
    ValueError
        The figure is no SVG.
    """
    svg = _read_svg(inputs.figures[target])
    title = svg.findtext("{http://www.w3.org/2000/svg}title") or ""
    caption = figure_caption(inputs.study, target, inputs.scale)
    return " ".join(filter(None, [title and f"{title}.", caption]))


def _read_svg(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{path} is no SVG ({error}): delete it and build it again") from error


def _inches(path: Path) -> float:
    return float(_read_svg(path).get("width", "0").removesuffix("pt")) / 72


def figure_source(svg: Path) -> str:
    """Write a figure into a ``data:`` address small enough for a page.

    Parameters
    ----------
    svg : Path
        The figure; a PNG of the same name lies beside it.

    Returns
    -------
    str
        The SVG where it is small, else the PNG, else the PNG as WebP of at most
        `FIGURE_PIXELS` pixels width.
    """
    png = svg.with_suffix(".png")
    if svg.stat().st_size <= INLINE_BYTES:
        return data_url("image/svg+xml", svg.read_bytes())
    if png.stat().st_size <= INLINE_BYTES:
        return data_url("image/png", png.read_bytes())
    with Image.open(png) as opened:
        image = opened.convert("RGB")
        image.thumbnail((FIGURE_PIXELS, 2 * FIGURE_PIXELS))
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=85)
    return data_url("image/webp", buffer.getvalue())


def target_tables(inputs: StudyInputs, book: NumberBook) -> list[dict[str, Any]]:
    """Read the study's tables; a cell that is a score gets the score's provenance.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    book : NumberBook
        The page's numbers; the scores are entered.

    Returns
    -------
    list of dict
        ``target``, ``title``, ``path``, ``sha256``, ``file`` (a download), ``table``.
    """
    return [
        {
            "target": target,
            "title": display_name(target),
            "path": str(path),
            "sha256": file_sha256(path),
            "file": download(path, "text/csv"),
            "table": target_table(inputs, book, target, path),
        }
        for target, path in inputs.tables.items()
    ]


def target_table(inputs: StudyInputs, book: NumberBook, target: str, path: Path) -> Table:
    """Show one of the study's tables.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    book : NumberBook
        The page's numbers; the scores are entered.
    target : str
        The table's name.
    path : Path
        Its CSV.

    Returns
    -------
    Table
        Its rows; intervals stand beside their scores.

    Raises
    ------
    StaleTableError
        A cell is not the score that ``metrics.json`` holds.
    """
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    of_scores = {"model", "run", "subset", "class", "metric", "convention"} <= set(frame)
    hidden = HIDDEN | (INTERVALS if of_scores else frozenset())
    names = [name for name in frame.columns if name not in hidden]
    if of_scores:  # the model and its scores before what a filter can hold fixed
        names.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    numeric = {name: frame[name].dtype.kind in "iuf" for name in names}
    whole = {name: numeric[name] and not (frame[name].dropna() % 1).any() for name in names}
    rows = []
    for row in records(frame):
        cells = []
        for name in names:
            if of_scores and name in SCORE_COLUMNS:
                cells.append(_score_cell(inputs, book, row, name, path))
            else:
                cells.append(
                    plain(row[name], whole[name]) if numeric[name] else _shown(name, row[name])
                )
        rows.append(cells)
    declared = Target.declared(inputs.study, "tables", target)
    rules = column_rules(inputs.study, declared) if declared.kind in RULED else {}
    columns = [
        Column(
            column_title(name),
            numeric[name],
            choices=of_scores and name in KEYS,
            chosen=_chosen(frame, name) if of_scores else "",
            optional=name in ("run", "postprocess"),
            rule=rule_title(rules[name][1]) if name in rules else "",
        )
        for name in names
    ]
    states = set(frame["postprocess"].astype(bool)) if "postprocess" in frame else set()
    masks = inputs.masks(states.pop()) if len(states) == 1 else ""
    caption = ". ".join(filter(None, [display_name(target) + masks, _convention_note(rules)]))
    return Table(f"table-{target}", caption, columns, rows).compact()


def _chosen(frame: pd.DataFrame, name: str) -> str:
    """Choose what a table of scores begins with: Dice, by patient if possible."""
    wanted = {"metric": ("dice",), "convention": ("patient", "pooled"), "class": ("mean",)}
    found = [each for each in wanted.get(name, ()) if each in set(frame[name])]
    return _shown(name, found[0]).text if found else ""


def _convention_note(rules: Mapping[str, tuple[str, str]]) -> str:
    """Say why scores under several rules need not fit each other; empty for one rule."""
    ones, zeros = (
        list(dict.fromkeys(metric_title(metric) for metric, rule in rules.values() if rule == each))
        for each in ("slice-empty1", "slice-empty0")
    )
    if not ones or not zeros:
        return ""
    return (
        f"A slice that is empty in truth and mask counts 1 in {listed(ones)}, and 0 in "
        f"{listed(zeros)}: this is how a high {ones[0]} can stand beside a low {zeros[0].lower()}"
    )


def _shown(name: str, value: Any) -> Cell:
    """Show a cell of words: metrics and averaging rules by their titles, truth values as words."""
    if isinstance(value, bool):
        return text("yes" if value else "no")
    if name == "metric":
        return text(metric_title(str(value)))
    return text(rule_title(str(value)) if name == "convention" else value)


def _score_cell(
    inputs: StudyInputs,
    book: NumberBook,
    row: dict[str, Any],
    column: str,
    path: Path,
) -> Cell:
    """Find the score that a cell holds; tables are written with six digits."""
    told = optional(row[column])
    if told is None:
        return Cell("")
    change = SCORE_COLUMNS[column]
    key = {name: row.get(name, False) for name in KEYS} | change
    if column == "reference":
        key["model"] = row["against"]
    key["postprocess"] = str(key["postprocess"]).lower() == "true"
    score = inputs.scores_by_key.get(ScoreKey.of(key))
    value = optional(score["value"]) if score else None
    if score is None or value is None or abs(value - told) > 1e-5 * max(1, abs(told)):
        raise StaleTableError(
            f"{path}: {column} is {told} for {key}, but metrics.json says {value}; the table was "
            "built from other scores: delete it and build it again"
        )
    return scored(enter_score(inputs, book, score))
