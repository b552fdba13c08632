"""Phantoms in the layout of the LGG set (``kaggle_3m``)."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import tifffile

from gliomake.phantom.head import make_head

# In the proportions of the real set, whose fifth institution, EZ, gave a single patient.
_INSTITUTIONS = ("DU", "HT", "CS", "DU", "HT", "FG")
# Column of data.csv, its smallest and largest value, and the share of blanks in the real table.
_COLUMNS = (
    ("RNASeqCluster", 1, 4, 0.16),
    ("MethylationCluster", 1, 5, 0.01),
    ("miRNACluster", 1, 4, 0.0),
    ("CNCluster", 1, 3, 0.02),
    ("RPPACluster", 1, 4, 0.11),
    ("OncosignCluster", 1, 3, 0.05),
    ("COCCluster", 1, 3, 0.0),
    ("histological_type", 1, 3, 0.01),
    ("neoplasm_histologic_grade", 1, 2, 0.01),
    ("tumor_tissue_site", 1, 1, 0.01),
    ("laterality", 1, 3, 0.01),
    ("tumor_location", 1, 6, 0.01),
    ("gender", 1, 2, 0.01),
    ("age_at_initial_pathologic", 20, 75, 0.01),
    ("race", 1, 3, 0.02),
    ("ethnicity", 1, 2, 0.08),
    ("death01", 0, 1, 0.01),
)
# Grey value, of 255, of a contrast's unit intensity.
_BRIGHTNESS = 190
# The real files are cut into strips of just over 8 KiB.
_STRIP_BYTES = 8192


def write_lgg(
    root: str | Path,
    patients: int,
    seed: int,
    *,
    slices: int | Sequence[int] = 24,
    size: int = 256,
    texture: float = 0.0,
    missing: bool = True,
    dialect: Literal["comma", "semicolon"] = "comma",
) -> None:
    """Write phantoms as the LGG set lies on disk: a folder a patient, and ``data.csv``.

    Parameters
    ----------
    root : path-like
        The folder that stands for ``kaggle_3m``; made where it is missing.
    patients : int
        How many patients.
    seed : int
        The same seed gives the same bytes.
    slices : int or two of them
        Slices a patient, or the least and the most of them.
    size : int
        Height and width in pixels; 256 in the real set.
    texture : float
        See `gliomake.phantom.head.make_head`.
    missing : bool
        Whether sequences are missing, FLAIR in their place: the post-contrast one in every tenth
        patient, both others in another tenth.
    dialect : str
        ``comma`` with LF, or ``semicolon`` with CRLF: both are in circulation for ``data.csv``.

    Raises
    ------
    ValueError
        If the dialect is not one of the two.
    """
    if dialect not in ("comma", "semicolon"):
        raise ValueError(f"found data.csv dialect {dialect!r}: expected comma or semicolon")
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    fewest, most = (slices, slices) if isinstance(slices, int) else slices
    rows = []
    for patient in range(patients):
        # A third word keeps this stream apart from those of the patient's head.
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, patient, 1])))
        institution = "EZ" if patient % 20 == 19 else _INSTITUTIONS[patient % len(_INSTITUTIONS)]
        name = f"TCGA_{institution}_{5000 + patient}"
        year, month, day = rng.integers((1983, 1, 1), (2003, 13, 29))
        count = int(rng.integers(fewest, most + 1))
        rows.append([name, *_clinical(rng)])
        head = make_head(patient, seed, (count, size, size), texture)
        image = np.stack([head.t1, head.flair, head.t1ce], axis=-1)
        if missing and patient % 10 in (4, 9):
            image[..., 2] = image[..., 1]
        if missing and patient % 10 == 9:
            image[..., 0] = image[..., 1]
        grey = np.clip(np.rint(_BRIGHTNESS * image), 0, 255).astype(np.uint8)
        mask = np.where(head.tumour > 0, 255, 0).astype(np.uint8)
        _write_case(root, f"{name}_{year}{month:02d}{day:02d}", grey, mask)
    _write_table(root / "data.csv", rows, dialect)


def _clinical(rng: np.random.Generator) -> list[str]:
    """Draw a patient's row of ``data.csv``, blanks included."""
    values = []
    for _, low, high, blank in _COLUMNS:
        value = str(rng.integers(low, high + 1))
        values.append("" if rng.random() < blank else value)
    return values


def _write_case(root: Path, case: str, image: np.ndarray, mask: np.ndarray) -> None:
    """Write a case's slices, numbered from 1 without padding."""
    folder = root / case
    folder.mkdir(exist_ok=True)
    for number, (pixels, truth) in enumerate(zip(image, mask, strict=True), start=1):
        _write_tif(folder / f"{case}_{number}.tif", pixels, "rgb")
        _write_tif(folder / f"{case}_{number}_mask.tif", truth, "minisblack")


def _write_tif(path: Path, pixels: np.ndarray, photometric: str) -> None:
    """Write an uncompressed baseline TIFF with no free text and no date in it."""
    rows = -(-_STRIP_BYTES // pixels[0].nbytes)
    tifffile.imwrite(
        path, pixels, photometric=photometric, rowsperstrip=rows, metadata=None, software=False
    )


def _write_table(path: Path, rows: list[list[str]], dialect: str) -> None:
    """Write ``data.csv`` in one of its two dialects."""
    delimiter, end = (",", "\n") if dialect == "comma" else (";", "\r\n")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=end)
        writer.writerow(["Patient", *(column[0] for column in _COLUMNS)])
        writer.writerows(rows)
