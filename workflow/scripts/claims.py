"""Audit the numbers that a study's document reports."""

from adapter import logged
from gliomake.claims.artefacts import Artefacts
from gliomake.claims.audit import write_audit


def main(snakemake):
    write_audit(
        snakemake.params.study,
        snakemake.input.claims,
        Artefacts(snakemake.params.study),
        snakemake.params.data,
        snakemake.params.scale,
        snakemake.output.claims,
        snakemake.output.findings,
    )


logged(main, snakemake)  # noqa: F821
