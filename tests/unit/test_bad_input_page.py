"""Each row of docs/bad-input.md names a test that is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "bad-input.md"
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PAGE.read_text().splitlines()
    if line.startswith("|") and not line.startswith(("| input |", "|---"))
]


def test_every_row_has_its_three_cells():
    assert [row for row in ROWS if len(row) != 3 or not all(row)] == []


@pytest.mark.parametrize("named", sorted({row[-1].strip("`") for row in ROWS}))
def test_the_test_of_a_row_is_there(named):
    file, _, name = named.partition("::")
    source = (ROOT / file).read_text()
    assert re.search(rf"^def {re.escape(name)}\(", source, re.MULTILINE), f"{file} has no {name}"
