"""The run: one training, named by its split, fold and seed."""

import re
from dataclasses import dataclass, replace


class ConfigError(ValueError):
    """A configuration that cannot be run; the message says where and what to change."""


@dataclass(frozen=True)
class Run:
    """One training: the split that it learns from, the fold, and the seed of its weights.

    Attributes
    ----------
    split : str
        ``patient``, ``slice``, ``leak<p>`` or ``predefined``.
    fold : int
        Which block of the data is tested.
    seed : int
        Seed of weights, order and augmentation.
    """

    split: str
    fold: int
    seed: int

    PATTERN = r"(?:patient|slice|predefined|leak\d+)-f\d+-s\d+"

    @classmethod
    def parse(cls, name: str) -> "Run":
        """Read a run's name.

        Parameters
        ----------
        name : str
            For example ``patient-f0-s0``.

        Returns
        -------
        Run
            The run.

        Raises
        ------
        ConfigError
            The name is none of a run.

        Examples
        --------
        >>> Run.parse("leak50-f1-s2")
        Run(split='leak50', fold=1, seed=2)
        """
        match = re.fullmatch(r"(patient|slice|predefined|leak\d+)-f(\d+)-s(\d+)", name)
        if not match:
            raise ConfigError(
                f"run {name!r}: expected <split>-f<fold>-s<seed>, for example patient-f0-s0, with "
                "split one of patient, slice, predefined, leak<percent>"
            )
        return cls(match[1], int(match[2]), int(match[3]))

    def __str__(self) -> str:
        return f"{self.split}-f{self.fold}-s{self.seed}"


# The split of predictions that are brought along, for which nothing is trained.
ALL = "all"
# The patterns of a split and of a whole name.
SPLITS = rf"{ALL}|patient|slice|predefined|leak\d+"
RUNS = rf"(?:{SPLITS})-f\d+-s\d+"


# Functions of a name, and no methods: a training takes a `Run` for its seed alone, and must not run
# again for what the rest of the workflow asks of a name.
def parse_run(name: str) -> Run:
    """Read the name of a training, or of predictions of all cases, ``all-f0-s0``.

    Parameters
    ----------
    name : str
        The run's name.

    Returns
    -------
    Run
        The run; its split may be ``all``.

    Raises
    ------
    ConfigError
        The name is none of a run.

    Examples
    --------
    >>> parse_run("all-f0-s0")
    Run(split='all', fold=0, seed=0)
    """
    if name.startswith(f"{ALL}-"):
        return replace(Run.parse(name.replace(ALL, "patient", 1)), split=ALL)
    return Run.parse(name)


def split_name(run: str) -> str:
    """Name the split of a run.

    Parameters
    ----------
    run : str
        A run's name, for example ``patient-f0-s0``.

    Returns
    -------
    str
        ``<split>-f<fold>``, for example ``patient-f0``: runs that differ by their seed share it.

    Raises
    ------
    ConfigError
        The name is none of a run.
    """
    parsed = parse_run(run)
    return f"{parsed.split}-f{parsed.fold}"


def is_leak(run: str) -> bool:
    """Say whether a run is one of the paired measurement of a leak, ``leak<p>-f<fold>-s<seed>``."""
    return run.startswith("leak")


def leak_percent(split: str) -> int | None:
    """Return the percentage of a split ``leak<p>``; None for any other split."""
    return int(split.removeprefix("leak")) if is_leak(split) else None
