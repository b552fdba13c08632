"""What stands between Snakemake and all scripts: logs, and one start of the workflow at a time."""

import os
import shlex
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from gliomake.start.lock import LockError, job_at_work, one_start

# Where private files of killed processes may lie.
WRITTEN = ("results", "reports/build", "logs", "resources/weights")


def logged(main: Callable[[Any], None], snakemake: Any) -> None:
    """Run a script's work with its output in the rule's log.

    Parameters
    ----------
    main : callable
        Takes the ``snakemake`` object.
    snakemake : object
        What Snakemake hands to a script.

    Raises
    ------
    SystemExit
        After an error; its message stands on the terminal and in the log. An error that the library
        does not declare has its traceback in the log as well.
    """
    try:
        with job_at_work(snakemake.rule, snakemake.log[0]):
            _run(main, snakemake)
    except LockError as error:
        raise SystemExit(f"{snakemake.rule}: {error}") from None


def _run(main: Callable[[Any], None], snakemake: Any) -> None:
    terminal = sys.stderr
    Path(snakemake.log[0]).parent.mkdir(parents=True, exist_ok=True)
    # A file name need not be text that the terminal's language has.
    options = {"buffering": 1, "encoding": "utf-8", "errors": "backslashreplace"}
    with open(snakemake.log[0], "w", **options) as log:
        sys.stdout = sys.stderr = log
        try:
            main(snakemake)
        except Exception as error:
            own = type(error).__module__.startswith("gliomake.")
            print(error) if own else traceback.print_exc()
            # A console shows the log itself, see `gliomake.start.console`.
            if "GLIOMAKE_CONSOLE" not in os.environ:
                where = "" if own else f"\n(traceback in {snakemake.log[0]})"
                print(f"{snakemake.rule}: {error}{where}", file=terminal)
            raise SystemExit(1) from None
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, terminal


def check_place(folder: Path) -> None:
    """Check that Snakemake can work where the checkout lies.

    Raises
    ------
    ValueError
        The path has braces, which Snakemake takes for names of its own in each script's path.
    """
    if set("{}") & set(str(folder)):
        raise ValueError(
            f"the checkout lies in {folder}, and Snakemake cannot work in a folder with braces in "
            "its path: rename the folder, or move the checkout"
        )


def one_at_a_time(workflow: Any) -> None:
    """Let a workflow run only where no other start of it is at work.

    What shows its rules and files without running anything (``-n``, ``--summary``, ``--unlock``) is
    left alone, and so is ``--nolock``.

    Parameters
    ----------
    workflow : object
        Snakemake's, while it reads the Snakefile. What it runs is put into a lock of our own; in
        this file and not in a rule file, which Snakemake would name as the place of every error.
    """
    execute = workflow.execute

    @wraps(execute)
    def run(executor_plugin: Any, **more: Any) -> Any:
        settings = executor_plugin.common_settings
        if settings.dryrun_exec or not workflow.execution_settings.lock:
            return execute(executor_plugin=executor_plugin, **more)
        program, *arguments = sys.argv
        start = [sys.executable, "-m", "snakemake"] if "__main__" in program else [program]
        try:
            with one_start(
                ".snakemake",
                command=shlex.join([*start, *arguments]),
                unlock=shlex.join([*start, "--unlock", *arguments]),
                executor="local" if settings.local_exec else executor_plugin.name,
                outputs=WRITTEN,
            ) as removed:
                if removed:
                    print(removed, file=sys.stderr)
                return execute(executor_plugin=executor_plugin, **more)
        except LockError as error:
            raise SystemExit(f"Not started: {error}") from None

    workflow.execute = run
