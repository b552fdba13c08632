"""Preprocess one group of cases into a shard."""

from adapter import logged
from gliomake.files.contracts import read_json
from gliomake.files.shards import write_shard
from gliomake.files.tsv import read_tsv
from gliomake.prepare.inspection import load_case, open_data
from gliomake.prepare.preprocess import preprocess


def main(snakemake):
    recipe = snakemake.params.recipe
    dataset = open_data(snakemake.wildcards.dataset, snakemake.input.root, snakemake.params.options)
    kept = set(read_tsv(snakemake.input.cases)["case"])
    group = [report["case"] for report in read_json(snakemake.input.reports)]
    cases = [case for case in group if case in kept]

    def volumes():
        for number, case in enumerate(cases, start=1):
            volume = load_case(dataset, case, recipe["channels"], snakemake.input.reports)
            yield preprocess(volume, tuple(recipe["channels"]), recipe, tuple(dataset.classes))
            print(f"{number}/{len(cases)} {case}", flush=True)

    slices = write_shard(
        snakemake.output.shard, volumes(), dataset=snakemake.wildcards.dataset, recipe=recipe
    )
    print(f"{slices} slices of {len(cases)} cases")


logged(main, snakemake)  # noqa: F821
