"""From what a visitor gave to what the page shows; no word of Streamlit here."""

import hashlib
import json
import re
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gliomake.datasets.base import CaseError
from gliomake.datasets.root import AccessError, Limits
from gliomake.infer.describe import Description
from gliomake.infer.inputs import (
    VOLUMES,
    channel_of,
    read_picture,
    read_volume,
    stem_of,
    suffix_of,
)
from gliomake.infer.model import Model
from gliomake.infer.outputs import facts, write_mask
from gliomake.infer.predict import Prediction, predict_scans
from gliomake.infer.scan import Scan
from gliomake.infer.truth import check_truth, picture_truth, read_truth

LIMITS = Limits(slice_pixels=4096**2, volume_voxels=512 * 512 * 256, file_bytes=256 * 1024**2)
"""What one upload may hold, packed or not."""

# Torch's threads and random state belong to the process, and so does its memory: one at a time.
_AT_WORK = threading.Lock()


@dataclass(frozen=True)
class Upload:
    """A file from outside.

    Attributes
    ----------
    name : str
        As the visitor's machine calls it; never a path.
    data : bytes
        What it holds.
    """

    name: str
    data: bytes


@dataclass(frozen=True)
class Answer:
    """What a model found, ready to show.

    Attributes
    ----------
    prediction : Prediction
        What was found.
    facts : dict
        Of `gliomake.infer.outputs.facts`.
    truth : ndarray (slice, class, height, width) of bool, or None
        Where a truth was given.
    mask_name : str
        A name for the mask's download; empty of a classifier.
    mask_data : bytes
        The mask's file.
    """

    prediction: Prediction
    facts: dict[str, Any]
    truth: np.ndarray | None
    mask_name: str
    mask_data: bytes

    @property
    def json_data(self) -> str:
        """The facts as a file."""
        return json.dumps(self.facts, indent=1) + "\n"


class UploadError(ValueError):
    """An upload that cannot be used; the message is for the visitor."""


def answer_uploads(
    uploads: Sequence[Upload],
    model: Model,
    truth: Upload | None = None,
    *,
    flips: bool = False,
    uncertainty: bool = False,
    limits: Limits = LIMITS,
) -> Answer:
    """Predict a visitor's files.

    Pictures stay in memory. A volume is written to a private folder, under names of our own, which
    is gone when the answer is there.

    Parameters
    ----------
    uploads : sequence of Upload
        One picture, or the NIfTI files of one volume.
    model : Model
        What predicts.
    truth : Upload, optional
        The mask of the scan.
    flips, uncertainty
        As in `gliomake.infer.predict.predict_scans`.
    limits : Limits
        What one file may hold.

    Returns
    -------
    Answer
        What was found.

    Raises
    ------
    UploadError
        A file is damaged, too large, of another kind, or does not fit the model.
    """
    with tempfile.TemporaryDirectory(prefix="gliomake-") as private:
        folder = Path(private)
        try:
            scan = _read(uploads, model.about, folder, limits)
            prediction = predict(model, scan, flips=flips, uncertainty=uncertainty)
            drawn = None
            if truth is not None and not prediction.is_classified:
                drawn = _read_truth(truth, prediction, folder, limits)
                check_truth(drawn, prediction, safe_name(truth.name))
            given = {safe_name(each.name): _sha256(each.data) for each in uploads}
            return finish(prediction, model, drawn, given)
        except (CaseError, AccessError) as error:
            # Where our folder lies is nobody's concern.
            raise UploadError(str(error).replace(f"{private}/", "")) from None


def predict(
    model: Model, scan: Scan, *, flips: bool = False, uncertainty: bool = False
) -> Prediction:
    """Predict one scan, one visitor at a time."""
    with _AT_WORK:
        (prediction,) = predict_scans(model, [scan], flips=flips, uncertainty=uncertainty)
    return prediction


def finish(
    prediction: Prediction,
    model: Model,
    truth: np.ndarray | None,
    given: Mapping[str, str] | None = None,
) -> Answer:
    """Add numbers and the mask's file to a prediction.

    Parameters
    ----------
    prediction : Prediction
        Whose source files are still there, if it is of a volume.
    model : Model
        What predicted.
    truth : ndarray (slice, class, height, width) of bool, optional
        The scan's mask.
    given : mapping of str to str, optional
        Names and sha256 of the files that a visitor gave.

    Returns
    -------
    Answer
        What the page shows.
    """
    found = facts(prediction, model, truth)
    if given is not None:
        found["files"] = dict(given)
    name, data = "", b""
    if not prediction.is_classified:
        with tempfile.TemporaryDirectory(prefix="gliomake-") as private:
            path = write_mask(prediction, Path(private) / f"{prediction.scan.name}_mask")
            name, data = path.name, path.read_bytes()
    return Answer(prediction, found, truth, name, data)


def safe_name(name: str) -> str:
    """Return a name of plain letters for a file from outside: for labels and downloads.

    Examples
    --------
    >>> safe_name("../../etc/pass wd.tif")
    'pass-wd.tif'
    >>> safe_name("...")
    'scan'
    """
    last = re.split(r"[\\\\/]", name)[-1]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip(".-")
    return plain[-80:].strip(".-") or "scan"


def _read(uploads: Sequence[Upload], about: Description, folder: Path, limits: Limits) -> Scan:
    if not uploads:
        raise UploadError("no file was given")
    for each in uploads:
        if len(each.data) > limits.file_bytes:
            raise UploadError(
                f"{safe_name(each.name)}: {len(each.data) // 1024**2} MiB, expected at most "
                f"{limits.file_bytes // 1024**2}"
            )
    volumes = [each for each in uploads if suffix_of(each.name) in VOLUMES]
    if not volumes:
        last = uploads[-1]
        scan = read_picture(last.data, Path(safe_name(last.name)), about, limits)
        if len(uploads) == 1:
            return scan
        said = f"{len(uploads)} pictures were given; this is the last one, {safe_name(last.name)}"
        return replace(scan, warnings=(*scan.warnings, said))
    if len(volumes) < len(uploads):
        raise UploadError("pictures and volumes together; expected either")
    files: dict[str, Path] = {}
    for upload in volumes:
        channel = _channel(upload.name, about, len(volumes))
        if channel in files:
            raise UploadError(f"two files for {channel}; expected one file a modality")
        # A name of ours: that of the visitor is shown and never written.
        path = folder / f"{channel}{suffix_of(upload.name)}"
        path.write_bytes(upload.data)
        files[channel] = path
    scan = read_volume(files, about, limits)
    name = stem_of(safe_name(volumes[0].name)) or "scan"
    return Scan(
        name, scan.image, scan.channels, scan.suffix, scan.source, scan.place, scan.warnings
    )


def _channel(name: str, about: Description, count: int) -> str:
    """Return the channel that an upload is, by its name where there are several."""
    if count == len(about.channels) == 1:
        return about.channels[0]
    channel = channel_of(name)
    if channel not in about.channels:
        raise UploadError(
            f"{safe_name(name)}: its name says none of the modalities {', '.join(about.channels)}; "
            "expected one file each, named ..._<modality>.nii.gz"
        )
    return channel


def _read_truth(truth: Upload, prediction: Prediction, folder: Path, limits: Limits) -> np.ndarray:
    scan = prediction.scan
    if scan.place is None:
        grey = picture_truth(truth.data, safe_name(truth.name), limits)[None]
        if len(prediction.classes) > 1:
            raise UploadError("a truth of several classes; expected a volume's label map")
        return np.stack([grey != 0], axis=1)
    path = folder / f"truth{suffix_of(truth.name)}"
    path.write_bytes(truth.data)
    return read_truth(path, scan, prediction.labels, limits)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
