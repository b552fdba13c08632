"""What people say to items of the reporting checklist: read and checked when a workflow starts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from gliomake.study.faults import Fault, fault_report, meant, schema_faults
from gliomake.study.run import ConfigError

SCHEMA = "reporting.schema.yaml"


def read_answers(path: str | Path, studies: Iterable[str]) -> dict[str, dict[str, str]]:
    """Read what people say to items of the checklist.

    Parameters
    ----------
    path : path-like
        ``config/reporting.yaml``; where there is none, nothing is said.
    studies : iterable of str
        Ids of the studies that there are.

    Returns
    -------
    dict of str to dict of str to str
        By study, by the item's number.

    Raises
    ------
    ConfigError
        It is not YAML, or holds a key that there is not.
    """
    path, known = Path(path), list(studies)
    if not path.is_file():
        return {}
    try:
        said: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no YAML: {' '.join(str(error).split())}") from None
    said = _texts(said)
    faults = schema_faults(said, SCHEMA)
    if not faults:
        faults = [
            Fault(("studies", name), f"there is no such study; {meant(name, known)}")
            for name in said.get("studies", {})
            if name not in known
        ]
    if faults:
        raise ConfigError(fault_report([Fault(f.path, f.message, str(path)) for f in faults]))
    shared, own = said.get("all", {}), said.get("studies", {})
    return {name: {**shared, **own.get(name, {})} for name in known if shared or name in own}


def _texts(value: Any) -> Any:
    """Give mappings keys of text: YAML reads an item's number as a number."""
    if isinstance(value, dict):
        return {str(key): _texts(each) for key, each in value.items()}
    return value
