"""Does the work grow with the patients, and the memory not? Measured on full-size BraTS phantoms.

For each number of patients: write the phantom, index it (every voxel of every channel the study
reads), and shard it, each as a process of its own, as the workflow's jobs are.

    PYTHONPATH=workflow/scripts python benchmarks/scale.py --patients 10 40
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

JOBS = ("phantom", "index", "shard")
STUDIES: dict[str, dict[str, Any]] = {
    "brats2020": {
        "channels": ["t1", "t1ce", "t2", "flair"],
        "image_size": 128,
        "intensity": "zscore",
        "slices": "all",
        "classes": ["NEC", "ED", "ET"],
    },
    "brats2021": {
        "channels": ["flair"],
        "image_size": 96,
        "intensity": "minmax",
        "slices": "tumour",
        "classes": ["tumour"],
    },
}
MEMORY_LIMIT_MIB = 2048
GROWTH_LIMIT = 0.15
RESULTS = Path(__file__).parent / "results"


def phantom(dataset: str, folder: Path, patients: int) -> None:
    from gliomake.phantom import write_phantom

    write_phantom(dataset, folder / "data", patients, 0)


def index(dataset: str, folder: Path, patients: int) -> None:
    from gliomake.datasets import open_dataset
    from gliomake.prepare.index import write_index_group

    reader = open_dataset(dataset, folder / "data")
    channels = STUDIES[dataset]["channels"]
    write_index_group(reader, reader.cases(), folder / "index.json", channels)


def shard(dataset: str, folder: Path, patients: int) -> None:
    from gliomake.datasets import open_dataset
    from gliomake.files.shards import write_shard
    from gliomake.prepare.preprocess import preprocess

    reader, recipe = open_dataset(dataset, folder / "data"), STUDIES[dataset]
    channels = tuple(recipe["channels"])
    volumes = (preprocess(reader.load(case, channels), channels, recipe) for case in reader.cases())
    write_shard(folder / "shard.h5", volumes, dataset=dataset, recipe=recipe)


def run_job(job: str, dataset: str, folder: Path, patients: int) -> dict[str, Any]:
    """Run a job as a process; give its wall-clock seconds and its peak memory."""
    command = [sys.executable, __file__, "--job", job, "--dataset", dataset, "--folder", folder]
    start = time.perf_counter()
    process = subprocess.Popen(
        [*map(str, command), "--patients", str(patients)], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{job} of {patients} patients of {dataset} failed")
    return {
        "dataset": dataset,
        "patients": patients,
        "job": job,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "seconds_per_patient": round(seconds / patients, 3),
        "peak_mib": round(usage.ru_maxrss / 1024),  # Linux counts in KiB
    }


def measure(datasets: list[str], numbers: list[int], scratch: Path | None) -> list[dict[str, Any]]:
    rows = []
    for dataset in datasets:
        for patients in numbers:
            folder = Path(tempfile.mkdtemp(prefix="gliomake-scale-", dir=scratch))
            try:
                for job in JOBS:
                    row = run_job(job, dataset, folder, patients)
                    rows.append(row)
                    print(
                        f"{dataset:10} {patients:5} patients  {job:8} {row['seconds']:8.2f} s "
                        f"{row['seconds_per_patient']:7.3f} s/patient {row['peak_mib']:6} MiB",
                        flush=True,
                    )
            finally:
                shutil.rmtree(folder)
    return rows


def growth(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare the processor time per patient of the most patients with those of the fewest."""
    compared = []
    for dataset, job in dict.fromkeys((row["dataset"], row["job"]) for row in rows):
        same = [row for row in rows if (row["dataset"], row["job"]) == (dataset, job)]
        few, many = (pick(same, key=lambda row: row["patients"]) for pick in (min, max))
        if few["patients"] < many["patients"]:
            # Processor time: what else runs on the machine does not count.
            expected = few["cpu_seconds"] * many["patients"] / few["patients"]
            excess = many["cpu_seconds"] / expected - 1
            compared.append(
                {
                    "dataset": dataset,
                    "job": job,
                    "from": few["patients"],
                    "to": many["patients"],
                    "cpu_over_linear": round(excess, 3),
                    "memory_growth": round(many["peak_mib"] / few["peak_mib"] - 1, 3),
                    "within_limits": excess <= GROWTH_LIMIT
                    and many["peak_mib"] <= MEMORY_LIMIT_MIB,
                }
            )
    return compared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", nargs="+", default=list(STUDIES), choices=STUDIES)
    parser.add_argument("--patients", nargs="+", type=int, default=[10, 40])
    parser.add_argument("--folder", type=Path, help="scratch space, some 15 MB a patient")
    parser.add_argument("--out", type=Path, default=RESULTS / "scale.json")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        globals()[options.job](options.dataset[0], options.folder, options.patients[0])
        return
    rows = measure(options.dataset, options.patients, options.folder)
    compared = growth(rows)
    for row in compared:
        print(
            f"{row['dataset']:10} {row['job']:8} {row['from']} to {row['to']} patients: "
            f"{row['cpu_over_linear']:+.1%} over linear, memory {row['memory_growth']:+.1%}"
        )
    if not all(row["within_limits"] for row in compared):
        print(f"over the limits: {GROWTH_LIMIT:.0%} over linear, {MEMORY_LIMIT_MIB} MiB a job")
    machine = {"cores": os.cpu_count(), "machine": platform.machine()}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    result = {"machine": machine, "jobs": rows, "growth": compared}
    options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
