"""Recompute every number of the report from its counts, or from the predictions."""

import sys

from adapter import logged
from gliomake.verify.check import verify


def main(snakemake):
    params = snakemake.params
    result = verify(params.numbers, deep=params.deep, studies=params.studies)
    print(result)
    print(result, file=sys.__stdout__)


logged(main, snakemake)  # noqa: F821
