"""The audit of reported numbers: arithmetic checks, reproduced values, verdicts."""

# Importing them registers their checks, in this order.
from gliomake.claims import overlap, sizes, statements  # noqa: F401, I001
from gliomake.claims import joint  # noqa: F401
from gliomake.claims.artefacts import Artefacts
from gliomake.claims.audit import audit_study, study_findings, write_audit
from gliomake.claims.checks import CHECKS, Context, Finding, implied_conventions, run_checks
from gliomake.claims.table import Claim, ClaimError, load_claims

__all__ = [
    "CHECKS",
    "Artefacts",
    "Claim",
    "ClaimError",
    "Context",
    "Finding",
    "audit_study",
    "implied_conventions",
    "load_claims",
    "run_checks",
    "study_findings",
    "write_audit",
]
