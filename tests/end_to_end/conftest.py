"""What the end-to-end tests share: the demo, built once."""

import os
from pathlib import Path

import pytest

from checkout import copy_checkout, snakemake


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Path:
    """All five studies on phantoms; GLIOMAKE_DEMO names a folder that holds them already."""
    if built := os.environ.get("GLIOMAKE_DEMO"):
        return Path(built)
    folder = copy_checkout(tmp_path_factory.mktemp("demo"))
    done = snakemake("--cores", str(os.cpu_count()), "--quiet", "rules", "--", "all", folder=folder)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return folder
