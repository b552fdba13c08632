"""Divide a study's slices into train, val and test."""

from adapter import logged
from gliomake.split import make_split, select_slices, write_split
from gliomake.tsv import read_tsv


def main(snakemake):
    split = make_split(
        select_slices(read_tsv(snakemake.input.slices), snakemake.params.slices),
        read_tsv(snakemake.input.cases),
        method=snakemake.wildcards.split,
        fold=int(snakemake.wildcards.fold),
        **snakemake.params.shares,
    )
    write_split(split, snakemake.output.split)
    print(split.groupby("subset", sort=False)[["patient", "slice"]].nunique())


logged(main, snakemake)  # noqa: F821
