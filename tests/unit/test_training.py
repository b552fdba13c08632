"""The training: what it computes, decides, writes and refuses."""

import json
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
from gliomake.training.fit import NonFiniteError, fit
from gliomake.training.hardware import Hardware
from gliomake.training.losses import create_loss

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


@pytest.mark.slow  # trains for seconds
def test_a_real_model_learns(tmp_path):
    torch.manual_seed(0)
    model = create_model("unet", 2, 1, base=4, depth=2)
    history, facts = run(
        tmp_path,
        model,
        make_slices(48, 1),
        epochs=12,
        loss={"name": "dice"},
        best={"monitor": "val_dice_tumour@pooled", "mode": "max"},
        augment={"flip": ["horizontal"], "rotate": 0.1},
        precision="auto",
    )
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
    each = [
        f1_score(truth.flatten(), found.flatten(), zero_division=1.0)
        for truth, found in zip(val.mask, logits >= 0, strict=True)
    ]
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
        tmp_path,
        Classifier(),
        make_slices(60, 1),
        make_slices(30, 2),
        task="classification",
        loss={"name": "cross-entropy"},
        epochs=15,
        augment={"flip": ["vertical"]},
        best={"monitor": "val_accuracy_tumour@image", "mode": "max"},
    )
    assert facts["best_value"] > 0.9
    assert list(history) == [
        "epoch",
        "learning_rate",
        "seconds",
        "train_loss",
        "val_loss",
        "train_accuracy_tumour@image",
        "train_precision_tumour@image",
        "train_recall_tumour@image",
        "val_accuracy_tumour@image",
        "val_precision_tumour@image",
        "val_recall_tumour@image",
    ]


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
        (
            {"best": {"monitor": "val_dice", "mode": "max"}},
            r"training.best.monitor is 'val_dice'.*val_dice_tumour@pooled",
        ),
        (
            {"schedule": {"monitor": "val_loss", "mode": "less", "factor": 0.1, "patience": 1}},
            "training.schedule.mode is 'less'",
        ),
        ({"epochs": 0}, "training.epochs is 0"),
        ({"task": "regression"}, "task 'regression'"),
        ({"task": "classification", "classes": ["NEC", "ED"]}, "one class from none"),
        ({"deterministic": True, "precision": "bf16"}, "contradicts"),
        ({"precision": "float8"}, "precision 'float8'"),
        ({"val": make_slices(0, 1)}, "a set of slices is empty"),
        ({"model": plain().requires_grad_(False)}, "every parameter of Sequential is frozen"),
    ],
)
def test_what_cannot_be_trained_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        run(tmp_path, **changes)


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
