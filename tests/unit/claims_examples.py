"""The tables of `examples/claims/` and everything that the checks find in one."""

from pathlib import Path

from gliomake.claims.checks import run_checks
from gliomake.claims.table import load_claims

EXAMPLES = Path(__file__).parents[2] / "examples/claims"


def example_findings(name):
    """Give the level of every finding by its check and the ids of its claims."""
    findings = run_checks(load_claims(EXAMPLES / f"{name}.csv"))
    found = {(f.check, *sorted(map(int, f.claims))): f.level for f in findings}
    assert len(found) == len(findings), "two findings of one check are about the same claims"
    return found


def example_sentence(name, check, *ids):
    """Give the sentence of the one finding of a check about these claims."""
    findings = run_checks(load_claims(EXAMPLES / f"{name}.csv"))
    (sentence,) = (
        f.sentence for f in findings if f.check == check and set(f.claims) == set(map(str, ids))
    )
    return sentence
