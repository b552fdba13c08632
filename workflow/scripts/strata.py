"""Score the models of a study in parts of its subsets."""

from adapter import logged
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.scoring.stages import RunTables
from gliomake.scoring.strata import score_strata


def main(snakemake):
    files, params = snakemake.input, snakemake.params
    measured = zip(files.counts, files.distances, strict=True)
    tables = [RunTables(*map(read_tsv, paths)) for paths in measured]
    table = score_strata(
        dict(zip(params.models, tables, strict=True)),
        read_tsv(files.cases),
        params.strata,
        run=params.run,
        bootstrap=params.bootstrap,
    )
    write_tsv(table, snakemake.output.strata)


logged(main, snakemake)  # noqa: F821
