"""Score a model: all its runs, under every averaging rule, with intervals."""

from collections import Counter

from adapter import logged
from gliomake.files.json_file import write_json
from gliomake.files.tsv import read_tsv
from gliomake.scoring.stages import RunTables, score_model


def main(snakemake):
    files, params = snakemake.input, snakemake.params
    measured = zip(files.counts, files.distances, files.regions, files.patients, strict=True)
    tables = [RunTables(*map(read_tsv, paths)) for paths in measured]
    rows = score_model(
        dict(zip(params.runs, tables, strict=True)),
        task=params.task,
        metrics=params.metrics,
        bootstrap=params.bootstrap,
    )
    for run, number in Counter(row["run"] for row in rows).items():
        print(f"{run}: {number} scores")
    write_json(rows, snakemake.output.metrics)


logged(main, snakemake)  # noqa: F821
