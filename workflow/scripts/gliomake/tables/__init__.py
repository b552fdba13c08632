"""Tables: one function a kind, each a CSV that says what it was built from."""

from importlib import import_module
from pathlib import Path

import pandas as pd

from gliomake.files.atomic import atomic_path
from gliomake.study.kinds import KINDS
from gliomake.study.overrides import overrides_text
from gliomake.study.targets import TargetSpec


def build_table(spec: TargetSpec) -> pd.DataFrame:
    """Build a target.

    Parameters
    ----------
    spec : TargetSpec
        The target and its files.

    Returns
    -------
    DataFrame
        The table, not yet written.
    """
    module, name = KINDS[spec.kind].function
    table: pd.DataFrame = getattr(import_module(module), name)(spec)
    return table


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
    table = build_table(spec).assign(data=spec.data, scale=spec.scale)
    if changed := overrides_text(spec.study):
        table = table.assign(overrides=changed)
    for name in table.select_dtypes(bool):
        table[name] = table[name].map({True: "true", False: "false"})
    with atomic_path(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
