"""The formats that are fuzzed: a sound file of each, how it is spoilt, who reads it."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import originals
import torch
from mutations import (
    any_bytes,
    any_text,
    json_tree,
    nifti_fields,
    packed,
    safetensors,
    tiff_fields,
)

from gliomake.datasets import CaseError, open_dataset
from gliomake.datasets.coco_masks import SegmentationError
from gliomake.datasets.nifti import NiftiError
from gliomake.files.contracts import FileError, read_json
from gliomake.files.predictions import (
    PredictionError,
    apply_gate,
)
from gliomake.files.shards import ShardError, load_arrays
from gliomake.files.tsv import read_tsv
from gliomake.models import create_model
from gliomake.prepare.index import BadDataError, merge_index, read_index_group, write_index_group
from gliomake.prepare.split import SplitOverlapError, read_split
from gliomake.scoring.measure import measure_run
from gliomake.training.checkpoint import StateError, StateFolder, load_weights
from stored_predictions import load_predictions

DATA_ERRORS = (CaseError, NiftiError, SegmentationError, BadDataError)
Mutation = Callable[[Random, bytes], bytes]


@dataclass(frozen=True)
class Format:
    """A format and its reader.

    Attributes
    ----------
    make : callable
        Writes sound files into a folder that is not there yet.
    files : str
        Pattern of the files that are spoilt, one at a time.
    spoil : callable
        Gives the bytes of a spoilt file.
    read : callable
        Reads the folder; the values that it found, as text.
    declared : tuple of type
        Errors that `read` may end in.
    checksum : bool
        Whether the format carries one, so that no other value may be taken.
    """

    make: Callable[[Path], None]
    files: str
    spoil: Mutation
    read: Callable[[Path], str]
    declared: tuple[type[BaseException], ...]
    checksum: bool = False

    def paths(self, root: Path) -> list[Path]:
        """List the files to spoil."""
        return sorted(root.glob(self.files))


def _digest(*values: object) -> str:
    whole = hashlib.sha256()
    for value in values:
        array = value if isinstance(value, np.ndarray) else None
        whole.update(
            repr(value).encode("utf-8", "surrogatepass")
            if array is None
            else f"{array.dtype} {array.shape}".encode() + array.tobytes()
        )
    return whole.hexdigest()[:16]


def read_dataset(name: str, root: Path) -> str:
    """Index a data set without its bad cases and load the others, as the workflow's rules do."""
    out = root.parent / "out"
    out.mkdir(exist_ok=True)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        dataset = open_dataset(name, root)
        write_index_group(dataset, dataset.cases(), out / "group.json", None)
        merge_index(
            dataset,
            read_index_group(out / "group.json"),
            data="real",
            on_bad_case="skip",
            slices_path=out / "slices.tsv",
            cases_path=out / "cases.tsv",
            integrity_path=out / "integrity.json",
        )
        values: list[object] = []
        for case in read_tsv(out / "cases.tsv")["case"]:
            volume = dataset.load(case)
            _check_sound(volume)
            values += [case, volume.patient, volume.image, volume.mask, volume.spacing]
        refused = json.loads((out / "integrity.json").read_text())["refused"]
    return f"{'some refused' if refused else 'all'} {_digest(*values)}"


def _check_sound(volume: object) -> None:
    """Check what every volume must be, whatever its file said."""
    image, mask, spacing = volume.image, volume.mask, volume.spacing  # type: ignore[attr-defined]
    if not np.isfinite(image).all():
        raise AssertionError("an intensity that is no number was taken")
    if not np.isin(mask, (0, 1)).all():
        raise AssertionError(f"mask values {np.unique(mask)[:5]} were taken")
    if spacing and not (np.isfinite(spacing).all() and min(spacing) > 0):
        raise AssertionError(f"a spacing of {spacing} was taken")


def read_shard(root: Path) -> str:
    """Load all slices of a shard."""
    found = load_arrays([root / "000.h5"], originals.KEYS)
    return _digest(found.image, found.mask, found.spacing)


def read_predictions(root: Path) -> str:
    """Load, count and measure predictions."""
    path, shards = root / "unet.h5", [root / "000.h5"]
    tables = [table.to_csv() for table in astuple(measure_run(path, shards))]
    made = load_predictions(path)
    return _digest(made.probability, made.attributes, *tables)


def read_gated(root: Path) -> str:
    """Put a segmenter behind a classifier."""
    apply_gate(root / "unet.h5", root / "classifier.h5", 0.5, root / "gated.h5")
    made = load_predictions(root / "gated.h5")
    return _digest(made.probability, made.attributes)


def read_weights(root: Path) -> str:
    """Load weights into the network that they are of."""
    model = create_model("unet", 1, 1, base=4, depth=2)
    load_weights(model, root / "w.safetensors")
    return "loaded"


def read_state(root: Path) -> str:
    """Load a state; a damaged generation must give way to the one before."""
    newest = max(root.glob("generation-*"))
    whole = hashlib.sha256(newest.read_bytes()).hexdigest() in newest.name
    with StateFolder(root, "key") as folder:
        snapshot = folder.load()
    if snapshot is None:
        raise AssertionError("the generation before was not used")
    value = float(snapshot.values["n"])
    if not torch.equal(snapshot.tensors["a"], torch.full((50,), value)):
        raise AssertionError("the tensors are not those that were saved")
    if whole != (value == 2):
        raise AssertionError(f"generation {value:.0f} was taken")
    return f"generation {value:.0f}"


def read_table(root: Path) -> str:
    """Read the tables and the JSON of a run."""
    for path in sorted(root.glob("*.tsv")):
        read_tsv(path)
    for path in sorted(root.glob("*.json")):
        read_json(path)
    return "read"


def _split(root: Path) -> str:
    return f"{len(read_split(root / 'patient-f0.tsv'))} rows"


def _data(
    name: str, make: Callable[[Path], None], files: str, spoil: Mutation, checksum: bool = False
) -> Format:
    return Format(make, files, spoil, partial(read_dataset, name), DATA_ERRORS, checksum)


def _bytes(head: int) -> Mutation:
    return partial(any_bytes, head=head)


PLAIN = partial(originals.brats, suffix=".nii")
PNG = partial(originals.coco, suffix=".png")
SPLIT_ERRORS = (FileError, SplitOverlapError)
FORMATS: dict[str, Format] = {
    "nii": _data("brats2020", PLAIN, "*/*.nii", _bytes(352)),
    "nii-fields": _data("brats2020", PLAIN, "*/*.nii", nifti_fields),
    "nii.gz": _data("brats2020", originals.brats, "*/*.nii.gz", _bytes(64), checksum=True),
    "nii.gz-inside": _data("brats2020", originals.brats, "*/*.nii.gz", packed),
    "nii.gz-fields": _data("brats2020", originals.brats, "*/*.nii.gz", nifti_fields),
    "brats-csv": _data("brats2020", PLAIN, "*.csv", any_text),
    "slice-h5": _data("brats2020", originals.slice_files, "*.h5", _bytes(4000)),
    "tif-image": _data("lgg", originals.lgg, "*/*[0-9].tif", _bytes(400)),
    "tif-mask": _data("lgg", originals.lgg, "*/*_mask.tif", _bytes(400)),
    "tif-fields": _data("lgg", originals.lgg, "*/*.tif", tiff_fields),
    "lgg-csv": _data("lgg", originals.lgg, "data.csv", any_text),
    "jpeg": _data("coco", originals.coco, "*/*.jpg", _bytes(250)),
    "png": _data("coco", PNG, "*/*.png", _bytes(250), checksum=True),
    "coco-json": _data("coco", originals.coco, "*/*.json", any_text),
    "coco-json-tree": _data("coco", originals.coco, "*/*.json", json_tree),
    "shard": Format(
        originals.shard, "000.h5", _bytes(5000), read_shard, (ShardError,), checksum=True
    ),
    "predictions": Format(
        originals.predictions,
        "unet.h5",
        _bytes(6000),
        read_predictions,
        (PredictionError,),
        checksum=True,
    ),
    "gate": Format(
        originals.predictions,
        "classifier.h5",
        _bytes(6000),
        read_gated,
        (PredictionError,),
        checksum=True,
    ),
    "split": Format(originals.split, "*.tsv", any_text, _split, SPLIT_ERRORS),
    "tables": Format(originals.counts, "*", any_text, read_table, (FileError,)),
    "weights": Format(originals.weights, "*.safetensors", safetensors, read_weights, (ValueError,)),
    "state": Format(
        originals.state, "generation-00000002*", _bytes(300), read_state, (StateError,)
    ),
}
