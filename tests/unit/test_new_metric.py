"""A new metric is one entry: scores, distances, tables and page of a copy have it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gliomake.digests import LIBRARY
from gliomake.files.tsv import read_tsv

TESTS = Path(__file__).parents[1]
ENTRIES = {
    '    "specificity": CountMetric(': """    "npv": CountMetric(
        title="NPV", fraction=lambda tp, fp, fn, tn: (tn, tn + fn), of_background=True
    ),
""",
    '    "nsd": DistanceMetric(': """    "hd": DistanceMetric(
        title="HD",
        measure=lambda directed, _: max(float(np.max(distances)) for distances in directed),
        unit="mm",
        better="lower",
        decimals=2,
        help="The largest distance of both surfaces.",
    ),
""",
}
BUILD = """
import json, sys
from pathlib import Path
from report_study import make_small_study
from gliomake.report import write_study
from gliomake.study.products import study_metrics

made = make_small_study(Path.cwd())
write_study(made.inputs(), Path.cwd() / "build")
print(json.dumps(study_metrics(made.study)))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, list[str]]:
    """A small study of a copy of the library with two more metrics, and its metrics of counts."""
    folder = tmp_path_factory.mktemp("metric")
    scripts = folder / "workflow" / "scripts"
    shutil.copytree(LIBRARY, scripts / "gliomake", ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("config/datasets", "reports/templates", "workflow/schemas"):
        shutil.copytree(TESTS.parent / part, folder / part)
    path = scripts / "gliomake" / "scoring" / "metrics.py"
    text = path.read_text()
    for before, entry in ENTRIES.items():
        assert text.count(before) == 1
        text = text.replace(before, entry + before)
    path.write_text(text)
    work = folder / "work"
    work.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", BUILD],
        cwd=work,
        env=os.environ | {"PYTHONPATH": f"{scripts}{os.pathsep}{TESTS}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return work, json.loads(done.stdout)


def test_it_is_among_the_scores_of_every_model(built):
    work, metrics = built
    assert metrics.index("npv") == metrics.index("specificity") - 1
    rows = pd.DataFrame(json.loads((work / "results/small/unet/metrics.json").read_text()))
    assert set(rows.loc[rows["metric"] == "npv", "convention"]) == {
        "pooled",
        "patient",
        "slice-empty1",
        "slice-empty0",
        "slice-skip",
        "slice-tumour",
    }
    chosen = rows[(rows["metric"] == "npv") & (rows["convention"] == "pooled")]
    counts = read_tsv(work / "results/small/unet/patient-f0-s0/counts.tsv")
    tn, fn = counts.loc[counts["subset"] == "test", ["tn", "fn"]].sum()
    found = chosen[(chosen["run"] == "patient-f0-s0") & (chosen["subset"] == "test")]["value"]
    assert found.tolist() == [tn / (tn + fn)]


def test_a_distance_is_a_column_and_a_score(built):
    work, _ = built
    run = work / "results/small/unet/patient-f0-s0"
    distances = read_tsv(run / "distances.tsv")
    assert list(distances)[-5:] == ["hd95", "hd", "nsd", "hd95-union", "missed"]
    assert (distances["hd"] >= distances["hd95"]).all()
    rows = pd.DataFrame(json.loads((run.parent / "metrics.json").read_text()))
    rows = rows[(rows["run"] == "patient-f0-s0") & (rows["subset"] == "test")]
    found = rows.loc[rows["metric"] == "hd", "value"].tolist()
    expected = distances.loc[distances["subset"] == "test", "hd"].mean()
    assert np.allclose(found, [expected], rtol=1e-12)


def test_tables_that_list_all_have_it(built):
    work, _ = built
    table = pd.read_csv(work / "results/small/tables/metrics.csv")
    assert {"npv", "hd"} <= set(table["metric"])
    cell = table[(table["metric"] == "hd") & (table["subset"] == "test")].dropna(subset=["rank"])
    cell = cell[cell["run"] == "patient-f0-s0"].sort_values("rank")
    assert len(cell) == 2 and cell["value"].is_monotonic_increasing, "lower is better"
    comparisons = read_tsv(work / "results/small/comparisons.tsv")
    assert {"npv", "hd"} <= set(comparisons["metric"])


def test_the_page_shows_it_with_its_digits_and_its_help(built):
    work, _ = built
    page = (work / "build" / "small.html").read_text()
    shown = dict(re.findall(r'data-number="score/unet/[^"]*/(npv|hd)/[^"]*"[^>]*><b>([^<]+)', page))
    assert set(shown) == {"npv", "hd"}
    value, unit = shown["hd"].split()[:2]
    assert unit == "mm" and len(value.partition(".")[2]) == 2
    assert "The largest distance of both surfaces." in page
