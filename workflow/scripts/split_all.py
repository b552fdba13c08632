"""Put all of a study's slices into the test set: for predictions that are brought along."""

from adapter import logged
from gliomake.files.tsv import read_tsv
from gliomake.prepare.all_cases import all_tested
from gliomake.prepare.split import select_slices, write_split


def main(snakemake):
    slices = select_slices(read_tsv(snakemake.input.slices), snakemake.params.slices)
    split = all_tested(slices, snakemake.params.shares["max_patients"])
    write_split(split, snakemake.output.split)
    print(f"{len(split)} slices of {split['patient'].nunique()} patients, all of them tested")


logged(main, snakemake)  # noqa: F821
