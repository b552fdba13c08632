"""Which COCO categories make up the tumour mask: those that were asked for, or the only one."""

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from gliomake.datasets.base import CaseError, Finding
from gliomake.datasets.coco_json import Category

_TUMOUR = re.compile(
    r"tumou?r|tumeur|gliom|glioblast|meningiom|astrocyt|metasta|lesion|cancer|carcinom|neoplas"
    r"|pituitar|schwannom",
    re.IGNORECASE,
)
_NO_TUMOUR = re.compile(
    r"\bno[nt]?\b|\bno[nt]?[-_ ]?tumou?r|\bwithout\b|negative|\bhealthy|\bnormal|background"
    r"|\boutside|\bfree\b|less\b",
    re.IGNORECASE,
)
_ELSE = re.compile(
    r"brain|\bhead|skull|cereb|tissue|ventric|\bcsf|\bbone|\beye|matter|artefact|artifact|ignore"
    r"|unlabel",
    re.IGNORECASE,
)
_SAYS_NOTHING = re.compile(r"(?:class|label|category)?[-_ ]?\d+", re.IGNORECASE)


def kind_of(name: str) -> str:
    """Return what a category's name says: ``tumour``, ``other``, or ``open``."""
    plain = name.replace("_", " ")
    if _NO_TUMOUR.search(plain):
        return "other"
    if _TUMOUR.search(plain):
        return "tumour"
    return "other" if _ELSE.search(plain) else "open"


def folded(name: str) -> str:
    """Return what two spellings of a category have in common: capitals and outer spaces differ."""
    return name.strip().casefold()


def choose(
    tables: Mapping[str, Mapping[int, Category]],
    counts: Counter[str],
    wanted: Sequence[str] | None,
    *,
    setting: str,
    path: Path,
) -> tuple[set[str], list[Finding]]:
    """Choose the categories whose union is the tumour.

    Parameters
    ----------
    tables : mapping
        The categories of each folder, by id.
    counts : Counter
        Annotations of each category, by its name, over the whole set.
    wanted : sequence of str or None
        What the configuration asks for.
    setting : str
        The key that says which categories are wanted, for the message.
    path : Path
        The data set's folder, for the message.

    Returns
    -------
    set of str
        `folded` names.
    list of Finding
        Which were united or left out, where that is not plain.

    Raises
    ------
    CaseError
        A wanted category is not there, or it cannot be said which are the tumour.
    """
    if wanted is not None:
        return _wanted(tables, counts, wanted, setting, path)
    used = sorted(name for name, count in counts.items() if count)
    by_kind: dict[str, list[str]] = {"tumour": [], "other": [], "open": []}
    for name in used:
        by_kind[kind_of(name)].append(name)
    tumour, other, unsaid = by_kind["tumour"], by_kind["other"], by_kind["open"]
    if not used:
        return set(), []
    if len(_distinct(tumour)) == 1 and not unsaid:
        return _distinct(tumour), _left_out(other, counts)
    if not tumour and not other:
        if len(_distinct(unsaid)) == 1:
            return _distinct(unsaid), []
        if _below_tumour(tables, unsaid):
            return _distinct(unsaid), [
                Finding(
                    "categories-united",
                    f"the categories {_counted(unsaid, counts)}, all below one of the tumour, are "
                    f"united to the mask; `{setting.rpartition('.')[2]}` under "
                    f"{setting.rpartition('.')[0]} chooses among them",
                )
            ]
    raise CaseError(
        "",
        path,
        f"annotations of the categories {_counted(used, counts)}",
        "one category, the tumour",
        f"name those that make up the tumour mask: {setting}, for example "
        f"[{(tumour or unsaid or used)[0]}]",
    )


def _wanted(
    tables: Mapping[str, Mapping[int, Category]],
    counts: Counter[str],
    wanted: Sequence[str],
    setting: str,
    path: Path,
) -> tuple[set[str], list[Finding]]:
    chosen = _distinct(wanted)
    names = sorted({category.name for table in tables.values() for category in table.values()})
    for name in wanted:
        if folded(name) not in _distinct(names):
            close = difflib.get_close_matches(name, names, 1)
            raise CaseError(
                "",
                path,
                f"no category {name!r}",
                f"one of {_counted(names, counts)}",
                f"correct {setting}" + (f"; did you mean {close[0]!r}?" if close else ""),
            )
    for folder, table in tables.items():
        if not chosen & _distinct([category.name for category in table.values()]):
            raise CaseError(
                "",
                path / folder,
                f"none of the categories {', '.join(wanted)} in {folder}",
                f"one of its own: {', '.join(repr(c.name) for c in table.values()) or 'none'}",
                f"name the tumour as each folder does: {setting}",
            )
    return chosen, _left_out([name for name in counts if folded(name) not in chosen], counts)


def _distinct(names: Sequence[str]) -> set[str]:
    return {folded(name) for name in names}


def _counted(names: Sequence[str], counts: Counter[str]) -> str:
    return ", ".join(f"{name!r} ({counts[name]})" for name in names)


def _left_out(names: Sequence[str], counts: Counter[str]) -> list[Finding]:
    names = [name for name in names if counts[name]]
    if not names:
        return []
    return [
        Finding(
            "categories-left-out", f"no part of the mask: annotations of {_counted(names, counts)}"
        )
    ]


def _below_tumour(tables: Mapping[str, Mapping[int, Category]], names: Sequence[str]) -> bool:
    """Return whether categories that are numbers all lie below one that says tumour.

    Roboflow exports classes "0" and "1" of a project "Tumor" so.
    """
    above = {
        category.supercategory
        for table in tables.values()
        for category in table.values()
        if category.name in names
    }
    return all(_SAYS_NOTHING.fullmatch(name) for name in names) and (
        len(above) == 1 and kind_of(above.pop()) == "tumour"
    )
