"""Inspect one group of a data set's cases."""

import time

from adapter import logged
from gliomake.prepare.index import group_cases, write_index_group
from gliomake.prepare.inspection import check_root, open_data
from gliomake.prepare.refused import write_record


def main(snakemake):
    started = time.time()
    params, root = snakemake.params, snakemake.input.root
    dataset = open_data(snakemake.wildcards.dataset, root, params.options)
    group = group_cases(dataset.cases(), params.groups)[int(snakemake.wildcards.group)]
    reports = write_index_group(dataset, group, snakemake.output.reports, params.channels)
    problems = [*check_root(dataset), *(entry for report in reports for entry in report.problems)]
    if params.state is not None:
        refused = [(problem.case, problem.file) for problem in problems]
        # No declared output: those are deleted before the job in which the token is read again.
        write_record(params.record, root, params.state, refused, started)


logged(main, snakemake)  # noqa: F821
