"""Figures: one function a kind, all in one style."""

from importlib import import_module
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from gliomake.figures.style import STYLE, save_figure
from gliomake.study.kinds import KINDS
from gliomake.study.targets import TargetSpec


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
        # Imported when drawn: some need torch, most do not.
        module, name = KINDS[spec.kind].function
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
