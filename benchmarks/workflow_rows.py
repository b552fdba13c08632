"""Rows on the workflow: dry runs, the last `make demo`, and growth with the patients."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from bootstrap import LIBRARY
from PIL import Image
from row import Row

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "benchmarks" / "results" / "demo.json"
FEW, MANY = 40, 400
FOLDS, SEEDS = 5, 3


def rows(scratch: Path) -> Iterator[Row]:
    """Measure the workflow, with made-up data in a folder; give each row as it is measured."""
    yield _demo()
    with tempfile.TemporaryDirectory() as folder:
        yield _dry_run(Path(folder), "every study of the demo", 4, ["-n", "all"])
        yield _dry_run(
            Path(folder), f"{FOLDS} folds by {SEEDS} seeds of all", 20, ["-n", *_grid(Path(folder))]
        )
    yield from _growth(scratch)


def _demo() -> Row:
    what = "make demo, after installation, two cores"
    if not DEMO.is_file():
        return Row(what, "s", None, bar=300, note="by benchmarks/demo.py")
    facts = json.loads(DEMO.read_text())
    inside = facts["training"] / facts["jobs"]
    return Row(
        what,
        "s",
        facts["seconds"],
        bar=300,
        note=f"last measured by benchmarks/demo.py on {facts['machine']}; of the jobs' time "
        f"{inside:.0%} are steps of training, {facts['imports'] / facts['jobs']:.0%} imports; "
        "with half the steps models do not learn",
    )


def _dry_run(folder: Path, what: str, bar: float, arguments: Sequence[str]) -> Row:
    seconds, memory = _run(
        ["-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder),
         "--workflow-profile", "none", "--cores", "2", "--quiet", "all", *arguments]
    )  # fmt: skip
    return Row(f"dry run, {what}", "s", seconds, bar=bar, note=f"nothing is built; {memory} MiB")


def _grid(folder: Path) -> list[str]:
    """Write a configuration that trains every model once for each fold and seed."""
    runs = [f"patient-f{fold}-s{seed}" for fold in range(FOLDS) for seed in range(SEEDS)]
    studies = [path.stem for path in (ROOT / "config/studies").glob("*.yaml")]
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config["overrides"] = {study: {"runs": runs} for study in studies if study != "coco-unet"}
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump(config))
    return ["all", "--configfile", str(path)]


def _run(arguments: Sequence[str]) -> tuple[float, int]:
    """Run a Python command; return its seconds and peak MiB."""
    start = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)}:\n{error.decode()[-3000:]}")
    return time.perf_counter() - start, round(usage.ru_maxrss / 1024)


def _growth(scratch: Path) -> Iterator[Row]:
    """Build reports from folders of few and of many patients, and compare their jobs."""
    found = {count: _jobs(scratch / f"{count}", count) for count in (FEW, MANY)}
    stages = {
        "index and preprocessing": ("index_group", "index", "shard_masks", "split_all"),
        "counting": ("counts", "bring", "baseline"),
        "scores and comparisons": ("metrics", "comparisons"),
        "report": ("study_page", "report"),
    }
    for stage, rules in stages.items():
        few, many = (sum(found[count][rule] for rule in rules) for count in (FEW, MANY))
        yield Row(
            f"growth from {FEW} to {MANY} patients, {stage}",
            "times linear",
            many / (few * MANY / FEW),
            bar=1.2,
            note=f"{few:.1f} s, then {many:.1f} s, the start of each job among them",
        )


def _jobs(folder: Path, patients: int) -> dict[str, float]:
    """Score made-up pictures of so many patients; return the seconds of each rule's jobs."""
    rng = np.random.default_rng(0)
    for patient in range(patients):
        for number in range(24):
            truth = np.zeros((64, 64), np.uint8)
            top, left = rng.integers(5, 35, 2)
            truth[top : top + 20, left : left + 20] = 1
            for kind, mask in (("truth", truth), ("predicted", np.roll(truth, 2, axis=0))):
                path = folder / kind / f"P{patient:03}" / f"P{patient:03}_{number:02}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(mask).save(path)
    out = folder / "scores"
    pattern = "{case}/{case}_{slice}.png"
    _run(
        ["-m", "gliomake", "score", "--truth", str(folder / "truth"), "--predictions",
         str(folder / "predicted"), "--truth-pattern", pattern, "--pattern", pattern,
         "--cores", "1", "--out", str(out)]
    )  # fmt: skip
    return rule_seconds(out)


class _Zero(dict[str, float]):
    def __missing__(self, key: str) -> float:
        return 0.0


def rule_seconds(folder: Path) -> dict[str, float]:
    """Sum the seconds of each rule's jobs, by what Snakemake keeps of them.

    Parameters
    ----------
    folder : Path
        Where the workflow ran.

    Returns
    -------
    dict of str to float
        0 for rules that had no job.
    """
    spans: dict[tuple[Any, ...], float] = {}
    for path in (folder / ".snakemake" / "metadata").rglob("*"):
        if path.is_file():
            facts = json.loads(path.read_text())
            if facts.get("endtime") and facts.get("starttime"):
                # Outputs of one job begin together.
                key = facts["rule"], facts.get("log", [""])[0], round(facts["starttime"], 1)
                spans[key] = max(facts["endtime"] - facts["starttime"], spans.get(key, 0))
    sums = _Zero()
    for (rule, *_), seconds in spans.items():
        sums[rule] += seconds
    return sums
