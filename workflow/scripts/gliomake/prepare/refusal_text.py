"""Many refusals in few lines: those of a kind once, with examples."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePath

from gliomake.datasets.base import Problem

EXAMPLES = 3
LINES = 20


def bad_data_message(
    dataset: str, refused: Sequence[Problem], kept: int, listed: str | Path, on_bad_case: str
) -> str:
    """Return what the user reads of a data set that is refused.

    Parameters
    ----------
    dataset : str
        The data set's name.
    refused : sequence of Problem
        All problems.
    kept : int
        How many cases can be used.
    listed : str or Path
        The file that lists all problems.
    on_bad_case : str
        ``fail`` or ``skip``; the latter is only proposed where it is not set and helps.

    Returns
    -------
    str
        At most about 30 lines.
    """
    rest = f"{kept} cases can be used" if kept else "no case can be used"
    count = "1 problem" if len(refused) == 1 else f"{len(refused)} problems"
    text = f"data set {dataset}: {count}, {rest}. All are listed in {listed}.\n"
    text += "\n".join(problem_lines(refused))
    whole = [problem for problem in refused if not problem.case]
    if whole or not kept or on_bad_case == "skip":
        return text + "\nCorrect what is named here, then start again."
    return text + (
        f"\nFix the files, or set datasets.{dataset}.on_bad_case to skip to go on without "
        "these cases."
    )


def problem_lines(problems: Sequence[Problem]) -> list[str]:
    """Return a line or two a kind: problems of which only names and numbers differ.

    Parameters
    ----------
    problems : sequence of Problem
        All problems.

    Returns
    -------
    list of str
        At most `LINES`, and one that counts the others.
    """
    kinds: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        kinds[_kind(problem)].append(problem)
    lines: list[str] = []
    left = 0
    for alike in kinds.values():
        shown = _lines_of_kind(alike)
        if len(lines) + len(shown) > LINES:
            left += len(alike)
        else:
            lines += shown
    return [*lines, f"  ... and {left} more"] if left else lines


def _lines_of_kind(alike: Sequence[Problem]) -> list[str]:
    if len(alike) <= EXAMPLES:
        return [f"  {problem.file}: {_words(problem)}" for problem in alike]
    names = ", ".join(problem.file for problem in alike[:EXAMPLES])
    return [
        f"  {len(alike)} problems of the kind: {_words(alike[0])}",
        f"    in {names} and {len(alike) - EXAMPLES} more",
    ]


def _words(problem: Problem) -> str:
    """Give the message without the file, which a `CaseError` puts first."""
    return problem.message.removeprefix(f"{problem.file}: ")


def _kind(problem: Problem) -> str:
    words = _words(problem)
    for name in (problem.file, PurePath(problem.file).name, problem.case):
        words = words.replace(name, "_") if name else words
    return re.sub(r"\d+(\.\d+)?", "0", words)
