# What the rules share: configuration, checked, and functions that wire files to rules.
import os
import sys
from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod, ExecMode

BASE = Path(workflow.basedir).resolve()
sys.path.insert(0, str(BASE / "workflow" / "scripts"))

from adapter import check_place, one_at_a_time
from gliomake.study import load as studies
from gliomake.study import describe
from gliomake.study import faults
from gliomake.study import overrides
from gliomake.start import requests
from gliomake.start import settings
from gliomake.study import targets
from gliomake.digests.jobs import job_code, torch_version
from gliomake.files.provenance import listing_sha256
from gliomake.prepare.refused import state_token
from gliomake.study.paths import Paths
from gliomake.study.products import Products
from gliomake.study.run import ConfigError, Run, split_name


class ConfigurationError(WorkflowError):
    """A fault of what the user typed: no line of a Snakefile is shown with it."""

    __traceback__ = None


def config_layers():
    """What the configuration was merged from, the last one first."""
    given = workflow.config_settings
    start = f"{workflow.rundir}{os.sep}"
    files = [(str(f).removeprefix(start), f) for f in reversed(given.configfiles)]
    files.append(("config/config.yaml", BASE / "config" / "config.yaml"))
    return [
        ("--config", given.config),
        *((name, load_configfile(path)) for name, path in files),
    ]


def command_line():
    """What Snakemake was called with; None in a job, and where a program starts the workflow."""
    program = Path(sys.argv[0])
    if workflow.exec_mode != ExecMode.DEFAULT or "snakemake" not in (
        program.stem,
        program.parent.name,
    ):
        return None
    from snakemake.cli import get_argument_parser

    return get_argument_parser().parse_args(sys.argv[1:])


check_place(BASE)
COMMAND = command_line()
places = [Path(workflow.rundir), BASE]
profile = requests.missing_profile(COMMAND and COMMAND.workflow_profile, places)
try:
    checked, STUDIES = settings.start(
        config,
        BASE,
        Path.cwd(),
        config_layers,
        elsewhere=workflow.overwrite_workdir is not None,
        others=[profile] if profile else [],
    )
except ConfigError as error:
    raise ConfigurationError(str(error)) from None
config.update(checked)


# All paths of results, reports and logs are relative: an experiment has them in its own folder.
if config["experiment"]:

    workdir: str(BASE / "experiments" / config["experiment"])


PATHS = Paths()
# The patterns of the rules' outputs.
DATA = PATHS.data("{dataset}")
STUDY = PATHS.study("{study}")
RUN = STUDY.run("{model}", "{run}")
# Fetched once for all experiments.
shared = Paths(resources=BASE / "resources") if config["experiment"] else PATHS
ENCODER_WEIGHTS = shared.encoder_weights("{encoder}")


def home(path):
    """A file of the checkout, as it is named from where the workflow runs."""
    inside = Path.cwd().is_relative_to(BASE)
    return os.path.relpath(BASE / path) if inside else str(BASE / path)


def check_request():
    """Stop at targets that there are not, and at runs that cannot exist, before any job."""
    if COMMAND is None:
        return
    names = [each.name for each in workflow.rules if not each.has_wildcards()]
    wanted = sorted(
        name if os.path.isabs(name) else os.path.normpath(name)
        for name in COMMAND.targets or ["all"]
    )
    found = []
    for target in wanted:
        made = any(each.is_producer(target) for each in workflow.rules)
        reason = requests.unknown_target(target, STUDIES, names)
        if not (reason or made or target in names):
            reason = "no rule makes it; README.md lists what can be asked for"
        if reason and (made or not os.path.exists(target)):
            found.append(faults.Fault((), reason, f"target {target}"))
    if not found:
        needed = requests.requested_datasets(wanted, STUDIES) & {*config["datasets"]}
        found = settings.missing_roots(config, STUDIES, needed)
    if not found:
        runs = requests.requested_runs(wanted, STUDIES, config["studies"])
        found = requests.run_faults(runs, STUDIES, patients_of)
    if found:
        raise ConfigurationError(faults.fault_report(found))


def patients_of(dataset, enough):
    """How many patients a data set has at most; None for many, or for what cannot be known yet."""
    if data_kind(dataset) == "phantom":
        return config["phantoms"][dataset]["patients"]
    return settings.few_patients(
        dataset, root_of(dataset), dataset_options(dataset), enough
    )


# A job reads this file as well, on whatever machine; it belongs to the start that sent it.
if workflow.is_main_process:
    one_at_a_time(workflow)


wildcard_constraints:
    dataset="lgg|brats2020|brats2021|coco",
    study="|".join(STUDIES),
    model="[a-z0-9-]+",
    run=Run.PATTERN,
    split=r"patient|slice|predefined|leak\d+",
    fold=r"\d+",
    group=r"\d{3}",
    target="[a-z0-9-]+",


def code_of(script):
    """Parameter of a rule's jobs: the digest of the code that a job's result comes from."""

    def code(wildcards):
        return job_code(
            script,
            study=STUDIES.get(wildcards.get("study")),
            dataset=wildcards.get("dataset"),
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
    """What a reader takes besides the root; the workflow takes the rest itself."""
    own = ("root", "on_bad_case", "groups")
    return {k: v for k, v in config["datasets"][dataset].items() if k not in own}


def channels_of(dataset):
    """The channels that any study takes from a data set."""
    used = [
        s["preprocess"]["channels"] for s in STUDIES.values() if s["dataset"] == dataset
    ]
    return sorted({channel for channels in used for channel in channels})


def groups_of(dataset):
    return [f"{n:03}" for n in range(config["datasets"][dataset]["groups"])]


def dataset_of(wildcards):
    return STUDIES[wildcards.study]["dataset"]


def products(study):
    """The files that a study builds, and is built from."""
    study = STUDIES[study]
    dataset = study["dataset"]
    return Products(study, tuple(groups_of(dataset)), root_of(dataset))


def files(find):
    """Input function of a rule: what `find` takes from the products of the job's study."""
    return lambda wildcards: find(products(wildcards.study))


def shards_of(wildcards):
    return products(wildcards.study).shards


def split_of(wildcards):
    return PATHS.study(wildcards.study).split(split_name(wildcards.run))


def classifier_of(wildcards):
    """The probabilities of the study's gate, in the job's run."""
    gate = STUDIES[wildcards.study]["gate"]
    return PATHS.run(wildcards.study, gate["classifier"], wildcards.run).predictions


def model_of(wildcards):
    """What a training depends on; which other runs the model has is no part of it."""
    try:
        model = STUDIES[wildcards.study]["models"][wildcards.model]
        return {key: value for key, value in model.items() if key != "runs"}
    except KeyError:
        raise WorkflowError(
            f"study {wildcards.study} has no model {wildcards.model!r}; it has "
            + ", ".join(studies.all_models(STUDIES[wildcards.study]))
        )


def encoder_weights_of(wildcards):
    encoder = studies.encoder_weights(model_of(wildcards), config["pretrained"])
    return shared.encoder_weights(encoder) if encoder else []


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
    folder = BASE / "reports" / "templates"
    return sorted(home(f"reports/templates/{path.name}") for path in folder.iterdir())
