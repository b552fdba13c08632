"""Rows of the table of `bench.py`: our way beside the plain one, and beside the least possible."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

SLOWER = 0.02
"""By so much of a bar a figure may miss it and still meet it: two runs differ as much."""


LESS = ("s", "MiB", "times linear")


@dataclass(frozen=True)
class Row:
    """One thing that was measured.

    Attributes
    ----------
    what : str
        In words.
    unit : str
        Of which less is better where it is one of `LESS`, or a rate such as ``slices/s``.
    ours : float or None
        Our figure; None where it was not measured.
    plain, floor : float or None
        That of the usual way, and that of the least that has to be done.
    least, share : float or None
        The bars: how many times as fast as the plain way, and which share of the floor's speed.
    bar : float or None
        A bar in the unit itself.
    note : str
        What stands beside what; why a bar is missed; why something was not measured.
    """

    what: str
    unit: str
    ours: float | None
    plain: float | None = None
    floor: float | None = None
    least: float | None = None
    share: float | None = None
    bar: float | None = None
    note: str = ""

    @property
    def gain(self) -> float | None:
        """How many times as fast as the plain way."""
        return self._times(self.plain)

    @property
    def reach(self) -> float | None:
        """Which share of the speed of the floor."""
        return self._times(self.floor)

    def _times(self, other: float | None) -> float | None:
        if not (self.ours and other):
            return None
        return other / self.ours if self.unit in LESS else self.ours / other

    @property
    def outcome(self) -> str:
        """``met``, ``missed`` with by how much, or ``not measured``; empty without a bar."""
        if self.ours is None:
            return "not measured"
        wanted = [(self.gain, self.least), (self.reach, self.share)]
        if self.bar is not None:
            within = self.bar / self.ours if self.unit in LESS else self.ours / self.bar
            wanted.append((within, 1.0))
        asked = [(found / bar) for found, bar in wanted if bar is not None and found is not None]
        if not asked:
            return ""
        worst = min(asked)
        return "met" if worst >= 1 - SLOWER else f"missed: {worst:.0%} of the bar"


def in_turns(actions: Mapping[str, Callable[[], object]], rounds: int = 3) -> dict[str, float]:
    """Time actions in turns, so that what else the machine does weighs on all of them alike.

    Parameters
    ----------
    actions : mapping of str to callable
        What to time; each is done once before.
    rounds : int
        How often each is timed.

    Returns
    -------
    dict of str to float
        Seconds, the median.
    """
    for action in actions.values():
        action()
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(values) for name, values in seconds.items()}


COLUMNS = ("what", "ours", "plain", "floor", "times plain", "of floor", "bar", "outcome", "note")


def cells(row: Row) -> tuple[str, ...]:
    """Return a row as texts, in the order of `COLUMNS`."""
    bars = [
        f"{row.least:g} x plain" if row.least else "",
        f"{row.share:.0%} of floor" if row.share else "",
        f"{'at most' if row.unit in LESS else 'at least'} {row.bar:g} {row.unit}"
        if row.bar
        else "",
    ]
    return (
        row.what,
        *(_figure(value, row.unit) for value in (row.ours, row.plain, row.floor)),
        f"{row.gain:.2f}" if row.gain else "",
        f"{row.reach:.0%}" if row.reach else "",
        ", ".join(bar for bar in bars if bar),
        row.outcome,
        row.note,
    )


def _figure(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.3g} {unit}"
