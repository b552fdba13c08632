"""Changes of the code, and what each runs again: the table of `test_upgrades.py`."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from checkout import ROOT
from gliomake.study.load import load_study

STUDIES = {
    path.stem: load_study(path, "demo")
    for path in sorted((ROOT / "config" / "studies").glob("*.yaml"))
}
TRAININGS = {(name, model) for name, study in STUDIES.items() for model in study.models}


class Edit(NamedTuple):
    """Text in place of other text; a file of its own where there is none to replace."""

    file: str
    old: str
    new: str

    def apply(self, folder: Path) -> Callable[[], object]:
        """Edit the file, and give what puts it back."""
        path = folder / self.file
        if not self.old:
            assert not path.exists()
            path.write_text(self.new)
            return path.unlink
        text = path.read_text()
        assert text.count(self.old) == 1, f"{self.file}: {text.count(self.old)} times {self.old!r}"
        path.write_text(text.replace(self.old, self.new))
        return lambda: path.write_text(text)


def edit(file: str, old: str, new: str) -> Edit:
    return Edit(f"gliomake/{file}", old, new)


def has(**wanted: object) -> set[tuple[str, str]]:
    """The trainings whose model has these: loss, architecture, augment, dataset."""
    found = set()
    for name, model in TRAININGS:
        block = STUDIES[name].models[model]
        facts = {
            "loss": block.training["loss"]["name"],
            "architecture": block.architecture,
            "augment": bool(block.training["augment"]),
            "dataset": STUDIES[name].dataset,
        }
        if all(
            facts[key] in value if isinstance(value, tuple) else facts[key] == value
            for key, value in wanted.items()
        ):
            found.add((name, model))
    return found


NEW_LOSS = '''
@dataclass(frozen=True)
class JaccardLoss:
    """1 - Jaccard."""

    smooth: float = 1.0

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss, a scalar."""
        return 1 - soft_tversky_index(logits, target, 1.0, 1.0, self.smooth).mean()


class Loss(Protocol):'''
NEW_READER = '''"""A new data set."""

from gliomake.datasets.base import Volume


class Folder:
    """Cases in folders."""

    def __init__(self, root, *, links=None, limits=None):
        self.root = root

    def load(self, case, channels=None) -> Volume: ...
'''
NEW_MODEL = '''"""A new network."""

from gliomake.models.unet import UNet


def tiny(in_channels: int, classes: int) -> UNet:
    """Build it."""
    return UNet(in_channels, classes, base=2)
'''
NEW_FIGURE = '''"""A new figure."""

from gliomake.figures.style import new_figure


def patients(spec):
    """Draw it."""
    return new_figure()
'''
NEW_METRIC = """    "npv": CountMetric(
        title="NPV", fraction=lambda tp, fp, fn, tn: (tn, tn + fn), of_background=True
    ),
    "specificity": CountMetric("""
NEW_DISTANCE = """    "hd": DistanceMetric(
        title="HD", measure=lambda directed, _: max(map(np.max, directed)), unit="mm", decimals=1
    ),
    "nsd": DistanceMetric("""
SCORING = {"report", "metrics", "comparisons", "study_page", "table"}

# What is changed; the trainings that run again; the rules that have a job of another digest.
ROWS: dict[str, tuple[list[Edit], set[tuple[str, str]], set[str]]] = {
    # None of these trains anything again.
    "new reader": (
        [
            edit("datasets/folder.py", "", NEW_READER),
            edit("datasets/__init__.py", '    "lgg": (',
                 '    "folder": ("gliomake.datasets.folder", "Folder"),\n    "lgg": ('),
        ], set(), set(),
    ),
    "a reader that no study's data set has": (
        [
            edit("datasets/volumes.py", "np.stack(arrays, axis=1)", "np.stack(arrays, 1)"),
            edit("datasets/patterns.py", "STRIDE = 1000", "STRIDE = 2000"),
        ], set(), set(),
    ),
    "colours of classes": (
        [edit("datasets/spec.py", '("#56B4E9", "#E69F00",', '("#56B4E8", "#E69F00",')],
        set(), {"figure", "study_page"},
    ),
    "new model": (
        [
            edit("models/tiny.py", "", NEW_MODEL),
            edit("study/architectures.py", '    "unet": Architecture(',
                 '    "tiny": Architecture(("gliomake.models.tiny", "tiny")),\n'
                 '    "unet": Architecture('),
        ], set(), set(),
    ),
    "new loss": (
        [
            edit("training/losses.py", "\nclass Loss(Protocol):", NEW_LOSS),
            edit("study/losses.py", '    "dice": LossEntry(',
                 '    "iou": LossEntry(("gliomake.training.losses", "JaccardLoss")),\n'
                 '    "dice": LossEntry('),
        ], set(), set(),
    ),
    "new metric": (
        [
            edit("scoring/metrics.py", '    "specificity": CountMetric(', NEW_METRIC),
        ], set(), SCORING | {"leakage", "figure"},
    ),
    "new distance": (
        [
            edit("scoring/metrics.py", '    "nsd": DistanceMetric(', NEW_DISTANCE),
        ], set(), SCORING | {"counts", "figure"},
    ),
    "a metric's title and digits": (
        [
            edit("scoring/metrics.py", 'title="IoU"', 'title="Jaccard index", decimals=2'),
            edit("scoring/metrics.py", 'title="F1"', 'title="F measure"'),
        ], set(), SCORING | {"leakage", "figure"},
    ),
    "new figure": (
        [
            edit("figures/patients.py", "", NEW_FIGURE),
            edit("study/kinds.py", '    "slice-imbalance": Kind(',
                 '    "patients": Kind("figures", ("gliomake.figures.patients", "patients")),\n'
                 '    "slice-imbalance": Kind('),
        ], set(), {"study_page"},
    ),
    "what an option may be": (
        [
            edit("study/architectures.py", '"exclusiveMaximum": 1,', '"maximum": 0.9,'),
            edit("study/losses.py", '"description": "Exponent', '"maximum": 9, "description": "'),
        ], set(), set(),
    ),
    "a figure": (
        [edit("figures/statistics.py", "def histogram(", "def histogram(*_, ")], set(), {"figure"},
    ),
    "a figure's caption": (
        [edit("study/kinds.py", "more slices are empty,", "more of them are empty,")],
        set(), {"figure", "study_page"},
    ),
    "new encoder's weights": (
        [edit("models/weights.py", '    "vgg16": EncoderWeights(',
              '    "vgg11": EncoderWeights("", "0"),\n    "vgg16": EncoderWeights(')],
        set(), set(),
    ),
    "progress bar": (
        [
            edit("training/progress.py", "> 0.3", "> 0.5"),
            edit("training/progress.py", "BarColumn(),", "BarColumn(bar_width=20),"),
            edit("training/fit.py", "session.mean_loss)\n", "lambda: 2 * session.mean_loss())\n"),
            edit("training/fit.py", "with Reporter(session.", "with Reporter(1 + session."),
            edit("training/fit.py", "reporter.open(", "print()\n        reporter.open("),
        ], set(), set(),
    ),
    "section of the report": (
        [edit("report/lesions.py", "DISTANCE_METRICS).any()", "DISTANCE_METRICS).all()")],
        set(), {"study_page"},
    ),
    "bins of probabilities": (
        [edit("scoring/calibration.py", "BINS = 10", "BINS = 15")],
        set(), {"calibration", "study_page"},
    ),
    "docstrings": (
        [
            edit("training/fit.py", "Take the optimiser steps that are left",
                 "Take the steps left"),
            edit("training/losses.py", '    """1 - Dice, the mean over the classes."""\n', ""),
            edit("prepare/split.py", '"""Divide slices into', '"""Deal slices to'),
        ], set(), set(),
    ),
    "comments and layout": (
        [
            edit("training/fit.py", "        session.optimizer.step()\n",
                 "        # Now.\n        (\n            session.optimizer.step()\n        )\n\n"),
            Edit("train.py", "    torch.set_num_threads", "    # One.\n    torch.set_num_threads"),
        ], set(), set(),
    ),
    "words of logs": (
        [
            edit("training/checkpoint.py", "%s is damaged: its bytes", "%s is spoilt: its bytes"),
            edit("training/data.py", "in host memory, moved", "in the host's memory, moved"),
            edit("training/hardware.py", "sees none: it computes on", "sees none and computes on"),
            Edit("split.py", "print(split.groupby(", "print('rows')\n    print(2, split.groupby("),
            Edit("shard.py", "slices of {len(cases)} cases", "slices from {len(cases)} cases"),
            Edit("index_group.py", "    problems = [", "    print('inspected')\n    problems = ["),
        ], set(), set(),
    ),
    "words of errors": (
        [
            edit("training/fit.py", "a classifier tells one class", "one tells a class"),
            edit("training/session.py", "Lower \"\n", "Take a lower \"\n"),
            edit("prepare/split.py", "leaves no training \"\n", "leaves none to train \"\n"),
        ], set(), set(),
    ),
    "annotations": (
        [
            edit("training/data.py", "def ground_truth(mask: torch.Tensor, task: str)",
                 "def ground_truth(mask, task: object)"),
            edit("prepare/split.py", "def training_fraction(split: pd.DataFrame,",
                 "def training_fraction(split,"),
        ], set(), set(),
    ),
    "a function that nothing uses": (
        [edit("files/tsv.py", "def write_tsv(", "def unused():\n    return 1\n\n\ndef write_tsv(")],
        set(), set(),
    ),
    # These do: all that it concerns, and nothing else.
    "a loss": (
        [edit("training/losses.py", "            return F.cross_entropy(_float32(logits), target)",
              "            return 2 * F.cross_entropy(_float32(logits), target)")],
        has(loss="cross-entropy"), {"train"},
    ),
    "what losses share": (
        [edit("training/losses.py", "hit = (probability * target).sum(pixels)",
              "hit = (target * probability).sum(pixels)")],
        has(loss=("dice", "bce-dice", "tversky", "focal-tversky")), {"train"},
    ),
    "an architecture": (
        [edit("models/residual.py", "torch.relu(self.", "torch.relu(1 * self.")],
        has(architecture="resunet"), {"train", "predict"},
    ),
    "an architecture's part": (
        [edit("models/encoders.py", "max(4, round(", "max(5, round(")],
        has(architecture=("smp-unet", "vgg19-unet", "resnet50-classifier")),
        {"train", "predict", "figure"},
    ),
    "augmentation": (
        [edit("training/augment.py", "_ROUNDS = 10", "_ROUNDS = 11")],
        has(augment=True), {"train", "figure"},
    ),
    "how a network is made": (
        [edit("models/__init__.py", "    return build(in", "    return 1 and build(in")],
        TRAININGS, {"train", "predict", "figure"},
    ),
    "optimiser": (
        [edit("training/optimisation.py", "fused=fused)", "fused=fused, eps=1e-7)")],
        TRAININGS, {"train"},
    ),
    "training loop": (
        [edit("training/fit.py", "        session.optimizer.step()",
              "        session.optimizer.step(None)")],
        TRAININGS, {"train"},
    ),
    "a script": (
        [Edit("train.py", "torch.manual_seed(run.seed)", "torch.manual_seed(run.seed + 1)")],
        TRAININGS, {"train"},
    ),
    "a score that picks the epoch": (
        [edit("scoring/metrics.py", 'fraction=lambda tp, fp, fn, tn: (tp, tp + fp + fn)',
              'fraction=lambda tp, fp, fn, tn: (tp, tp + fn + fp)')],
        {(s, m) for s, m in TRAININGS if not STUDIES[s].classifies(m)},
        SCORING | {"leakage", "figure", "train"},
    ),
    "how a split is drawn": (
        [edit("prepare/split.py", "start = rng.random()", "start = rng.random() / 2")],
        TRAININGS, {"split"},
    ),
    "preprocessing": (
        [edit("prepare/preprocess.py", "np.rint(_resized(", "np.floor(_resized(")],
        TRAININGS, {"shard", "figure"},
    ),
    "one reader": (
        [edit("datasets/lgg.py", "def load(", "extra = 1\n\n    def load(")],
        has(dataset="lgg"), {"index_group", "index", "shard"},
    ),
}  # fmt: skip
