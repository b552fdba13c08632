"""Write a study's page, its model cards, and the list of its numbers."""

from pathlib import Path

from adapter import logged
from gliomake.report import study_inputs, write_study
from gliomake.reporting.checklist import write_checklist
from gliomake.study.model import Study


def main(snakemake):
    params = snakemake.params
    inputs = study_inputs(
        Study.of(params.study),
        data=params.data,
        scale=params.scale,
        shards=snakemake.input.shards,
        reported=snakemake.input.reported,
        bootstrap=params.bootstrap,
        options=params.options,
        root=params.root,
        scans=params.scans,
        about_data=params.about_data,
        answers=params.answers,
    )
    write_checklist(inputs, snakemake.output.checklist)
    write_study(inputs, Path(snakemake.output.page).parent)


logged(main, snakemake)  # noqa: F821
