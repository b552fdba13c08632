"""What a folder has of its own stands before the checkout's: pages, and roots of data."""

import shutil

import pytest

from checkout import ROOT
from gliomake.datasets.spec import PHANTOM
from gliomake.start.pages import find_pages
from gliomake.start.settings import expanded_roots
from gliomake.study.datasets import read_datasets


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "config", folder / "config")
    return folder


@pytest.fixture
def here(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def test_a_page_of_ones_own_replaces_ours_and_others_stay(base, here):
    own = here / "config" / "studies"
    own.mkdir(parents=True)
    for name in ("coco-unet", "mine"):
        shutil.copy(base / "config" / "studies" / "coco-unet.yaml", own / f"{name}.yaml")
    ours, faults = find_pages({}, base)
    mine, more = find_pages({}, base, here)
    assert not faults and not more
    assert {path.stem for path in mine["studies"]} == {
        "mine", *(path.stem for path in ours["studies"]),
    }  # fmt: skip
    found = {path.stem: path.parent for path in mine["studies"]}
    assert found["coco-unet"] == found["mine"] == own
    assert found["lgg-encoders"] == base / "config" / "studies"
    assert mine["datasets"] == ours["datasets"]


def test_a_relative_folder_of_pages_starts_here_where_it_is_here(base, here):
    for place, name in ((base, "at-base"), (here, "at-here")):
        (place / "pages").mkdir()
        shutil.copy(base / "config/studies/coco-unet.yaml", place / "pages" / f"{name}.yaml")
    config = {"studies_folder": "pages"}
    names = {path.stem for path in find_pages(config, base, here)[0]["studies"]}
    assert "at-here" in names and "at-base" not in names
    shutil.rmtree(here / "pages")
    names = {path.stem for path in find_pages(config, base, here)[0]["studies"]}
    assert "at-base" in names


def test_a_relative_root_starts_here_where_it_is_here(base, here):
    def root(place: str) -> str:
        pages = sorted((base / "config" / "datasets").glob("*.yaml"))
        specs, faults = read_datasets(
            pages, {"coco": {"root": place}}, ["lgg", "brats2020", "brats2021", "coco"]
        )
        assert not faults
        blocks, faults = expanded_roots(specs, base, here)
        assert not faults and blocks["lgg"]["root"] == PHANTOM
        return blocks["coco"]["root"]

    assert root("data/coco") == str(base / "data/coco")
    (here / "data" / "coco").mkdir(parents=True)
    assert root("data/coco") == str(here / "data/coco")
