"""Tables: one function a kind, each a CSV that says what it was built from."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from gliomake.files.atomic import atomic_path
from gliomake.study.overrides import overrides_text
from gliomake.study.targets import TargetSpec
from gliomake.tables.scores import comparison, postprocessing, ranking
from gliomake.tables.study import scope, split
from gliomake.tables.training import convergence, epochs

TABLES: dict[str, Callable[[TargetSpec], pd.DataFrame]] = {
    "split": split,
    "ranking": ranking,
    "comparison": comparison,
    "postprocessing": postprocessing,
    "convergence": convergence,
    "epochs": epochs,
    "scope": scope,
}


def make_table(spec: TargetSpec, csv: str | Path) -> None:
    """Build a target and write it.

    Parameters
    ----------
    spec : TargetSpec
        The target and its files.
    csv : str or Path
        Where to; ends with the columns ``data`` and ``scale``, and ``overrides`` where a
        configuration changes the study. An undefined number is an empty cell; numbers have six
        significant digits.
    """
    table = TABLES[spec.kind](spec).assign(data=spec.data, scale=spec.scale)
    if changed := overrides_text(spec.study):
        table = table.assign(overrides=changed)
    for name in table.select_dtypes(bool):
        table[name] = table[name].map({True: "true", False: "false"})
    with atomic_path(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
