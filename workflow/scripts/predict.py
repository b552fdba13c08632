"""Predict the validation and test slices of a run."""

from adapter import logged
from gliomake.models import create_model
from gliomake.prepare.split import evaluated_slices, read_split
from gliomake.training.checkpoint import load_weights
from gliomake.training.predict import predict_run
from gliomake.training.tensors import load_slices


def main(snakemake):
    config, wildcards = snakemake.params.model, snakemake.wildcards
    classes = list(snakemake.params.classes)
    keys = evaluated_slices(read_split(snakemake.input.split))
    model = create_model(
        config["architecture"], len(config["channels"]), len(classes), **config["options"]
    )
    load_weights(model, snakemake.input.weights)
    predict_run(
        model,
        load_slices(snakemake.input.shards, keys, config["channels"]),
        keys["subset"].tolist(),
        snakemake.output.predictions,
        task=snakemake.params.task,
        attributes={
            "study": wildcards.study,
            "model": wildcards.model,
            "run": wildcards.run,
            "classes": classes,
            "threshold": snakemake.params.threshold,
        },
        threads=snakemake.threads,
        precision=snakemake.params.computing["precision"],
        deterministic=snakemake.params.computing["deterministic"],
    )


logged(main, snakemake)  # noqa: F821
