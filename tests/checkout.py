"""A copy of what the repository holds, to build in as a user would."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def copy_checkout(folder: Path) -> Path:
    """Copy all that a build needs into an empty folder; nothing is built there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Snakefile", "config", "envs", "examples", "profiles", "reports", "workflow"):
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "build")
            shutil.copytree(source, folder / name, ignore=ignore)
        else:
            shutil.copy(source, folder / name)
    return folder


def snakemake(*arguments: str, folder: Path) -> subprocess.CompletedProcess:
    """Run snakemake there."""
    command = [sys.executable, "-m", "snakemake", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def installed(package: str, version: str, folder: Path) -> Path:
    """Make a folder that says, on the path of modules, that this version is installed."""
    facts = folder / f"{package}-{version}.dist-info" / "METADATA"
    facts.parent.mkdir(parents=True)
    facts.write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    return folder
