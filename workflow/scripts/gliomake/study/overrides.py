"""What a configuration changes of a study, setting by setting: kept, so that it is never unseen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gliomake.study.load import complete_study
from gliomake.study.model import Study

# These choose what is shown, not what is computed.
SHOWN = ("figures", "tables", "title", "document", "question", "address")
# These are applied to a training's predictions.
SCORED = ("threshold", "postprocess", "gate", "runs", "reported_subset", "leakage")
ABSENT = object()
Difference = dict[str, Any]


def differences(
    file: Mapping[str, Any], changed: Mapping[str, Any], overrides: Mapping[str, Any]
) -> list[Difference]:
    """List what overrides change.

    Parameters
    ----------
    file : mapping
        The study as its file says at this scale, of `gliomake.study.load.at_scale`.
    changed : mapping
        The same with the overrides laid over it.
    overrides : mapping
        The overrides.

    Returns
    -------
    list of dict
        ``key``, a dotted path in the study's file; ``old``, what the file says there (a model
        without the key takes it from the study; null where there is none); ``new``. An override
        that changes nothing is left out.
    """
    complete = complete_study(dict(file))
    found = []
    for path in _leaves(overrides, changed):
        old, new = _at(file, path), _at(changed, path)
        if old is ABSENT:
            old = _inherited(complete, path)
        old, new = (None if value is ABSENT else value for value in (old, new))
        if old != new:
            found.append({"key": ".".join(path), "old": old, "new": new})
    return found


def _leaves(
    overrides: Mapping[str, Any], changed: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Walk over the settings that overrides give; a list is one setting."""
    for key, value in overrides.items():
        here = (*path, str(key))
        if isinstance(value, Mapping) and value and isinstance(changed.get(key), Mapping):
            yield from _leaves(value, changed[key], here)
        else:
            yield here


def _at(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return ABSENT
        value = value[key]
    return value


def _inherited(complete: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Find what a model takes from its study."""
    if len(path) < 3 or path[0] != "models":
        return ABSENT
    model = _at(complete, path[:2])
    value = _at(model, path[2:])
    return _at(model, ("training", *path[2:])) if value is ABSENT else value


def words(difference: Difference) -> dict[str, str]:
    """Write the values of a difference as a reader knows them."""
    return {name: _word(difference[name]) for name in ("key", "old", "new")}


def difference_text(difference: Difference) -> str:
    """Write a difference as ``training.epochs 10 -> 2``."""
    return "{key} {old} -> {new}".format_map(words(difference))


def differences_text(found: Sequence[Difference], most: int = 3) -> str:
    """Write the first differences in one line, and how many more there are."""
    shown = "; ".join(map(difference_text, found[:most]))
    return shown if len(found) <= most else f"{shown}; and {len(found) - most} more"


def overrides_text(study: Study) -> str:
    """Write all that overrides change of a study in one line; empty where they change nothing."""
    return "; ".join(map(difference_text, study.overrides))


def _word(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{', '.join(map(_word, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_word(inner)}' for key, inner in value.items())}}}"
    return str(value)


def training_overrides(study: Study, model: str) -> list[Difference]:
    """List the differences that a model's training depends on.

    Parameters
    ----------
    study : Study
        The study.
    model : str
        A trained model's name.

    Returns
    -------
    list of dict
        Those of `differences` that concern its data, its split or its training. A setting of the
        study that the model sets for itself is none of them.
    """
    return [
        difference
        for difference in score_overrides(study, model)
        if difference["key"].split(".")[0] not in SCORED
    ]


def score_overrides(study: Study, model: str) -> list[Difference]:
    """List the differences that a model's scores depend on.

    Parameters
    ----------
    study : Study
        The study.
    model : str
        A model's name; empty for what holds of the study as a whole.

    Returns
    -------
    list of dict
        All but those of other models, and of figures and tables.
    """
    return [each for each in study.overrides if _concerns(study, model, each)]


def _concerns(study: Study, model: str, difference: Difference) -> bool:
    first, *rest = difference["key"].split(".")
    if first in SHOWN:
        return False
    if first == "models":
        return not model or rest[0] == model
    if first == "training" and model in study.models:
        # Where the model has a setting of its own, the study's does not reach it.
        value = _at(study.models[model].training, rest)
        return bool(value == difference["new"])
    return True
