"""Inspect one group of a data set's cases."""

from adapter import logged
from gliomake.datasets import open_dataset
from gliomake.index import group_cases, write_index_group


def main(snakemake):
    dataset = open_dataset(
        snakemake.wildcards.dataset, snakemake.input.root, **snakemake.params.options
    )
    group = group_cases(dataset.cases(), snakemake.params.groups)[int(snakemake.wildcards.group)]
    write_index_group(dataset, group, snakemake.output.reports, snakemake.params.channels)


logged(main, snakemake)  # noqa: F821
