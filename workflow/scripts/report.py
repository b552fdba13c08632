"""Write the report's index and the list of all its numbers."""

from pathlib import Path

from adapter import logged
from gliomake.report import write_index


def main(snakemake):
    write_index(snakemake.input.numbers, Path(snakemake.output.index).parent)


logged(main, snakemake)  # noqa: F821
