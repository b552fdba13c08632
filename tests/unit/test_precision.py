"""The precision of a training on a CPU: measured once, and kept by whoever goes on."""

import torch

from gliomake.training import precision
from gliomake.training.checkpoint import Snapshot
from gliomake.training.data import DeviceSlices
from gliomake.training.hardware import Hardware

CPU = torch.device("cpu")
CONFIG = {"batch_size": 4, "loss": {"name": "dice"}}
RATES = {"float32": 10.0, "bf16": 20.0}


def slices():
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (6, 1, 16, 16), generator=generator, dtype=torch.uint8)
    return DeviceSlices(image, (image > 128).to(torch.uint8), CPU)


def settle(monkeypatch, rates, snapshot=None, hint="bf16", device=CPU):
    asked = []
    monkeypatch.setattr(precision, "measure_precisions", lambda *_: asked.append(1) or rates)
    network, hardware = torch.nn.Conv2d(1, 1, 3, padding=1), Hardware(device, hint)
    chosen, found = precision.settle_precision(
        hardware, network, slices(), CONFIG, "segmentation", snapshot
    )
    return chosen.precision, found, bool(asked)


def test_the_faster_one_is_taken_where_it_is_worth_it(monkeypatch):
    assert settle(monkeypatch, RATES) == ("bf16", RATES, True)
    close = {"float32": 10.0, "bf16": 10.5}
    assert settle(monkeypatch, close) == ("float32", close, True)


def test_nothing_is_measured_where_there_is_no_choice(monkeypatch):
    assert settle(monkeypatch, RATES, hint="float32") == ("float32", {}, False)
    assert settle(monkeypatch, RATES, device=torch.device("cuda")) == ("bf16", {}, False)


def test_a_training_goes_on_in_the_precision_in_which_it_began(monkeypatch):
    begun = [{"precision": "float32", "slices_per_second": RATES}]
    snapshot = Snapshot({}, {"sessions": begun})
    assert settle(monkeypatch, RATES, snapshot) == ("float32", RATES, False)


def test_measuring_leaves_the_network_as_it_was():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3, padding=1), torch.nn.BatchNorm2d(1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    rates = precision.measure_precisions(
        Hardware(CPU, "bf16"), network, slices(), CONFIG, "segmentation"
    )
    assert set(rates) == {"float32", "bf16"} and min(rates.values()) > 0
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(parameter.grad is None for parameter in network.parameters())
