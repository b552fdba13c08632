"""Write one data set's phantoms."""

from adapter import logged
from gliomake.phantom import write_phantom


def main(snakemake):
    options = dict(snakemake.params.options)
    write_phantom(
        snakemake.wildcards.dataset,
        snakemake.output.root,
        options.pop("patients"),
        snakemake.params.seed,
        **options,
    )


logged(main, snakemake)  # noqa: F821
