"""Hashes: what they depend on, and what they do not."""

import ast
import os
import shutil

import pytest

from gliomake import provenance


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A copy of the library that a test may edit."""
    copy = tmp_path / "gliomake"
    shutil.copytree(provenance.LIBRARY, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "LIBRARY", copy)
    clear()
    yield copy
    clear()


def clear():
    for function in (
        provenance._module_files,
        provenance._read_module,
        provenance.listing_sha256,
    ):
        function.cache_clear()


def digest(*modules):
    clear()
    return provenance.code_digest(*modules)


def test_comments_and_docstrings_do_not_count(library):
    before = digest("split")
    path = library / "split.py"
    path.write_text("# A comment.\n" + path.read_text().replace('"""Which slice', '"""What slice'))
    assert digest("split") == before


def test_code_counts_also_in_what_is_imported(library):
    before = digest("split"), digest("preprocess")
    path = library / "tsv.py"  # split imports it, preprocess does not
    path.write_text(path.read_text() + "\nEXTRA = 1\n")
    assert digest("split") != before[0]
    assert digest("preprocess") == before[1]


def test_a_package_stands_for_its_modules(library):
    before = digest("datasets")
    (library / "datasets" / "another.py").write_text("X = 1\n")
    assert digest("datasets") != before


def test_unknown_module(library):
    with pytest.raises(FileNotFoundError, match=r"no module gliomake\.nothing"):
        digest("nothing")


SOURCE = '''"""A docstring."""

import gliomake.other as other


@other.decorated(1e-3, name=None)
class Thing(Base):
    """Another."""

    size: int = -1_000

    async def go(self, first, /, *rest, key="a\\n", **more) -> list[str]:
        # A comment.
        with open(first) as file, other.lock:
            return [f"{line!r:>{key}} {{x}} {1.50:.2f}" async for line in file if line is not ...]
'''


def test_every_python_spells_the_code_alike(library):
    """A known answer, the same in Python 3.11, 3.12 and 3.13; `ast.dump` gave three."""
    (library / "thing.py").write_text(SOURCE)
    (library / "other.py").write_text("match x:\n    case {'a': [1, *_]} | None:\n        pass\n")
    assert digest("thing") == ("4649d6b292f6256415b35626d0e35d386ca9ec7444ca64484ba51460453e9ad5")


def test_each_file_is_read_once_a_process(library, monkeypatch):
    parsed = []

    def parse(source, filename):
        parsed.append(filename)
        return tree(source, filename)

    tree = ast.parse
    monkeypatch.setattr(ast, "parse", parse)
    digest("training")
    alone = len(parsed)
    provenance.code_digest("training", "report")
    assert len(parsed) > alone > 10
    assert len(set(parsed)) == len(parsed)


def test_files_and_values(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"abd")
    a, b = tmp_path / "a", tmp_path / "b"
    # sha256("abc"), FIPS 180-2, appendix B.1
    assert provenance.file_sha256(a).startswith("ba7816bf8f01cfea414140de5dae2223")
    assert provenance.files_sha256([a, b]) != provenance.files_sha256([b, a])
    assert provenance.value_sha256({"x": 1, "y": [2]}) == provenance.value_sha256(
        {"y": [2], "x": 1}
    )
    assert provenance.value_sha256({"x": 1}) != provenance.value_sha256({"x": 2})


def listing(root):
    clear()
    return provenance.listing_sha256(str(root))


def test_a_listing_shows_what_changed_at_any_depth(tmp_path):
    case = tmp_path / "set" / "case"
    case.mkdir(parents=True)
    (case / "1.tif").write_bytes(b"abc")
    (tmp_path / "set" / "around").symlink_to(tmp_path / "set")  # must end
    seen = [listing(tmp_path / "set")]
    assert listing(tmp_path / "set") == seen[0]
    (case / ".hidden").write_bytes(b"a file manager's")
    assert listing(tmp_path / "set") == seen[0]
    (case / "2.tif").write_bytes(b"abc")
    seen.append(listing(tmp_path / "set"))
    (case / "2.tif").write_bytes(b"abcd")
    seen.append(listing(tmp_path / "set"))
    os.utime(case / "2.tif", ns=(1, 1))
    seen.append(listing(tmp_path / "set"))
    (case / "2.tif").rename(case / "3.tif")
    seen.append(listing(tmp_path / "set"))
    assert len(set(seen)) == 5
    (tmp_path / "link").symlink_to(tmp_path / "set")
    assert listing(tmp_path / "link") == seen[-1]
