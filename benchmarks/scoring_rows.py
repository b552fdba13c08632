"""Rows on scoring: every score with its interval, distances, and folders of predictions."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
from bootstrap import LIBRARY, made_up_counts, timed_scores
from row import Row, in_turns
from scipy import ndimage

from gliomake.scoring.distances import surface_distances

FEW, CASES = 2, 12
SHAPE = (240, 240, 155)


def rows(scratch: Path) -> Iterator[Row]:
    """Measure scoring, with made-up data in a folder; give each row as it is measured."""
    counts = made_up_counts(369, 155, ("ED", "ET", "NEC"), side=240)
    seconds, memory = timed_scores(counts, 10_000)
    yield Row(
        "scores with intervals, 57 195 slices of 369 patients",
        "s",
        seconds,
        bar=5,
        note=f"768 cells, 10 000 resamples, one core, from start to end of a process; {memory} MiB",
    )
    yield _hd95()
    _write_cases(scratch / "cases")
    for distances in (True, False):
        yield _folders(scratch, distances)


def _hd95() -> Row:
    truth, predicted = _case(np.random.default_rng(0))
    one, other = (mask.transpose(2, 0, 1) > 0 for mask in (truth, predicted))
    numbers = range(len(one))

    def ours() -> float:
        return surface_distances(other, one, numbers, (1.0, 1.0, 1.0))[0]

    def plain() -> float:
        # As MONAI and medpy: a distance transform of the whole volume, both ways.
        edges = [mask & ~ndimage.binary_erosion(mask) for mask in (one, other)]
        fields = [ndimage.distance_transform_edt(~edge) for edge in edges]
        both = ((fields[0], edges[1]), (fields[1], edges[0]))
        return max(float(np.percentile(field[edge], 95)) for field, edge in both)

    assert abs(ours() - plain()) < 1e-6
    seconds = in_turns({"ours": ours, "plain": plain})
    return Row(
        "HD95 and surface Dice of a 240x240x155 patient",
        "s",
        seconds["ours"],
        seconds["plain"],
        bar=0.5,
        note="one mask, ragged; plain: HD95 alone by distance transforms, the same number",
    )


def _case(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Make a tumour of three classes and a prediction with hundreds of islands."""
    centre = np.append(rng.uniform(80, 160, 2), rng.uniform(50, 100))
    radius = rng.uniform(20, 45, 3)
    truth = _blob(centre, radius)
    predicted = _blob(centre + rng.normal(0, 2, 3), radius * rng.uniform(0.9, 1.1, 3))
    noise = rng.random(SHAPE) < 3e-5
    predicted[noise & (predicted == 0)] = 2
    return truth, predicted


def _blob(centre: np.ndarray, radius: np.ndarray) -> np.ndarray:
    grid = np.ogrid[tuple(slice(length) for length in SHAPE)]
    distance = np.sqrt(
        sum(((x - c) / r) ** 2 for x, c, r in zip(grid, centre, radius, strict=True))
    )
    mask = np.zeros(SHAPE, np.uint8)
    for limit, label in ((1, 2), (0.7, 4), (0.4, 1)):
        mask[distance < limit] = label
    return mask


def _write_cases(folder: Path) -> None:
    rng = np.random.default_rng(0)
    affine = np.diag([-1.0, -1, 1, 1])
    for number in range(CASES):
        for kind, mask in zip(("truth", "predicted"), _case(rng), strict=True):
            path = folder / kind / f"case_{number:03}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(mask, affine), path)


def _folders(scratch: Path, distances: bool) -> Row:
    few, many = (_scored(scratch, count, distances) for count in (FEW, CASES))
    each = (many - few) / (CASES - FEW)
    how = "with distances and lesions" if distances else "without distances"
    return Row(
        f"gliomake score, 100 patients, {how}",
        "s",
        few + (100 - FEW) * each,
        bar=240 if distances else 40,
        note=f"reckoned from {FEW} patients ({few:.0f} s) and {CASES} ({many:.0f} s); 240x240x155, "
        "three classes, two regions, two cores; from the command to the report; starts and pages "
        "take what two patients take, the truth is read three times",
    )


def _scored(scratch: Path, count: int, distances: bool) -> float:
    """Score so many cases; return the seconds."""
    out = scratch / f"scores-{distances}-{count}"
    for kind in ("truth", "predicted"):
        (out / kind).mkdir(parents=True)
        for path in sorted((scratch / "cases" / kind).iterdir())[:count]:
            (out / kind / path.name).symlink_to(path)
    options = ["--lesions", "glioma-2023"] if distances else ["--no-distances"]
    command = [
        *(sys.executable, "-m", "gliomake", "score", "--out", str(out / "scores"), "--cores", "2"),
        *("--truth", str(out / "truth"), "--predictions", str(out / "predicted")),
        *("--labels", "1=NEC,2=ED,4=ET", "--regions", "WT=NEC+ED+ET,TC=NEC+ET", *options),
    ]
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    return time.perf_counter() - start
