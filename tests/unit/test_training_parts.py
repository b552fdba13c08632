"""What a training is made of: its history, order, counts, device, signals and progress."""

import io
import math

import numpy as np
import pytest
import torch
from killed_training import make_slices

from gliomake.training.data import (
    batch_counts,
    epoch_order,
    ground_truth,
    place,
    probabilities,
    stream_seed,
)
from gliomake.training.hardware import Hardware, choose_hardware, reproducible
from gliomake.training.history import epoch_scores, history_columns, write_history
from gliomake.training.optimisation import Monitor, check_monitors
from gliomake.training.progress import Reporter, _duration

CPU = Hardware(torch.device("cpu"), "float32")


def test_history_columns_by_hand():
    columns = history_columns(["NEC", "ED"], "segmentation", {"name": "dice"})
    assert columns[:5] == ["epoch", "learning_rate", "seconds", "train_loss", "val_loss"]
    assert "train_dice_mean@pooled" in columns and "val_iou_ED@slice-empty0" in columns
    assert "train_dice_mean@slice-empty1" not in columns
    assert len(columns) == 5 + 5 * 3 * (1 + 3)
    tversky = history_columns(
        ["tumour"], "segmentation", {"name": "focal-tversky", "alpha": 0.3, "beta": 0.7}
    )
    assert "val_tversky-a0.3-b0.7_tumour@pooled" in tversky
    assert not any("mean" in name for name in tversky)


def test_scores_by_hand():
    # tp, fp, fn, tn of two slices and two classes
    counts = np.array([[[2, 1, 1, 0], [0, 0, 0, 4]], [[0, 0, 2, 2], [1, 1, 0, 2]]])
    scores = epoch_scores("val", counts, ["a", "b"], "segmentation", {"name": "dice"})
    assert scores["val_dice_a@pooled"] == pytest.approx(4 / 8)
    assert scores["val_dice_b@slice-empty1"] == pytest.approx((1 + 2 / 3) / 2)
    assert scores["val_dice_mean@slice-empty0"] == pytest.approx((2 / 3 / 2 + 2 / 3 / 2) / 2)
    assert scores["val_accuracy_a@pooled"] == pytest.approx(4 / 8)


def test_history_is_written_whole_with_undefined_cells_empty(tmp_path):
    write_history(
        [{"epoch": 1, "val_loss": 0.5}, {"epoch": 2, "val_loss": math.nan}], tmp_path / "h.tsv"
    )
    assert (tmp_path / "h.tsv").read_text() == "epoch\tval_loss\n1\t0.5\n2\t\n"


def test_monitor_by_hand():
    monitor = Monitor("x", "max")
    values = [math.nan, 0.2, 0.1, 0.2, 0.3, math.nan]
    better = [monitor.update({"x": v, "epoch": e}) for e, v in enumerate(values, 1)]
    assert better == [False, True, False, False, True, False]
    assert (monitor.value, monitor.epoch) == (0.3, 5)
    low = Monitor("x", "min")
    assert [low.update({"x": v, "epoch": 1}) for v in (2.0, 3.0, 1.0)] == [True, False, True]


def test_monitors_that_are_off_are_not_checked():
    check_monitors({"best": {"monitor": "a", "mode": "min"}, "schedule": None}, ["a"])


def test_each_epoch_has_each_slice_once_in_an_order_of_its_own():
    orders = [epoch_order(seed, epoch, 50) for seed in (0, 1) for epoch in (1, 2)]
    for order in orders:
        assert sorted(order.tolist()) == list(range(50))
    assert len({tuple(order.tolist()) for order in orders}) == 4
    assert torch.equal(orders[0], epoch_order(0, 1, 50))
    assert stream_seed("a", 1, 23) != stream_seed("a", 12, 3)


def test_counts_by_hand():
    logits = torch.tensor([[[[0.0, -1], [2, -3]]]])
    truth = torch.tensor([[[[1.0, 1], [0, 0]]]])
    assert batch_counts(logits, truth, "segmentation").tolist() == [[[1, 1, 1, 1]]]
    logits = torch.tensor([[0.0, 1], [1, 0], [0, 0], [5, 0]])
    label = torch.tensor([1, 1, 0, 0])
    assert batch_counts(logits, label, "classification").tolist() == [
        [[1, 0, 0, 0]],
        [[0, 0, 1, 0]],
        [[0, 1, 0, 0]],
        [[0, 0, 0, 1]],
    ]
    assert probabilities(logits, "classification")[2].item() == 0.5
    masks = torch.zeros(2, 3, 4, 4)
    masks[1, 2, 3, 3] = 1
    assert ground_truth(masks, "classification").tolist() == [0, 1]


def test_slices_that_do_not_fit_stay_in_host_memory():
    """The meta device stands for one with memory of its own."""
    device = Hardware(torch.device("meta"), "float32")
    slices = make_slices(1000, 0)
    size = (slices.image.nbytes + slices.mask.nbytes) / 2**20
    tight, where = place(slices, device, memory_limit=1.9 * size)
    assert tight.image.device.type == "cpu" and "host memory" in where
    roomy, where = place(slices, device, memory_limit=2.1 * size)
    assert roomy.image.device.type == "meta" and "on meta" in where
    image, mask = tight.batch(torch.tensor([3, 5]))
    assert image.device.type == "meta" and image.shape == (2, 2, 12, 12)
    assert image.dtype == mask.dtype == torch.float32


def test_global_settings_are_put_back():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with pytest.raises(RuntimeError), reproducible(Hardware(CPU.device, "float32", 2), True):
        assert torch.get_num_threads() == 2
        assert torch.are_deterministic_algorithms_enabled()
        torch.manual_seed(5)
        raise RuntimeError
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.get_rng_state(), state)


def test_hardware():
    assert choose_hardware("cpu", "auto", deterministic=True).precision == "float32"
    assert choose_hardware("cpu", "bf16").memory_format == torch.channels_last
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="sees no GPU"):
            choose_hardware("cuda")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_gets_a_line_an_epoch():
    stream = io.StringIO()
    with Reporter(4, 10, 10, stream=stream) as reporter:
        reporter.advance(2, 10, lambda: 0.5)
        reporter.epoch({"epoch": 2, "train_loss": 0.5, "val_loss": 0.25, "s": 0.75}, "s")
    text = stream.getvalue()
    assert text.startswith("epoch 2/4: train loss 0.5000, val loss 0.2500, s 0.7500, ")
    assert "slices/s" in text and "left at most" in text and text.count("\n") == 1


def test_a_terminal_gets_a_bar():
    stream = Terminal()
    log = io.StringIO()
    with Reporter(4, 10, name="unet", stream=log, terminal=stream) as reporter:
        reporter.shown -= 1
        reporter.advance(1, 5, lambda: 0.5)
        reporter.bar.refresh()
        reporter.line("for the log")
    assert log.getvalue() == "for the log\n"
    assert "unet epoch 1/4" in stream.getvalue() and "loss 0.5000" in stream.getvalue()
    assert "slices/s" in stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (61, "1 min 01 s"), (7262, "2 h 01 min")],
)
def test_durations(seconds, text):
    assert _duration(seconds) == text
