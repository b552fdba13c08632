# What the rules share: configuration, checked, and functions that wire files to rules.
import os
import sys
from dataclasses import asdict
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

sys.path.insert(0, str(BASE / "workflow" / "scripts"))

from adapter import check_place, one_at_a_time
from launch import (
    check_request,
    checked_answers,
    checked_start,
    command_line,
    give_jobs_our_library,
)
from gliomake.study import describe
from gliomake.start import settings
from gliomake.digests.jobs import job_code, torch_version
from gliomake.files.provenance import listing_sha256
from gliomake.prepare.refused import state_token
from gliomake.study.captions import figure_caption
from gliomake.study.model import BASELINES, GATED
from gliomake.study.overrides import training_overrides
from gliomake.study.paths import Paths
from gliomake.study.products import Products, study_metrics
from gliomake.study.run import RUNS, SPLITS, ConfigError, split_name

check_place(BASE)
give_jobs_our_library()
COMMAND = command_line(workflow)
checked, STUDIES, DATASETS = checked_start(
    workflow, config, BASE, COMMAND, own_file("config/config.yaml")
)
config.update(checked)


# All paths of results, reports and logs are relative: an experiment has them in its own folder.
START = BASE if HERE.resolve().is_relative_to(BASE) else HERE
if config["experiment"]:

    workdir: str(START / "experiments" / config["experiment"])


PATHS = Paths()
# The patterns of the rules' outputs.
DATA = PATHS.data("{dataset}")
STUDY = PATHS.study("{study}")
RUN = STUDY.run("{model}", "{run}")
# Fetched once for all experiments.
shared = Paths(resources=START / "resources") if config["experiment"] else PATHS
ENCODER_WEIGHTS = shared.encoder_weights("{encoder}")


def home(path):
    """A file of the checkout, as it is named from where the workflow runs; before it one's own."""
    if own_file(path):
        return str(own_file(path))
    inside = Path.cwd().is_relative_to(BASE)
    return os.path.relpath(BASE / path) if inside else str(BASE / path)


# What people say to items of the reporting checklist, study by study.
ANSWERS = checked_answers(home("config/reporting.yaml"), STUDIES)


def patients_of(dataset, enough):
    """How many patients a data set has at most; None for many, or for what cannot be known yet."""
    if data_kind(dataset) == "phantom":
        return config["phantoms"][dataset]["patients"]
    return settings.few_patients(
        dataset, root_of(dataset), dataset_options(dataset), enough
    )


# The place of predictions that are brought along: another study may train a model of the name.
BROUGHT = (
    "|".join(
        rf"(?<=/{study}/){model}"
        for study, block in STUDIES.items()
        for model in block.brought
    )
    or "(?!)"
)


# A job reads this file as well, on whatever machine; it belongs to the start that sent it.
if workflow.is_main_process:
    one_at_a_time(workflow)


def one_of(names):
    """Pattern of a wildcard that is one of some names; without any it matches nothing."""
    return "|".join(sorted(names)) or "(?!)"


wildcard_constraints:
    dataset="|".join(DATASETS),
    study="|".join(STUDIES),
    model="[a-z0-9-]+",
    run=RUNS,
    split=SPLITS,
    fold=r"\d+",
    group=r"\d{3}",
    target="[a-z0-9-]+",


def code_of(script):
    """Parameter of a rule's jobs: the digest of the code that a job's result comes from."""

    def code(wildcards):
        return job_code(
            script,
            study=STUDIES.get(wildcards.get("study")),
            dataset=DATASETS.get(wildcards.get("dataset")),
            model=wildcards.get("model"),
            target=wildcards.get("target"),
            encoder=wildcards.get("encoder"),
            pretrained=config["pretrained"],
        )

    return code


def torch_of(wildcards):
    """Another torch gives other weights and other probabilities; no other job has one."""
    methods = workflow.deployment_settings.deployment_method
    return torch_version(
        BASE / "envs" / "train.yaml", DeploymentMethod.CONDA in methods
    )


def root_of(dataset):
    root = config["datasets"][dataset]["root"]
    return str(PATHS.phantom(dataset)) if root == "phantom" else root


def root_state(dataset):
    """What lies under a real root: its own time does not tell. A phantom's rule does."""
    return listing_sha256(root_of(dataset)) if data_kind(dataset) == "real" else None


def group_state(dataset, group):
    """The root's state, and another one once anything about a refused case has changed."""
    listing = root_state(dataset)
    record = PATHS.data(dataset).refused(group)
    return listing and state_token(str(record), root_of(dataset), listing)


def data_kind(dataset):
    return "phantom" if config["datasets"][dataset]["root"] == "phantom" else "real"


def dataset_options(dataset):
    """What a reader takes besides the root: what its index and its slices come from."""
    return DATASETS[dataset].reader_options()


def channels_of(dataset):
    """The channels that any study takes from a data set; all of one that no study has yet."""
    used = [s.preprocess.channels for s in STUDIES.values() if s.dataset == dataset]
    chosen = used or [DATASETS[dataset].channels]
    return sorted({channel for channels in chosen for channel in channels})


def groups_of(dataset):
    return [f"{n:03}" for n in range(config["datasets"][dataset]["groups"])]


def dataset_of(wildcards):
    return STUDIES[wildcards.study].dataset


def products(study):
    """The files that a study builds, and is built from."""
    study = STUDIES[study]
    groups, root = groups_of(study.dataset), root_of(study.dataset)
    return Products(study, tuple(groups), root)


def files(find):
    """Input function of a rule: what `find` takes from the products of the job's study."""
    return lambda wildcards: find(products(wildcards.study))


def shards_of(wildcards):
    return products(wildcards.study).shards


def split_of(wildcards):
    return PATHS.study(wildcards.study).split(split_name(wildcards.run))


def setting(read):
    """Parameter of a rule: what `read` takes from the job's study, in plain values."""
    return lambda wildcards: read(STUDIES[wildcards.study])


def task_of(wildcards):
    return STUDIES[wildcards.study].task(wildcards.model)


def classifier_of(wildcards):
    """The probabilities of the study's gate, in the job's run."""
    gate = STUDIES[wildcards.study].gate
    return PATHS.run(wildcards.study, gate.classifier, wildcards.run).predictions


def model_of(wildcards):
    study = STUDIES[wildcards.study]
    if wildcards.model not in study.models:
        raise WorkflowError(
            f"study {study.id} has no model {wildcards.model!r}; it has "
            + ", ".join(study.all_models)
        )
    return study.models[wildcards.model]


def settings_of(wildcards):
    """What a training depends on; which other runs the model has is no part of it."""
    return model_of(wildcards).settings


def encoder_weights_of(wildcards):
    encoder = model_of(wildcards).encoder_weights(config["pretrained"])
    return shared.encoder_weights(encoder) if encoder else []


def native_of(wildcards):
    """What scores on the scans' own grid need to know; None where slices are resized."""
    study = STUDIES[wildcards.study]
    native = study.evaluation.native and not study.classifies(wildcards.model)
    return native_settings(wildcards) if native else None


def counted_files(wildcards):
    """From what a run is counted: its predictions and the shards, or the scans themselves."""
    if native_of(wildcards) is not None:
        return files_on_scans(wildcards)
    study = products(wildcards.study)
    run = study.of_study.run(wildcards.model, wildcards.run)
    return {"predictions": run.predictions, "shards": study.shards}


def tables_of_grids(study):
    """What was measured of the compared models on resized slices and on the scans."""
    kinds = ("counts", "distances", "regions", "patients")
    resized = {f"resized_{kind}": study.compared(kind) for kind in kinds}
    return resized | {f"native_{kind}": study.on_scans(kind) for kind in kinds}


def files_on_scans(wildcards):
    """What a run is measured from on the scans' own grid."""
    study, found = products(wildcards.study), {}
    if wildcards.model not in study.study.brought:
        run = study.of_study.run(wildcards.model, wildcards.run)
        found["predictions"] = run.predictions
    return found | {
        "cases": study.of_data.cases,
        "slices": study.of_data.slices,
        "split": split_of(wildcards),
    }


def threads_of_counts(wildcards):
    return 1 if native_of(wildcards) is None else 4


def native_settings(wildcards):
    study = STUDIES[wildcards.study]
    brought = study.brought.get(wildcards.model)
    return {
        "dataset": study.dataset,
        "root": root_of(study.dataset),
        "options": dataset_options(study.dataset),
        "state": root_state(study.dataset),
        "classes": list(study.classes),
        "threshold": study.threshold,
        "brought": brought
        and asdict(brought) | {"state": listing_sha256(brought.root)},
    }


def scans_of(wildcards):
    """Where scores on the scans' own grid come from, for the verification of a page."""
    study = STUDIES[wildcards.study]
    if not (study.evaluation.native or study.evaluation.beside):
        return {}
    return {
        "dataset": study.dataset,
        "root": root_of(study.dataset),
        "options": dataset_options(study.dataset),
        "brought": {name: asdict(block) for name, block in study.brought.items()},
    }


def run_files(kind):
    """Input function of a rule: a file of each run of the job's model."""

    def inputs(wildcards):
        runs = products(wildcards.study).of_model(wildcards.model)
        return [run.file(kind) for run in runs]

    return inputs


def gpu_of(wildcards, attempt):
    # At demo scale a training takes seconds and many run side by side.
    return int(config["scale"] == "paper")


def target_inputs(output):
    """Input function of a figure or table: the files that its kind needs."""

    def inputs(wildcards):
        try:
            return products(wildcards.study).target(output, wildcards.target)
        except ConfigError as error:
            raise WorkflowError(str(error))

    return inputs


def template_files():
    found = (BASE / "reports" / "templates").rglob("*.*")
    return sorted(home(path.relative_to(BASE)) for path in found)
