"""Fetch an encoder's ImageNet weights once, checked by their sha256."""

from adapter import logged
from gliomake.models.weights import fetch_weights


def main(snakemake):
    fetch_weights(snakemake.wildcards.encoder, snakemake.output.weights)


logged(main, snakemake)  # noqa: F821
