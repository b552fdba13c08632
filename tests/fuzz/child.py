"""What a reader makes of a file, found out in a process of its own: it may hang, swell or crash."""

import faulthandler
import os
import pickle
import resource
import selectors
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

PROCESSOR_SECONDS = 20
WALL_SECONDS = 120
"""More than the above, because a loaded machine is slow; it ends what waits for ever."""
MEMORY = 2 << 30
"""Bytes of address space that a child may take beyond what it began with."""
BATCH = 8
"""Tasks that a child does one after the other: a fork takes longer than most of them."""


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


@dataclass
class _Child:
    process: int
    tasks: list[Task]
    answer: BytesIO = field(default_factory=BytesIO)


def run_all(tasks: Iterable[Task], at_once: int) -> Iterator[tuple[int, Outcome]]:
    """Try each task in a forked child, `at_once` children at a time.

    What a task does to its child, the next child is free of: after a hang or a crash the tasks that
    were left go to another.
    """
    waiting = deque(tasks)
    running: dict[int, _Child] = {}
    with selectors.DefaultSelector() as ready:
        while waiting or running:
            while waiting and len(running) < at_once:
                pipe, child = _start([waiting.popleft() for _ in range(min(BATCH, len(waiting)))])
                running[pipe] = child
                ready.register(pipe, selectors.EVENT_READ)
            for key, _ in ready.select():
                pipe = int(key.fd)
                if part := os.read(pipe, 1 << 16):
                    running[pipe].answer.write(part)
                    continue
                ready.unregister(pipe)
                os.close(pipe)
                child = running.pop(pipe)
                outcomes = _finish(child)
                waiting.extend(child.tasks[len(outcomes) :])
                yield from zip((task.number for task in child.tasks), outcomes, strict=False)


def _start(tasks: list[Task]) -> tuple[int, _Child]:
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            _limit_memory()
            for task in tasks:
                _limit_time()
                os.write(writing, pickle.dumps(_attempt(task)))
        finally:
            os._exit(0)
    os.close(writing)
    return reading, _Child(process, tasks)


def _limit_memory() -> None:
    with open("/proc/self/statm") as file:
        present = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (present + MEMORY, present + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    faulthandler.disable()  # pytest turns it on; a crash here is an outcome
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _limit_time() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + PROCESSOR_SECONDS, most))
    signal.alarm(WALL_SECONDS)


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


def _finish(child: _Child) -> list[Outcome]:
    """Give the outcomes of the tasks that the child began."""
    _, status = os.waitpid(child.process, 0)
    child.answer.seek(0)
    outcomes: list[Outcome] = []
    while len(outcomes) < len(child.tasks):
        try:
            outcomes.append(pickle.load(child.answer))
        except EOFError:
            outcomes.append(Outcome("FAIL", _how_it_ended(status)))
            break
    return outcomes


def _how_it_ended(status: int) -> str:
    if not os.WIFSIGNALED(status):
        return "the process ended without a word"
    number = os.WTERMSIG(status)
    late = number in (signal.SIGALRM, signal.SIGXCPU)
    return f"{'hang' if late else 'crash'}: {signal.Signals(number).name}"
