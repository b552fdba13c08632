"""What somebody watching a training sees: a bar on a terminal, a line an epoch in a log."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn


class Reporter:
    """Tell how far a training is, how fast, and how long it may still take.

    Parameters
    ----------
    epochs : int
        Epochs at most.
    slices : int
        Training slices an epoch.
    done : int
        Training slices that an earlier process has behind it.
    name : str
        What the bar is about: of several trainings at once each shows one.
    stream : text stream, optional
        For the lines; standard error by default.
    terminal : text stream, optional
        For the bar; by default what was standard error when the process started, so that a
        training whose output goes to a log still shows one. No bar where it is no terminal, or
        where ``GLIOMAKE_CONSOLE`` is set.
    """

    def __init__(
        self,
        epochs: int,
        slices: int,
        done: int = 0,
        name: str = "training",
        stream: TextIO | None = None,
        terminal: TextIO | None = None,
    ) -> None:
        self.stream, self.name = stream or sys.stderr, name
        self.terminal = terminal or sys.__stderr__
        self.epochs, self.total = epochs, epochs * slices
        self.done = self.first = done
        self.started = self.shown = time.monotonic()
        self.bar: Progress | None = None
        self.task = TaskID(0)
        # A console that shows all trainings leaves no room for bars.
        if self.terminal and self.terminal.isatty() and "GLIOMAKE_CONSOLE" not in os.environ:
            self.bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[facts]}"),
                console=Console(file=self.terminal),
                transient=True,
            )
            self.task = self.bar.add_task(name, total=self.total, completed=done, facts="")

    def __enter__(self) -> "Reporter":
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def open(
        self, device: str, precision: str, where: str, sessions: Sequence[Mapping[str, Any]]
    ) -> None:
        """Say on what the training begins, or goes on.

        Parameters
        ----------
        device, precision : str
            What computes, and how.
        where : str
            Where the slices lie.
        sessions : sequence of mapping
            The processes that took part, this one last: from which epoch and step, on what.
        """
        words = f"training on {device} in {precision}: {where}"
        rates = sessions[-1].get("slices_per_second")
        if rates:
            found = ", ".join(f"{name} {rate:g} slices/s" for name, rate in rates.items())
            words += f"; measured: {found}"
        threads = sessions[-1]["threads"]
        if threads > 1:
            words += f"; {threads} threads, and on a CPU the same weights with {threads} alone"
        if len(sessions) > 1:
            now = sessions[-1]
            words += f"; going on in epoch {now['epoch']} after step {now['step']}"
            first, last = (
                {k: v for k, v in each.items() if k not in ("epoch", "step")}
                for each in (sessions[0], now)
            )
            if first != last:
                words += f"\nwarning: begun on {first}, so the last bits of the weights may differ"
        self.line(words)

    def line(self, text: str) -> None:
        """Print a line, above the bar if both are on one terminal.

        Parameters
        ----------
        text : str
            What to say.
        """
        if self.bar and self.stream is self.terminal:
            self.bar.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=self.stream, flush=True)

    def advance(self, epoch: int, slices: int, loss: Callable[[], float]) -> None:
        """Move on by some slices.

        Parameters
        ----------
        epoch : int
            Which epoch runs.
        slices : int
            Trained on since the last call.
        loss : callable
            Gives the mean loss of the epoch so far. Called a few times a second at most: on a
            GPU it waits for all steps that are under way.
        """
        self.done += slices
        now = time.monotonic()
        if self.bar and now - self.shown > 0.3:
            self.shown = now
            self.bar.update(
                self.task,
                completed=self.done,
                description=f"{self.name} epoch {epoch}/{self.epochs}",
                facts=f"loss {loss():.4f}, {self.pace()}",
            )

    def epoch(self, row: Mapping[str, float], watched: str) -> None:
        """Sum up a finished epoch in one line.

        Parameters
        ----------
        row : mapping
            The epoch's row of the history.
        watched : str
            The column that decides which epoch is best.
        """
        losses = f"train loss {row['train_loss']:.4f}, val loss {row['val_loss']:.4f}"
        score = "" if watched == "val_loss" else f", {watched} {row[watched]:.4f}"
        self.line(f"epoch {row['epoch']}/{self.epochs}: {losses}{score}, {self.pace()}")

    def pace(self) -> str:
        """Tell speed and time left, validation and saving included."""
        elapsed = max(time.monotonic() - self.started, 1e-9)
        rate = (self.done - self.first) / elapsed
        if not rate:
            return "no slice yet"
        left = (self.total - self.done) / rate
        return f"{rate:.4g} slices/s, {_duration(left)} left at most"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
