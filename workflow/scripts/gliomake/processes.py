"""Work that is shared among processes, its results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4
"""Results for each process that may wait to be taken: memory does not grow with the work."""


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], processes: int
) -> Iterator[Result]:
    """Do the same with each item, some at a time.

    Parameters
    ----------
    work : callable
        Called with an item; it and its result are sent between processes.
    items : iterable
        What to work on.
    processes : int
        Side by side; with one, it is done in this process.

    Yields
    ------
    object
        What `work` gave, in the order of the items; what it raised is raised here.

    Examples
    --------
    >>> list(in_order(abs, [-3, 2, -1], 2))
    [3, 2, 1]
    """
    if processes < 2:
        yield from map(work, items)
        return
    # Started anew, a process would run the job's script. No file should be open when these fork:
    # they do so when the first result is asked for.
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > AHEAD * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
