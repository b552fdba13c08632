"""One table of how fast everything is: ours beside the plain way and beside the least possible.

    make bench                                  # all of it, under a quarter of an hour on two cores
    .venv/bin/python benchmarks/bench.py train  # of one part: prepare, train, score or workflow

What stands in one row is timed in turns in one run, so that its ratios do not depend on what else
the machine does. The table is printed row by row and written to ``benchmarks/results/bench.tsv``.
"""

import argparse
import contextlib
import io
import os
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

# Before any library counts the processors: a job of the workflow takes one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow" / "scripts"), str(ROOT / "benchmarks")]
PARTS = {
    "prepare": "prepare_rows",
    "score": "scoring_rows",
    "train": "training_rows",
    "workflow": "workflow_rows",
}
RESULTS = ROOT / "benchmarks" / "results" / "bench.tsv"
WIDTHS = (58, 15, 15, 15, 7, 6)


def main() -> None:
    from row import COLUMNS, cells

    from gliomake.training.hardware import choose_hardware

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parts = parser.parse_args().parts or list(PARTS)
    if wrong := set(parts) - PARTS.keys():
        parser.error(f"no part {', '.join(sorted(wrong))}; there are {', '.join(PARTS)}")
    machine = f"{choose_hardware().name}, {os.cpu_count()} cores"
    print(f"{machine}; {time.strftime('%Y-%m-%d')}")
    lines = []
    print(_line(COLUMNS))
    for part in parts:
        module = import_module(PARTS[part])
        with tempfile.TemporaryDirectory() as scratch:
            found = module.rows(Path(scratch))
            while True:
                # Libraries talk; only rows belong here.
                with contextlib.redirect_stdout(io.StringIO()):
                    row = next(found, None)
                if row is None:
                    break
                lines.append(cells(row))
                print(_line(lines[-1]), flush=True)
    if parts == list(PARTS):
        table = ["\t".join((*COLUMNS, "machine")), *("\t".join((*line, machine)) for line in lines)]
        RESULTS.write_text("\n".join(table) + "\n")
        print(f"written to {RESULTS.relative_to(ROOT)}, with notes on each row")


def _line(values: tuple[str, ...]) -> str:
    shown = [f"{value:{width}}" for value, width in zip(values, WIDTHS, strict=False)]
    return " ".join([*shown, values[6], "|", values[7]]).rstrip(" |")


if __name__ == "__main__":
    main()
