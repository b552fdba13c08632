"""The structure of a segmentation network, read off one pass through the network itself.

A picture drawn from it cannot disagree with the code: nothing here knows a network's attributes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_CONVOLUTIONS = {"conv2d": "conv", "conv_transpose2d": "up-convolution"}
_ADDITIONS = {"add", "add_", "__add__", "__iadd__", "__radd__"}
_PRODUCTS = {"mul", "mul_", "__mul__", "__imul__", "__rmul__"}


@dataclass
class Operation:
    """One step of the pass that makes a new feature map.

    Attributes
    ----------
    kind : str
        ``input``, ``conv``, ``up-convolution``, ``pool``, ``upsample``, ``join``, ``add`` or
        ``gate``.
    inputs : list of int
        Numbers of the operations whose results it took.
    channels, height, width : int
        Of its result.
    detail : str
        Kernel (``3x3``), or the mode of the upsampling.
    stride : int
        Of a convolution.
    inside_gate : bool
        Whether it computes an attention coefficient.
    normed : bool
        Whether a batch norm follows.
    """

    kind: str
    inputs: list[int]
    channels: int
    height: int
    width: int
    detail: str = ""
    stride: int = 1
    inside_gate: bool = False
    normed: bool = False


@dataclass
class Stage:
    """Neighbouring operations at one resolution.

    Attributes
    ----------
    level : int
        How often the resolution was halved.
    side : str
        ``encoder`` or ``decoder``; the coarsest stage is the encoder's last.
    entry : Operation or None
        What brings it to its resolution: pooling, a strided convolution or upsampling.
    convolutions : list of Operation
        In order; those of shortcuts too.
    residual_blocks : int
        Sums with a shortcut.
    skip : int or None
        For a decoder stage: the encoder level that is joined, None without.
    joined : tuple of int
        Channels of the skip and of what comes from below.
    gated : bool
        Whether an attention gate weighs the skip.
    """

    level: int
    side: str
    height: int
    entry: Operation | None = None
    convolutions: list[Operation] = field(default_factory=list)
    residual_blocks: int = 0
    channels: int = 0
    skip: int | None = None
    joined: tuple[int, int] = (0, 0)
    gated: bool = False


@dataclass
class Structure:
    """A network as stages.

    Attributes
    ----------
    stages : list of Stage
        From the image down to the coarsest and up again.
    head : Operation
        The last convolution.
    image : tuple of int
        Channels, height and width of the input.
    gates : list of list of Operation
        The operations within each attention gate.
    parameters : int
        Of the whole network.
    """

    stages: list[Stage]
    head: Operation
    image: tuple[int, int, int]
    gates: list[list[Operation]]
    parameters: int


class _Recorder(TorchFunctionMode):
    """Writes down which operation made which feature map."""

    def __init__(self, image: Tensor):
        super().__init__()
        self.operations: list[Operation] = []
        self.made_by: dict[int, int] = {}
        # Tensors are known by id, so none may be freed before the end.
        self.alive: list[Any] = [image]
        self.inside_gate = 0
        self._note("input", [], image)

    def __torch_function__(
        self, function: Callable, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        if isinstance(result, Tensor) and result.ndim == 4:
            self.alive.append(result)
            self._record(getattr(function, "__name__", ""), args, kwargs, result)
        return result

    def _record(self, name: str, args: Any, kwargs: Any, result: Tensor) -> None:
        tensors = list(args[0]) if name in ("cat", "concat") else list(args)
        sources = [
            self.made_by[id(item)]
            for item in tensors
            if isinstance(item, Tensor) and id(item) in self.made_by
        ]
        if not sources:
            return
        if name in _CONVOLUTIONS:
            weight = args[1]
            detail = f"{weight.shape[-2]}\u00d7{weight.shape[-1]}"
            before = self.operations[sources[0]].height
            self._note(_CONVOLUTIONS[name], sources, result, detail, before // result.shape[-2])
        elif "max_pool2d" in name:
            kernel = args[1] if len(args) > 1 else kwargs["kernel_size"]
            kernel = kernel[0] if isinstance(kernel, tuple) else kernel
            self._note("pool", sources, result, f"{kernel}\u00d7{kernel}")
        elif name in ("interpolate", "upsample"):
            self._note("upsample", sources, result, kwargs.get("mode", "nearest"))
        elif name in ("cat", "concat"):
            self._note("join", sources, result)
        elif name in _ADDITIONS and len(sources) == 2:
            self._note("add", sources, result)
        elif name in _PRODUCTS and len(sources) == 2:
            self._note("gate", sources, result)
        else:
            # Norms, activations and dropout change values and no shape.
            self.made_by[id(result)] = sources[0]
            self.operations[sources[0]].normed |= name == "batch_norm"

    def _note(
        self, kind: str, inputs: list[int], result: Tensor, detail: str = "", stride: int = 1
    ) -> None:
        _, channels, height, width = result.shape
        self.made_by[id(result)] = len(self.operations)
        self.operations.append(
            Operation(kind, inputs, channels, height, width, detail, stride, bool(self.inside_gate))
        )


def trace(model: nn.Module, in_channels: int, size: int) -> Structure:
    """Pass an image through a segmentation network and read off its stages.

    Parameters
    ----------
    model : nn.Module
        Moved to the meta device, where a pass computes shapes and nothing else.
    in_channels, size : int
        Channels of the image; its height and width.

    Returns
    -------
    Structure
        The network as stages.
    """
    parameters = sum(parameter.numel() for parameter in model.parameters())
    model = model.to("meta").eval()
    image = torch.empty(1, in_channels, size, size, device="meta")
    recorder = _Recorder(image)
    with torch.no_grad(), recorder:
        model(image)
    operations = recorder.operations
    gates = _mark_gates(operations)
    stages, head = _stages(operations)
    return Structure(stages, head, (in_channels, size, size), gates, parameters)


def _mark_gates(operations: list[Operation]) -> list[list[Operation]]:
    """Find what computes the coefficients of each gate: ancestors down to one-channel maps."""
    gates = []
    for gate in operations:
        if gate.kind != "gate":
            continue
        skip, coefficient = gate.inputs
        if operations[skip].channels < operations[coefficient].channels:
            skip, coefficient = coefficient, skip
        gate.inputs = [skip, coefficient]
        inner: list[Operation] = []
        pending = [coefficient]
        while pending:
            number = pending.pop()
            operation = operations[number]
            operation.inside_gate = True
            inner.append(operation)
            # The two convolutions that take the skip and the gating signal end the search.
            if operation.kind != "conv" or operation.channels == 1:
                pending += operation.inputs
        gates.append(inner)
    return gates


def _stages(operations: list[Operation]) -> tuple[list[Stage], Operation]:
    size = operations[0].height
    stages = [Stage(0, "encoder", size, channels=operations[0].channels)]
    stage_of = {0: 0}
    body = [n for n, operation in enumerate(operations) if not operation.inside_gate and n]
    head = operations[max(n for n in body if operations[n].kind == "conv")]
    for number in body:
        operation = operations[number]
        if operation is head:
            continue
        if operation.kind == "gate":
            continue
        current = stages[-1]
        if operation.height != current.height:
            side = "encoder" if operation.height < current.height else "decoder"
            level = round(math.log2(size / operation.height))
            stages.append(Stage(level, side, operation.height, entry=operation))
        current = stages[-1]
        stage_of[number] = len(stages) - 1
        if operation.kind == "join":
            _join(operations, operation, stages, stage_of)
        elif operation.kind == "add":
            current.residual_blocks += 1
            current.channels = operation.channels
        elif operation.kind == "conv":
            current.convolutions.append(operation)
            if not current.residual_blocks:
                current.channels = operation.channels
        elif not current.convolutions:
            current.channels = operation.channels
    return stages, head


def _join(
    operations: list[Operation],
    join: Operation,
    stages: list[Stage],
    stage_of: dict[int, int],
) -> None:
    """Note which encoder level a concatenation brings in."""
    current = stages[-1]
    for source in join.inputs:
        origin = operations[source]
        gated = origin.kind == "gate"
        root = origin.inputs[0] if gated else source
        stage = stages[stage_of[root]]
        if stage.side == "encoder" and stage is not current:
            below = join.channels - origin.channels
            current.skip, current.joined, current.gated = (
                stage.level,
                (origin.channels, below),
                gated,
            )
    current.channels = join.channels
