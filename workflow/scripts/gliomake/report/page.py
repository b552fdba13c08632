"""The page of a study, with its model cards and its numbers."""

from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from gliomake.files.tsv import atomic_path
from gliomake.report import evidence, scores
from gliomake.report.arithmetic import workings
from gliomake.report.cards import card_pages
from gliomake.report.index import write_index
from gliomake.report.inputs import StudyInputs
from gliomake.report.numbers import ROOT, Number, NumberBook, number_record, write_numbers
from gliomake.report.render import render
from gliomake.report.search import search_entries
from gliomake.report.sections import Findings, InShort, Scores, Section, study_sections

RUN_FILES = (
    "counts", "distances", "regions", "patients", "predictions", "weights", "history",
)  # fmt: skip


def build_study_page(inputs: StudyInputs, sections: Sequence[Section] | None = None) -> str:
    """Make the page of a study.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    sections : sequence of Section, optional
        By default those of `study_sections`.

    Returns
    -------
    str
        HTML that needs no other file and no network.

    Raises
    ------
    PageSizeError
        The page is larger than 15 MB.
    """
    sections = study_sections(inputs) if sections is None else sections
    book = page_numbers(inputs, sections)
    return render(
        "study.html.j2",
        inputs.page,
        options=inputs.options,
        inputs=inputs,
        study=inputs.study,
        warnings=evidence.warnings(inputs),
        sections=[section for section in sections if section.is_shown],
        trail={
            "runs": evidence.run_trails(inputs),
            "files": inputs.sha256,
            "numbers": book.trail(),
            "workings": workings(inputs),
            "root": ROOT,
        },
    )


def page_numbers(inputs: StudyInputs, sections: Sequence[Section]) -> NumberBook:
    """Gather the numbers of all sections; one that stands in several is one."""
    book = NumberBook(inputs.page)
    for section in sections:
        for number in section.numbers():
            book.add(number)
    return book


def write_study(inputs: StudyInputs, folder: str | Path) -> list[Path]:
    """Write the page of a study, a card a model, and ``numbers/<study>.json``.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    folder : str or Path
        Where to, ``reports/build``.

    Returns
    -------
    list of Path
        What was written: the page first, its numbers last.
    """
    folder = Path(folder)
    sections = study_sections(inputs)
    pages = {inputs.page: build_study_page(inputs, sections)}
    numbers: list[Number] = list(page_numbers(inputs, sections))
    for name, (content, card_book) in card_pages(inputs).items():
        pages[name] = content
        numbers.extend(card_book)
    for name, content in pages.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(content)
    path = folder / "numbers" / f"{inputs.id}.json"
    write_numbers(
        path,
        {
            "studies": {
                inputs.id: {
                    **recomputation(inputs),
                    "summary": summary(inputs, sections),
                    "search": search_entries(inputs, sections),
                }
            },
            "pages": {name: sha256(text.encode()).hexdigest() for name, text in pages.items()},
            "files": inputs.sha256,
            "numbers": [number_record(number, inputs.sha256) for number in numbers],
        },
    )
    return [*(folder / name for name in pages), path]


def build_report(studies: Sequence[StudyInputs], folder: str | Path) -> list[Path]:
    """Write everything: studies' pages and cards, index, list for the search, ``numbers.json``.

    Parameters
    ----------
    studies : sequence of StudyInputs
        The studies of the report.
    folder : str or Path
        Where to, ``reports/build``.

    Returns
    -------
    list of Path
        What was written, ``numbers.json`` last.
    """
    written = [write_study(inputs, folder) for inputs in studies]
    options = studies[0].options if studies else ""
    index = write_index([paths[-1] for paths in written], folder, options)
    return [*(path for paths in written for path in paths), *index]


def recomputation(inputs: StudyInputs) -> dict[str, Any]:
    """Describe what it takes to recompute a study's numbers from its files.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    dict
        The study's configuration, data and scale, bootstrap, shards, reported numbers, the files
        of each run, and what each figure was drawn from.
    """
    return {
        "study": inputs.study.plain,
        "data": inputs.data,
        "scale": inputs.scale,
        "bootstrap": inputs.bootstrap,
        "shards": [str(path) for path in inputs.shards],
        "results": str(inputs.claims.parents[1]),
        "reported": str(inputs.reported),
        "root": str(inputs.root or ""),
        "scans": inputs.scans,
        "about_data": inputs.about_data,
        "answers": {str(number): text for number, text in inputs.answers.items()},
        "listing": inputs.listing(),
        "figures": {
            name: {
                "files": [str(inputs.figures[name]), str(inputs.figures[name].with_suffix(".png"))],
                "inputs": [str(path) for path in sources],
                "raw": name in inputs.raw_figures,
            }
            for name, sources in inputs.figure_sources.items()
        },
        "runs": [
            {
                "model": files.model,
                "run": files.run,
                **{name: str(getattr(files, name) or "") for name in RUN_FILES},
            }
            for files in inputs.runs
        ],
    }


def summary(inputs: StudyInputs, sections: Sequence[Section]) -> dict[str, Any]:
    """Describe what the index shows of a study.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    sections : sequence of Section
        Of its page; those of its findings and of its scores have the answer and the headline.

    Returns
    -------
    dict
        Names, answer, warnings; the headline's numbers by their ids, and the trails behind them.
    """
    (findings,) = [each for each in sections if isinstance(each, Findings)]
    (of_scores,) = [each for each in sections if isinstance(each, Scores)]
    (short,) = [each for each in sections if isinstance(each, InShort)]
    blocks = of_scores.headline[:1]
    shown = {
        number.counts
        for block in blocks
        for row in block["rows"]
        for number in row["numbers"]
        if number
    } | {value.counts for value in short.best.values() if isinstance(value, Number)}
    return {
        "id": inputs.id,
        "page": inputs.page,
        "title": inputs.study.title,
        "document": inputs.study.document,
        "question": inputs.study.question,
        "address": inputs.study.address,
        "best": {
            key: {"id": value.id} if isinstance(value, Number) else value
            for key, value in short.best.items()
        },
        "dataset": inputs.study.dataset,
        "data": inputs.data,
        "scale": inputs.scale,
        "is_result": inputs.is_result,
        "overrides": inputs.overrides,
        "answer": asdict(findings.answer),
        "warnings": evidence.warnings(inputs),
        "headline": [scores.with_ids(block) for block in blocks],
        "trails": {key: run for key, run in evidence.run_trails(inputs).items() if key in shown},
    }
