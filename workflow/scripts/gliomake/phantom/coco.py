"""Phantoms in the layout of the COCO brain-tumour set: three folders of JPEGs with a JSON each."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask
from skimage.measure import find_contours, label

from gliomake.phantom.head import make_head

FOLDERS = ("train", "valid", "test")
SHARES = (0.7, 0.2, 0.1)
DEPTH = 24
"""Slices of a head, of which some are taken."""

CATEGORIES = ("Tumor", "0", "1")
"""As in the public set, where no annotation is of the first."""

_GREY_LEVELS = 200.0  # of an intensity of 1, the brightest tissue
_QUALITY = 92


def write_coco(
    root: str | Path,
    patients: int,
    seed: int = 0,
    size: int = 640,
    slices: int = 6,
    images: Sequence[int] | None = None,
    outlines: bool = True,
    texture: float = 0.0,
) -> None:
    """Write FLAIR slices of phantom heads with the whole tumour annotated.

    The heads are dealt to train, valid and test; none is in two of them. Most annotations are
    polygons, some are run-length codes of both kinds, and some images have none.

    Parameters
    ----------
    root : path-like
        Folder to write to.
    patients : int
        How many heads, at least 3. The set says nothing of whose image is whose.
    seed : int
        Seed of the phantom set.
    size : int
        Height and width of the images in pixels.
    slices : int
        Slices of each head, the last one without tumour where the head has such a slice.
    images : sequence of int, optional
        Images in train, valid and test, in place of `slices` of each head.
    outlines : bool
        Whether to annotate outlines; else their bounding boxes, as the public set does.
    texture : float
        Strength of the patients' texture, see `make_head`.

    Raises
    ------
    ValueError
        If there are fewer than three heads or not three numbers of images.
    """
    if patients < len(FOLDERS) or (images is not None and len(images) != len(FOLDERS)):
        raise ValueError(
            f"patients {patients}, images {images}: expected a head and a number of images for "
            f"each of {', '.join(FOLDERS)}"
        )
    root = Path(root)
    for number, heads in enumerate(_deal(patients)):
        wanted = len(heads) * slices if images is None else images[number]
        _write_folder(root / FOLDERS[number], heads, wanted, seed, size, outlines, texture)


def _deal(patients: int) -> list[range]:
    """Deal heads to the folders, at least one each."""
    test = max(1, round(patients * SHARES[2]))
    valid = max(1, round(patients * SHARES[1]))
    train = patients - valid - test
    return [range(train), range(train, train + valid), range(train + valid, patients)]


def _write_folder(
    folder: Path,
    heads: range,
    wanted: int,
    seed: int,
    size: int,
    outlines: bool,
    texture: float,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for place, head_number in enumerate(heads):
        # As even a share of what is still wanted as whole images allow.
        count = -(-(wanted - len(images)) // (len(heads) - place))
        head = make_head(head_number, seed, (DEPTH, size, size), texture)
        for index in _choose_slices(head.tumour, count):
            image_id = len(images)
            name = _file_name(head_number * DEPTH + index, seed)
            pixels = np.clip(np.rint(head.flair[index] * _GREY_LEVELS), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).convert("RGB").save(folder / name, quality=_QUALITY)
            images.append(
                {"id": image_id, "license": 1, "file_name": name, "height": size, "width": size}
            )
            for part in _parts(head.tumour[index] > 0):
                annotations.append(
                    {"id": len(annotations), "image_id": image_id, "category_id": 1 + image_id % 2}
                    | _annotate(part, len(annotations), outlines)
                )
    content = {
        "info": {"description": "Phantom in the layout of a Roboflow export; no patient's data"},
        "licenses": [{"id": 1, "name": "MIT"}],
        "categories": [
            {"id": number, "name": name, "supercategory": "Tumor" if number else "none"}
            for number, name in enumerate(CATEGORIES)
        ],
        "images": images,
        "annotations": annotations,
    }
    (folder / "_annotations.coco.json").write_text(json.dumps(content) + "\n", encoding="utf-8")


def _choose_slices(tumour: np.ndarray, count: int) -> list[int]:
    """Choose slices spread over the tumour, and one without it."""
    with_tumour = np.flatnonzero(tumour.any(axis=(1, 2)))
    without = np.setdiff1d(np.arange(len(tumour)), with_tumour)
    bare = [int(without[len(without) // 2])] if len(without) and count > 1 else []
    spread = np.linspace(0, len(with_tumour) - 1, min(count - len(bare), len(with_tumour)))
    return [int(with_tumour[int(place)]) for place in spread] + bare


def _file_name(number: int, seed: int) -> str:
    digest = hashlib.sha256(f"{seed} {number}".encode()).hexdigest()[:32]
    return f"{number}_jpg.rf.{digest}.jpg"


def _parts(mask: np.ndarray) -> list[np.ndarray]:
    """Give the connected parts of a mask; a slice with one part is annotated once."""
    numbered = label(mask, connectivity=2)
    return [numbered == number for number in range(1, numbered.max() + 1)]


def _annotate(part: np.ndarray, number: int, outlines: bool) -> dict[str, Any]:
    """Annotate one part of a mask: every seventh and eighth as run-length codes."""
    code = coco_mask.encode(np.asfortranarray(part.astype(np.uint8)))
    box = [float(value) for value in coco_mask.toBbox(code)]
    segmentation: Any
    if not outlines:
        x, y, width, height = box
        right, foot = x + width, y + height
        segmentation = [[right, y, x, y, x, foot, right, foot, right, y]]
    elif number % 8 == 6:
        segmentation = {"size": list(part.shape), "counts": code["counts"].decode()}
    elif number % 8 == 7:
        segmentation = {"size": list(part.shape), "counts": _run_lengths(part)}
    else:
        segmentation = [_polygon(part)]
    return {
        "bbox": box,
        "area": float(coco_mask.area(code)),
        "segmentation": segmentation,
        "iscrowd": int(isinstance(segmentation, dict)),
    }


def _polygon(part: np.ndarray) -> list[float]:
    """Trace the outer outline of a part as ``[x, y, x, y, ...]``."""
    # "high" joins pixels that touch at a corner, as `_parts` does.
    contours = find_contours(np.pad(part, 1).astype(np.float32), 0.5, fully_connected="high")
    outer = max(contours, key=lambda contour: np.ptp(contour[:, 0]) * np.ptp(contour[:, 1]))
    # From the centres of the padded image's pixels to corners, COCO's coordinates.
    return [round(float(value), 2) for value in (outer[:-1, ::-1] - 0.5).ravel()]


def _run_lengths(part: np.ndarray) -> list[int]:
    """Encode a mask as run lengths of 0 and 1 in turn, column by column."""
    flat = np.concatenate([[0], part.ravel(order="F").astype(np.int8)])
    starts = np.flatnonzero(np.diff(flat))
    return np.diff(np.concatenate([[0], starts, [part.size]])).tolist()
