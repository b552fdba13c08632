"""Going through a data set: once, whatever lies there."""

import os
from pathlib import Path

import pytest

from gliomake.files import provenance
from gliomake.files.listing import walk


def listing(root):
    provenance.listing_sha256.cache_clear()
    return provenance.listing_sha256(str(root))


def below(root, hidden=False):
    return sorted(name for name, _ in walk(str(root), hidden))


@pytest.fixture
def root(tmp_path):
    (tmp_path / "set" / "case").mkdir(parents=True)
    (tmp_path / "set" / "case" / "1.tif").write_bytes(b"abc")
    return tmp_path / "set"


def test_hidden_and_foreign_entries_count_where_asked_for(root):
    for name in ("lost+found", "__MACOSX", ".hidden"):
        (root / name).mkdir()
        (root / name / "x").touch()
    assert below(root) == ["case", "case/1.tif"]
    assert "lost+found/x" in below(root, hidden=True)
    assert ".hidden/x" in below(root, hidden=True)


def test_links_that_lead_round_end(root):
    (root / "case" / "up").symlink_to(root)
    (root / "itself").symlink_to(root / "itself")
    (root / "gone").symlink_to(root / "nowhere")
    assert below(root) == ["case", "case/1.tif", "case/up", "gone", "itself"]
    assert len(listing(root)) == 64


def test_a_folder_that_may_not_be_listed_is_passed_over(root, monkeypatch):
    before = listing(root)
    (root / "closed").mkdir()
    (root / "closed" / "x").touch()
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert "case/1.tif" in below(root)
    assert listing(root) == before


def test_a_file_that_goes_while_it_is_listed_is_passed_over(root, monkeypatch):
    before = listing(root)
    (root / "case" / "2.tif").touch()
    entries = walk(str(root))

    def meanwhile(folder):
        for name, entry in entries:
            if name == "case/2.tif":
                Path(entry.path).unlink()
            yield name, entry

    monkeypatch.setattr(provenance, "walk", meanwhile)
    assert listing(root) == before


def test_a_root_that_is_gone_is_empty(tmp_path):
    (tmp_path / "empty").mkdir()
    assert listing(tmp_path / "gone") == listing(tmp_path / "empty")
