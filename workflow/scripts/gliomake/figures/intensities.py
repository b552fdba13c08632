"""What raw intensities look like over slices and patients, and how modalities go together."""

from os.path import commonprefix

import numpy as np
from matplotlib.figure import Figure

from gliomake.figures import style
from gliomake.figures.cases import MODALITIES, load_case, open_cases, where
from gliomake.prepare import inspection
from gliomake.prepare.preprocess import normalise
from gliomake.study.targets import TargetSpec


def intensity_ranges(spec: TargetSpec) -> Figure:
    """Show the intensity range of slices of several patients, raw and after the z-score.

    A line is one slice, from the 1st to the 99th percentile of its non-zero pixels; slices of a
    patient stand together, in one of two greys that tell neighbours apart. Patients and slices are
    spread evenly over the data set (options ``patients``, default 8, and ``slices`` a patient,
    default 12); slices with less than 2 % of tissue are left out.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``root`` and ``cases``.

    Returns
    -------
    Figure
        A column a modality, raw above and z-scored below.
    """
    dataset, cases = open_cases(spec)
    known = len(cases)
    cases = _spread(cases, spec.options.get("patients", 8))
    names = dataset.channels
    figure = style.new_figure(style.DOUBLE, 3.7)
    grid = figure.subplots(2, len(names), sharex=True, sharey="row", squeeze=False)
    per_patient = spec.options.get("slices", 12)
    for patient, case in enumerate(cases):
        volume = inspection.load_case(dataset, case)
        seen = np.flatnonzero((volume.image != 0).any(axis=1).mean(axis=(1, 2)) > 0.02)
        chosen = seen[np.linspace(0, len(seen) - 1, min(per_patient, len(seen))).astype(int)]
        raw = volume.image[chosen].astype(np.float32)
        size = raw.shape[-2:]
        scaled = np.stack([_zscore(image) for image in raw]) if len(raw) else raw
        at = patient + np.linspace(-0.36, 0.36, len(chosen))
        colour = (style.BLACK, style.SHADE)[patient % 2]
        for row, stack in enumerate((raw, scaled)):
            for column in range(len(names)):
                low, high = _range(stack[:, column], raw[:, column].reshape(-1, *size) != 0)
                grid[row][column].vlines(at, low, high, color=colour, linewidth=0.9)
    shared, ends = short_names(cases)
    for column, name in enumerate(names):
        grid[0][column].set_title(MODALITIES.get(name, name))
        grid[1][column].set_xticks(range(len(cases)), ends, rotation=90)
        grid[1][column].axhline(0, color=style.FAINT, linewidth=0.6, zorder=0)
    grid[0][0].set_ylabel("raw intensity\n(scanner units)")
    grid[1][0].set_ylabel("z-score\n(standard deviations)")
    grid[0][0].set_ylim(bottom=0)
    style.panel_label(grid[0][0], "a")
    style.panel_label(grid[1][0], "b")
    figure.supxlabel(f"patient ({shared}…)" if shared else "patient", fontsize=8)
    figure.suptitle(
        f"{len(cases)} of {known} patients; a line is a slice: 1st to 99th percentile of its "
        "non-zero pixels",
        fontsize=8,
    )
    return figure


def short_names(cases: list[str]) -> tuple[str, list[str]]:
    """Take from names what they share at their beginning, whole words alone.

    Parameters
    ----------
    cases : list of str
        Names.

    Returns
    -------
    str, list of str
        What they share, and what is left of each.

    Examples
    --------
    >>> short_names(["BraTS20_Training_001", "BraTS20_Training_012"])
    ('BraTS20_Training_', ['001', '012'])
    """
    shared = commonprefix(cases) if len(cases) > 1 else ""
    shared = shared[: shared.rfind("_") + 1]
    return shared, [case.removeprefix(shared) for case in cases]


def modality_correlation(spec: TargetSpec) -> Figure:
    """Show how the modalities correlate in the middle third of one patient's slices.

    Pearson correlation over the voxels in which no modality is background (0).

    Parameters
    ----------
    spec : TargetSpec
        Needs ``root`` and ``cases``. Option ``case``.

    Returns
    -------
    Figure
        One heat map.
    """
    dataset, volume = load_case(spec)
    matrix = middle_correlation(volume.image)
    names = [MODALITIES.get(name, name) for name in dataset.channels]
    figure = style.new_figure(style.SINGLE, 3.2)
    axes = figure.subplots()
    drawn = axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for row, values in enumerate(matrix):
        for column, value in enumerate(values):
            axes.text(
                column,
                row,
                f"{value:.2f}",
                ha="center",
                va="center",
                color=style.text_colour(drawn.cmap(drawn.norm(value))),
            )
    bar = figure.colorbar(drawn, ax=axes, shrink=0.85, aspect=18, ticks=[-1, 0, 1])
    bar.set_label("Pearson correlation")
    bar.outline.set_visible(False)
    figure.suptitle(
        f"{where(spec, volume)}\nmiddle third of the slices, without background", fontsize=8
    )
    return figure


def middle_correlation(image: np.ndarray) -> np.ndarray:
    """Correlate the channels over the middle third of a volume's slices.

    Parameters
    ----------
    image : ndarray (slice, channel, height, width)
        Raw intensities, background 0.

    Returns
    -------
    ndarray (channel, channel) of float64
        Pearson's correlation over voxels that are background in no channel.

    Raises
    ------
    ValueError
        No such voxels.
    """
    count = len(image)
    middle = image[count // 3 : count - count // 3]
    voxels = np.moveaxis(middle, 1, 0).reshape(image.shape[1], -1).astype(np.float64)
    voxels = voxels[:, (voxels != 0).all(axis=0)]
    if voxels.shape[1] < 2:
        raise ValueError("the middle third of the slices holds no voxel with all modalities")
    return np.atleast_2d(np.corrcoef(voxels))


def _zscore(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[-2:]
    if height != width:
        side = max(height, width)
        image = np.pad(image, ((0, 0), (0, side - height), (0, side - width)))
    return normalise(image, "zscore", image.shape[-1])[:, :height, :width].astype(np.float32)


def _range(stack: np.ndarray, tissue: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1st and 99th percentile of each slice's tissue; NaN for a blank slice."""
    found = [
        np.percentile(values[inside], [1, 99]) if inside.any() else (np.nan, np.nan)
        for values, inside in zip(stack, tissue, strict=True)
    ]
    low, high = np.array(found).reshape(-1, 2).T
    return low, high


def _spread(cases: list[str], count: int) -> list[str]:
    rows = np.linspace(0, len(cases) - 1, min(count, len(cases))).round().astype(int)
    return [cases[row] for row in rows]
