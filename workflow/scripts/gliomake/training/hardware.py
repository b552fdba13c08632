"""What the network runs on: device, precision, threads, and arithmetic that repeats."""

import os
import platform
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.utils.deterministic

PRECISIONS = ("auto", "float32", "bf16")
SLURM_GPUS = ("SLURM_JOB_GPUS", "SLURM_GPUS", "SLURM_GPUS_ON_NODE")
MIB = 2**20


@dataclass(frozen=True)
class Hardware:
    """A device and how it computes.

    Attributes
    ----------
    device : torch.device
        ``cpu`` or ``cuda``.
    precision : str
        ``float32``, or ``bf16``: autocast to bfloat16.
    threads : int
        Threads of the CPU; the last bits of weights trained on a CPU depend on it.
    """

    device: torch.device
    precision: str
    threads: int = 1

    @property
    def name(self) -> str:
        """The device's name as its maker gives it."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return _cpu_name()

    @property
    def memory_format(self) -> torch.memory_format:
        """Layout in memory of images and convolution weights."""
        # Faster on every CPU, and in bf16 on GPUs; in float32 older GPUs are slowed down by it.
        last = self.device.type == "cpu" or self.precision == "bf16"
        return torch.channels_last if last else torch.contiguous_format

    def autocast(self) -> torch.autocast:
        """Give the context in which the network, but not the loss, runs."""
        bf16 = self.precision == "bf16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=bf16)

    def adopt(self, model: torch.nn.Module) -> None:
        """Move a network to the device, in the device's memory layout."""
        model.to(self.device)
        model.to(memory_format=self.memory_format)  # type: ignore[call-overload]

    def peak_memory(self) -> float:
        """Tell the most memory held so far, MiB: of the GPU, or of this process on a CPU."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / MIB
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / MIB if sys.platform == "darwin" else peak / 1024

    def free_memory(self) -> int | None:
        """Tell the free bytes of a GPU; None on a CPU, whose memory holds the slices anyway."""
        if self.device.type == "cuda":
            return torch.cuda.mem_get_info(self.device)[0]
        return None


def choose_hardware(
    device: str = "auto", precision: str = "auto", threads: int = 1, deterministic: bool = False
) -> Hardware:
    """Pick device and precision.

    Parameters
    ----------
    device : str
        ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``cuda:<n>``.
    precision : str
        ``float32``, ``bf16``, or ``auto``: bf16 where the hardware multiplies it natively.
    threads : int
        Threads of the CPU.
    deterministic : bool
        Makes ``auto`` precision float32.

    Returns
    -------
    Hardware
        The choice.

    Raises
    ------
    ValueError
        A GPU is asked for and there is none, or the precision is unknown.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r}; expected one of {', '.join(PRECISIONS)}")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cpu":
            _warn_of_idle_gpu()
    chosen = torch.device(device)
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device {device!r}, but this torch ({torch.__version__}) sees no GPU; "
            "use device auto or cpu, or run where nvidia-smi lists one"
        )
    if precision == "auto":
        precision = "bf16" if not deterministic and _has_fast_bf16(chosen) else "float32"
    return Hardware(chosen, precision, threads)


def _warn_of_idle_gpu() -> None:
    given = next((f"{key}={os.environ[key]}" for key in SLURM_GPUS if os.environ.get(key)), None)
    if given:
        print(
            f"warning: SLURM gave this job a GPU ({given}), but this torch ({torch.__version__}) "
            "sees none: it computes on the CPU. Install a torch for the node's CUDA; where conda "
            "resolved it on a node without a GPU, README.md (SLURM) says how",
            file=sys.stderr,
            flush=True,
        )


def _has_fast_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        # Emulated bf16 (before Ampere) is slower than float32.
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # AVX512-BF16 without AMX gains too little over float32 to pay for the casts.
    supported = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(supported and supported())


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


@contextmanager
def reproducible(hardware: Hardware, deterministic: bool = False) -> Iterator[None]:
    """Make the same inputs give the same bits while the block runs; then put all back.

    Parameters
    ----------
    hardware : Hardware
        What computes.
    deterministic : bool
        Raise where an operation has no repeatable form, instead of warning.

    Yields
    ------
    None
        Nothing; the settings are torch's global ones.
    """
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = torch.get_num_threads(), cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32
    gpus = [hardware.device] if hardware.device.type == "cuda" else []
    # On a CPU this changes nothing but the start, by the seconds that its imports take.
    strict = _deterministic_algorithms(deterministic) if gpus or deterministic else nullcontext()
    with torch.random.fork_rng(devices=gpus), strict:
        try:
            torch.set_num_threads(hardware.threads)
            # Which algorithm is fastest is measured anew in each process: it would change bits.
            cudnn.benchmark = False
            cudnn.allow_tf32 = matmul.allow_tf32 = hardware.precision != "float32"
            yield
        finally:
            torch.set_num_threads(before[0])
            cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32 = before[1:]


@contextmanager
def _deterministic_algorithms(strict: bool) -> Iterator[None]:
    # cuBLAS reads this when it starts: https://docs.nvidia.com/cuda/cublas/#results-reproducibility
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # A module with a property, which type checkers do not see.
    debugging: Any = torch.utils.deterministic
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        debugging.fill_uninitialized_memory,
    )
    try:
        torch.use_deterministic_algorithms(True, warn_only=not strict)
        debugging.fill_uninitialized_memory = False
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        debugging.fill_uninitialized_memory = before[2]
