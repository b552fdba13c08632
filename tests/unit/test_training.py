"""The loop: what it computes, decides, writes and refuses."""

import io
import json
import math
import signal
import threading

import numpy as np
import pandas as pd
import pytest
import torch
from killed_training import make_slices
from sklearn.metrics import f1_score
from torch import nn

from gliomake.models import create_model
from gliomake.training.checkpoint import load_weights
from gliomake.training.data import (
    batch_counts,
    epoch_order,
    ground_truth,
    place,
    probabilities,
    stream_seed,
)
from gliomake.training.fit import NonFiniteError, fit
from gliomake.training.hardware import Hardware, choose_hardware, reproducible
from gliomake.training.history import epoch_scores, history_columns, write_history
from gliomake.training.losses import create_loss
from gliomake.training.optimisation import Monitor, check_monitors
from gliomake.training.progress import Reporter, _duration

CPU = Hardware(torch.device("cpu"), "float32")
TRAINING = {
    "epochs": 2,
    "batch_size": 4,
    "learning_rate": 0.01,
    "accumulate": 1,
    "clip_norm": None,
    "loss": {"name": "bce"},
    "schedule": None,
    "early_stopping": None,
    "best": {"monitor": "val_loss", "mode": "min"},
    "augment": None,
    "checkpoint_steps": 200,
}


def plain(outputs: int = 1) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, outputs, 1))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Conv2d(2, 8, 5)
        self.head = nn.Linear(8, 2)

    def forward(self, image):
        return self.head(self.features(image).relu().amax((2, 3)))


FIT = ("seed", "precision", "deterministic", "resume", "facts", "classes", "memory_limit")


def run(folder, model=None, train=None, val=None, *, task="segmentation", **changes):
    """Train; `changes` are options of `fit`, or else of the training block."""
    options = {name: changes.pop(name) for name in FIT if name in changes}
    defaults = {"seed": 0, "precision": "float32", "facts": {}, "classes": ["tumour"]}
    fit(
        model=model or plain(),
        train=make_slices(18, 1) if train is None else train,
        val=make_slices(7, 2) if val is None else val,
        task=task,
        config={**TRAINING, **changes},
        state_folder=folder / "state",
        weights_path=folder / "weights.safetensors",
        history_path=folder / "history.tsv",
        facts_path=folder / "train.json",
        device="cpu",
        **{**defaults, **options},
    )
    history = pd.read_csv(folder / "history.tsv", sep="\t")
    return history, json.loads((folder / "train.json").read_text())


def test_a_real_model_learns(tmp_path):
    torch.manual_seed(0)
    model = create_model("unet", 2, 1, base=4, depth=2)
    history, facts = run(
        tmp_path, model, make_slices(48, 1), epochs=12, loss={"name": "dice"},
        best={"monitor": "val_dice_tumour@pooled", "mode": "max"},
        augment={"flip": ["horizontal"], "rotate": 0.1}, precision="auto",
    )  # fmt: skip
    assert facts["best_value"] > 0.8
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]


def test_losses_and_scores_against_an_oracle(tmp_path):
    """With a learning rate of nearly 0 every number can be computed afresh."""
    train, val, model = make_slices(10, 1), make_slices(7, 2), plain()
    history, _ = run(tmp_path, plain(), train, val, learning_rate=1e-12, epochs=1)
    row, loss = history.iloc[0], create_loss({"name": "bce"})
    for subset, slices in (("train", train), ("val", val)):
        with torch.no_grad():
            logits = model(slices.image / 255)
        assert row[f"{subset}_loss"] == pytest.approx(
            loss(logits, slices.mask.float()).item(), rel=1e-5
        )
        expected = f1_score(slices.mask.flatten(), (logits >= 0).flatten())
        assert row[f"{subset}_dice_tumour@pooled"] == pytest.approx(expected)
    each = [f1_score(truth.flatten(), found.flatten(), zero_division=1.0)
            for truth, found in zip(val.mask, logits >= 0, strict=True)]  # fmt: skip
    assert row["val_dice_tumour@slice-empty1"] == pytest.approx(np.mean(each))
    assert row["learning_rate"] == 1e-12 and row["epoch"] == 1


@pytest.mark.parametrize("count", [18, 17, 13])
def test_accumulation_is_a_larger_batch(tmp_path, count):
    """For a loss that is a mean over pixels, the last and smaller step of an epoch included."""
    one, other = plain(), plain()
    train = make_slices(count, 1)
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    run(tmp_path / "a", one, train, batch_size=6, accumulate=1, learning_rate=1e-3)
    run(tmp_path / "b", other, train, batch_size=2, accumulate=3, learning_rate=1e-3)
    for first, second in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)


def test_the_seed_decides_everything(tmp_path):
    digests = []
    for index, seed in enumerate((1, 1, 2)):
        _, facts = run(tmp_path / str(index), seed=seed, augment={"rotate": 0.2})
        digests.append(facts["weights_sha256"])
    assert digests[0] == digests[1] != digests[2]


def test_best_weights_are_those_of_the_best_epoch(tmp_path):
    val = make_slices(7, 2)
    watched = "val_dice_tumour@pooled"
    history, facts = run(
        tmp_path, val=val, epochs=6, learning_rate=0.1, best={"monitor": watched, "mode": "max"}
    )
    best = history[watched].idxmax()
    assert facts["best_epoch"] == best + 1 and facts["best_monitor"] == watched
    assert best + 1 < 6, "the last epoch is the best: this test shows too little"
    model = plain()
    load_weights(model, tmp_path / "weights.safetensors")
    with torch.no_grad():
        found = model(val.image / 255) >= 0
    assert f1_score(val.mask.flatten(), found.flatten()) == pytest.approx(history[watched][best])


def test_without_a_defined_score_the_last_weights_are_kept(tmp_path):
    val = make_slices(7, 2)
    val.mask.zero_()
    watched = "val_recall_tumour@pooled"
    model = plain()
    history, facts = run(tmp_path, model, val=val, best={"monitor": watched, "mode": "max"})
    assert history[watched].isna().all()
    assert facts["best_value"] is None and facts["best_epoch"] == 2
    twin = plain()
    load_weights(twin, tmp_path / "weights.safetensors")
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True)
    )


def test_early_stopping_and_schedule(tmp_path):
    """A score that never gets better: by hand, the learning rate halves after two such epochs."""
    val = make_slices(7, 2)
    val.mask.zero_()
    watch = {"monitor": "val_recall_tumour@pooled", "mode": "max"}
    history, facts = run(
        tmp_path,
        val=val,
        epochs=9,
        schedule={**watch, "factor": 0.5, "patience": 1},
        early_stopping={**watch, "patience": 4},
    )
    assert facts["stopped_early"] and facts["epochs"] == 4
    assert history["learning_rate"].tolist() == [0.01, 0.01, 0.005, 0.005]


def test_frozen_parameters_stay_and_are_counted(tmp_path):
    model = plain()
    for parameter in model[0].parameters():
        parameter.requires_grad_(False)
    before = model[0].weight.clone(), model[2].weight.clone()
    _, facts = run(tmp_path, model)
    assert torch.equal(before[0], model[0].weight) and not torch.equal(before[1], model[2].weight)
    assert facts["parameters"] == 2 * 4 * 9 + 4 + 4 + 1
    assert facts["trainable_parameters"] == 5


def test_a_classifier(tmp_path):
    history, facts = run(
        tmp_path, Classifier(), make_slices(60, 1), make_slices(30, 2), task="classification",
        loss={"name": "cross-entropy"}, epochs=15, augment={"flip": ["vertical"]},
        best={"monitor": "val_accuracy_tumour@image", "mode": "max"},
    )  # fmt: skip
    assert facts["best_value"] > 0.9
    assert list(history) == [
        "epoch", "learning_rate", "seconds", "train_loss", "val_loss",
        "train_accuracy_tumour@image", "train_precision_tumour@image", "train_recall_tumour@image",
        "val_accuracy_tumour@image", "val_precision_tumour@image", "val_recall_tumour@image",
    ]  # fmt: skip


def test_facts(tmp_path):
    _, facts = run(tmp_path, facts={"split_sha256": "abc"})
    assert facts["split_sha256"] == "abc"
    assert facts["epochs"] == 2 and facts["training_slices"] == 18
    assert facts["precision"] == "float32" and facts["threads"] == 1
    assert facts["seconds"] > 0 and facts["slices_per_second"] > 0
    assert facts["peak_memory_mib"] > 10
    assert facts["torch"] == torch.__version__ and facts["device"]
    assert not (tmp_path / "state").exists()


def test_a_diverging_training_says_where_and_keeps_its_state(tmp_path):
    with pytest.raises(NonFiniteError, match=r"epoch 1, step \d+: .* at learning rate 1e\+30"):
        run(tmp_path, learning_rate=1e30, loss={"name": "bce"}, epochs=3)
    assert not (tmp_path / "weights.safetensors").exists()


def test_divergence_names_the_last_state(tmp_path, monkeypatch):
    """Weights that break in a later epoch are not saved; the sound state before them is kept."""
    from gliomake.training import fit as training

    validate, calls = training.validate, []

    def breaking(session):
        calls.append(1)
        if len(calls) == 2:
            next(session.model.parameters()).data.fill_(float("nan"))
        return validate(session)

    monkeypatch.setattr(training, "validate", breaking)
    with pytest.raises(NonFiniteError, match=r"epoch 2, step 5: .*kept in .*generation-00000001"):
        run(tmp_path, epochs=3)
    monkeypatch.setattr(training, "validate", validate)
    _, facts = run(tmp_path, epochs=3)
    assert [life["epoch"] for life in facts["sessions"]] == [1, 2]
    _, whole = run(tmp_path / "whole", epochs=3)
    assert facts["weights_sha256"] == whole["weights_sha256"]


def test_resume_false_starts_anew(tmp_path, monkeypatch):
    from gliomake.training import fit as training

    def fail(*_):
        raise KeyboardInterrupt

    for resume, lives in ((True, 2), (False, 1)):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(training, "write_history", fail)
            run(tmp_path)
        _, facts = run(tmp_path, resume=resume)
        assert len(facts["sessions"]) == lives


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"best": {"monitor": "val_dice", "mode": "max"}},
         r"training.best.monitor is 'val_dice'.*val_dice_tumour@pooled"),
        ({"schedule": {"monitor": "val_loss", "mode": "less", "factor": 0.1, "patience": 1}},
         "training.schedule.mode is 'less'"),
        ({"epochs": 0}, "training.epochs is 0"),
        ({"task": "regression"}, "task 'regression'"),
        ({"task": "classification", "classes": ["NEC", "ED"]}, "one class from none"),
        ({"deterministic": True, "precision": "bf16"}, "contradicts"),
        ({"precision": "float8"}, "precision 'float8'"),
        ({"val": make_slices(0, 1)}, "a set of slices is empty"),
        ({"model": plain().requires_grad_(False)}, "every parameter of Sequential is frozen"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        run(tmp_path, **changes)


def test_history_columns_by_hand():
    columns = history_columns(["NEC", "ED"], "segmentation", {"name": "dice"})
    assert columns[:5] == ["epoch", "learning_rate", "seconds", "train_loss", "val_loss"]
    assert "train_dice_mean@pooled" in columns and "val_iou_ED@slice-empty0" in columns
    assert "train_dice_mean@slice-empty1" not in columns
    assert len(columns) == 5 + 5 * 3 * (1 + 3)
    tversky = history_columns(["tumour"], "segmentation",
                              {"name": "focal-tversky", "alpha": 0.3, "beta": 0.7})  # fmt: skip
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
    write_history([{"epoch": 1, "val_loss": 0.5}, {"epoch": 2, "val_loss": math.nan}],
                  tmp_path / "h.tsv")  # fmt: skip
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
        [[1, 0, 0, 0]], [[0, 0, 1, 0]], [[0, 1, 0, 0]], [[0, 0, 0, 1]],
    ]  # fmt: skip
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


def test_signal_handlers_are_put_back(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    run(tmp_path)
    assert signal.getsignal(signal.SIGTERM) is before


def test_training_in_another_thread(tmp_path):
    """Where no signal can be caught."""
    thread = threading.Thread(target=run, args=(tmp_path,))
    thread.start()
    thread.join()
    assert (tmp_path / "weights.safetensors").exists()


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
