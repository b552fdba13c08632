"""One start of the workflow at a time in a folder, and what a killed one left behind.

Snakemake's lock is a set of files. They outlive a killed process, and do not show whether their
owner still works. The kernel knows: a start holds ``flock`` on one file as long as it lives, and
its jobs share one on another. Both end with the processes, however these end. A start that gets
both has the proof that nothing of an earlier one runs here any more.
"""

import fcntl
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

FOLDER = "gliomake"
START, JOBS = "start", "jobs"
VARIABLE = "GLIOMAKE_START"
"""Of the environment: which start a job belongs to, and the folder of its locks."""
# Names that `gliomake.files.atomic` gives.
PRIVATE = re.compile(r"\..+-[a-z0-9_]{8}(\.[A-Za-z0-9]+)?|\..+\.partial|\.partial")


class LockError(RuntimeError):
    """A start that must wait, or that cannot tell whether it must."""


@dataclass(frozen=True)
class Start:
    """One start of the workflow.

    Attributes
    ----------
    host : str
        The machine.
    pid : int
        The process there.
    since : float
        Seconds since 1970.
    executor : str
        Snakemake's name of what runs the jobs; ``local`` is this machine.
    command : str
        As it was typed.
    """

    host: str
    pid: int
    since: float
    executor: str
    command: str

    @property
    def time(self) -> str:
        """When it was, in words."""
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(self.since))

    @property
    def token(self) -> str:
        """What no other start has."""
        return f"{self.host} {self.pid} {self.since!r}"


@contextmanager
def one_start(
    state: str | Path,
    *,
    command: str,
    unlock: str,
    executor: str = "local",
    outputs: Sequence[str | Path] = (),
) -> Iterator[str]:
    """Hold a folder while the workflow runs in it, and remove what a killed start left there.

    Parameters
    ----------
    state : str or Path
        Snakemake's folder ``.snakemake``; its ``locks/*.lock`` are removed where their owner and
        all of its jobs are proved dead.
    command, unlock : str
        What was typed, and what takes Snakemake's lock away.
    executor : str
        Snakemake's name of what runs the jobs.
    outputs : sequence of str or Path
        Folders from which the private temporary files of dead processes are removed.

    Yields
    ------
    str
        What was removed, in one line; empty where nothing was.

    Raises
    ------
    LockError
        Another start or a job of a killed one is at work here, or that cannot be known.
    """
    state = Path(state)
    folder = state.resolve() / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held, jobs = open(folder / START, "a+"), open(folder / JOBS, "a+")  # noqa: SIM115
    except OSError:
        # Read-only: nothing can be left here, and Snakemake itself says what it cannot write.
        yield ""
        return
    with held, jobs:
        if _lock(held) is False:
            raise LockError(_at_work(folder, _read(held)))
        killed = _read(held)
        locked = _lock(jobs)
        if locked is False:
            raise LockError(_jobs_at_work(folder, killed, jobs))
        start = Start(socket.gethostname(), os.getpid(), time.time(), executor, command)
        removed = _clear(state, killed, _doubt(killed, start, locked), unlock, outputs)
        for file, text in ((jobs, ""), (held, json.dumps(asdict(start)))):
            _write(file, text)
        if locked:
            fcntl.flock(jobs, fcntl.LOCK_UN)
        if executor == "local":
            os.environ[VARIABLE] = f"{folder}\n{start.token}"
        try:
            yield removed
        finally:
            os.environ.pop(VARIABLE, None)
            _write(held, "")


@contextmanager
def job_at_work(rule: str, log: str) -> Iterator[None]:
    """Show that a job is at work, to the next start where this one is killed.

    Parameters
    ----------
    rule, log : str
        What a message calls the job.

    Raises
    ------
    LockError
        The start that the job belongs to is dead, and another is at work in its place.
    """
    folder, _, token = os.environ.get(VARIABLE, "").partition("\n")
    try:
        shared = open(Path(folder) / JOBS, "a") if folder else None  # noqa: SIM115
    except OSError:
        shared = None
    with shared or nullcontext():
        if shared:
            # Waits for a start that is looking at this very moment.
            with suppress(OSError):
                fcntl.flock(shared, fcntl.LOCK_SH)
            with open(Path(folder) / START) as held:
                start = _read(held)
            if start is None or start.token != token:
                raise LockError(
                    "the start that this job belongs to was killed, and another may be at work: "
                    "the job ends without having done anything"
                )
            print(os.getpid(), rule, log, sep="\t", file=shared, flush=True)
        yield


def _lock(file: IO[str]) -> bool | None:
    """Take a lock alone; False where it is held, None where the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _read(file: IO[str]) -> Start | None:
    file.seek(0)
    try:
        return Start(**json.loads(file.read()))
    except (ValueError, TypeError):
        return None


def _write(file: IO[str], text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()
    os.fsync(file.fileno())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _at_work(folder: Path, start: Start | None) -> str:
    place = folder.parents[1]
    if start is None:
        return f"another start is at work in {place}, and has just begun: wait until it has ended"
    here = start.host == socket.gethostname()
    message = (
        f"another start is at work in {place}: process {start.pid} on {start.host} since "
        f"{start.time} ({start.command}). Wait until it has ended, or end it: "
        f"kill {start.pid}{'' if here else f', on {start.host}'}"
    )
    if here and _alive(start.pid):
        return message
    return f"{message}. If it is not there any more: rm -r '{folder}'"


def _jobs_at_work(folder: Path, start: Start | None, jobs: IO[str]) -> str:
    jobs.seek(0)
    lines = [line.rstrip("\n").split("\t") for line in jobs if line.count("\t") == 2]
    living = [(pid, rule, log) for pid, rule, log in lines if _alive(int(pid))]
    named = ", ".join(f"{rule} (process {pid}, {log})" for pid, rule, log in living)
    when = f"of {start.time} " if start else ""
    end = f"kill {' '.join(pid for pid, _, _ in living)}" if living else "see ps -ef"
    return (
        f"the start {when}in {folder.parents[1]} was killed, and jobs of it are still at work: "
        f"{named or 'which ones is not known'}. End them ({end}), then type the same command "
        "again; a training saves its state and goes on from there"
    )


def _doubt(killed: Start | None, start: Start, locked: bool | None) -> str:
    """Say why the owner of Snakemake's lock is not proved dead; nothing where it is."""
    if killed is None:
        return "nothing here says which start left it"
    who = f"process {killed.pid} on {killed.host} left it on {killed.time}"
    if not locked:
        return f"{who}, and this file system has no locks that end with their process"
    if killed.host != start.host:
        return f"{who}, and this is {start.host}"
    if killed.executor != "local":
        return f"{who}, and its jobs went to {killed.executor}: look into its queue"
    return ""


def _clear(
    state: Path, killed: Start | None, doubt: str, unlock: str, outputs: Sequence[str | Path]
) -> str:
    """Remove a dead start's lock and private files, and say so."""
    locks = sorted((state / "locks").glob("*.lock"))
    if doubt and locks:
        raise LockError(
            f"{state.resolve().parent} is locked, and whether the lock's owner or a job of it "
            f"still runs cannot be seen from here: {doubt}. When none does, type\n    {unlock}\n"
            "and then the same command again"
        )
    if doubt or killed is None:
        return ""
    for path in locks:
        path.unlink(missing_ok=True)
    private = [path for folder in outputs for path in _private(Path(folder))]
    for path in private:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    files = f" and {len(private)} private files" if private else ""
    return (
        f"The start of {killed.time} was killed (process {killed.pid}), and nothing of it runs: "
        f"this start removed its lock{files} and goes on from there"
    )


def _private(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        for name in [name for name in (*folders, *files) if PRIVATE.fullmatch(name)]:
            yield Path(place) / name
            if name in folders:
                folders.remove(name)
