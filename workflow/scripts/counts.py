"""Count the pixels of a run's predictions, and measure surface distances where spacing is known."""

from adapter import logged
from gliomake.files.tsv import write_tsv
from gliomake.scoring.counts import count_run
from gliomake.scoring.distances import measure_run


def main(snakemake):
    files, cleaning = snakemake.input, snakemake.params.postprocess
    write_tsv(count_run(files.predictions, files.shards, cleaning), snakemake.output.counts)
    write_tsv(measure_run(files.predictions, files.shards, cleaning), snakemake.output.distances)


logged(main, snakemake)  # noqa: F821
