"""Compare a study's models pair by pair on the same patients."""

from adapter import logged
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.scoring.compare import compare_models


def main(snakemake):
    models, files = snakemake.params.models, snakemake.input
    table = compare_models(
        {model: read_tsv(path) for model, path in zip(models, files.counts, strict=True)},
        metrics=snakemake.params.metrics,
        run=snakemake.params.run,
        distances={
            model: read_tsv(path) for model, path in zip(models, files.distances, strict=True)
        },
        **snakemake.params.bootstrap,
    )
    write_tsv(table, snakemake.output.comparisons)


logged(main, snakemake)  # noqa: F821
