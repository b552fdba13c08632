"""A page of YAML as it stands, and one block laid over another."""

import copy
from pathlib import Path
from typing import Any

import yaml

from gliomake.study.run import ConfigError

# A block that names another thing (a loss, a kind of figure) replaces what it is laid over: the
# options of the one are not those of the other.
NAMES = ("name", "kind")
# Every start reads the studies; libyaml does it in a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def merge(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """Lay one nested dict over another.

    Parameters
    ----------
    base, override : dict
        Where both hold a dict under a key the two are merged; else `override` wins. Lists are
        replaced whole, and so are a loss of another name, a figure of another kind, and the
        options of another architecture.

    Returns
    -------
    dict
        A new dict; the arguments are left as they are.
    """
    merged = copy.deepcopy(base)
    if _differs(base, override, "architecture"):
        merged.pop("options", None)
        merged.pop("pretrained", None)
    for key, value in override.items():
        old = merged.get(key)
        merged[key] = copy.deepcopy(value)
        if isinstance(value, dict) and isinstance(old, dict) and not _renamed(old, value):
            merged[key] = merge(old, value)
    return merged


def _renamed(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return any(_differs(old, new, name) for name in NAMES)


def _differs(old: dict[str, Any], new: dict[str, Any], key: str) -> bool:
    return key in old and key in new and old[key] != new[key]


def read_study(path: str | Path) -> dict[str, Any]:
    """Read the page of a study or a data set as it stands.

    Parameters
    ----------
    path : str or Path
        ``<id>.yaml``.

    Returns
    -------
    dict
        Of a study, with its ``scales`` block.

    Raises
    ------
    ConfigError
        No YAML, no block of keys, or an id that is not the file's name.
    """
    path = Path(path)
    try:
        study = yaml.load(path.read_text(), _LOADER)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(study, dict):
        raise ConfigError(f"{path}: found {type(study).__name__}; expected a block of keys")
    if study.get("id") != path.stem:
        raise ConfigError(
            f"{path}: id is {study.get('id')!r}; expected the file's name {path.stem!r}"
        )
    return study
