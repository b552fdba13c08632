"""Make one table of a study."""

from adapter import logged
from gliomake.study.model import Study
from gliomake.study.targets import target_spec
from gliomake.tables import make_table


def main(snakemake):
    spec = target_spec(
        Study.of(snakemake.params.study),
        "tables",
        snakemake.wildcards.target,
        dict(snakemake.input.items()),
        data=snakemake.params.data,
        scale=snakemake.params.scale,
        dataset_options=snakemake.params.options,
    )
    make_table(spec, snakemake.output.csv)


logged(main, snakemake)  # noqa: F821
