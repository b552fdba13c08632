"""Set scores on resized slices beside those on the scans' own grid."""

from adapter import logged
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.scoring.stages import RunTables, score_grids


def main(snakemake):
    files, params = snakemake.input, snakemake.params

    def tables(kind):
        names = [f"{kind}_{each}" for each in ("counts", "distances", "regions", "patients")]
        measured = zip(*(files[name] for name in names), strict=True)
        return dict(
            zip(params.models, (RunTables(*map(read_tsv, each)) for each in measured), strict=True)
        )

    table = score_grids(
        tables("resized"),
        tables("native"),
        run=params.run,
        metrics=params.metrics,
        bootstrap=params.bootstrap,
    )
    write_tsv(table, snakemake.output.grids)


logged(main, snakemake)  # noqa: F821
