"""JSON files that appear whole or not at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from gliomake.files.atomic import atomic_path


def write_json(value: Any, path: str | Path) -> None:
    """Write JSON atomically.

    Parameters
    ----------
    value : object
        What to write; NaN is an error, numpy numbers become numbers.
    path : str or Path
        Where to.
    """

    def number(item: Any) -> Any:
        if isinstance(item, np.generic):
            return item.item()
        raise TypeError(f"cannot write {type(item).__name__} to {path}")

    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, default=number) + "\n")
