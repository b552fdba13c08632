"""Hardware: what is chosen, and what is said when a GPU lies idle."""

import pytest
import torch

from gliomake.training.hardware import SLURM_GPUS, choose_hardware


@pytest.fixture
def without_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name in SLURM_GPUS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("name", SLURM_GPUS)
def test_a_gpu_of_slurm_that_torch_does_not_see_is_told(without_gpu, capsys, name):
    without_gpu.setenv(name, "0")
    assert choose_hardware().device.type == "cpu"
    told = capsys.readouterr().err
    for part in (f"{name}=0", torch.__version__, "README.md"):
        assert part in told


def test_nothing_is_told_without_a_gpu_or_on_a_cpu_by_wish(without_gpu, capsys):
    choose_hardware()
    without_gpu.setenv("SLURM_JOB_GPUS", "0")
    choose_hardware("cpu")
    assert capsys.readouterr().err == ""
