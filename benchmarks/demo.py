"""Where the time of `make demo` goes: its jobs, their imports, steps of training.

    .venv/bin/python benchmarks/demo.py

Builds the demo in a fresh copy of what is committed, on two cores, prints a table and writes
``benchmarks/results/demo.json`` and the picture ``demo.svg`` beside it.
"""

import ast
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import matplotlib
from bootstrap import LIBRARY
from workflow_rows import DEMO, ROOT, rule_seconds

matplotlib.use("svg")
from matplotlib import pyplot


def build(folder: Path) -> float:
    """Build the demo; return its seconds."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    command = ["--cores", "2", "--quiet", "rules", "host", "--", "all"]
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "snakemake", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "workflow/scripts")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - start


def import_seconds(rule: str) -> float:
    """Time a process that does nothing but what a rule's script imports."""
    tree = ast.parse((LIBRARY / f"{rule}.py").read_text())
    lines = [
        ast.unparse(each) for each in tree.body if isinstance(each, ast.Import | ast.ImportFrom)
    ]
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", "\n".join(lines)],
            env={**os.environ, "PYTHONPATH": str(LIBRARY)},
            check=True,
        )
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "demo"
        seconds = build(folder)
        rules = rule_seconds(folder)
        trained = [json.loads(p.read_text()) for p in (folder / "results").rglob("train.json")]
        numbers = job_numbers(folder)
    training = sum(facts["seconds"] for facts in trained)
    table = {
        rule: {
            "jobs": numbers[rule],
            "seconds": round(rules[rule], 1),
            "imports": round(numbers[rule] * import_seconds(rule), 1),
            "training": round(training, 1) if rule == "train" else 0,
        }
        for rule in sorted(rules, key=lambda name: -rules[name])
    }
    facts: dict[str, Any] = {
        "seconds": round(seconds, 1),
        "machine": trained[0]["device"],
        "jobs": round(sum(rules.values()), 1),
        "training": round(training, 1),
        "imports": round(sum(row["imports"] for row in table.values()), 1),
        "slices_trained": sum(each["epochs"] * each["training_slices"] for each in trained),
        "rules": table,
    }
    DEMO.write_text(json.dumps(facts, indent=1) + "\n")
    draw(table, DEMO.with_suffix(".svg"))
    print(f"{'rule':20}{'jobs':>6}{'seconds':>10}{'imports':>10}{'training':>10}")
    for rule, row in table.items():
        print(f"{rule:20}" + "".join(f"{row[key]:>{6 if key == 'jobs' else 10}}" for key in row))
    print(f"make demo {seconds:.0f} s; the jobs together {facts['jobs']:.0f} s")


def job_numbers(folder: Path) -> dict[str, int]:
    """Count each rule's jobs."""
    found: set[tuple[str, str]] = set()
    for path in (folder / ".snakemake" / "metadata").rglob("*"):
        if path.is_file():
            facts = json.loads(path.read_text())
            found.add((facts["rule"], str(facts.get("log"))))
    return Counter(rule for rule, _ in found)


def draw(table: dict[str, dict[str, float]], path: Path) -> None:
    """Draw a bar a rule: imports, steps of training, the rest."""
    names = list(table)[:12]
    figure, axes = pyplot.subplots(figsize=(7, 3.6), layout="constrained")
    left = [0.0] * len(names)
    parts = {
        "imports": [table[name]["imports"] for name in names],
        "steps of training": [table[name]["training"] for name in names],
    }
    known = [sum(values) for values in zip(*parts.values(), strict=True)]
    parts["the rest"] = [
        max(table[name]["seconds"] - sure, 0) for name, sure in zip(names, known, strict=True)
    ]
    for (label, values), colour in zip(
        parts.items(), ("#999999", "#0072B2", "#E69F00"), strict=True
    ):
        axes.barh(names, values, left=left, label=label, color=colour)
        left = [start + value for start, value in zip(left, values, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("seconds of all jobs together")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
