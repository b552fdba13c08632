"""Figures: one function a kind, all in one style."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from gliomake.figures.style import STYLE, save_figure
from gliomake.targets import TargetSpec

Draw = Callable[[TargetSpec], Figure]


def _draw(module: str, name: str) -> Draw:
    """Import a figure's module when it is drawn: some need torch, most do not."""

    def draw(spec: TargetSpec) -> Figure:
        return getattr(import_module(f"gliomake.figures.{module}"), name)(spec)

    return draw


FIGURES: dict[str, Draw] = {
    "samples": _draw("samples", "samples"),
    "augmentation": _draw("samples", "augmentation"),
    "modalities": _draw("volumes", "modalities"),
    "planes": _draw("volumes", "planes"),
    "mask-channels": _draw("volumes", "mask_channels"),
    "intensity-ranges": _draw("intensities", "intensity_ranges"),
    "modality-correlation": _draw("intensities", "modality_correlation"),
    "slice-imbalance": _draw("statistics", "slice_imbalance"),
    "pixel-imbalance": _draw("statistics", "pixel_imbalance"),
    "histogram": _draw("statistics", "histogram"),
    "architecture": _draw("architecture", "architecture"),
    "system": _draw("diagrams", "system"),
    "metric-definition": _draw("diagrams", "metric_definition"),
    "curves": _draw("curves", "curves"),
    "masks": _draw("masks", "masks"),
    "predictions": _draw("masks", "predictions"),
    "class-predictions": _draw("masks", "class_predictions"),
    "confusion": _draw("statistics", "confusion"),
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
        return FIGURES[spec.kind](spec)


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
