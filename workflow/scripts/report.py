"""Write the report's index and the list of all its numbers."""

from pathlib import Path

from adapter import logged
from gliomake.report import write_index


def main(snakemake):
    folder = Path(snakemake.output.index).parent
    write_index(snakemake.input.numbers, folder, snakemake.params.options)


logged(main, snakemake)  # noqa: F821
