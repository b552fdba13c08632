"""Time and memory of every score with its interval, at the size of BraTS 2020.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/bootstrap.py

Writes made-up counts of 369 patients (57 195 slices, three classes, two subsets, with and without
post-processing) to a temporary file. A process of its own then reads the file and scores all cells
with 10 000 resamples; its time, from start to end, and its peak memory are printed.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

LIBRARY = Path(__file__).parents[1] / "workflow" / "scripts"
CHILD = """
import sys
from gliomake.scoring.scores import score_table
from gliomake.files.tsv import read_tsv
print(len(score_table(read_tsv(sys.argv[1]), resamples=int(sys.argv[2]))), end="")
"""


def made_up_counts(
    patients: int, slices: int, classes: tuple[str, ...], side: int, named: bool = True
) -> pd.DataFrame:
    """Make counts of tumours in the middle third of each patient's slices.

    Parameters
    ----------
    patients, slices : int
        How many, and how many slices each.
    classes : tuple of str
        Their names.
    side : int
        Height and width of a slice, pixels.
    named : bool
        False leaves the patients' names empty and numbers the slices through.

    Returns
    -------
    DataFrame
        Columns of counts.tsv; every second patient is in val, the others in test.
    """
    generator = np.random.default_rng(0)
    frames = []
    depth = np.arange(slices)
    for patient in range(patients):
        for name in classes:
            size = generator.integers(200, side * side // 10)
            truth = np.where(np.abs(depth - slices / 2) < slices / 6, size, 0)
            tp = (truth * generator.uniform(0, 1, slices)).astype(int)
            fp = generator.integers(0, 100, slices) * generator.integers(0, 2, slices)
            for postprocess in (False, True):
                found = fp // 2 if postprocess else fp
                frames.append(
                    pd.DataFrame(
                        {
                            "patient": f"BraTS20_Training_{patient:03d}" if named else "",
                            "slice": depth if named else depth + patient * slices,
                            "subset": "test" if patient % 2 else "val",
                            "class": name,
                            "postprocess": postprocess,
                            "tp": tp,
                            "fp": found,
                            "fn": truth - tp,
                            "tn": side * side - truth - found,
                        }
                    )
                )
    return pd.concat(frames, ignore_index=True)


def measure(counts: pd.DataFrame, resamples: int) -> str:
    """Score a table of counts in a process of its own.

    Parameters
    ----------
    counts : DataFrame
        Columns of counts.tsv.
    resamples : int
        Of the bootstrap.

    Returns
    -------
    str
        Cells, seconds and MiB, as a line.
    """
    sys.path.insert(0, str(LIBRARY))
    from gliomake.files.tsv import write_tsv

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.tsv"
        write_tsv(counts, path)
        environment = os.environ | {
            "PYTHONPATH": str(LIBRARY),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        cells = subprocess.run(
            [sys.executable, "-c", CHILD, str(path), str(resamples)],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (
        f"{cells} cells, {resamples} resamples: {wall:.2f} s ({processor:.2f} s of one core), "
        f"peak {after.ru_maxrss / 1024:.0f} MiB"
    )


def main() -> None:
    """Measure the small case, then the large one (peak memory is the largest child's so far)."""
    coco = made_up_counts(429, 1, ("tumour",), side=256, named=False)
    print("429 images without patients:", measure(coco, 10_000))
    brats = made_up_counts(369, 155, ("ED", "ET", "NEC"), side=240)
    print(f"{len(brats) // 6} slices of 369 patients:", measure(brats, 10_000))


if __name__ == "__main__":
    main()
