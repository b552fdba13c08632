"""Write what a prediction on a new scan needs to know of a model."""

from adapter import logged
from gliomake.infer.describe import write_description


def main(snakemake):
    write_description(
        snakemake.params.settings,
        weights=snakemake.input.weights,
        facts=snakemake.input.facts,
        integrity=snakemake.input.integrity,
        cases=snakemake.input.cases,
        out=snakemake.output.model,
    )


logged(main, snakemake)  # noqa: F821
