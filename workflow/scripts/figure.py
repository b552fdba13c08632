"""Draw one figure of a study."""

from adapter import logged
from gliomake.figures import make_figure
from gliomake.study.model import Study
from gliomake.study.targets import target_spec


def main(snakemake):
    spec = target_spec(
        Study.of(snakemake.params.study),
        "figures",
        snakemake.wildcards.target,
        dict(snakemake.input.items()),
        data=snakemake.params.data,
        scale=snakemake.params.scale,
        dataset_options=snakemake.params.options,
    )
    make_figure(spec, snakemake.output.svg, snakemake.output.png)


logged(main, snakemake)  # noqa: F821
