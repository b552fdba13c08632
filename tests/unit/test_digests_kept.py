"""Digests are kept between starts, and never outlive the code that they are of."""

import pytest

from gliomake.digests.kept import KeptDigests
from gliomake.digests.reach import Library


@pytest.fixture
def code(tmp_path):
    package = tmp_path / "scripts" / "gliomake"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "loss.py").write_text("def loss(x):\n    return x + 1\n")
    (package.parent / "train.py").write_text("from gliomake.loss import loss\nprint(loss(1))\n")
    return package


def digest(code, folder):
    return Library(code, KeptDigests(code.parent, folder)).digest("train")


def forbid_reading(monkeypatch):
    def fail(*_):
        raise AssertionError("the code was walked again")

    monkeypatch.setattr("gliomake.digests.reach.read_module", fail)


def test_a_digest_of_unchanged_code_is_not_computed_again(code, tmp_path, monkeypatch):
    first = digest(code, tmp_path / "kept")
    assert first == Library(code).digest("train")
    forbid_reading(monkeypatch)
    assert digest(code, tmp_path / "kept") == first


@pytest.mark.parametrize("changed", ["loss.py", "other.py"])
def test_any_change_of_the_code_computes_all_again(code, tmp_path, changed):
    before = digest(code, tmp_path / "kept")
    (code / changed).write_text("def loss(x):\n    return x + 2\n")
    after = digest(code, tmp_path / "kept")
    assert after == Library(code).digest("train")
    assert (after != before) == (changed == "loss.py")
    assert len(list((tmp_path / "kept").glob("*.txt"))) == 1  # what is of no use is removed


def test_a_line_that_was_cut_short_is_computed_again(code, tmp_path):
    first = digest(code, tmp_path / "kept")
    [file] = (tmp_path / "kept").glob("*.txt")
    file.write_text(file.read_text()[:-9])
    assert digest(code, tmp_path / "kept") == first
    assert first in file.read_text()


def test_where_nothing_can_be_kept_digests_are_computed(code, tmp_path):
    (tmp_path / "kept").write_text("a file where the folder should be")
    assert digest(code, tmp_path / "kept") == Library(code).digest("train")


def test_what_is_kept_tells_scripts_and_entries_apart(code, tmp_path):
    (code.parent / "other.py").write_text("print(2)\n")
    kept = KeptDigests(code.parent, tmp_path / "kept")
    library = Library(code, kept)
    assert library.digest("train") != library.digest("other")
    assert library.digest("train", {"loss.loss": ()}) != library.digest("train")
