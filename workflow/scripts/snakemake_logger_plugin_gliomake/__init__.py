"""Snakemake's logger ``gliomake``: a line a job, by ``snakemake --logger gliomake``.

Without it everything works the same, in Snakemake's own words. Snakemake imports each logger at
every start: this module must stay light.
"""

import logging
import os
import sys

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

# What Snakemake says of itself, which no reader of a build needs.
UNSAID = (
    "Assuming unrestricted shared filesystem", "Building DAG", "Using shell", "Provided ",
    "Rules claiming more threads", "Conda environments: ignored", "Singularity containers: ignored",
    "Group jobs: inactive", "Select jobs to execute", "Execute ", "Complete log", "Elapsed time",
    "Config file ", "Storing output in storage", "Shutting down, this might take some time",
)  # fmt: skip
SHOWN_AS_THEY_ARE = (None, LogEvent.ERROR, LogEvent.GROUP_ERROR)
# Said better by the list of what failed, at the end.
UNSAID_ERRORS = (
    "Exiting because a job execution failed",
    "WorkflowError:\nAt least one job did not complete successfully",
)


class LogHandler(LogHandlerBase):
    """Hand Snakemake's events to the console; dry runs and errors stay in Snakemake's words."""

    def __post_init__(self) -> None:
        """Begin with no jobs."""
        from snakemake.logging import DefaultFilter, DefaultFormatter

        from gliomake.start.console import VARIABLE, Console

        told = self.common_settings
        self.setFormatter(DefaultFormatter(told.quiet, told.show_failed_logs))
        self.plain = DefaultFilter(
            told.quiet, told.debug_dag, told.verbose, told.dryrun, told.printshellcmds
        )
        stream = sys.stdout if told.stdout else sys.stderr
        self.console = Console(stream, every=0 if told.dryrun else None)
        self.silent: set[int] = set()
        self.held: list[logging.LogRecord] = []
        if not told.dryrun:
            os.environ[VARIABLE] = "1"

    def emit(self, record: logging.LogRecord) -> None:
        """Print what an event means for a reader.

        Parameters
        ----------
        record : LogRecord
            Snakemake's; its attribute ``event`` says what happened.
        """
        try:
            if self.common_settings.dryrun:
                self._as_it_is(record)
            else:
                self._tell(record, getattr(record, "event", None))
        except Exception:
            self.handleError(record)

    def _tell(self, record: logging.LogRecord, event: LogEvent | None) -> None:
        facts = record.__dict__
        if event == LogEvent.RUN_INFO and facts.get("stats"):
            rules = {str(rule): int(count) for rule, count in facts["stats"].items()}
            self.console.plan(rules.pop("total", 0), rules)
        elif event == LogEvent.JOB_INFO:
            self._announce(facts)
        elif event == LogEvent.JOB_STARTED:
            self.console.start(facts.get("jobs") or [])
        elif event == LogEvent.JOB_FINISHED:
            self.console.finish(facts["job_id"], silent=facts["job_id"] in self.silent)
        elif event == LogEvent.JOB_ERROR:
            held, self.held = self.held, []
            if not self.console.fail(facts.get("jobid", -1)):
                for each in (*held, record):
                    self._as_it_is(each)
        elif event == LogEvent.ERROR and facts.get("exception") == "RuleException":
            # Of a script's job it names a temporary file; its log says more, if it says anything.
            self.held.append(record)
        elif event in SHOWN_AS_THEY_ARE and not self._unsaid(record):
            self._as_it_is(record)

    def _announce(self, facts: dict) -> None:
        from gliomake.start.console import job_name

        name = job_name(facts["rule_name"], facts.get("wildcards") or {})
        self.console.announce(facts["jobid"], name, next(iter(facts.get("log") or ()), None))
        if not facts.get("output") and not facts.get("log"):
            self.silent.add(facts["jobid"])

    @staticmethod
    def _unsaid(record: logging.LogRecord) -> bool:
        text = record.getMessage().strip()
        unsaid = UNSAID_ERRORS if record.levelno >= logging.WARNING else UNSAID
        return text in ("", "None") or text.startswith(unsaid)

    def _as_it_is(self, record: logging.LogRecord) -> None:
        text = self.format(record) if self.plain.filter(record) else ""
        if text and text != "None":
            self.console.line(text)

    def close(self) -> None:
        """Sum up."""
        for record in self.held:
            self._as_it_is(record)
        self.held = []
        self.console.close()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """It does, in place of Snakemake's own handler."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Snakemake's log file is written as ever."""
        return False

    @property
    def has_filter(self) -> bool:
        """It chooses by itself."""
        return True

    @property
    def has_formatter(self) -> bool:
        """It brings its own."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """It draws none."""
        return False
