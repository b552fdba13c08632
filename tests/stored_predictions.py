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


def load_predictions(path: str | Path) -> Stored:
    """Read a file of predictions, all of it."""
    with open_predictions(path) as file:
        return Stored(
            patient=file["patient"].asstr()[:].tolist(),
            slice=file["slice"][:].tolist(),
            subset=file["subset"].asstr()[:].tolist(),
            probability=file["probability"][:],
            spacing=file["spacing"][:],
            classes=read_names(file, "classes", PredictionError),
            attributes={
                name: value.item() if isinstance(value, np.generic) else value
                for name, value in file.attrs.items()
                if name != "classes"
            },
        )
