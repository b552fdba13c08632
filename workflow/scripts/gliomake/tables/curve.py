"""How a column of a training's history is found and read."""

import numpy as np
import pandas as pd

from gliomake.study.blocks import Watch


def panel_columns(history: pd.DataFrame, panel: str, convention: str = "pooled") -> dict[str, str]:
    """Find the columns of a history that show one quantity.

    Parameters
    ----------
    history : DataFrame
        A ``history.tsv``.
    panel : str
        ``loss``, a metric, or ``tversky`` for whichever Tversky score is there.
    convention : str
        The scores' convention; ``pooled`` and then ``image`` are taken where it is not there.

    Returns
    -------
    dict of str to str
        Column by subset, ``train`` where it was recorded and ``val``; with several classes the
        mean over them.

    Raises
    ------
    KeyError
        The history has no such column.
    """
    if panel == "loss":
        return {"train": "train_loss", "val": "val_loss"}
    found = {}
    for subset in ("train", "val"):
        for wanted in dict.fromkeys((convention, "pooled", "image")):
            matches = [
                name
                for name in history.columns
                if name.startswith((f"{subset}_{panel}_", f"{subset}_{panel}-"))
                and name.endswith(f"@{wanted}")
            ]
            if matches:
                means = [name for name in matches if f"_mean@{wanted}" in name]
                found[subset] = (means or matches)[0]
                break
    if "val" not in found:
        columns = ", ".join(map(str, history.columns))
        raise KeyError(f"the history has no validation {panel}@{convention}; it has {columns}")
    return found


def best_epoch(history: pd.DataFrame, criterion: Watch | None) -> int | None:
    """Find the epoch whose weights a training kept.

    Parameters
    ----------
    history : DataFrame
        A ``history.tsv``.
    criterion : dict or None
        ``monitor`` (a column) and ``mode`` (``min`` or ``max``) of the training.

    Returns
    -------
    int or None
        The first best epoch; None without a criterion or where it was never defined.

    Examples
    --------
    >>> history = pd.DataFrame({"epoch": [1, 2, 3], "val_loss": [0.5, 0.3, 0.4]})
    >>> best_epoch(history, {"monitor": "val_loss", "mode": "min"})
    2
    """
    if not criterion or criterion["monitor"] not in history:
        return None
    values = history[criterion["monitor"]].to_numpy(dtype=float)
    if np.isnan(values).all():
        return None
    row = np.nanargmin(values) if criterion["mode"] == "min" else np.nanargmax(values)
    return int(history["epoch"].to_numpy()[row])
