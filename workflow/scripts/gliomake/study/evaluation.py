"""How a study is scored, and predictions that it does not make itself.

Imported whenever the workflow starts, so it needs the standard library only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

RESIZED, NATIVE, BOTH = "resized", "native", "both"


@dataclass(frozen=True)
class Evaluation:
    """On what predictions are scored.

    Attributes
    ----------
    grid : str
        ``resized``: the preprocessed slices. ``native``: the scans as they are on disk, to whose
        grid probabilities are brought back. ``both``: resized, and native beside it.
    distances : bool
        Whether distances between surfaces are measured, which takes longer than all other scores.
    lesions : str or None
        By which rules lesions are scored one by one, see `gliomake.scoring.lesions`.
    strata : tuple of str
        By what scores are told apart, see `gliomake.scoring.strata`.
    """

    grid: str = RESIZED
    distances: bool = True
    lesions: str | None = None
    strata: tuple[str, ...] = ()

    @property
    def native(self) -> bool:
        """Whether a study's scores are those on the scans as they are on disk."""
        return self.grid == NATIVE

    @property
    def beside(self) -> bool:
        """Whether scores on the scans' own grid stand beside those of resized slices."""
        return self.grid == BOTH


@dataclass(frozen=True)
class Brought:
    """Predictions that are brought along: of their model nothing else is known.

    Attributes
    ----------
    root : str
        The folder that holds them.
    pattern : str
        Where they lie in it, see `gliomake.brought.open_source`.
    labels : dict of str to list of int
        Values of a label map that belong to each class; without it they are those of the truth.
    """

    root: str
    pattern: str
    labels: Mapping[str, list[int]] = field(default_factory=dict)
