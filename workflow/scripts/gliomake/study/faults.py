"""What is wrong with a configuration: every fault in one line, with its key and what is allowed."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

SCHEMAS = Path(__file__).parents[3] / "schemas"
# A start prints up to three lines of its own around the faults; eight in all fit a glance.
MOST_LINES = 5
LONGEST = 240
TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a block of keys",
    "null": "null",
}
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "minLength": "at least {} characters",
    "minProperties": "at least {} keys",
}
Path_ = tuple[str, ...]
FillIn = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes
    ----------
    path : tuple of str
        The keys that lead to it.
    message : str
        What was found and what was expected, without a full stop.
    source : str
        The file or the option that holds the key; empty where it is not known yet.
    """

    path: Path_
    message: str
    source: str = ""

    @property
    def key(self) -> str:
        """The key as a dotted path."""
        return ".".join(self.path)

    def __str__(self) -> str:
        where = " ".join(part for part in (self.source, self.key) if part)
        line = " ".join(f"{where}: {self.message}".split())
        return line if len(line) <= LONGEST else f"{line[: LONGEST - 4]} ..."


def fault_report(faults: Sequence[Fault]) -> str:
    """Write faults one a line.

    Parameters
    ----------
    faults : sequence of Fault
        At least one.

    Returns
    -------
    str
        Five lines at most; where there are more faults the last line says how many.
    """
    lines = list(dict.fromkeys(map(str, faults)))
    if len(lines) <= MOST_LINES:
        return "\n".join(lines)
    shown = lines[: MOST_LINES - 1]
    return "\n".join([*shown, f"and {len(lines) - len(shown)} more faults of this configuration"])


def meant(word: str, known: Iterable[str]) -> str:
    """Guess what was meant by a wrong word.

    Parameters
    ----------
    word : str
        What was found.
    known : iterable of str
        What is allowed.

    Returns
    -------
    str
        ``did you mean X? It has A, B, C``, without the question where nothing comes near; long
        lists are cut short.
    """
    names = sorted(set(map(str, known)))
    near = get_close_matches(word.lower(), [name.lower() for name in names], n=1, cutoff=0.6)
    guess = [name for name in names if near and name.lower() == near[0]]
    listed = f"there is {_list(names)}" if names else "there is none"
    return f"did you mean {guess[0]}? {listed}" if guess else listed


def _list(names: Sequence[str], longest: int = 90) -> str:
    """List names until the line is full."""
    listed = ", ".join(names)
    if len(listed) <= longest:
        return listed
    kept = listed[:longest].rsplit(", ", 1)[0]
    return f"{kept}, ... ({len(names)} in all)"


def found(value: Any) -> str:
    """Write a value as it is found in a configuration, in a few words."""
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, dict):
        return "a block of keys"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]} ..."


def schema_faults(value: Any, schema: str, fill_in: FillIn | None = None) -> list[Fault]:
    """Check a value against one of the workflow's schemas.

    Parameters
    ----------
    value : object
        A configuration, or a study.
    schema : str
        File in ``workflow/schemas``.
    fill_in : callable, optional
        Adds to what the file holds, in place, what is known elsewhere.

    Returns
    -------
    list of Fault
        All that is wrong; paths start at the value.
    """
    validator = _validator(schema, fill_in)
    faults = [fault for error in validator.iter_errors(value) for fault in _faults(error)]
    return [*faults, *_not_finite(value, ())]


@cache
def _validator(schema: str, fill_in: FillIn | None = None) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # 3.0 is no number of epochs: it would pass here and fail hours later.
    checker = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    closed = extend(Draft202012Validator, type_checker=checker)
    plain = yaml.load((SCHEMAS / schema).read_text(), loader)
    if fill_in:
        fill_in(plain)
    return closed(plain)


def _faults(error: ValidationError) -> Iterator[Fault]:
    path = tuple(map(str, error.absolute_path))
    value, rule, schema = error.instance, error.validator, error.schema
    assert isinstance(schema, Mapping)
    if rule == "additionalProperties":
        known = schema.get("properties", {})
        for key in sorted(set(value) - set(known), key=str):
            yield Fault((*path, str(key)), f"unknown key; {meant(str(key), known)}")
    elif rule == "required":
        assert isinstance(error.validator_value, list)
        for key in error.validator_value:
            if key not in value:
                yield Fault((*path, key), "is missing, and has no default")
    else:
        yield Fault(path, f"found {found(value)}; expected {_expected(error, schema)}")


def _expected(error: ValidationError, schema: Mapping[str, Any]) -> str:
    """Say in words what a schema allows."""
    rule, allowed = str(error.validator), error.validator_value
    if rule == "enum":
        assert isinstance(allowed, list)
        near = meant(str(error.instance), map(str, allowed)).partition("? ")
        guess = f"; {near[0]}?" if near[1] else ""
        return f"one of {_list([found(each).strip(chr(39)) for each in allowed])}{guess}"
    if rule == "type":
        kinds = [allowed] if isinstance(allowed, str) else list(allowed or ())
        return " or ".join(TYPES[kind] for kind in kinds) + _bounds(schema)
    if rule in BOUNDS:
        return _bounds(schema).removeprefix(", ")
    if rule == "uniqueItems":
        return "each entry once"
    if rule in ("pattern", "oneOf"):
        return schema.get("description", f"the form {allowed}").rstrip(".").lower()
    return error.message


def _bounds(schema: Mapping[str, Any]) -> str:
    words = [words.format(schema[name]) for name, words in BOUNDS.items() if name in schema]
    return f", {' and '.join(words)}" if words else ""


def _not_finite(value: Any, path: Path_) -> Iterator[Fault]:
    """Find numbers that are none: every comparison with NaN is false, so bounds let them pass."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _not_finite(part, (*path, str(key)))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _not_finite(part, (*path, str(index)))
    elif isinstance(value, float) and not math.isfinite(value):
        yield Fault(path, f"found {value}; expected a finite number")


def has_path(value: Any, path: Sequence[str]) -> bool:
    """Check whether nested blocks hold a key; a list counts as a whole."""
    for key in path:
        if isinstance(value, list):
            return True
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
    return True
