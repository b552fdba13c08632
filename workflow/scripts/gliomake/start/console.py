"""What somebody watching a build sees: a line a finished job, and how far trainings are.

On a terminal the last line says what runs; elsewhere a line in a while does. Knows nothing of
Snakemake: a logger plugin tells it what happens.
"""

import re
import shutil
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from gliomake.start.duration import duration

# With it in the environment a training shows no bar of its own: the console shows all of them.
VARIABLE = "GLIOMAKE_CONSOLE"
# The line of an epoch in a training's log, see `gliomake.training.progress`.
EPOCH = re.compile(r"^epoch (\d+/\d+): .*?, ([\d.e+]+ slices/s), (.+ left at most)$", re.M)
# No more of a log is read than its end, in bytes, and shown of an error, in lines.
TAIL, ERROR_LINES = 8000, 20
TERMINAL_SECONDS, LINES_SECONDS = 1.0, 30.0


@dataclass
class Running:
    """A job that has been announced.

    Attributes
    ----------
    name : str
        Its rule, and what tells it from others.
    log : Path or None
        Where it writes its log.
    begun : float or None
        Seconds of the clock; None until it runs.
    """

    name: str
    log: Path | None = None
    begun: float | None = None

    @property
    def rule(self) -> str:
        """Its rule."""
        return self.name.partition(" ")[0]


def job_name(rule: str, wildcards: Mapping[str, object]) -> str:
    """Name a job for a reader.

    Parameters
    ----------
    rule : str
        Its rule.
    wildcards : mapping
        What tells it from other jobs of the rule.

    Returns
    -------
    str
        Such as ``figure lgg-encoders/masks``.

    Examples
    --------
    >>> job_name("figure", {"study": "lgg-encoders", "target": "masks"})
    'figure lgg-encoders/masks'
    >>> job_name("report", {})
    'report'
    """
    return " ".join([rule, "/".join(str(value) for value in wildcards.values())]).strip()


def training_pace(log: Path | None) -> tuple[str, str, str] | None:
    """Read how far a training is.

    Parameters
    ----------
    log : Path or None
        Its log.

    Returns
    -------
    tuple of str, or None
        Epoch of epochs, speed, time left: ``("3/10", "312 slices/s", "40 s left at most")``. None
        before the end of the first epoch, and for logs of other jobs.
    """
    found = EPOCH.findall(_tail(log))
    return found[-1] if found else None


class Console:
    """Print what happens in a build.

    Parameters
    ----------
    stream : text stream
        Where to.
    clock : callable
        Gives seconds.
    every : float, optional
        Seconds between two looks at what runs; by default by whether the stream is a terminal.
        0 for none.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
        every: float | None = None,
    ) -> None:
        self.stream, self.clock = stream, clock
        self.live = bool(getattr(stream, "isatty", lambda: False)())
        self.jobs: dict[int, Running] = {}
        self.total = self.done = 0
        self.waiting: Counter[str] = Counter()
        self.spent: defaultdict[str, list[float]] = defaultdict(list)
        self.failed: list[Running] = []
        self.begun = clock()
        self.shown = False
        self.told: set[str] = set()
        self.looked = 0
        self.lock = threading.Lock()
        self.stop = threading.Event()
        seconds = every if every is not None else TERMINAL_SECONDS if self.live else LINES_SECONDS
        if seconds:
            threading.Thread(target=self._look, args=(seconds,), daemon=True).start()

    def plan(self, total: int, rules: Mapping[str, int] | None = None) -> None:
        """Take note of how many jobs there are.

        Parameters
        ----------
        total : int
            Jobs.
        rules : mapping of str to int, optional
            Jobs of each rule; without it nothing is said of the time left.
        """
        self.total, self.waiting = total, Counter(rules or {})
        self.line(_jobs(total))

    def announce(self, job: int, name: str, log: str | None) -> None:
        """Take note of a job that is about to start.

        Parameters
        ----------
        job : int
            Its number.
        name : str
            Of `job_name`.
        log : str or None
            Its log.
        """
        self.jobs[job] = Running(name, Path(log) if log else None, self.clock())

    def start(self, jobs: Iterable[int]) -> None:
        """Take note of when jobs start.

        Parameters
        ----------
        jobs : iterable of int
            Their numbers.
        """
        for job in jobs:
            if job in self.jobs:
                self.jobs[job].begun = self.clock()

    def finish(self, job: int, silent: bool = False) -> None:
        """Print a finished job: its name, and how long it took.

        Parameters
        ----------
        job : int
            Its number; one that nothing is known of is counted alone.
        silent : bool
            Whether it did nothing but wait for others.
        """
        self.done += 1
        ran = self.jobs.pop(job, None)
        if ran is None:
            return
        seconds = self.clock() - (ran.begun or 0)
        self.waiting[ran.rule] -= 1
        self.spent[ran.rule].append(seconds)
        if silent:
            return
        words = f"{self._count()} {ran.name} {duration(seconds)}"
        if pace := training_pace(ran.log):
            words += f", {pace[1]}"
        self.line(words)

    def fail(self, job: int) -> bool:
        """Print a failed job with the end of its log.

        Parameters
        ----------
        job : int
            Its number.

        Returns
        -------
        bool
            Whether the log told anything; else the caller must.
        """
        ran = self.jobs.pop(job, None)
        if ran is None:
            return False
        self.failed.append(ran)
        if not (told := _tail(ran.log).strip("\n")):
            return False
        lines = [f"    {line}" for line in told.splitlines()[-ERROR_LINES:]]
        self.line("\n".join([f"failed: {ran.name}; the end of {ran.log}:", *lines]))
        return True

    def line(self, text: str) -> None:
        """Print a line, in place of what says what runs.

        Parameters
        ----------
        text : str
            What to say.
        """
        with self.lock:
            self._clear()
            self.stream.write(f"{text}\n")
            self.stream.flush()

    def close(self) -> None:
        """Sum up: how many jobs ran in which time, and each that failed with its log."""
        if self.stop.is_set():
            return
        self.stop.set()
        with self.lock:
            self._clear()
        if self.done:
            self.line(f"{_jobs(self.done)} in {duration(self.clock() - self.begun)}")
        for job in self.failed:
            self.line(f"failed: {job.name}" + (f", see {job.log}" if job.log else ""))

    def status(self) -> list[str]:
        """Say of each running training how far it is.

        Returns
        -------
        list of str
            One a training whose first epoch has ended.
        """
        running = [job for job in list(self.jobs.values()) if job.begun is not None]
        return [
            f"{job.name}: epoch {pace[0]}, {pace[1]}, {pace[2]}"
            for job in running
            if (pace := training_pace(job.log))
        ]

    def left(self) -> str:
        """Estimate how long the rest will take, from the jobs that have ended.

        Returns
        -------
        str
            Such as ``about 6 min 10 s left``; ``at least`` while some of the rules to come have not
            had a job yet, of which nobody knows how long they take. Empty before the first job's
            end.
        """
        waiting = {rule: count for rule, count in self.waiting.items() if count > 0}
        ended = sum(map(sum, self.spent.values()))
        wall = self.clock() - self.begun
        if not waiting or not ended or not wall:
            return ""
        running = [
            (job.rule, self.clock() - job.begun)
            for job in list(self.jobs.values())
            if job.begun is not None
        ]
        known = {rule: sum(each) / len(each) for rule, each in self.spent.items() if each}
        gone: defaultdict[str, float] = defaultdict(float)
        for rule, seconds in running:
            gone[rule] += min(seconds, known.get(rule, 0))
        rest = sum(count * known.get(rule, 0) - gone[rule] for rule, count in waiting.items())
        at_once = max((ended + sum(seconds for _, seconds in running)) / wall, 1)
        how = "about" if waiting.keys() <= known.keys() else "at least"
        return f"{how} {duration(max(rest, 0) / at_once)} left"

    def _count(self) -> str:
        width = len(str(self.total))
        return f"[{self.done:>{width}}/{self.total}]" if self.total else "-"

    def _look(self, seconds: float) -> None:
        while not self.stop.wait(seconds):
            self.look()

    def look(self) -> None:
        """Show what runs: in the last line of a terminal, elsewhere in lines of their own."""
        if not self.live:
            left = self.left()
            news = [text for text in self.status() if text not in self.told]
            self.told.update(news)
            # Of a build that stands still in one long job there is no news.
            if left and (news or self.done != self.looked):
                news.append(f"{self.done} of {_jobs(self.total)}, {left}")
            self.looked = self.done
            for text in news:
                self.line(f"... {text}")
            return
        others = [job.name for job in list(self.jobs.values())]
        words = "; ".join([*filter(None, [self.left()]), *(self.status() or others[:2])])
        with self.lock:
            self._clear()
            if words and not self.stop.is_set():
                # A line that the terminal breaks in two could not be taken back.
                width = shutil.get_terminal_size((100, 24)).columns - 1
                self.stream.write(f"{self._count()} {words}"[:width])
                self.stream.flush()
                self.shown = True

    def _clear(self) -> None:
        if self.shown:
            self.stream.write("\r\033[K")
            self.shown = False


def _tail(log: Path | None) -> str:
    """Read the end of a log; nothing where there is none."""
    try:
        with open(log or "", "rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - TAIL, 0))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _jobs(count: int) -> str:
    return f"{count} job" if count == 1 else f"{count} jobs"
