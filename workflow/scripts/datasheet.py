"""Write the datasheet of a data set."""

from adapter import logged
from gliomake.files.contracts import read_json
from gliomake.files.tsv import read_tsv
from gliomake.reporting.datasheet import write_datasheet


def main(snakemake):
    files = snakemake.input
    checks, cases = read_json(files.integrity), read_tsv(files.cases)
    write_datasheet(checks, cases, snakemake.params.about, snakemake.output.datasheet)


logged(main, snakemake)  # noqa: F821
