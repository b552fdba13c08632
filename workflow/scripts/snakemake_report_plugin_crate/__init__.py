"""Snakemake's reporter ``crate``: ``snakemake --reporter crate`` describes a finished build.

Snakemake imports each reporter at every start: what takes long is imported when it is needed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_report_plugins.reporter import ReporterBase
from snakemake_interface_report_plugins.settings import ReportSettingsBase


@dataclass
class ReportSettings(ReportSettingsBase):
    """Options of the command line, ``--report-crate-...``."""

    folder: Optional[Path] = field(  # noqa: UP045 (Snakemake reads this form alone)
        default=Path("reports/build/crate"), metadata={"help": "Where the crate is written."}
    )
    largest: Optional[int] = field(  # noqa: UP045
        default=100,
        metadata={"help": "MB; of larger files the crate holds the checksum alone."},
    )


class Reporter(ReporterBase):
    """Write the crate of a build."""

    def render(self) -> None:
        """Write it, and say where."""
        import snakemake

        from gliomake.archive.crate import CrateError, write_crate
        from gliomake.archive.record import Build

        # Those of the Snakefile that the rules stand in: it may be a module of another one.
        names = self.jobs[0].job.rule.module_globals if self.jobs else {"BASE": "", "config": {}}
        build = Build(
            folder=Path.cwd(),
            checkout=Path(names["BASE"]),
            jobs=tuple(_run(record) for record in self.jobs),
            config=dict(names["config"]),
            snakemake=snakemake.__version__,
            largest=self.settings.largest * 10**6,
        )
        folder = Path.cwd() / self.settings.folder
        try:
            count = write_crate(build, folder)
        except CrateError as error:
            raise WorkflowError(str(error)) from None
        print(f"crate: {folder}, {len(build.jobs)} jobs with {count} files and folders")


def _run(record: Any) -> Any:
    from gliomake.archive.record import JobRun

    job = record.job
    return JobRun(
        rule=str(record.rule),
        begun=record.starttime,
        ended=record.endtime,
        inputs=tuple(dict.fromkeys(str(path) for path in job.input)),
        outputs=tuple(dict.fromkeys(str(path) for path in record.output)),
        wildcards={name: str(value) for name, value in job.wildcards_dict.items()},
        environment=str(job.rule.conda_env) if _with_conda(job.rule.workflow) else "",
    )


def _with_conda(workflow: Any) -> bool:
    from snakemake.settings.types import DeploymentMethod

    return DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
