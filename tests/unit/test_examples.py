"""The examples of docstrings give what they say."""

import doctest
from importlib import import_module

import pytest

from gliomake.digests import LIBRARY

MODULES = sorted(
    ".".join(("gliomake", *path.relative_to(LIBRARY).with_suffix("").parts))
    for path in LIBRARY.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    found = doctest.testmod(import_module(name))
    assert found.attempted, f"{name}: its examples stand where doctest does not look"
    assert not found.failed


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    counts = [
        sum(bool(each.examples) for each in finder.find(import_module(name))) for name in MODULES
    ]
    assert sum(counts) >= 20
