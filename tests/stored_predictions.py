"""A file of predictions in memory, for tests that look at all of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gliomake.files.predictions import PredictionError, open_predictions
from gliomake.files.sealed import read_names


@dataclass
class Stored:
    """What a file of predictions holds, one row a slice."""

    patient: list[str]
    slice: list[int]
    subset: list[str]
    probability: np.ndarray
    spacing: np.ndarray
    classes: list[str]
    attributes: dict[str, Any]


def load_predictions(path: str | Path, subset: str | None = None) -> Stored:
    """Read a file of predictions: all of it, or the rows of one subset."""
    with open_predictions(path) as file:
        names = file["subset"].asstr()[:].tolist()
        rows = [row for row, name in enumerate(names) if subset in (None, name)]
        return Stored(
            patient=[file["patient"].asstr()[:][row] for row in rows],
            slice=[int(file["slice"][row]) for row in rows],
            subset=[names[row] for row in rows],
            probability=file["probability"][:][rows],
            spacing=file["spacing"][:][rows],
            classes=read_names(file, "classes", PredictionError),
            attributes={
                name: value.item() if isinstance(value, np.generic) else value
                for name, value in file.attrs.items()
                if name != "classes"
            },
        )
