"""What stands between Snakemake and the start of the workflow: what was typed, and its faults."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.settings.types import ExecMode
from snakemake.utils import update_config

from gliomake.datasets.spec import DatasetSpec
from gliomake.start import requests, settings
from gliomake.start.claims import check_claims
from gliomake.start.reporting import read_answers
from gliomake.study.faults import fault_report
from gliomake.study.model import Study
from gliomake.study.run import ConfigError

DEFAULT = "config/config.yaml"


class ConfigurationError(WorkflowError):
    """A fault of what the user typed: no line of a Snakefile is shown with it."""

    __traceback__ = None


def give_jobs_our_library() -> None:
    """Let jobs run this checkout's code, whatever other copy of the library is installed."""
    own, others = str(Path(__file__).parent), os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{own}{os.pathsep}{others}" if others else own


def command_line(workflow: Any) -> Namespace | None:
    """Return what Snakemake was called with; None in a job, and where a program starts it."""
    program = Path(sys.argv[0])
    names = (program.stem, program.parent.name)
    if workflow.exec_mode != ExecMode.DEFAULT or "snakemake" not in names:
        return None
    from snakemake.cli import get_argument_parser

    return get_argument_parser().parse_args(sys.argv[1:])


def checked_start(
    workflow: Any,
    config: dict[str, Any],
    base: Path,
    command: Namespace | None,
    own: Path | None = None,
) -> tuple[dict[str, Any], dict[str, Study], dict[str, DatasetSpec]]:
    """Check the configuration and read the studies, see `gliomake.start.settings.start`.

    Parameters
    ----------
    workflow : object
        Snakemake's, while it reads the Snakefile.
    config : dict
        The configuration as Snakemake merged it.
    base : Path
        The checkout.
    command : Namespace or None
        Of `command_line`.
    own : Path, optional
        Configuration of the folder of the start, where that is not the checkout.

    Raises
    ------
    ConfigurationError
        With all that is wrong.
    """
    # The configuration that another Snakefile hands to a module need not be whole.
    whole = load_configfile(base / DEFAULT)
    update_config(whole, config)
    places = [Path(workflow.rundir), base]
    profile = requests.missing_profile(command and command.workflow_profile, places)
    try:
        started = settings.start(
            whole,
            base,
            Path.cwd(),
            lambda: _config_layers(workflow, base, own),
            elsewhere=workflow.overwrite_workdir is not None,
            others=[profile] if profile else [],
        )
        if workflow.is_main_process:
            models = {name: study.models for name, study in started[1].items()}
            mine = Path("config/claims.tsv")
            check_claims(mine if mine.is_file() else base / mine, models)
    except ConfigError as error:
        raise ConfigurationError(str(error)) from None
    return started


def checked_answers(path: str, studies: Mapping[str, Study]) -> dict[str, dict[str, str]]:
    """Read what people say to the reporting checklist, see `gliomake.start.reporting`.

    Parameters
    ----------
    path : str
        The file.
    studies : mapping of str to Study
        The studies.

    Raises
    ------
    ConfigurationError
        With all that is wrong.
    """
    try:
        return read_answers(path, studies)
    except ConfigError as error:
        raise ConfigurationError(str(error)) from None


def _config_layers(workflow: Any, base: Path, own: Path | None) -> list[settings.Layer]:
    """List what the configuration was merged from, the last one first."""
    given = workflow.config_settings
    start = f"{workflow.rundir}{os.sep}"
    files = [(str(f).removeprefix(start), f) for f in reversed(given.configfiles)]
    if own:
        files.append((DEFAULT, own))
    files.append((str(base / DEFAULT) if own else DEFAULT, base / DEFAULT))
    return [
        ("--config", given.config),
        *((name, load_configfile(path)) for name, path in files),
    ]


def check_request(
    workflow: Any,
    config: dict[str, Any],
    studies: dict[str, Study],
    command: Namespace | None,
    patients: Callable[[str, int], int | None],
    *,
    among_others: bool = False,
) -> None:
    """Stop at targets that there are not, and at runs that cannot exist, before any job.

    Parameters
    ----------
    workflow : object
        Snakemake's, once it knows all rules.
    config, studies
        Of `checked_start`.
    command : Namespace or None
        Of `command_line`; without one nothing is checked.
    patients : callable
        See `gliomake.start.requests.run_faults`.
    among_others : bool
        Whether this is a module of another workflow, whose targets are left to it.

    Raises
    ------
    ConfigurationError
        With all that is wrong.
    """
    if command is None:
        return
    targets = command.targets or ["all"]
    if among_others:
        places = tuple(f"results/{study}/" for study in studies)
        targets = [target for target in targets if target.startswith(places)]
    faults = requests.request_faults(
        targets,
        config,
        studies,
        rules=[each.name for each in workflow.rules if not each.has_wildcards()],
        made=lambda target: any(each.is_producer(target) for each in workflow.rules),
        patients=patients,
    )
    if faults:
        raise ConfigurationError(fault_report(faults))
