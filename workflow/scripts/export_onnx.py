"""Export a model to ONNX and compare it with the trained one on test slices."""

from pathlib import Path

from adapter import logged
from gliomake.infer.export import write_export


def main(snakemake):
    write_export(
        Path(snakemake.input.model).parent,
        snakemake.input.split,
        snakemake.input.shards,
        snakemake.output.network,
        snakemake.output.check,
    )


logged(main, snakemake)  # noqa: F821
