"""Measure a run: count its pixels, and where spacing is known, distances, volumes and lesions."""

from adapter import logged
from gliomake.files.tsv import write_tsv
from gliomake.scoring.measure import measure_run
from gliomake.scoring.native import measure_native, native_run


def main(snakemake):
    files, params, written = snakemake.input, snakemake.params, snakemake.output
    if params.native:
        run = native_run(params.native, files, files.get("predictions"))
        measured = measure_native(run, threads=snakemake.threads, **params.measured)
    else:
        measured = measure_run(files.predictions, files.shards, **params.measured)
    for name in ("counts", "distances", "regions", "patients"):
        write_tsv(getattr(measured, name), written[name])


logged(main, snakemake)  # noqa: F821
