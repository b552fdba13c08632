"""``model.json``: what stands beside a run's weights so that they can be used on a new scan."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from gliomake.datasets.brats_releases import EXPECTED, RELEASES
from gliomake.files.contracts import read_json
from gliomake.files.json_file import write_json
from gliomake.files.predictions import GATED
from gliomake.files.provenance import file_sha256
from gliomake.files.tsv import read_tsv

MODEL_FILE, WEIGHTS_FILE, FACTS_FILE = "model.json", "weights.safetensors", "train.json"
FORMAT = 2
TASKS = ("segmentation", "classification")
_SPACING = ("spacing_x", "spacing_y", "spacing_z")
_NAME = re.compile(r"[a-z0-9-]+")
_RECIPE = ("channels", "image_size", "intensity", "slices", "classes")


class ModelError(ValueError):
    """A model's folder that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Gate:
    """The classifier that a segmenter stands behind.

    Attributes
    ----------
    classifier : str
        A model of the same study, trained in the same run.
    threshold : float
        Probability of no tumour from which the mask is empty.
    """

    classifier: str
    threshold: float


@dataclass(frozen=True)
class Description:
    """What a prediction needs to know of a trained model.

    Attributes
    ----------
    study, title, model, run, dataset : str
        Where it comes from.
    data, scale : str
        ``phantom`` or ``real``; ``demo`` or ``paper``.
    task : str
        ``segmentation`` or ``classification``.
    architecture : str
        A key of `gliomake.models.MODELS`.
    options : dict
        The architecture's.
    channels : list of str
        What the network sees, in this order.
    classes : list of str
        Its masks, in this order.
    labels : dict of str to int
        Value of each class in a label map.
    colours : dict of str to str
        Colour of each class, ``#rrggbb``.
    recipe : dict
        How slices are preprocessed; see `gliomake.prepare.preprocess`.
    threshold : float
        Lowest probability that is tumour.
    precision : str
        In which the workflow predicts.
    spacing : list of float, or None
        Median voxel of the training data along x, y, z, mm; None where they have none, which are
        pictures and no volumes.
    fingerprint : dict
        The training data in numbers, of ``integrity.json``: ``intensity`` of each channel, and
        ``sizes``.
    weights_sha256, train_sha256 : str
        Of the files beside it.
    gate : Gate or None
        None for a model without one.
    format : int
        Version of the file.
    """

    study: str
    title: str
    model: str
    run: str
    dataset: str
    data: str
    scale: str
    task: str
    architecture: str
    options: dict[str, Any]
    channels: list[str]
    classes: list[str]
    labels: dict[str, int]
    colours: dict[str, str]
    recipe: dict[str, Any]
    threshold: float
    precision: str
    spacing: list[float] | None
    fingerprint: dict[str, Any]
    weights_sha256: str
    train_sha256: str
    gate: Gate | None = None
    format: int = FORMAT

    @property
    def name(self) -> str:
        """Study, model and run in one line."""
        return f"{self.study}/{self.model}/{self.run}"

    @property
    def image_size(self) -> int:
        """Height and width that the network sees, pixels."""
        return int(self.recipe["image_size"])

    @property
    def of_volumes(self) -> bool:
        """Whether it was trained on volumes, and not on pictures."""
        return self.spacing is not None


def write_description(
    settings: Mapping[str, Any],
    *,
    weights: str | Path,
    facts: str | Path,
    integrity: str | Path,
    cases: str | Path,
    out: str | Path,
) -> None:
    """Write ``model.json``.

    Parameters
    ----------
    settings : mapping
        Of `gliomake.study.describe.described`: the keys of `Description`, but that ``labels`` are
        those on the data set's page (by class a list, perhaps empty) and that ``release`` says
        which release of BraTS it is, or else ``auto`` or the data set's name.
    weights, facts : str or Path
        ``weights.safetensors`` and ``train.json`` of the run.
    integrity, cases : str or Path
        ``integrity.json`` and ``cases.tsv`` of its data set.
    out : str or Path
        The file to write.

    Raises
    ------
    FileError
        One of the files is damaged.
    """
    fingerprint = read_json(integrity)["fingerprint"]
    table = read_tsv(cases)
    known = [table[name].median() for name in _SPACING if name in table]
    spacing = [float(value) for value in known if math.isfinite(value)]
    own = {key: value for key, value in settings.items() if key != "release"}
    own["labels"] = label_values(
        settings["classes"], settings["labels"], settings["release"], settings["dataset"]
    )
    record = {
        "format": FORMAT,
        **own,
        "spacing": spacing if len(spacing) == len(_SPACING) else None,
        "fingerprint": {key: fingerprint.get(key, {}) for key in ("intensity", "sizes")},
        "weights_sha256": file_sha256(weights),
        "train_sha256": file_sha256(facts),
    }
    write_json(record, out)


def label_values(
    classes: Sequence[str], page: Mapping[str, Sequence[Any]], release: str, dataset: str
) -> dict[str, int]:
    """Choose the value of each class in a label map.

    Parameters
    ----------
    classes : sequence of str
        A study's classes.
    page : mapping of str to sequence
        Labels on the data set's page, by class.
    release, dataset : str
        A release of BraTS, or something else; the data set, whose release counts else.

    Returns
    -------
    dict of str to int
        The first label of the data set; where some class has none, as tumour of any kind, the
        place in the list, from 1.

    Examples
    --------
    >>> label_values(["NEC", "ED", "ET"], {}, "auto", "brats2020")
    {'NEC': 1, 'ED': 2, 'ET': 4}
    >>> label_values(["oedema", "core"], {"core": [3, 4], "oedema": [2]}, "", "own")
    {'oedema': 2, 'core': 3}
    >>> label_values(["tumour"], {"tumour": []}, "", "lgg")
    {'tumour': 1}
    """
    known = {name: labels[0] for name, labels in page.items() if labels}
    published = RELEASES.get(release) or RELEASES.get(EXPECTED.get(dataset, ""))
    if published:
        known = {part: label for label, (_, part) in [*published.labels.items()][::-1] if part}
    found = {name: known.get(name) for name in classes}
    if all(isinstance(label, int) for label in found.values()):
        return {name: int(label) for name, label in found.items() if label is not None}
    return {name: n for n, name in enumerate(classes, start=1)}


def read_description(folder: str | Path) -> Description:
    """Read the ``model.json`` of a model's folder.

    Parameters
    ----------
    folder : str or Path
        ``results/<study>/<model>/<run>``, or ``results/<study>/<model>`` where it has one run.

    Returns
    -------
    Description
        As written; names and numbers are checked.

    Raises
    ------
    ModelError
        There is no such folder or file, or it is not what this version writes.
    """
    path = model_folder(folder) / MODEL_FILE
    try:
        if path.stat().st_size > 2**20:
            raise ModelError(f"{path}: found more than 1 MiB; expected what the workflow wrote")
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read ({error}). {_remake(path)}") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        found = values.get("format") if isinstance(values, dict) else type(values).__name__
        raise ModelError(f"{path}: found format {found!r}; expected {FORMAT}. {_remake(path)}")
    names = {each.name for each in fields(Description)}
    if values.keys() != names:
        odd = ", ".join(sorted(values.keys() ^ names))
        raise ModelError(f"{path}: keys missing or unknown: {odd}. {_remake(path)}")
    for reason in _faults(values):
        raise ModelError(f"{path}: {reason}. {_remake(path)}")
    gate = values.pop("gate")
    return Description(**values, gate=Gate(**gate) if gate else None)


def model_folder(folder: str | Path) -> Path:
    """Return the folder of a run that a user means.

    Raises
    ------
    ModelError
        It holds no model, or several runs.
    """
    folder = Path(folder).expanduser()
    folder = folder.parent if folder.name in (MODEL_FILE, WEIGHTS_FILE) else folder
    if (folder / MODEL_FILE).is_file():
        return folder
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder; expected results/<study>/<model>/<run>")
    runs = sorted(path.parent for path in folder.glob(f"*/{MODEL_FILE}"))
    if len(runs) == 1:
        return runs[0]
    if runs:
        names = ", ".join(path.name for path in runs[:8])
        raise ModelError(f"{folder} holds {len(runs)} runs; name one of them: {names}")
    gated = [part for part in folder.parts[-2:] if part.endswith(GATED)]
    if gated:
        raise ModelError(
            f"{folder} holds predictions alone: give the folder of {gated[0].removesuffix(GATED)} "
            "and the option --gate"
        )
    raise ModelError(f"{folder} holds no {MODEL_FILE}. {_remake(folder / MODEL_FILE)}")


def as_json(description: Description) -> dict[str, Any]:
    """Return a description as the file holds it."""
    return asdict(description)


def _remake(path: Path) -> str:
    parts = path.parts
    shown = "/".join(parts[parts.index("results") :]) if "results" in parts else str(path)
    return f"Make it again: snakemake --cores 1 --force {shown}"


def _faults(values: dict[str, Any]) -> list[str]:
    """List what is not as `write_description` writes it."""
    texts = ("study", "title", "model", "run", "dataset", "data", "scale", "architecture",
             "precision", "weights_sha256", "train_sha256")  # fmt: skip
    found = [f"{key} is {values[key]!r}, expected text" for key in texts
             if not isinstance(values[key], str)]  # fmt: skip
    found += [f"{key} is {values[key]!r}, expected names" for key in ("channels", "classes")
              if not _are_names(values[key])]  # fmt: skip
    if values["task"] not in TASKS:
        found.append(f"task is {values['task']!r}, expected one of {', '.join(TASKS)}")
    if not _is_share(values["threshold"]):
        found.append(f"threshold is {values['threshold']!r}, expected a number from 0 to 1")
    recipe = values["recipe"]
    if not isinstance(recipe, dict) or not set(_RECIPE) <= recipe.keys():
        found.append(f"recipe lacks one of {', '.join(_RECIPE)}")
    elif not isinstance(recipe["image_size"], int) or not 16 <= recipe["image_size"] <= 4096:
        found.append(f"recipe.image_size is {recipe['image_size']!r}, expected 16 to 4096")
    names = values["classes"] if _are_names(values["classes"]) else []
    labels, colours = values["labels"], values["colours"]
    if not (_is_of(names, labels, _is_label) and len(set(labels.values())) == len(labels)):
        found.append(f"labels is {labels!r}, expected another number from 1 to 255 for each class")
    if not _is_of(names, colours, _is_colour):
        found.append(f"colours is {colours!r}, expected #rrggbb for each class")
    if not isinstance(values["options"], dict) or not isinstance(values["fingerprint"], dict):
        found.append("options and fingerprint must be blocks of keys")
    gate = values["gate"]
    if gate is not None and not (
        isinstance(gate, dict)
        and gate.keys() == {"classifier", "threshold"}
        # A name from a file must not lead out of the study's folder.
        and isinstance(gate["classifier"], str)
        and _NAME.fullmatch(gate["classifier"])
        and _is_share(gate["threshold"])
    ):
        found.append(f"gate is {gate!r}, expected the name of a classifier and its threshold")
    spacing = values["spacing"]
    if spacing is not None and not (
        isinstance(spacing, list)
        and len(spacing) == 3
        and all(isinstance(value, int | float) and value > 0 for value in spacing)
    ):
        found.append(f"spacing is {spacing!r}, expected three lengths in mm, or null")
    return found


def _are_names(values: Any) -> bool:
    return (
        isinstance(values, list) and bool(values) and all(isinstance(name, str) for name in values)
    )


def _is_of(names: list[str], values: Any, sound: Callable[[Any], bool]) -> bool:
    """Say whether a block has one sound value for each name."""
    return (
        isinstance(values, dict) and [*values] == names and all(sound(v) for v in values.values())
    )


def _is_label(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 255


def _is_colour(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value) is not None


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
