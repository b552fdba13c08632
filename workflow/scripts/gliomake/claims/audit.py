"""The audit of one study: every claim with its reproduced value, its checks and a verdict."""

import dataclasses
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from gliomake.claims.artefacts import Artefacts
from gliomake.claims.checks import run_checks
from gliomake.claims.findings import ClaimFinding, Context, implied_conventions
from gliomake.claims.reproduce import reproduce
from gliomake.claims.table import Claim, load_claims
from gliomake.claims.verdict import judge, verdict
from gliomake.files.tsv import atomic_path, write_tsv
from gliomake.study.model import Study

COLUMNS = [
    "claim",
    "quantity",
    "class",
    "reported",
    "reproduced",
    "ci_low",
    "ci_high",
    "convention",
    "run",
    "verdict",
    "check",
    "outcome",
    "model",
    "subset",
    "epoch",
    "nearest_convention",
    "nearest_value",
    "where",
    "note",
    "assumed",
]


def study_context(study: Study, artefacts: Artefacts | None, data: str) -> Context:
    """Gather what the checks may know beside the claims.

    Parameters
    ----------
    study : Study
        The study.
    artefacts : Artefacts or None
        Its files.
    data : str
        The share of background is taken from ``real`` data only: a phantom is not the documents'
        data set.

    Returns
    -------
    Context
        Data set, losses, and the share of background of each subset scored.
    """
    background: dict[tuple[str, str], float] = {}
    scores = artefacts.scores("all-background") if artefacts and data == "real" else None
    if scores is not None and artefacts is not None:
        rows = scores[
            (scores["run"] == artefacts.runs[0])
            & (scores["metric"] == "accuracy")
            & (scores["convention"] == "pooled")
            & (scores["class"].isin(("mean", study.classes[0])))
        ].sort_values("class", key=lambda names: names == "mean")
        # With several classes the mean comes last and stays.
        for row in rows[rows["value"].notna()].to_dict("records"):
            background[study.id, str(row["subset"])] = float(row["value"])
    losses = {(study.id, name): model.training["loss"] for name, model in study.models.items()}
    return Context({study.id: study.dataset}, background, losses)


def study_findings(
    study: Study,
    claims_path: str | Path,
    artefacts: Artefacts | None = None,
    data: str = "phantom",
) -> list[ClaimFinding]:
    """Check the claims of a study; the others' claims serve as knowledge of the data set.

    Parameters
    ----------
    study : Study
        The study.
    claims_path : path
        ``config/claims.tsv``.
    artefacts : Artefacts, optional
        The study's files; no finding needs them.
    data : str
        ``phantom`` or ``real``.

    Returns
    -------
    list of ClaimFinding
        Those that involve a claim of the study.
    """
    claims = load_claims(Path(claims_path))
    own = {claim.claim for claim in claims if claim.study == study.id}
    findings = run_checks(claims, study_context(study, artefacts, data))
    return [finding for finding in findings if own.intersection(finding.claims)]


def audit_study(
    study: Study,
    claims_path: str | Path,
    artefacts: Artefacts,
    data: str,
    scale: str,
    findings: Sequence[ClaimFinding] | None = None,
) -> pd.DataFrame:
    """Give every claim of a study its reproduced value and a verdict.

    Parameters
    ----------
    study : Study
        The study.
    claims_path : path
        ``config/claims.tsv``.
    artefacts : Artefacts
        The study's files.
    data, scale : str
        ``phantom`` or ``real``; ``demo`` or ``paper``.
    findings : sequence of ClaimFinding, optional
        Of `study_findings`, where they are there already.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`, one row a claim in the file's order; missing numbers are NaN.
        ``assumed`` says whether nothing in the document speaks for the convention.

    Raises
    ------
    ClaimError
        The table cannot be read, or names a model that the study does not have.
    """
    claims = load_claims(Path(claims_path))
    if findings is None:
        findings = study_findings(study, claims_path, artefacts, data)
    own = [claim for claim in claims if claim.study == study.id]
    known = {claim.claim for claim in own}
    implied = implied_conventions(own, [f for f in findings if known.issuperset(f.implies)])
    rows = [_audit_claim(claim, artefacts, implied, findings, data, scale) for claim in own]
    numbers = ("reproduced", "ci_low", "ci_high", "nearest_value")
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(numbers, float))


def _audit_claim(
    claim: Claim,
    artefacts: Artefacts,
    implied: dict[str, str],
    findings: Sequence[ClaimFinding],
    data: str,
    scale: str,
) -> dict[str, Any]:
    involved = [finding for finding in findings if claim.claim in finding.claims]
    ours = reproduce(claim, artefacts, implied)
    judgement = judge(claim, ours, artefacts, data, scale)
    checks = dict.fromkeys(f"{finding.check}: {finding.level}" for finding in involved)
    return {
        "claim": claim.claim,
        "quantity": claim.quantity,
        "class": claim.class_,
        "reported": f"{Decimal(claim.value):f}" if claim.value else "",
        "reproduced": ours.value,
        "ci_low": ours.ci_low,
        "ci_high": ours.ci_high,
        "convention": ours.convention,
        "run": ours.run,
        "verdict": verdict(judgement, involved),
        "check": "; ".join(checks),
        "outcome": judgement.outcome.value,
        "model": claim.model,
        "subset": claim.subset,
        "epoch": claim.epoch,
        "nearest_convention": ours.nearest_convention,
        "nearest_value": ours.nearest_value,
        "where": claim.where,
        "note": "; ".join(part for part in (claim.note, ours.detail) if part),
        "assumed": "yes" if ours.assumed else "no",
    }


def write_audit(
    study: Study,
    claims_path: str | Path,
    artefacts: Artefacts,
    data: str,
    scale: str,
    table: str | Path,
    findings: str | Path,
) -> None:
    """Write ``claims.tsv`` and ``findings.json`` of a study.

    Parameters
    ----------
    study, claims_path, artefacts, data, scale
        As in `audit_study`.
    table, findings : path
        Where to.
    """
    found = study_findings(study, claims_path, artefacts, data)
    rows = audit_study(study, claims_path, artefacts, data, scale, found)
    with atomic_path(findings) as path:
        entries = [dataclasses.asdict(finding) for finding in found]
        path.write_text(json.dumps(entries, indent=1) + "\n")
    write_tsv(rows, table)
