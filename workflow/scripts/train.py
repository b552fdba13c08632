"""Train one run of one model, or go on with it where it was interrupted."""

from pathlib import Path

import torch

from adapter import logged
from gliomake.files.provenance import file_sha256, files_sha256, value_sha256
from gliomake.models import create_model
from gliomake.models.weights import load_encoder_weights
from gliomake.prepare.split import read_split, training_fraction
from gliomake.study.run import Run
from gliomake.training.fit import fit
from gliomake.training.tensors import load_slices


def main(snakemake):
    inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
    config, run = params.model, Run.parse(snakemake.wildcards.run)
    torch.set_num_threads(snakemake.threads)
    facts = {
        "study": snakemake.wildcards.study,
        "model": snakemake.wildcards.model,
        "run": str(run),
        "data_hash": files_sha256(inputs.shards),
        "split_hash": file_sha256(inputs.split),
        "config_hash": value_sha256([config, params.computing, params.classes]),
        "code_hash": params.code,
        "encoder_hash": file_sha256(inputs.encoder_weights) if inputs.encoder_weights else None,
    }
    split = training_fraction(read_split(inputs.split), config["training"]["train_fraction"])
    train, val = (
        load_slices(inputs.shards, split[split["subset"] == subset], config["channels"])
        for subset in ("train", "val")
    )
    torch.manual_seed(run.seed)
    model = create_model(
        config["architecture"], len(config["channels"]), len(params.classes), **config["options"]
    )
    if inputs.encoder_weights:
        load_encoder_weights(model, inputs.encoder_weights)
    folder = Path(outputs.weights).parent
    fit(
        model=model,
        train=train,
        val=val,
        config=config["training"],
        classes=params.classes,
        task=params.task,
        seed=run.seed,
        # Beside the declared outputs, which Snakemake deletes when a job fails. Its name is a hash
        # of all that the training depends on: the state of anything else is never resumed.
        state_folder=folder / f"state-{value_sha256([facts, params.torch])[:12]}",
        weights_path=outputs.weights,
        history_path=outputs.history,
        facts_path=outputs.facts,
        # What they are compared with may change without any change of the training.
        facts=facts | {"overrides": params.overrides},
        threads=snakemake.threads,
        **params.computing,
    )


logged(main, snakemake)  # noqa: F821
