"""Network diagrams, drawn from the traced network and not from its description."""

from collections.abc import Iterable
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, Patch, Rectangle

from gliomake.figures import style
from gliomake.figures.trace import Operation, Stage, Structure, trace
from gliomake.models import create_model
from gliomake.study.model import Model, Study
from gliomake.study.names import display_name
from gliomake.study.targets import TargetSpec

GAP = 0.17
LABEL = 0.15
ENCODER, JOINED, DECODER, RESIDUAL = "#BBD5E8", "#F7D9A8", "#CFE8DC", "#D9C9E3"
ARROWS = {
    "conv": (style.BLUE, f"3{style.TIMES}3 convolution"),
    "pool": (style.VERMILION, "max pooling"),
    "strided": (style.PURPLE, "strided convolution"),
    "up-convolution": (style.GREEN, "transposed convolution"),
    "upsample": (style.GREEN, "upsampling"),
    "skip": (style.GREY, "skip connection, joined"),
    "head": (style.BLACK, "convolution to logits"),
}


def architecture(spec: TargetSpec) -> Figure:
    """Draw the networks of one or two models, and the attention gate where there is one.

    Channels, resolutions, skips and gates come from a pass through the network that the study's
    configuration builds.

    Parameters
    ----------
    spec : TargetSpec
        Reads the study's configuration only.

    Returns
    -------
    Figure
        A panel a model, and one for the gate.
    """
    structures = {model: model_structure(spec.study, model) for model in spec.models}
    drawings = {model: _Layout(structure) for model, structure in structures.items()}
    gated = next((s for s in structures.values() if s.gates), None)
    heights = [drawing.height + 0.25 for drawing in drawings.values()]
    if gated:
        heights.append(1.35)
    figure = style.new_figure(style.DOUBLE, sum(heights) + 0.4)
    panels = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    used: dict[str, str] = {}
    for letter, axes, (model, drawing) in zip("abc", panels, drawings.items(), strict=False):
        drawing.draw(axes)
        used |= drawing.used | {"conv": _convolution(structures[model])}
        axes.set_title(_headline(model, structures[model], spec.study.models[model]))
        if len(panels) > 1:
            style.panel_label(axes, letter)
    if gated:
        _draw_gate(panels[-1], gated)
        style.panel_label(panels[-1], "abc"[len(panels) - 1])
    _legend(figure, used, list(structures.values()))
    return figure


def model_structure(study: Study, model: str) -> Structure:
    """Build a model as a study configures it and read off its structure.

    Parameters
    ----------
    study : Study
        The study.
    model : str
        One of its models.

    Returns
    -------
    Structure
        See `gliomake.figures.trace`.
    """
    config = study.models[model]
    channels = len(config.channels)
    # Shapes are all that is wanted: no weight is drawn and no image computed.
    with torch.device("meta"):
        network = create_model(config.architecture, channels, len(study.classes), **config.options)
    return trace(network, channels, study.preprocess.image_size)


def _headline(model: str, structure: Structure, config: Model) -> str:
    channels, height, width = structure.image
    encoder = config.options.get("encoder", "")
    parts = [
        display_name(model),
        *([f"{display_name(encoder)} as the encoder"] if encoder else []),
        f"{structure.parameters / 1e6:.3g} million parameters",
        f"input {channels} {style.TIMES} {height} {style.TIMES} {width}",
    ]
    return ", ".join(parts)


class _Layout:
    """Where everything of one network goes, in inches from the upper left corner."""

    def __init__(self, structure: Structure):
        self.structure = structure
        self.used: dict[str, str] = {}
        self.levels = max(stage.level for stage in structure.stages)
        self.tall = [0.62 * 0.74**level for level in range(self.levels + 1)]
        self.middle = []
        top = LABEL
        for tall in self.tall:
            self.middle.append(top + tall / 2)
            top += tall + 2 * LABEL + 0.06
        self.height = top - 1.6 * LABEL
        widest = max([structure.head.channels, *(stage.channels for stage in structure.stages)])
        self.unit = 0.34 / max(widest, 256) ** 0.5
        self._place()

    def _place(self) -> None:
        """Give each stage its boxes: left edge, width, channels, colour, text."""
        self.boxes: list[list[tuple[float, float, int, Any, str]]] = []
        left = 0.62
        for stage in self.structure.stages:
            boxes = []
            for channels, colour, text in _maps(stage, self.structure):
                width = self._width(channels) if not text else max(self._width(channels), 0.5)
                boxes.append((left, width, channels, colour, text))
                left += width + GAP
            self.boxes.append(boxes)
            # The next stage starts below (or above) the last map of this one.
            # A wide last map is left at its right end, so that the next stage stands beside it.
            wide = bool(boxes[-1][4])
            left = boxes[-1][0] + (0.72 * boxes[-1][1] if wide else 0)
        self.width = self.boxes[-1][-1][0] + self.boxes[-1][-1][1] + 0.62

    def _width(self, channels: int) -> float:
        return 0.045 + self.unit * channels**0.5

    def draw(self, axes: Axes) -> None:
        stretch = max((style.DOUBLE - 0.15) / self.width, 1.0)
        axes.set_xlim(0, self.width * stretch)
        axes.set_ylim(self.height, 0)
        axes.axis("off")
        # Wide columns get longer arrows, not fatter boxes.
        self.boxes = [
            [
                (left * stretch, width, channels, colour, text)
                for left, width, channels, colour, text in boxes
            ]
            for boxes in self.boxes
        ]
        stages = self.structure.stages
        for number, stage in enumerate(stages):
            self._draw_stage(axes, stage, self.boxes[number])
            if number:
                self._draw_entry(axes, number)
        self._draw_skips(axes)
        self._draw_ends(axes)

    def _draw_stage(self, axes: Axes, stage: Stage, boxes: list) -> None:
        middle, tall = self.middle[stage.level], self.tall[stage.level]
        for position, (left, width, channels, colour, text) in enumerate(boxes):
            parts = [(width, colour)]
            if isinstance(colour, tuple):
                share = stage.joined[0] / sum(stage.joined)
                parts = [(width * share, colour[0]), (width * (1 - share), colour[1])]
            at = left
            for part, shade in parts:
                axes.add_patch(
                    Rectangle(
                        (at, middle - tall / 2),
                        part,
                        tall,
                        facecolor=shade,
                        edgecolor=style.GREY,
                        linewidth=0.5,
                    )
                )
                at += part
            axes.text(
                left + width / 2,
                middle - tall / 2 - 0.02,
                f"{channels}",
                fontsize=7,
                ha="center",
                va="bottom",
            )
            if text:
                axes.text(
                    left + width / 2,
                    middle,
                    text,
                    fontsize=7,
                    ha="center",
                    va="center",
                    linespacing=1.0,
                )
            if position:
                before = boxes[position - 1]
                self._arrow(axes, "conv", (before[0] + before[1], middle), (left, middle))
        side = -1 if stage.side == "encoder" else 1
        edge = boxes[0][0] - 0.05 if side < 0 else boxes[-1][0] + boxes[-1][1] + 0.05
        if stage.level == self.levels:
            edge, side = boxes[-1][0] + boxes[-1][1] + 0.05, 1
        axes.text(
            edge,
            middle + tall / 2,
            f"{stage.height}²",
            fontsize=7,
            color=style.GREY,
            ha="right" if side < 0 else "left",
            va="bottom",
        )

    def _draw_entry(self, axes: Axes, number: int) -> None:
        stage = self.structure.stages[number]
        entry = stage.entry
        kind = entry.kind if entry else "pool"
        if kind == "conv":
            kind = "strided"
        before, box = self.boxes[number - 1][-1], self.boxes[number][0]
        above = self.structure.stages[number - 1].level
        # Where both stages are, so that the arrow leaves one and meets the other.
        x = (box[0] + min(box[0] + box[1], before[0] + before[1])) / 2
        start = self.middle[above] + self.tall[above] / 2
        end = self.middle[stage.level] - self.tall[stage.level] / 2 - LABEL + 0.01
        if stage.side == "decoder":
            start = self.middle[above] - self.tall[above] / 2 - LABEL + 0.01
            end = self.middle[stage.level] + self.tall[stage.level] / 2
        self._arrow(axes, kind, (x, start), (x, end))
        if kind == "upsample" and entry:
            self.used[kind] = f"{entry.detail} upsampling"

    def _draw_skips(self, axes: Axes) -> None:
        last = {
            stage.level: number
            for number, stage in enumerate(self.structure.stages)
            if stage.side == "encoder"
        }
        for number, stage in enumerate(self.structure.stages):
            if stage.skip is None or stage.side == "encoder":
                continue
            source = self.boxes[last[stage.skip]][-1]
            middle = self.middle[stage.level]
            target = self.boxes[number][0][0]
            self._arrow(axes, "skip", (source[0] + source[1], middle), (target, middle))
            if stage.gated:
                at = target - 0.2
                axes.plot(
                    [at],
                    [middle],
                    marker="o",
                    markersize=7,
                    markerfacecolor="white",
                    markeredgecolor=style.PURPLE,
                    markeredgewidth=1,
                    zorder=5,
                )
                axes.text(at, middle, "G", fontsize=5.5, ha="center", va="center_baseline",
                          color=style.PURPLE, zorder=6)  # fmt: skip

    def _draw_ends(self, axes: Axes) -> None:
        first, last = self.boxes[0][0], self.boxes[-1][-1]
        channels = self.structure.image[0]
        middle = self.middle[0]
        arrow = 0.22 if self.structure.stages[0].convolutions else 0.04
        if self.structure.stages[0].convolutions:
            self._arrow(axes, "conv", (first[0] - arrow, middle), (first[0], middle))
        axes.text(
            first[0] - arrow - 0.02,
            middle,
            f"image\n{channels} ch.",
            fontsize=7,
            va="center",
            ha="right",
        )
        head = self.structure.head
        end = last[0] + last[1]
        self._arrow(axes, "head", (end, middle), (end + 0.24, middle))
        self.used["head"] = f"{head.detail} convolution to logits"
        axes.text(end + 0.26, middle, f"mask\n{head.channels} ch.", fontsize=7, va="center")

    def _arrow(self, axes: Axes, kind: str, start: tuple, end: tuple) -> None:
        self.used.setdefault(kind, ARROWS[kind][1])
        axes.annotate("", end, start, arrowprops={
            "arrowstyle": "-|>,head_length=0.22,head_width=0.11", "color": ARROWS[kind][0],
            "linewidth": 0.8, "shrinkA": 0.5, "shrinkB": 0.5,
            "linestyle": "solid" if kind != "skip" else (0, (3, 2)),
        })  # fmt: skip


def _maps(stage: Stage, structure: Structure) -> Iterable[tuple[int, Any, str]]:
    """Give the maps that a stage shows: channels, colour (two for a joined map), text."""
    encoder = stage.side == "encoder"
    colour = ENCODER if encoder else DECODER
    if stage.skip is not None:
        yield sum(stage.joined), (ENCODER, JOINED), ""
    elif stage.entry and stage.entry.kind != "conv" and not stage.residual_blocks:
        yield stage.entry.channels, JOINED if not encoder else ENCODER, ""
    if stage.residual_blocks:
        blocks = stage.residual_blocks
        yield stage.channels, RESIDUAL, f"{blocks} block{'s' * (blocks > 1)}"
        return
    for convolution in stage.convolutions:
        yield convolution.channels, colour, ""
    if not stage.convolutions and stage.skip is None and stage.level == 0:
        yield structure.image[0], "#EEEEEE", ""


def _draw_gate(axes: Axes, structure: Structure) -> None:
    """Draw one gate: the shapes are those of the finest one."""
    operations = structure.gates[-1]
    convolutions = [op for op in operations if op.kind == "conv"]
    psi = next(op for op in convolutions if op.channels == 1)
    skip, signal = sorted((op for op in convolutions if op is not psi), key=lambda op: -op.stride)
    axes.set_xlim(0, 7.0)
    axes.set_ylim(1.25, 0)
    axes.axis("off")
    axes.set_title(f"attention gate (G), the finest of {len(structure.gates)}")

    def box(x: float, y: float, text: str, width: float, colour: str = "white") -> None:
        axes.add_patch(FancyBboxPatch((x - width / 2, y - 0.14), width, 0.28, linewidth=0.6,
                       boxstyle="round,pad=0,rounding_size=0.05", facecolor=colour,
                       edgecolor=style.GREY))  # fmt: skip
        axes.text(x, y, text, ha="center", va="center", fontsize=7, linespacing=1.0)

    def arrow(start: tuple[float, float], end: tuple[float, float]) -> None:
        axes.annotate("", end, start, arrowprops={
            "arrowstyle": "-|>,head_length=0.22,head_width=0.11", "color": style.GREY,
            "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0})  # fmt: skip

    outer = [stage for stage in structure.stages if stage.gated][-1]
    below = structure.stages[structure.stages.index(outer) - 1]
    upper, lower, centre = 0.2, 1.0, 0.6
    box(0.6, upper, f"skip\n{outer.joined[0]} {style.TIMES} {outer.height}²", 0.95, ENCODER)
    box(0.6, lower, f"from below\n{below.channels} {style.TIMES} {below.height}²", 0.95, DECODER)
    box(1.85, 0.45, _describe(skip), 1.05)
    box(1.85, lower, _describe(signal), 1.05)
    for x, text in ((2.72, "+"), (6.0, style.TIMES)):
        axes.plot([x], [centre if text == "+" else upper], marker="o", markersize=10,
                  markerfacecolor="white", markeredgecolor=style.GREY)  # fmt: skip
        axes.text(x, centre if text == "+" else upper, text, ha="center", va="center_baseline")
    box(3.28, centre, "ReLU", 0.5)
    box(4.0, centre, f"{psi.detail} conv.\nto 1", 0.6)
    box(4.72, centre, "sigmoid", 0.55)
    box(5.5, centre, f"to {outer.height}²\n(bilinear)", 0.65)
    box(6.6, upper, "to the join", 0.65, JOINED)
    arrow((1.08, upper), (5.88, upper))
    axes.plot([1.2, 1.2], [upper, 0.45], color=style.GREY, linewidth=0.8)
    arrow((1.2, 0.45), (1.32, 0.45))
    arrow((1.08, lower), (1.32, lower))
    arrow((2.38, 0.45), (2.63, 0.55))
    arrow((2.38, lower), (2.66, 0.7))
    for start, end in ((2.82, 3.02), (3.54, 3.69), (4.31, 4.44), (5.0, 5.17)):
        arrow((start, centre), (end, centre))
    axes.plot([5.83, 6.0], [centre, centre], color=style.GREY, linewidth=0.8)
    arrow((6.0, centre), (6.0, upper + 0.12))
    arrow((6.1, upper), (6.27, upper))


def _convolution(structure: Structure) -> str:
    """Say what a convolution of the main path comes with."""
    normed: dict[str, set[bool]] = {"encoder": set(), "decoder": set()}
    for stage in structure.stages:
        normed[stage.side] |= {convolution.normed for convolution in stage.convolutions}
    plain = f"3{style.TIMES}3 convolution"
    if normed["encoder"] | normed["decoder"] == {True}:
        return f"{plain}, batch norm, ReLU"
    where = [side for side, found in normed.items() if found == {True}]
    return f"{plain}, ReLU (batch norm: {where[0]})" if where else f"{plain}, ReLU"


def _describe(convolution: Operation) -> str:
    stride = f", stride {convolution.stride}" if convolution.stride > 1 else ""
    return f"{convolution.detail} conv.{stride}\nto {convolution.channels}"


def _legend(figure: Figure, used: dict[str, str], structures: Iterable[Structure]) -> None:
    handles: list[Any] = [
        Line2D([], [], color=ARROWS[kind][0], linewidth=1.2, label=used[kind],
               linestyle="--" if kind == "skip" else "-")
        for kind in ARROWS if kind in used
    ]  # fmt: skip
    if any(stage.gated for structure in structures for stage in structure.stages):
        handles.append(Line2D([], [], color=style.PURPLE, marker="o", markerfacecolor="white",
                              linestyle="none", markersize=6, label="attention gate"))  # fmt: skip
    maps = {"encoder": ENCODER, "upsampled": JOINED, "decoder": DECODER}
    if any(stage.residual_blocks for structure in structures for stage in structure.stages):
        maps["residual blocks"] = RESIDUAL
    handles += [
        Patch(facecolor=colour, edgecolor=style.GREY, linewidth=0.5, label=name)
        for name, colour in maps.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=7)
