"""What the end-to-end tests share: the demo, built once; a small report, and Chromium."""

import os
from contextlib import chdir
from pathlib import Path

import pytest
from chromium import DESK, resize, start_chromium

from checkout import copy_checkout, snakemake
from gliomake.report import build_report
from report_study import make_small_study


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Path:
    """All five studies on phantoms; GLIOMAKE_DEMO names a folder that holds them already."""
    if built := os.environ.get("GLIOMAKE_DEMO"):
        return Path(built)
    folder = copy_checkout(tmp_path_factory.mktemp("demo"))
    done = snakemake("--cores", str(os.cpu_count()), "--quiet", "rules", "--", "all", folder=folder)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("browser")
    with chdir(root):
        studies = [
            make_small_study(root, "small"),
            make_small_study(root, "multi", ("NEC", "ED", "ET")),
        ]
        build_report([study.inputs() for study in studies], "reports/build")
    return root / "reports" / "build"


@pytest.fixture(scope="module")
def chromium():
    found = start_chromium()
    yield found
    found.quit()


@pytest.fixture
def browser(chromium):
    """A browser of desk size that has logged nothing yet."""
    resize(chromium, *DESK)
    chromium.get("about:blank")
    for kind in ("browser", "performance"):
        chromium.get_log(kind)
    return chromium
