"""Audit the numbers that a study's document reports."""

from adapter import logged
from gliomake.claims.artefacts import Artefacts
from gliomake.claims.audit import write_audit
from gliomake.study.model import Study


def main(snakemake):
    study = Study.of(snakemake.params.study)
    write_audit(
        study,
        snakemake.input.claims,
        Artefacts(study),
        snakemake.params.data,
        snakemake.params.scale,
        snakemake.output.claims,
        snakemake.output.findings,
    )


logged(main, snakemake)  # noqa: F821
