"""``gliomake predict``: files in, files out, a line of words for each scan."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gliomake.datasets.base import CaseError
from gliomake.datasets.root import AccessError
from gliomake.infer.describe import ModelError
from gliomake.infer.inputs import LIMITS, read_scans
from gliomake.infer.model import Model, load_model
from gliomake.infer.outputs import DISCLAIMER, facts, write_prediction
from gliomake.infer.predict import Prediction, predict_scans
from gliomake.infer.scan import Scan
from gliomake.infer.truth import check_truth, find_truth, read_truth


def predict_files(
    folder: str | Path,
    paths: Sequence[Path],
    *,
    out: Path,
    modalities: Mapping[str, Path] | None = None,
    gate: bool = False,
    flips: bool = False,
    uncertainty: bool = False,
    attention: bool = False,
    truth: Path | None = None,
    probabilities: bool = False,
    runtime: str = "torch",
    device: str = "cpu",
    threads: int = 1,
) -> int:
    """Predict files and write what was found.

    Parameters
    ----------
    folder : str or Path
        The model's.
    paths, modalities, gate, runtime, device, threads, flips, uncertainty
        As in `read_scans`, `load_model` and `predict_scans`.
    out : Path
        Folder to write to.
    attention : bool
        Whether ``<scan>_attention.png`` is drawn; see `gliomake.infer.explain`.
    truth, probabilities
        As in `find_truth` and `write_prediction`.

    Returns
    -------
    int
        0, or 1 where an input was refused; the others are written all the same.

    Raises
    ------
    ModelError
        The model cannot be used, or nothing was given.
    """
    if not paths and not modalities:
        raise ModelError(
            "no scan was given: name files or a folder, or --modality <channel>=<file>"
        )
    if attention and runtime != "torch":
        raise ModelError("--attention follows gradients through torch: leave --runtime onnx out")
    model = load_model(folder, runtime=runtime, device=device, threads=threads, gate=gate)
    _warn_of_demo(model)
    refused = 0
    for given, one in _each(paths, modalities):
        try:
            scans = _without_doubles(read_scans(given, model.about, one, LIMITS))
            for prediction in predict_scans(model, scans, flips=flips, uncertainty=uncertainty):
                _write(prediction, model, out, truth, probabilities, attention)
        except (CaseError, AccessError) as error:
            print(f"rejected: {error}", file=sys.stderr)
            refused += 1
    print(DISCLAIMER)
    return 1 if refused else 0


def _each(
    paths: Sequence[Path], modalities: Mapping[str, Path] | None
) -> Iterator[tuple[list[Path], Mapping[str, Path] | None]]:
    """Yield the inputs one by one, so that a bad one does not stop the others."""
    if modalities:
        yield [], modalities
    for path in paths:
        yield [path], None


def _without_doubles(scans: list[Scan]) -> list[Scan]:
    """Check that no two scans would be written to the same files."""
    names = [scan.name for scan in scans]
    for name in names:
        if names.count(name) > 1:
            raise CaseError(
                name, name, "two scans of this name", "one", "give the folder's files one by one"
            )
    return scans


def _write(
    prediction: Prediction,
    model: Model,
    out: Path,
    truth: Path | None,
    probabilities: bool,
    attention: bool,
) -> None:
    scan, drawn = prediction.scan, None
    if truth is not None and not prediction.is_classified:
        path = find_truth(truth, scan)
        if path is not None:
            drawn = read_truth(path, scan, prediction.labels)
            check_truth(drawn, prediction, path.name)
    written = write_prediction(prediction, model, out, truth=drawn, probabilities=probabilities)
    if attention:
        from gliomake.infer.explain import write_attention

        written.append(write_attention(prediction, model, out / f"{scan.name}_attention.png"))
    for text in prediction.warnings:
        print(f"warning: {scan.name}: {text}", file=sys.stderr)
    found = facts(prediction, model, drawn)
    print(f"{scan.name}: {_summary(found)} -> {', '.join(path.name for path in written)}")


def _summary(found: dict) -> str:
    probability = (
        f"probability of tumour {found['tumour_probability']:.3f} "
        f"({found['tumour_probability_of']})"
    )
    if "tumour" not in found:
        return probability
    amount = found["tumour"]
    words = f"{amount['pixels']} pixels of tumour" if amount["pixels"] else "no tumour found"
    if amount["pixels"] and amount["volume_mm3"] is not None:
        words += f", {amount['volume_mm3'] / 1000:.2f} cm3"
    for name, scores in found.get("against_truth", {}).items():
        dice = "undefined" if scores["dice"] is None else f"{scores['dice']:.3f}"
        words += f", Dice of {name} {dice}"
    return f"{words}, {probability}"


def _warn_of_demo(model: Model) -> None:
    about = model.about
    reasons = ["on synthetic images"] if about.data == "phantom" else []
    reasons += ["at demo scale"] if about.scale == "demo" else []
    if reasons:
        print(f"warning: {about.name} was trained {' and '.join(reasons)}", file=sys.stderr)
