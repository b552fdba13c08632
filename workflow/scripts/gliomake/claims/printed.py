"""Numbers as documents print them: percent, standard deviations, and what is no number."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from gliomake.claims.quantities import COUNTS, DISTANCES, SCORES, SHARES

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_PRINTED = re.compile(rf"({_NUMBER})\s*(%?)\s*(?:(?:±|\+/-|\+-)\s*({_NUMBER})\s*(%?))?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,\d+.*")
PERCENT = frozenset({"%", "percent"})
SHARE = frozenset({"", "1", "share"})
# No software prints more digits of a number.
_MOST_DIGITS = 20


@dataclass(frozen=True)
class Printed:
    """A number as a document prints it.

    Attributes
    ----------
    value : str
        With all its printed decimals; a percentage is turned into a share.
    sd : str
        What stands behind a ± sign; empty without one.
    percent : bool
        Whether it was printed in percent.
    """

    value: str
    sd: str = ""
    percent: bool = False


def read_printed(text: str, quantity: str, unit: str = "", sd: str = "") -> Printed:
    """Read a number.

    Parameters
    ----------
    text : str
        Such as ``0.87``, ``97.76%`` or ``0.87±0.21``; empty for a claim in words.
    quantity : str
        What it is of.
    unit : str
        ``%``, ``share`` or empty for scores and shares, ``mm`` or empty for distances.
    sd : str
        The standard deviation where it stands in a column of its own; in the value's unit.

    Raises
    ------
    ValueError
        With what was found and what to write instead.
    """
    unit = unit.strip().casefold()
    _check_unit(quantity, unit)
    text, sd = (re.sub(r"[\u00a0\u2009\u202f]", " ", each).strip() for each in (text, sd))
    text, sd = text.replace("\u2212", "-"), sd.replace("\u2212", "-")
    if not text:
        return Printed("")
    match = _PRINTED.fullmatch(text)
    if match is None:
        raise ValueError(f"value {text!r} {_remedy(text)}")
    value, sign, spread, spread_sign = match[1], match[2], match[3] or "", match[4] or ""
    if sd:
        own = _PRINTED.fullmatch(sd)
        if own is None or own[3]:
            raise ValueError(f"sd {sd!r} {_remedy(sd)}")
        if spread and Decimal(spread) != Decimal(own[1]):
            raise ValueError(f"value {text!r} and sd {sd!r} contradict each other; leave one")
        spread, spread_sign = own[1], own[2]
    if (sign or spread_sign) and quantity not in SCORES | SHARES:
        raise ValueError(f"value {text!r} is a percentage, and {quantity} is none")
    if (sign or spread_sign) and unit not in PERCENT | {""}:
        raise ValueError(f"value {text!r} and unit {unit!r} contradict each other; leave one")
    percent = bool(sign or spread_sign or unit in PERCENT)
    for each in filter(None, (value, spread)):
        _check_size(each, quantity)
    if spread and Decimal(spread) < 0:
        raise ValueError(f"standard deviation {spread} is negative")
    if percent:
        value, spread = (_as_share(each) for each in (value, spread))
    return Printed(value, spread, percent)


def _check_unit(quantity: str, unit: str) -> None:
    allowed = {""}
    if quantity in SCORES | SHARES:
        allowed = set(PERCENT | SHARE)
    elif quantity in DISTANCES:
        allowed = {"", "mm"}
    if unit not in allowed:
        listed = ", ".join(sorted(allowed - {"", "1"})) or "none"
        raise ValueError(f"unit {unit!r} of {quantity}: expected {listed}, or an empty cell")


def _check_size(text: str, quantity: str) -> None:
    value = Decimal(text)
    if len(value.as_tuple().digits) > _MOST_DIGITS:
        raise ValueError(f"value {text!r} has more than {_MOST_DIGITS} digits; round it")
    # Beyond these no arithmetic on floating-point numbers is left.
    if not math.isfinite(float(value)) or abs(value) > 10**18 or abs(value.adjusted()) > 100:
        raise ValueError(f"value {text!r} is out of every range")
    if quantity in COUNTS and (value < 0 or value != value.to_integral_value()):
        raise ValueError(f"value {text!r} of {quantity} must be a whole number, 0 or more")


def _as_share(percentage: str) -> str:
    """Turn 97.76 into 0.9776 with its digits kept."""
    return f"{Decimal(percentage).scaleb(-2):f}" if percentage else ""


def _remedy(text: str) -> str:
    """Explain why a text is no number, and what to write instead."""
    if re.fullmatch(r"[+-]?(nan|inf(inity)?)", text, re.IGNORECASE):
        return "is not finite"
    if _COMMA.fullmatch(text):
        return "has a comma: write decimals with a point, and thousands without a mark"
    if text[0] in "~≈":
        return "is not a number alone; write it without the sign, and `yes` under `approximate`"
    if text[0] in "<>≤≥":
        return "is a bound, not a number; leave `value` empty and the bound to `note`"
    if re.match(rf"{_NUMBER}\s*%?\s*[(\[]", text):
        return (
            "is more than a number; write 0.87±0.21 for a standard deviation, intervals to `note`"
        )
    return "is not a number; leave words to `note`"
