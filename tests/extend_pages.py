"""Pages of docs/extend as programs: the files that a page lists, and what it puts into them."""

import hashlib
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from checkout import ROOT

FOLDER = ROOT / "docs" / "extend"
STEP = re.compile(
    r"^(?P<what>New file|Add to) `(?P<file>[^`]+)`"
    r"(?:, (?P<side>before|after) the line `(?P<line>[^`]+)`)?:\n\n"
    r"```\w+\n(?P<text>.*?)^```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes
    ----------
    listed : set of str
        The files under its heading "Files".
    steps : list of dict
        What is put where, in the page's order.
    command : list of str
        What it says to try.
    message : str
        What the workflow says to the mistake that it shows.
    """

    listed: set[str]
    steps: list[dict[str, str]] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    message: str = ""

    def apply(self, folder: Path) -> None:
        """Do what the page says, and nothing else."""
        for step in self.steps:
            path = folder / step["file"]
            if step["what"] == "New file":
                assert not path.exists(), f"{path}: the page calls it new"
                path.write_text(step["text"])
                continue
            lines = path.read_text().splitlines(keepends=True)
            found = [n for n, line in enumerate(lines) if line.strip() == step["line"]]
            assert len(found) == 1, f"{path}: {len(found)} lines are {step['line']!r}"
            lines.insert(found[0] + (step["side"] == "after"), step["text"])
            path.write_text("".join(lines))


def read_page(name: str) -> Page:
    """Read a page of docs/extend."""
    text = (FOLDER / f"{name}.md").read_text()
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    files = sections["Files"]
    steps = [match.groupdict() for match in STEP.finditer(files)]
    assert files.count("```") == 2 * len(steps), f"{name}.md: a block says not where it belongs"
    [command] = re.findall(r"^```sh\n(.*?)^```$", sections["Try it"], re.M | re.S)
    [message] = re.findall(r"^```text\n(.*?)\n```$", sections["Mistakes"], re.M | re.S)
    listed = set(re.findall(r"^- `([^`]+)`$", files, re.M))
    return Page(listed, steps, shlex.split(command)[1:], message)


def hashes(folder: Path) -> dict[str, str]:
    """Hash every file of a folder, by its path there."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
