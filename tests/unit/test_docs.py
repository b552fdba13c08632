"""The documentation: it builds without a warning, reads without a network, leaves nothing out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_it_builds_without_a_warning_and_loads_nothing_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    loaded = re.compile(
        r"<(?:script|img|iframe)[^>]+src=[\"']?https?:|<link[^>]+stylesheet[^>]+https?:"
    )
    assert [page.name for page in pages if loaded.search(page.read_text())] == []


def test_every_key_of_the_schemas_is_in_the_reference(site):
    schema = yaml.safe_load((ROOT / "workflow/schemas/study.schema.yaml").read_text())
    text = (site / "reference/study.html").read_text()
    missing = [key for key in schema["properties"] if f"<code>{key}</code>" not in text]
    assert missing == []


def test_every_command_is_in_the_reference(site):
    text = (site / "reference/commands.html").read_text()
    for command in ("predict", "app", "score", "audit"):
        assert f"gliomake {command}" in text
    assert "--no-distances" in text


def test_the_drawn_example_has_the_scores_that_its_page_names():
    sys.path.insert(0, str(DOCS / "_site"))
    try:
        import pictures
    finally:
        sys.path.remove(str(DOCS / "_site"))
    truth, predicted = pictures.six_slices()
    both = (truth & predicted).sum(axis=(1, 2))
    sizes = truth.sum(axis=(1, 2)) + predicted.sum(axis=(1, 2))
    # By hand: two slices are empty, one tumour is missed, one is made up.
    assert both.tolist() == [0, 35, 0, 0, 12, 0]
    assert sizes.tolist() == [0, 84, 4, 0, 28, 4]
    drawn = (DOCS / "figures/averaging.svg").read_text()
    dice = [70 / 84, 24 / 28]
    expected = (94 / 120, (70 / 88 + 24 / 32) / 2, (2 + sum(dice)) / 6, sum(dice) / 6,
                sum(dice) / 4, sum(dice) / 3)  # fmt: skip
    for value in expected:
        assert f"<!-- {value:.2f} -->" in drawn, value


def test_pages_of_data_sets_have_pictures():
    for name in ("lgg", "coco", "brats2020", "brats2021"):
        assert (DOCS / f"figures/data-{name}.png").stat().st_size < 200_000
