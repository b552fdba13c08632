"""Score a model: all its runs, under every convention, with intervals."""

from adapter import logged
from gliomake.files.json_file import write_json
from gliomake.files.tsv import read_tsv
from gliomake.scoring.scores import score_table


def main(snakemake):
    rows = []
    for run, counts, distances in zip(
        snakemake.params.runs, snakemake.input.counts, snakemake.input.distances, strict=True
    ):
        classified = snakemake.params.task == "classification"
        table = score_table(
            read_tsv(counts),
            metrics=None if classified else snakemake.params.metrics,
            conventions=["image"] if classified else None,
            distances=read_tsv(distances),
            **snakemake.params.bootstrap,
        )
        rows += [{"run": run, **row} for row in table]
        print(f"{run}: {len(table)} scores", flush=True)
    write_json(rows, snakemake.output.metrics)


logged(main, snakemake)  # noqa: F821
