"""Made-up claims, and what the checks find in them."""

from decimal import Decimal

from gliomake.claims.checks import run_checks
from gliomake.claims.table import Claim


def claim(quantity, value, claim=None, **kwargs):
    """Make up a claim; `value` is text, as printed."""
    given = {
        **{"study": "a", "model": "unet", "subset": "test", "class_": "tumour", "epoch": ""},
        **{"approximate": False, "where": "table", "aggregation": "", "note": ""},
        **{"dataset": "", "kind": "result"},
    }
    step = Decimal(1).scaleb(Decimal(value).as_tuple().exponent) if value else Decimal(0)
    return Claim(
        claim=claim or f"{quantity}={value}",
        quantity=quantity,
        value=value,
        **{"step": step, **given, **kwargs},
    )


def findings(claims, check, level=None, context=None):
    return [
        finding
        for finding in run_checks(claims, context)
        if finding.check == check and level in (None, finding.level)
    ]


def reported(where="table", **values):
    """Make up the scores of one table."""
    return [claim(name, value, where=where) for name, value in values.items()]


def only(claims, check, level=None, context=None):
    """Find the one finding of a check."""
    (found,) = findings(claims, check, level, context)
    return found
