"""The files of one run of a model, as the report finds them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gliomake.files.contracts import read_json
from gliomake.files.tsv import read_tsv
from gliomake.study.paths import RunPaths
from gliomake.study.run import split_name

HASH_KEYS = ("data_hash", "split_hash", "config_hash", "code_hash")
"""Of `train.json`: what a training hangs on."""


@dataclass(frozen=True)
class RunFiles:
    """Files of one run of one model; ``None`` where there is no such file.

    Attributes
    ----------
    model, run : str
        Whose files; a gated model or a baseline has no weights.
    counts : Path
        ``counts.tsv``: all scores rest on it.
    distances, regions, patients, calibration, predictions, brought, weights, history, train
        The other files of the run's folder, each a Path or None.
    """

    model: str
    run: str
    counts: Path
    distances: Path | None = None
    regions: Path | None = None
    patients: Path | None = None
    calibration: Path | None = None
    predictions: Path | None = None
    brought: Path | None = None
    weights: Path | None = None
    history: Path | None = None
    train: Path | None = None

    @classmethod
    def found(cls, at: RunPaths, model: str, run: str) -> "RunFiles":
        """Name the files of a run's folder, as far as they are there."""
        return cls(
            model,
            run,
            counts=at.counts,
            distances=_present(at.distances),
            regions=_present(at.regions),
            patients=_present(at.patients),
            calibration=_present(at.calibration),
            predictions=_present(at.predictions),
            brought=_present(at.brought),
            weights=_present(at.weights),
            history=_present(at.history),
            train=_present(at.train),
        )

    @property
    def model_facts(self) -> Path | None:
        """What a prediction needs to know beside the weights; None where nothing was trained."""
        path = self.counts.with_name("model.json")
        return path if path.is_file() else None

    @property
    def key(self) -> str:
        """``<model>/<run>``."""
        return f"{self.model}/{self.run}"

    @property
    def split(self) -> str:
        """Name of the split, ``<method>-f<fold>``."""
        return split_name(self.run)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Content of ``train.json``; empty where nothing was trained."""
        return read_json(self.train) if self.train else {}

    @cached_property
    def patients_of(self) -> dict[str, int]:
        """How many patients were scored, by subset; none where the data set names no patients."""
        counts = read_tsv(self.counts)
        named = counts[counts["patient"] != ""]
        return {
            str(name): int(n) for name, n in named.groupby("subset")["patient"].nunique().items()
        }


def _present(path: Path) -> Path | None:
    return path if path.is_file() else None
