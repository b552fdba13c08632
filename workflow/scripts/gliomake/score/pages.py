"""The pages of a study that scores predictions: what ``gliomake score`` writes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gliomake.score.folders import COCO, ScoreError, Truth
from gliomake.study.model import BASELINES

HEAD = "# Written by `gliomake score`. It may be changed, and built by the command at its end.\n"
SIZE = 128
"""Height and width at which slices are shown, pixels; no score depends on it."""


@dataclass(frozen=True)
class Scoring:
    """What is to be scored.

    Attributes
    ----------
    name : str
        Of the study and its page.
    truth : Truth
        The truth.
    classes : dict of str to list of int
        Values of the truth by class; empty for a COCO truth.
    models : dict of str to (Path, str)
        Folder and pattern of the predictions by model.
    patient : str or None
        A regular expression on the case's name, whose first group is the patient.
    images : tuple of (Path, str) or None
        Folder and pattern of the scans, which are shown under the masks.
    prediction_labels : dict of str to list of int
        Values of the predictions by class, where they are others than the truth's.
    jobs : int
        Jobs that the cases are dealt to.
    regions : dict of str to list of str
        Unions of classes that are scored beside them.
    lesions : str or None
        By which rules lesions are scored one by one.
    distances : bool
        Whether surface distances are measured.
    """

    name: str
    truth: Truth
    classes: Mapping[str, Sequence[int]]
    models: Mapping[str, tuple[Path, str]]
    patient: str | None = None
    images: tuple[Path, str] | None = None
    prediction_labels: Mapping[str, Sequence[int]] = field(default_factory=dict)
    jobs: int = 2
    regions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lesions: str | None = None
    distances: bool = True


def write_pages(scoring: Scoring, out: Path) -> Path:
    """Write the pages of the data set and the study, and the configuration.

    Parameters
    ----------
    scoring : Scoring
        What is to be scored.
    out : Path
        The folder to write to; made where it is not there.

    Returns
    -------
    Path
        The configuration.
    """
    pages = out / "pages"
    for name, content in (("datasets", _data_page(scoring)), ("studies", _study_page(scoring))):
        (pages / name).mkdir(parents=True, exist_ok=True)
        _write(pages / name / f"{content['id']}.yaml", content)
    config = {
        "scale": "paper",
        "studies": [scoring.name],
        "studies_folder": str((pages / "studies").absolute()),
        "datasets_folder": str((pages / "datasets").absolute()),
    }
    _write(out / "config.yaml", config)
    return out / "config.yaml"


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(HEAD + yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True))


def _data_page(scoring: Scoring) -> dict[str, Any]:
    truth = scoring.truth
    root, mask, files = truth.folder, truth.pattern, None
    page: dict[str, Any] = {
        "id": f"{scoring.name}-truth",
        "title": f"Truth in {truth.folder}",
        "reader": truth.reader,
        "links": "anywhere",
        "groups": scoring.jobs,
        "on_bad_case": "fail",
    }
    if truth.reader == COCO:
        classes: dict[str, Any] = {"tumour": {}}
        page |= {"root": str(root.absolute()), "channels": ["grey"], "classes": classes}
    else:
        if scoring.images:
            folder, form = scoring.images
            root = _common(truth.folder, folder)
            mask = _below(root, truth.folder, mask)
            files = _below(root, folder, form)
        page |= {"root": str(root.absolute()), "channels": ["image"] if files else [], "mask": mask}
        if files:
            page["files"] = files
        page["classes"] = {name: {"labels": list(each)} for name, each in scoring.classes.items()}
    if scoring.patient:
        page["patient"] = scoring.patient
    return page


def _common(one: Path, other: Path) -> Path:
    one, other = one.absolute(), other.absolute()
    return next(each for each in (one, *one.parents) if other.is_relative_to(each))


def _below(root: Path, folder: Path, pattern: str) -> str:
    inside = folder.absolute().relative_to(root).as_posix()
    return pattern if inside == "." else f"{inside}/{pattern}"


def _study_page(scoring: Scoring) -> dict[str, Any]:
    coco = scoring.truth.reader == COCO
    classes = ["tumour"] if coco else list(scoring.classes)
    channels = ["grey"] if coco else ["image"] if scoring.images else []
    values = {name: list(each) for name, each in scoring.prediction_labels.items()}
    labels = {"labels": values} if values else {}
    return {
        "id": scoring.name,
        "title": f"Scores of {', '.join(scoring.models)}",
        "dataset": f"{scoring.name}-truth",
        "classes": classes,
        "preprocess": {
            "channels": channels,
            "image_size": SIZE,
            "intensity": "minmax",
            "slices": "all",
        },
        "split": {"test": 0, "val": 0, "seed": 0, "max_patients": None},
        "runs": ["all-f0-s0"],
        "threshold": 0.5,
        "postprocess": None,
        "reported_subset": "test",
        "evaluation": {
            "grid": "native",
            "distances": scoring.distances,
            "lesions": scoring.lesions,
        },
        "regions": {name: list(each) for name, each in scoring.regions.items()},
        "models": {
            name: {"predictions": {"root": str(root.absolute()), "pattern": pattern, **labels}}
            for name, (root, pattern) in scoring.models.items()
        },
        "figures": {},
        "tables": {},
    }


def model_names(places: Sequence[Path]) -> list[str]:
    """Name models after the folders or files of their predictions.

    Parameters
    ----------
    places : sequence of Path
        One a model; those of the same name take that of the folder above before theirs.

    Returns
    -------
    list of str
        Small letters, digits and hyphens.

    Raises
    ------
    ScoreError
        A place is given twice.

    Examples
    --------
    >>> model_names([Path("/x/a/Predictions"), Path("/x/b/Predictions")])
    ['a-predictions', 'b-predictions']
    >>> model_names([Path("nnU-Net 2D")])
    ['nnu-net-2d']
    """
    parts = [[_plain(part) for part in place.absolute().with_suffix("").parts] for place in places]
    for count in range(1, max(map(len, parts)) + 1):
        names = ["-".join(filter(None, each[-count:])) or "model" for each in parts]
        if len(set(names)) == len(names):
            return [f"{name}-predicted" if name in BASELINES else name for name in names]
    raise ScoreError("--predictions: a folder is given twice; give each once")


def _plain(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return plain.removesuffix("-gated")
