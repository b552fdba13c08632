"""Bring the masks of one group of cases without images to a study's size."""

from dataclasses import replace

from adapter import logged
from gliomake.brought.source import study_masks
from gliomake.files.contracts import read_json
from gliomake.files.mask_shards import write_mask_shard
from gliomake.files.tsv import read_tsv
from gliomake.prepare.inspection import load_case, open_data
from gliomake.prepare.preprocess import resize_mask, resized_spacing


def main(snakemake):
    recipe = snakemake.params.recipe
    dataset = open_data(snakemake.wildcards.dataset, snakemake.input.root, snakemake.params.options)
    kept = set(read_tsv(snakemake.input.cases)["case"])
    cases = [entry["case"] for entry in read_json(snakemake.input.reports) if entry["case"] in kept]

    def volumes():
        for number, case in enumerate(cases, start=1):
            volume = load_case(dataset, case, (), snakemake.input.reports)
            tumour = volume.mask.any(axis=(1, 2, 3))
            chosen = tumour if recipe["slices"] == "tumour" else tumour | True
            masks = study_masks(volume.mask[chosen], dataset.classes, recipe["classes"])
            yield replace(
                volume,
                slices=volume.slices[chosen],
                mask=resize_mask(masks, recipe["image_size"]),
                spacing=resized_spacing(volume, recipe["image_size"]),
            )
            print(f"{number}/{len(cases)} {case}", flush=True)

    slices = write_mask_shard(
        snakemake.output.shard, volumes(), dataset=snakemake.wildcards.dataset, recipe=recipe
    )
    print(f"{slices} slices of {len(cases)} cases")


logged(main, snakemake)  # noqa: F821
