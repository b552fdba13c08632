"""Predict by a trivial model: no tumour anywhere, or tumour where one channel is bright."""

from adapter import logged
from gliomake.files.json_file import write_json
from gliomake.prepare.split import read_split
from gliomake.scoring.baselines import fit_from_shards, predict_baseline


def main(snakemake):
    files, params, model = snakemake.input, snakemake.params, snakemake.wildcards.model
    split = read_split(files.split)
    threshold = model.endswith("-threshold")
    fitted = fit_from_shards(files.shards, split, params.channel) if threshold else None
    if fitted:
        fitted.save(snakemake.output.facts)
    else:
        write_json({"predicts": "no tumour anywhere"}, snakemake.output.facts)
    predict_baseline(
        fitted,
        files.shards,
        split,
        snakemake.output.predictions,
        attributes={
            "study": snakemake.wildcards.study,
            "model": model,
            "run": snakemake.wildcards.run,
            "classes": list(params.classes),
            "threshold": params.threshold,
        },
    )


logged(main, snakemake)  # noqa: F821
