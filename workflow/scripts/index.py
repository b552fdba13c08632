"""Gather the inspected groups into the index and the integrity report."""

from adapter import logged
from gliomake.prepare.index import merge_index, read_index_group
from gliomake.prepare.inspection import open_data


def main(snakemake):
    dataset = open_data(snakemake.wildcards.dataset, snakemake.input.root, snakemake.params.options)
    merge_index(
        dataset,
        [report for path in snakemake.input.reports for report in read_index_group(path)],
        data=snakemake.params.data,
        on_bad_case=snakemake.params.on_bad_case,
        slices_path=snakemake.output.slices,
        cases_path=snakemake.output.cases,
        integrity_path=snakemake.output.integrity,
    )


logged(main, snakemake)  # noqa: F821
