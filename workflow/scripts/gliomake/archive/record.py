"""What a crate is made from: the jobs of a build, and where their files go."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gliomake.start.console import job_name

# What of the checkout explains a build: code, settings, pages, environments.
CODE = (
    "Snakefile", "workflow/Snakefile", "workflow/rules", "workflow/schemas", "workflow/scripts",
    "config", "envs", "profiles", "reports/captions", "reports/templates", "pyproject.toml",
    "requirements.lock", "Containerfile", "Makefile", "CITATION.cff", "codemeta.json", "LICENSE",
    "README.md", "CHANGELOG.md",
)  # fmt: skip
# Slices and scans of patients, under terms of their own; synthetic ones are made again in seconds.
DATA = ("resources/", "results/shards/")
IN_CRATE = "code"


@dataclass(frozen=True)
class JobRun:
    """One job of a build.

    Attributes
    ----------
    rule : str
        Its rule.
    begun, ended : float
        Seconds since 1970.
    inputs, outputs : tuple of str
        Files and folders, relative to the folder of the build, or absolute.
    wildcards : dict of str to str
        What told it from other jobs of its rule.
    environment : str
        The conda environment's page, where it ran in one; else empty.
    """

    rule: str
    begun: float
    ended: float
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    wildcards: dict[str, str] = field(default_factory=dict)
    environment: str = ""

    @property
    def name(self) -> str:
        """The rule and what told the job from others, such as ``train lgg-encoders/unet``."""
        return job_name(self.rule, self.wildcards)


@dataclass(frozen=True)
class Build:
    """A finished build.

    Attributes
    ----------
    folder, checkout : Path
        Where it ran, and where the workflow lies.
    jobs : tuple of JobRun
        In any order.
    config : dict
        The configuration that it ran with.
    snakemake : str
        Snakemake's version.
    largest : int
        Bytes; of larger files the crate has the checksum alone.
    """

    folder: Path
    checkout: Path
    jobs: tuple[JobRun, ...]
    config: dict
    snakemake: str
    largest: int

    def place(self, path: str) -> str:
        """Name a file as it is named in the crate.

        Parameters
        ----------
        path : str
            As a job names it.

        Returns
        -------
        str
            Relative to the crate's folder; files of the checkout stand under ``code/``.
        """
        whole = Path(os.path.normpath(self.folder / path))
        for part in CODE:
            ours = self.checkout / part
            if whole == ours or whole.is_relative_to(ours):
                return f"{IN_CRATE}/{whole.relative_to(self.checkout)}"
        if whole.is_relative_to(self.folder):
            return str(whole.relative_to(self.folder))
        return f"elsewhere/{whole.name}"

    def reason_to_leave_out(self, path: str) -> str:
        """Say why the bytes of a file or folder are not in the crate; empty where they are.

        Parameters
        ----------
        path : str
            As a job names it.
        """
        place, whole = self.place(path), self.folder / path
        if f"{place}/".startswith(DATA):
            return "images, which have terms of their own: made or fetched again by the workflow"
        if place.startswith("elsewhere/"):
            return "lies outside the build"
        if not whole.exists():
            return "no longer there"
        if whole.is_file() and whole.stat().st_size > self.largest:
            return f"larger than {self.largest / 1e6:g} MB"
        return ""


def copy_code(checkout: Path, crate: Path) -> None:
    """Copy into a crate what of the checkout explains a build.

    Parameters
    ----------
    checkout : Path
        Where the workflow lies.
    crate : Path
        The crate's folder.
    """
    for part in CODE:
        source, target = checkout / part, crate / IN_CRATE / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def put(source: Path, target: Path) -> None:
    """Put a file or folder of a build into a crate, without its bytes twice where that is possible.

    Parameters
    ----------
    source, target : Path
        From where, and where to; nothing is done where the target is there.
    """
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link)
    else:
        _link(source, target)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def files_of(jobs: Iterable[JobRun]) -> list[str]:
    """List all files and folders that jobs read or wrote, each once, sorted.

    Parameters
    ----------
    jobs : iterable of JobRun
        The jobs.

    Returns
    -------
    list of str
        As the jobs name them.
    """
    return sorted({path for job in jobs for path in (*job.inputs, *job.outputs)})
