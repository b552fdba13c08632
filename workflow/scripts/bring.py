"""Bring predictions of elsewhere to the size of the study's slices, for pictures and the viewer."""

from adapter import logged
from gliomake.brought.write import bring_predictions
from gliomake.scoring.native import native_run


def main(snakemake):
    wildcards = snakemake.wildcards
    bring_predictions(
        native_run(snakemake.params.native, snakemake.input, None),
        size=snakemake.params.size,
        predictions=snakemake.output.predictions,
        listing=snakemake.output.brought,
        threads=snakemake.threads,
        attributes={
            "study": wildcards.study,
            "model": wildcards.model,
            "run": wildcards.run,
            "classes": snakemake.params.native["classes"],
            "threshold": snakemake.params.native["threshold"],
        },
    )


logged(main, snakemake)  # noqa: F821
