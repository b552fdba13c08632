"""Time and memory of every score with its interval, at the size of BraTS 2020.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/bootstrap.py

Writes made-up counts of 369 patients (57 195 slices, three classes, two subsets, with and without
post-processing) to a temporary file. A process of its own then reads the file and scores all cells
with 10 000 resamples; its time, from start to end, and its peak memory are printed.
"""

import os
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


def timed_scores(counts: pd.DataFrame, resamples: int) -> tuple[float, int]:
    """Score a table of counts in a process of its own; return its seconds and its peak MiB.

    Parameters
    ----------
    counts : DataFrame
        Columns of counts.tsv.
    resamples : int
        Of the bootstrap.
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
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), str(resamples)],
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    if status:
        raise SystemExit("scoring failed; see above")
    return seconds, round(usage.ru_maxrss / 1024)


def main() -> None:
    """Measure the small case, then the large one."""
    coco = made_up_counts(429, 1, ("tumour",), side=256, named=False)
    brats = made_up_counts(369, 155, ("ED", "ET", "NEC"), side=240)
    for what, counts in (("429 images without patients", coco), ("57 195 slices", brats)):
        seconds, memory = timed_scores(counts, 10_000)
        print(f"{what}: {seconds:.2f} s, peak {memory} MiB")


if __name__ == "__main__":
    main()
