"""Count the pixels of a run's predictions, and measure surface distances where spacing is known."""

from adapter import logged
from gliomake.files.tsv import write_tsv
from gliomake.scoring.counts import count_run
from gliomake.scoring.distances import measure_run
from gliomake.scoring.native import Measured, measure_native, native_run


def main(snakemake):
    files, params = snakemake.input, snakemake.params
    if params.native:
        run = native_run(params.native, files, files.get("predictions"))
        measured = measure_native(run, params.postprocess, threads=snakemake.threads)
    else:
        measured = Measured(
            count_run(files.predictions, files.shards, params.postprocess),
            measure_run(files.predictions, files.shards, params.postprocess),
        )
    write_tsv(measured.counts, snakemake.output.counts)
    write_tsv(measured.distances, snakemake.output.distances)


logged(main, snakemake)  # noqa: F821
