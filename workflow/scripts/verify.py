"""Recompute every number of the report from its counts, or from the predictions."""

import sys

from adapter import logged
from gliomake.report.verify import verify


def main(snakemake):
    result = verify(snakemake.params.numbers, deep=snakemake.params.deep)
    print(result)
    print(result, file=sys.__stdout__)


logged(main, snakemake)  # noqa: F821
