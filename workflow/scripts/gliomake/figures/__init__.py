"""Figures: one function a kind, all in one style."""

from importlib import import_module
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from gliomake.figures.style import STYLE, save_figure
from gliomake.study.targets import TargetSpec

# Imported when drawn: some need torch, most do not.
FIGURES: dict[str, tuple[str, str]] = {
    "samples": ("gliomake.figures.samples", "samples"),
    "augmentation": ("gliomake.figures.samples", "augmentation"),
    "modalities": ("gliomake.figures.volumes", "modalities"),
    "planes": ("gliomake.figures.volumes", "planes"),
    "mask-channels": ("gliomake.figures.volumes", "mask_channels"),
    "intensity-ranges": ("gliomake.figures.intensities", "intensity_ranges"),
    "modality-correlation": ("gliomake.figures.intensities", "modality_correlation"),
    "slice-imbalance": ("gliomake.figures.statistics", "slice_imbalance"),
    "pixel-imbalance": ("gliomake.figures.statistics", "pixel_imbalance"),
    "histogram": ("gliomake.figures.statistics", "histogram"),
    "architecture": ("gliomake.figures.architecture", "architecture"),
    "system": ("gliomake.figures.diagrams", "system"),
    "metric-definition": ("gliomake.figures.diagrams", "metric_definition"),
    "curves": ("gliomake.figures.curves", "curves"),
    "masks": ("gliomake.figures.masks", "masks"),
    "predictions": ("gliomake.figures.masks", "predictions"),
    "class-predictions": ("gliomake.figures.masks", "class_predictions"),
    "confusion": ("gliomake.figures.statistics", "confusion"),
    "app": ("gliomake.infer.app.shot", "app_figure"),
}


def draw_figure(spec: TargetSpec) -> Figure:
    """Draw a target in the common style.

    Parameters
    ----------
    spec : TargetSpec
        The target and its files.

    Returns
    -------
    Figure
        The figure, not yet saved.
    """
    with matplotlib.rc_context(STYLE):
        module, name = FIGURES[spec.kind]
        figure: Figure = getattr(import_module(module), name)(spec)
        return figure


def make_figure(spec: TargetSpec, svg: str | Path, png: str | Path) -> None:
    """Draw a target and save it.

    Parameters
    ----------
    spec : TargetSpec
        The target and its files.
    svg, png : str or Path
        Where to.
    """
    save_figure(draw_figure(spec), svg, png, spec.note)
