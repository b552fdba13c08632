"""Count a run's probabilities beside the truth: what calibration and ROC curves are drawn from."""

from adapter import logged
from gliomake.files.tsv import write_tsv
from gliomake.scoring.calibration import calibrate_run


def main(snakemake):
    files = snakemake.input
    write_tsv(calibrate_run(files.predictions, files.shards), snakemake.output.calibration)


logged(main, snakemake)  # noqa: F821
