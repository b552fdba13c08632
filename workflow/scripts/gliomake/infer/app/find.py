"""What the page offers: the trained models below a folder, and test slices as examples."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gliomake.files.predictions import PredictionError, open_predictions
from gliomake.files.shards import ShardError, load_arrays, open_shard
from gliomake.infer.describe import MODEL_FILE, Description, ModelError, read_description
from gliomake.infer.scan import Scan

EXAMPLES = 6
"""Examples with tumour, and as many without."""


@dataclass(frozen=True)
class Example:
    """A test slice of the workflow.

    Attributes
    ----------
    label : str
        Patient and slice, and whether there is tumour.
    patient : str
        Empty in a data set without patients.
    number : int
        Of the slice.
    """

    label: str
    patient: str
    number: int


def find_models(results: Path) -> dict[str, Path]:
    """List the trained models below a folder.

    Parameters
    ----------
    results : Path
        The workflow's ``results``.

    Returns
    -------
    dict of str to Path
        ``<study>/<model>/<run>`` to its folder; segmenters first, and those that cannot be read
        left out.
    """
    found: list[tuple[bool, str, Path]] = []
    for path in sorted(results.glob(f"*/*/*/{MODEL_FILE}")):
        try:
            about = read_description(path.parent)
        except ModelError:
            continue
        found.append((about.task == "classification", about.name, path.parent))
    return {name: folder for _, name, folder in sorted(found)}


def find_shards(results: Path, about: Description) -> list[Path]:
    """List the shards of a model's recipe.

    Returns
    -------
    list of Path
        Empty where they were removed.
    """
    for folder in sorted((results / "shards").glob(f"{about.dataset}-*")):
        shards = sorted(folder.glob("*.h5"))
        try:
            with open_shard(shards[0]) as file:
                if json.loads(file.attrs["recipe"]) == about.recipe:
                    return shards
        except (IndexError, KeyError, ValueError, OSError):
            continue
    return []


def find_examples(folder: Path, shards: list[Path], asked: str = "") -> list[Example]:
    """List test slices of a model's run, those with most tumour first, then some without.

    Parameters
    ----------
    folder : Path
        The model's.
    shards : list of Path
        Of `find_shards`.
    asked : str
        ``<patient>/<slice>`` of one that comes first, if it is such a slice.

    Returns
    -------
    list of Example
        Empty where predictions or shards are not there.
    """
    if not shards:
        return []
    try:
        with open_predictions(folder / "predictions.h5") as file:
            subset = file["subset"].asstr()[:]
            wanted = subset == ("test" if (subset == "test").any() else "val")
            keys = pd.DataFrame(
                {"patient": file["patient"].asstr()[:][wanted], "slice": file["slice"][:][wanted]}
            )
        mask = load_arrays(shards, keys).mask
    except (PredictionError, ShardError, OSError):
        return []
    pixels = mask.reshape(len(mask), -1).sum(axis=1)
    order = np.argsort(-pixels, kind="stable")
    with_tumour = [int(row) for row in order if pixels[row]]
    # One in the middle of the head shows more than its last slice.
    without = [int(row) for row in np.flatnonzero(pixels == 0)]
    step = max(len(with_tumour) // EXAMPLES, 1)
    picked = with_tumour[::step][:EXAMPLES]
    step = max(len(without) // EXAMPLES, 1)
    picked += without[step // 2 :: step][:EXAMPLES]
    names = [f"{patient}/{number}" for patient, number in keys.itertuples(index=False)]
    if asked in names:
        first = names.index(asked)
        picked = [first, *(row for row in picked if row != first)]
    return [_example(keys.iloc[row], int(pixels[row])) for row in picked]


def _example(row: pd.Series, pixels: int) -> Example:
    patient, number = str(row["patient"]), int(row["slice"])
    place = f"{patient}, slice {number}" if patient else f"image {number}"
    return Example(f"{place}: {'tumour' if pixels else 'no tumour'}", patient, number)


def load_example(
    example: Example, about: Description, shards: list[Path]
) -> tuple[Scan, np.ndarray]:
    """Load a test slice as the network sees it, and its truth.

    Returns
    -------
    scan : Scan
        Of one slice, preprocessed.
    truth : ndarray (1, class, size, size) of bool
        Its mask.
    """
    keys = pd.DataFrame({"patient": [example.patient], "slice": [example.number]})
    arrays = load_arrays(shards, keys, about.channels)
    name = "-".join(filter(None, [example.patient, str(example.number)])).replace("/", "-")
    scan = Scan(name, arrays.image, tuple(about.channels), ".png", prepared=True)
    return scan, arrays.mask.astype(bool)
