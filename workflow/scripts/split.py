"""Divide a study's slices into train, val and test."""

from adapter import logged
from gliomake.files.tsv import read_tsv
from gliomake.prepare.split import check_training_tumour, make_split, select_slices, write_split


def main(snakemake):
    slices = read_tsv(snakemake.input.slices)
    split = make_split(
        select_slices(slices, snakemake.params.slices),
        read_tsv(snakemake.input.cases),
        method=snakemake.wildcards.split,
        fold=int(snakemake.wildcards.fold),
        **snakemake.params.shares,
    )
    check_training_tumour(split, slices, snakemake.output.split)
    write_split(split, snakemake.output.split)
    print(split.groupby("subset", sort=False)[["patient", "slice"]].nunique())


logged(main, snakemake)  # noqa: F821
