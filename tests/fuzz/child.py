"""What a reader makes of a file, found out in a process of its own: it may hang, swell or crash."""

import os
import pickle
import resource
import selectors
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROCESSOR_SECONDS = 20
WALL_SECONDS = 120
"""More than the above, because a loaded machine is slow; it ends what waits for ever."""
MEMORY = 2 << 30
"""Bytes of address space that a child may take beyond what it began with."""


@dataclass(frozen=True)
class Outcome:
    """How it ended.

    Attributes
    ----------
    kind : str
        ``ok``, ``declared``, or ``FAIL``: an error that is not declared, a hang or a crash.
    detail : str
        The value, or the error and where it was raised.
    """

    kind: str
    detail: str


@dataclass(frozen=True)
class Task:
    """Something to try.

    Attributes
    ----------
    number : int
        Which of them it is.
    action : callable
        Gives a value, as text.
    declared : tuple of type
        Errors that it may raise.
    """

    number: int
    action: Callable[[], str]
    declared: tuple[type[BaseException], ...]


def run_all(tasks: Iterator[Task], at_once: int) -> Iterator[tuple[int, Outcome]]:
    """Try each task in a forked child, some at a time; give their numbers and outcomes."""
    waiting = selectors.DefaultSelector()
    running: dict[int, tuple[int, int]] = {}
    tasks = iter(tasks)
    exhausted = False
    while True:
        while len(running) < at_once and not exhausted:
            task = next(tasks, None)
            if task is None:
                exhausted = True
                break
            process, pipe = _start(task)
            running[pipe] = task.number, process
            waiting.register(pipe, selectors.EVENT_READ)
        if not running:
            return
        for key, _ in waiting.select():
            pipe = int(key.fd)
            waiting.unregister(pipe)
            number, process = running.pop(pipe)
            yield number, _finish(process, pipe)


def _start(task: Task) -> tuple[int, int]:
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.close(reading)
            _limit()
            outcome = _attempt(task)
            os.write(writing, pickle.dumps(outcome))
        finally:
            os._exit(0)
    os.close(writing)
    return process, reading


def _limit() -> None:
    with open("/proc/self/statm") as file:
        present = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (present + MEMORY, present + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS + 1))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(WALL_SECONDS)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _attempt(task: Task) -> Outcome:
    try:
        return Outcome("ok", task.action())
    except task.declared as error:
        return Outcome("declared", f"{type(error).__name__}: {error}"[:400])
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "/gliomake/" in frame.filename] or frames
        place = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
        return Outcome("FAIL", f"{type(error).__name__} at {place}: {error}"[:400])


def _finish(process: int, pipe: int) -> Outcome:
    with os.fdopen(pipe, "rb") as file:
        answer = file.read()
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        late = number in (signal.SIGALRM, signal.SIGXCPU, signal.SIGKILL)
        return Outcome("FAIL", f"{'hang' if late else 'crash'}: {signal.Signals(number).name}")
    return pickle.loads(answer) if answer else Outcome("FAIL", "the process ended without a word")
