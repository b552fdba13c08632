"""Put a segmenter behind the study's classifier."""

from adapter import logged
from gliomake.files.predictions import apply_gate


def main(snakemake):
    apply_gate(
        snakemake.input.segmenter,
        snakemake.input.classifier,
        snakemake.params.threshold,
        snakemake.output.predictions,
    )


logged(main, snakemake)  # noqa: F821
