"""What a run's files may answer, and what all answers need of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gliomake.files.contracts import read_json
from gliomake.report.inputs import StudyInputs
from gliomake.report.run_files import RunFiles


class Absent(ValueError):  # noqa: N818 (nothing went wrong: there is nothing to fill in)
    """The run has nothing to say to an item; the message says why."""


@dataclass(frozen=True)
class Answer:
    """What a run says to an item.

    Attributes
    ----------
    value : str
        In a sentence or less.
    files : tuple of Path
        What it was read from.
    left : str
        What people must add; empty where nothing is left.
    """

    value: str
    files: tuple[Path, ...]
    left: str = ""


Filler = Callable[[StudyInputs], Answer]
FILLERS: dict[int, Filler] = {}
"""By the item's number; items that are not here are for people alone."""


def fills(number: int) -> Callable[[Filler], Filler]:
    """Enter a function as the one that fills an item."""

    def enter(function: Filler) -> Filler:
        FILLERS[number] = function
        return function

    return enter


def trained(inputs: StudyInputs) -> list[RunFiles]:
    """List the main run of each model that was trained here."""
    if not inputs.study.models:
        raise Absent("no model is trained here")
    found = [inputs.run_files(model, inputs.main_run) for model in inputs.study.models]
    for files in found:
        if not files.train:
            raise FileNotFoundError(f"{files.counts.with_name('train.json')} is missing")
    return found


def models(inputs: StudyInputs) -> list[tuple[RunFiles, Path, dict[str, Any]]]:
    """List those models, with what a prediction needs to know of them."""
    found = [(files, files.counts.with_name("model.json")) for files in trained(inputs)]
    return [(files, path, read_json(path)) for files, path in found]


def main_split(inputs: StudyInputs) -> tuple[Path, pd.DataFrame]:
    name = next(files.split for files in inputs.runs if files.run == inputs.main_run)
    return inputs.splits[name], inputs.split_tables[name]


def by_model(values: Iterable[tuple[str, str]]) -> str:
    """Say what differs by model, once where it does not."""
    said = list(values)
    same = {value for _, value in said}
    return said[0][1] if len(same) == 1 else "; ".join(f"{name}: {value}" for name, value in said)


def paths_of(entries: Sequence[tuple[RunFiles, Path, Any]]) -> tuple[Path, ...]:
    return tuple(path for _, path, _ in entries)


def facts(inputs: StudyInputs) -> tuple[list[tuple[str, dict[str, Any]]], tuple[Path, ...]]:
    """Read the facts of each training anew; return them and their files."""
    found = [(files.model, files.train) for files in trained(inputs) if files.train]
    return [(name, read_json(path)) for name, path in found], tuple(path for _, path in found)


def share(part: pd.DataFrame) -> str:
    patients = part.loc[part["patient"] != "", "patient"].nunique()
    return f"{len(part)} slices" + (f" of {patients} patients" if patients else "")
