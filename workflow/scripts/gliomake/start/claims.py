"""Reported numbers, checked when the workflow starts: before any job, and in milliseconds."""

from collections.abc import Collection, Mapping
from pathlib import Path

from gliomake.claims.table import ClaimError, load_claims, read_rows
from gliomake.study.faults import Fault, fault_report, schema_faults
from gliomake.study.run import ConfigError

SCHEMA = "claims.schema.yaml"


def check_claims(path: Path, models: Mapping[str, Collection[str]]) -> None:
    """Check the table of reported numbers against its schema and against the studies.

    Parameters
    ----------
    path : Path
        ``config/claims.tsv``; claims are optional, and so is the file.
    models : mapping of str to collection of str
        The models of each study.

    Raises
    ------
    ConfigError
        The file is no table of claims, a row is not as the schema says, or a claim is of a study or
        of a model that there is not; it names the line, what was found and what is allowed.
    """
    if not path.is_file():
        return
    try:
        rows = read_rows(path)
        faults = [
            Fault(fault.path, fault.message, where)
            for row, where in rows
            for fault in schema_faults(row, SCHEMA)
        ]
        if faults:
            raise ConfigError(fault_report(faults))
        load_claims(path, {study: list(names) for study, names in models.items()})
    except ClaimError as error:
        raise ConfigError(str(error)) from None
