"""What a prediction leaves behind: masks in the scan's own format, an overlay, and the facts."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from PIL import Image
from scipy import ndimage

from gliomake.files.json_file import write_json
from gliomake.files.predictions import to_mask
from gliomake.files.provenance import file_sha256
from gliomake.files.tsv import atomic_path
from gliomake.infer.model import Model
from gliomake.infer.predict import Prediction, to_grid
from gliomake.scoring.averaging import element_scores

TRUTH = (86, 180, 233)
OPACITY = 0.45
DISCLAIMER = "For research only. Not a medical device; not for diagnosis or treatment."


def label_map(prediction: Prediction) -> np.ndarray:
    """Return one value a pixel: of several classes over the threshold the most probable one.

    Parameters
    ----------
    prediction : Prediction
        Of a segmenter.

    Returns
    -------
    ndarray (slice, height, width), uint8
        0 for background, else as the data set labels its classes.
    """
    mask = prediction.mask
    values = np.array([0, *(prediction.labels[name] for name in prediction.classes)], np.uint8)
    best = np.zeros((len(mask), *mask.shape[2:]), int)
    for row in np.flatnonzero(mask.any(axis=(1, 2, 3))):
        grid = to_grid(prediction.probability[row], prediction.scan.size)
        first = np.where(mask[row], grid, -1).argmax(axis=0) + 1
        best[row] = np.where(mask[row].any(axis=0), first, 0)
    return values[best]


def facts(prediction: Prediction, model: Model, truth: np.ndarray | None = None) -> dict[str, Any]:
    """Put a prediction in numbers.

    Parameters
    ----------
    prediction : Prediction
        What was found.
    model : Model
        What found it.
    truth : ndarray (slice, class, height, width) of bool, optional
        Of the scan's own grid; gives Dice and IoU, all slices in one count.

    Returns
    -------
    dict
        For ``<scan>.json``: areas in mm2 and volumes in mm3, null where no spacing is known.
    """
    about, scan = model.about, prediction.scan
    tumour = prediction.tumour_probability()
    found: dict[str, Any] = {
        "note": DISCLAIMER,
        "scan": scan.name,
        "files": {path.name: file_sha256(path) for path in scan.source if path.is_file()},
        "model": {
            "name": about.name,
            "data": about.data,
            "scale": about.scale,
            "weights_sha256": about.weights_sha256,
        },
        "runtime": model.runtime,
        "gate": _gate_facts(model),
        "flips": prediction.averaged,
        "threshold": about.threshold,
        "slices": len(scan.image),
        "height": scan.size[0],
        "width": scan.size[1],
        "spacing_mm": list(scan.spacing) if scan.spacing else None,
        "tumour_probability": float(tumour.max()),
        "tumour_probability_of": "classifier"
        if prediction.gate is not None or prediction.is_classified
        else "most probable pixel",
        "slices_closed_by_gate": int(prediction.closed.sum()),
        "uncertainty": _uncertainty(prediction),
        "warnings": list(prediction.warnings),
    }
    if not prediction.is_classified:
        found |= _mask_facts(prediction, truth)
    found["by_slice"] = [
        {"slice": row, "tumour_probability": float(value), "closed_by_gate": bool(shut)}
        | (
            {}
            if prediction.is_classified
            else {"pixels": int(prediction.mask[row].any(axis=0).sum())}
        )
        for row, (value, shut) in enumerate(zip(tumour, prediction.closed, strict=True))
    ]
    return found


def _mask_facts(prediction: Prediction, truth: np.ndarray | None) -> dict[str, Any]:
    """Put the masks in numbers."""
    scan, mask = prediction.scan, prediction.mask
    anywhere = np.any(mask, axis=1, keepdims=True)[:, 0]
    found: dict[str, Any] = {
        "tumour": _amount(anywhere, scan.spacing, scan.is_volume),
        "classes": {
            name: {"label": prediction.labels[name]}
            | _amount(mask[:, index], scan.spacing, scan.is_volume)
            for index, name in enumerate(prediction.classes)
        },
        "pixels_on_the_networks_grid": int(
            to_mask(prediction.probability, prediction.threshold).sum()
        ),
    }
    if truth is not None:
        found["against_truth"] = {
            name: _scores(mask[:, index], truth[:, index])
            for index, name in enumerate(prediction.classes)
        }
    return found


def _gate_facts(model: Model) -> dict[str, Any] | None:
    if model.gate is None or model.about.gate is None:
        return None
    return {
        "classifier": model.gate.about.name,
        "weights_sha256": model.gate.about.weights_sha256,
        "threshold": model.about.gate.threshold,
    }


def _amount(
    mask: np.ndarray, spacing: tuple[float, float, float] | None, is_volume: bool
) -> dict[str, Any]:
    """Count the pixels of a mask (slice, height, width); area of the largest slice, and volume."""
    by_slice = mask.reshape(len(mask), -1).sum(axis=1)
    pixels = int(by_slice.sum())
    if spacing is None:
        return {"pixels": pixels, "largest_area_mm2": None, "volume_mm3": None}
    height, width, depth = spacing
    return {
        "pixels": pixels,
        "largest_area_mm2": float(by_slice.max() * height * width),
        "volume_mm3": float(pixels * height * width * depth) if is_volume else None,
    }


def _scores(mask: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Return Dice and IoU of all slices in one count; null where both are empty."""
    tp = int((mask & truth).sum())
    counts = [tp, int(mask.sum()) - tp, int(truth.sum()) - tp]
    counts.append(mask.size - sum(counts))
    values = {name: float(element_scores(np.array(counts), name)) for name in ("dice", "iou")}
    return {
        "tp": counts[0], "fp": counts[1], "fn": counts[2],
        **{name: None if np.isnan(value) else value for name, value in values.items()},
    }  # fmt: skip


def _uncertainty(prediction: Prediction) -> dict[str, Any] | None:
    """Return the entropy over flips: of all pixels, and of those predicted as tumour."""
    if prediction.entropy is None:
        return None
    tumour = to_mask(prediction.probability, prediction.threshold)
    inside = prediction.entropy[tumour]
    return {
        "unit": "bits a pixel, entropy of the mean over the scan and its flips",
        "mean": float(prediction.entropy.mean(dtype=np.float64)),
        "mean_in_tumour": float(inside.mean(dtype=np.float64)) if len(inside) else None,
        "largest": float(prediction.entropy.max()),
    }


def write_prediction(
    prediction: Prediction,
    model: Model,
    folder: Path,
    *,
    truth: np.ndarray | None = None,
    probabilities: bool = False,
) -> list[Path]:
    """Write all that a prediction leaves.

    Parameters
    ----------
    prediction : Prediction
        What was found.
    model : Model
        What found it.
    folder : Path
        Where to; made if need be.
    truth : ndarray (slice, class, height, width) of bool, optional
        See `facts`.
    probabilities : bool
        Whether ``<scan>_probability.npz`` is written: float16 on the network's grid.

    Returns
    -------
    list of Path
        ``<scan>.json``, and of a segmenter ``<scan>_mask.*`` and ``<scan>_overlay.png``, with
        ``<scan>_uncertainty.png`` where flips were asked for.
    """
    name = prediction.scan.name
    written = []
    if not prediction.is_classified:
        written.append(write_mask(prediction, folder / f"{name}_mask"))
        row = shown_slice(prediction)
        _save_picture(overlay(prediction, row), folder / f"{name}_overlay.png")
        written.append(folder / f"{name}_overlay.png")
        if prediction.entropy is not None:
            _save_picture(entropy_picture(prediction, row), folder / f"{name}_uncertainty.png")
            written.append(folder / f"{name}_uncertainty.png")
    if probabilities:
        path = folder / f"{name}_probability.npz"
        with atomic_path(path) as temporary:
            np.savez_compressed(
                temporary, probability=prediction.probability, classes=list(prediction.classes)
            )
        written.append(path)
    write_json(facts(prediction, model, truth), folder / f"{name}.json")
    return [*written, folder / f"{name}.json"]


def write_mask(prediction: Prediction, stem: Path) -> Path:
    """Write the mask in the scan's own format and geometry.

    Parameters
    ----------
    prediction : Prediction
        Of a segmenter.
    stem : Path
        Where to, without a suffix.

    Returns
    -------
    Path
        A NIfTI label map with affine and header of the scan; else a grey picture, 0 and 255 of one
        class, the label map of several. In place of a JPEG, which would blur the edge, a PNG.
    """
    scan = prediction.scan
    labels = label_map(prediction)
    if scan.place is not None:
        suffix = ".nii.gz" if scan.suffix == ".nii.gz" else ".nii"
        path = stem.with_name(stem.name + suffix)
        source: Any = nibabel.load(scan.place.path)
        header = source.header.copy()
        header.set_data_dtype(np.uint8)
        header["scl_slope"], header["scl_inter"] = 1, 0
        header["cal_min"], header["cal_max"] = 0, 0
        voxels = np.ascontiguousarray(scan.place.to_voxels(labels))
        image = type(source)(voxels, source.affine, header)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            # nibabel goes by the whole suffix, of which a temporary name may keep the last part.
            named = temporary.with_name(f"{temporary.name}{suffix}")
            nibabel.save(image, named)
            named.replace(temporary)
        return path
    grey = labels[0] * np.uint8(255) if len(prediction.classes) == 1 else labels[0]
    suffix = scan.suffix if scan.suffix in (".tif", ".tiff", ".bmp", ".gif") else ".png"
    path = stem.with_name(stem.name + suffix)
    _save_picture(grey, path)
    return path


def _save_picture(pixels: np.ndarray, path: Path) -> None:
    with atomic_path(path) as temporary:
        Image.fromarray(pixels).save(temporary)


def shown_slice(prediction: Prediction) -> int:
    """Return the slice with most tumour; without any the one in the middle."""
    by_slice = prediction.mask.any(axis=1).reshape(len(prediction.mask), -1).sum(axis=1)
    return int(by_slice.argmax()) if by_slice.any() else len(by_slice) // 2


def grey_picture(values: np.ndarray) -> np.ndarray:
    """Spread intensities over 0 to 255; bytes stay as they are.

    Parameters
    ----------
    values : ndarray (height, width)
        Of any type.

    Returns
    -------
    ndarray (height, width), uint8
        From 0 or the lowest value to the highest percentile that is not an outlier.
    """
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    values = values.astype(np.float32)
    low = min(0.0, float(values.min()))
    high = float(np.percentile(values, 99.8))
    high = high if high > low else max(float(values.max()), low + 1)
    return (np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def overlay(
    prediction: Prediction,
    row: int,
    *,
    opacity: float = OPACITY,
    truth: np.ndarray | None = None,
    upright: bool = True,
) -> np.ndarray:
    """Lay the mask of one slice over its image.

    Parameters
    ----------
    prediction : Prediction
        Of a segmenter.
    row : int
        The slice.
    opacity : float
        Of the mask's inside, 0 to 1; its outline is always whole.
    truth : ndarray (class, height, width) of bool, optional
        Outlined as well.
    upright : bool
        Whether a volume's slice, whose rows run along x, is turned as radiologists see it.

    Returns
    -------
    ndarray (height, width, 3), uint8
        The picture.
    """
    picture = np.repeat(grey_picture(prediction.scan.shown()[row])[..., None], 3, axis=2)
    picture = picture.astype(np.float32)
    for index, name in enumerate(prediction.classes):
        colour = rgb(prediction.colours[name])
        paint(picture, prediction.mask[row, index], colour, opacity)
    for mask in () if truth is None else truth:
        paint(picture, mask, TRUTH, 0.0)
    done = picture.round().clip(0, 255).astype(np.uint8)
    return turn(done, prediction) if upright else done


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of ``#rrggbb``.

    >>> rgb("#D55E00")
    (213, 94, 0)
    """
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def paint(
    picture: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int], opacity: float
) -> None:
    """Tint the inside of a mask and draw its outline, in place."""
    inside = mask & (ndimage.binary_erosion(mask) if mask.any() else mask)
    shade = np.array(colour, np.float32)
    picture[inside] = (1 - opacity) * picture[inside] + opacity * shade
    picture[mask & ~inside] = shade


def turn(picture: np.ndarray, prediction: Prediction) -> np.ndarray:
    """Turn a volume's slice upright; a picture is upright already."""
    place = prediction.scan.place
    if place is None or place.turned:
        return picture
    return np.ascontiguousarray(picture.swapaxes(0, 1))


def entropy_picture(prediction: Prediction, row: int) -> np.ndarray:
    """Return the entropy of one slice, the largest of its classes: 0 bits black, 1 bit white."""
    if prediction.entropy is None:
        raise ValueError("no entropy: predict with uncertainty=True")
    grid = to_grid(prediction.entropy[row], prediction.scan.size).max(axis=0)
    return turn((grid.clip(0, 1) * 255).astype(np.uint8), prediction)
