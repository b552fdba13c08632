"""What a number of the report is a number of: typed keys, and the ids that stand for them.

An id is what pages (``data-number``) and ``numbers.json`` call a number by, for example
``score/<model>/<run>/<subset>/<class>/<metric>/<convention>/<raw or cleaned>``. Ids are written by
`write_id` and read by `read_id`; the script of the slice viewer (``viewer.js``) writes those of its
slices alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple, Self

_STATES = {False: "raw", True: "cleaned"}
_LEAK = "leak"


class IdError(ValueError):
    """An id that stands for no number of a report."""


class Measured(NamedTuple):
    """What was measured; empty where a number has no such thing."""

    model: str = ""
    run: str = ""
    subset: str = ""
    class_: str = ""
    metric: str = ""
    convention: str = ""
    postprocess: bool = False


@dataclass(frozen=True)
class Key:
    """What identifies a number within its study; each kind of number has a class of its own.

    The order of the fields is that of the id's parts.
    """

    kind: ClassVar[str]

    @property
    def measured(self) -> Measured:
        """What was measured, as far as the key says it."""
        own = {field.name for field in fields(self)}
        return Measured(**{name: getattr(self, name) for name in Measured._fields if name in own})

    @property
    def details(self) -> dict[str, str]:
        """What identifies the number besides what was measured, by name."""
        return {}

    @classmethod
    def of(cls, row: Mapping[str, Any], **more: Any) -> Self:
        """Make the key of a row of a table of scores.

        Parameters
        ----------
        row : mapping
            ``subset class metric convention postprocess``, and under their own names whatever else
            the key is made of.
        **more
            Fields that the row does not hold.
        """
        found: dict[str, Any] = {}
        for field in fields(cls):
            if field.name in more:
                continue
            value = row["class" if field.name == "class_" else field.name]
            found[field.name] = field.type(value)  # type: ignore[operator]
        return cls(**found, **more)


@dataclass(frozen=True)
class ScoreKey(Key):
    """A score of ``metrics.json``."""

    kind: ClassVar[str] = "score"
    model: str
    run: str
    subset: str
    class_: str
    metric: str
    convention: str
    postprocess: bool


@dataclass(frozen=True)
class SliceKey(Key):
    """The Dice of one slice, before its masks are post-processed."""

    kind: ClassVar[str] = "slice"
    model: str
    run: str
    subset: str
    class_: str
    patient: str
    slice: int

    @property
    def measured(self) -> Measured:
        """A Dice of one slice."""
        return super().measured._replace(metric="dice", convention="one slice")

    @property
    def details(self) -> dict[str, str]:
        """The slice."""
        return {"patient": self.patient, "slice": str(self.slice)}


@dataclass(frozen=True)
class ComparisonKey(Key):
    """The difference of two models, `model_a` minus `model_b`."""

    kind: ClassVar[str] = "comparison"
    model_a: str
    model_b: str
    run: str
    subset: str
    class_: str
    metric: str
    convention: str
    postprocess: bool

    @property
    def measured(self) -> Measured:
        """A score of both models."""
        return super().measured._replace(model=f"{self.model_a} minus {self.model_b}")


@dataclass(frozen=True)
class LeakageKey(Key):
    """The effect of leakage on a score; `leak` is in percent."""

    kind: ClassVar[str] = "leakage"
    model: str
    leak: int
    subset: str
    class_: str
    metric: str
    convention: str
    postprocess: bool

    @property
    def details(self) -> dict[str, str]:
        """The leak."""
        return {"leak": f"{_LEAK}{self.leak}"}


@dataclass(frozen=True)
class SpreadKey(Key):
    """The standard deviation that a source (model, fold, seed) adds to a score."""

    kind: ClassVar[str] = "spread"
    source: str
    subset: str
    class_: str
    metric: str
    convention: str
    postprocess: bool

    @property
    def details(self) -> dict[str, str]:
        """The source."""
        return {"source": self.source}


@dataclass(frozen=True)
class ClaimKey(Key):
    """A reproduced value that is none of these; `column` is one of ``claims.tsv``."""

    kind: ClassVar[str] = "claim"
    claim: str
    column: str

    @property
    def details(self) -> dict[str, str]:
        """The claim, and which of its values."""
        return {"claim": self.claim, "column": self.column}


KEYS: dict[str, type[Key]] = {
    key.kind: key for key in (ScoreKey, SliceKey, ComparisonKey, LeakageKey, SpreadKey, ClaimKey)
}


def write_id(key: Key, study: str = "") -> str:
    """Write a key as an id.

    Parameters
    ----------
    key : Key
        The key.
    study : str
        Written behind it on a page of several studies, whose models may have one name.

    Returns
    -------
    str
        The kind and the fields, separated by slashes; a slash within a part is ``%2F``.
    """
    parts = [key.kind, *(_written(field.name, getattr(key, field.name)) for field in fields(key))]
    return "/".join([*parts, _escaped(study)] if study else parts)


def read_id(text: str) -> tuple[Key, str]:
    """Read an id: the reverse of `write_id`.

    Parameters
    ----------
    text : str
        An id of a page or of ``numbers.json``.

    Returns
    -------
    key : Key
        What the number is of.
    study : str
        The study where the id names one, else empty.

    Raises
    ------
    IdError
        The text is no id.
    """
    kind, *parts = text.split("/")
    if kind not in KEYS:
        raise IdError(f"id {text!r}: kind {kind!r}; expected one of {', '.join(KEYS)}")
    names = [field.name for field in fields(KEYS[kind])]
    if len(parts) not in (len(names), len(names) + 1):
        raise IdError(
            f"id {text!r}: {len(parts)} parts behind the kind; expected {'/'.join(names)}"
        )
    try:
        found = {name: _read(name, part) for name, part in zip(names, parts, strict=False)}
    except (ValueError, LookupError) as error:
        raise IdError(f"id {text!r}: a part cannot be read ({error})") from error
    return KEYS[kind](**found), "".join(map(_plain, parts[len(names) :]))


def _written(name: str, value: Any) -> str:
    if name == "postprocess":
        return _STATES[value]
    return f"{_LEAK}{value}" if name == "leak" else _escaped(str(value))


def _read(name: str, part: str) -> Any:
    if name == "postprocess":
        return {state: value for value, state in _STATES.items()}[part]
    if name in ("leak", "slice"):
        return int(part.removeprefix(_LEAK) if name == "leak" else part)
    return _plain(part)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("/", "%2F")


def _plain(part: str) -> str:
    return part.replace("%2F", "/").replace("%25", "%")
