"""What runs again after a change of the code: a table, and one real start to show that it holds.

A row edits a copy of the library as somebody would, and computes the digests of all jobs anew. A
training runs again where its own digest changed, or that of a job before it.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from checkout import ROOT, copy_checkout, installed, snakemake
from gliomake.digests import LIBRARY, Library, jobs
from gliomake.study.datasets import known_datasets
from gliomake.study.kinds import KINDS, OUTPUTS
from gliomake.study.load import load_study
from gliomake.study.targets import target_blocks

STUDIES = {
    path.stem: load_study(path, "demo")
    for path in sorted((ROOT / "config" / "studies").glob("*.yaml"))
}
DATASETS = known_datasets()
TRAININGS = {(name, model) for name, study in STUDIES.items() for model in study.models}
BEFORE = ("phantom", "index_group", "index", "shard", "split")
OF_A_DATASET = BEFORE[:-1]
OF_A_STUDY = (
    "split", "gate", "baseline", "counts", "metrics", "comparisons", "claims", "leakage",
    "study_page",
)  # fmt: skip
OF_A_MODEL = ("train", "predict")


def digests(library: Library) -> dict[tuple[str, ...], str]:
    """The digest of each job, by its rule and what it is about."""
    found = {}
    for name, study in STUDIES.items():
        for rule in OF_A_DATASET:
            dataset = study.dataset
            found[rule, dataset] = jobs.job_code(rule, dataset=DATASETS[dataset], library=library)
        for rule in OF_A_STUDY:
            found[rule, name] = jobs.job_code(rule, study=study, library=library)
        for rule in OF_A_MODEL:
            for model in study.models:
                found[rule, name, model] = jobs.job_code(
                    rule, study=study, model=model, library=library
                )
        for output in ("figures", "tables"):
            for target in target_blocks(study, output):
                rule = output.removesuffix("s")
                found[rule, name, target] = jobs.job_code(
                    rule, study=study, target=target, library=library
                )
    found["report",] = jobs.job_code("report", library=library)
    found["encoder_weights", "vgg16"] = jobs.job_code(
        "encoder_weights", encoder="vgg16", library=library
    )
    return found


@pytest.fixture(scope="module")
def scripts(tmp_path_factory) -> Path:
    """A copy of scripts and library, which each row edits and puts back."""
    folder = tmp_path_factory.mktemp("upgrade") / "scripts"
    shutil.copytree(LIBRARY.parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def before(scripts) -> dict[tuple[str, ...], str]:
    return digests(Library(scripts / "gliomake"))


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
        [edit("prepare/preprocess.py", "np.rint(_resize(", "np.floor(_resize(")],
        TRAININGS, {"shard", "figure"},
    ),
    "one reader": (
        [edit("datasets/lgg.py", "def load(", "extra = 1\n\n    def load(")],
        has(dataset="lgg"), {"index_group", "index", "shard"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_a_change_reruns_what_it_concerns(scripts, before, row):
    edits, trainings, rules = ROWS[row]
    restore = []
    try:
        for each in edits:
            restore.append(each.apply(scripts))
        after = digests(Library(scripts / "gliomake"))
    finally:
        for back in reversed(restore):
            back()
    changed = {job for job, digest in after.items() if digest != before[job]}
    again = {job[1:] for job in changed if job[0] == "train"}
    for name, model in TRAININGS:
        upstream = {(rule, STUDIES[name].dataset) for rule in BEFORE} | {("split", name)}
        if changed & upstream:
            again.add((name, model))
    assert again == trainings
    assert {job[0] for job in changed} == rules


def test_a_kind_says_whether_it_builds_networks(scripts, before):
    """Those that do are made anew with a network: no kind may be forgotten."""
    back = edit("models/__init__.py", "    return build(in", "    return 1 and build(in").apply(
        scripts
    )
    try:
        after = digests(Library(scripts / "gliomake"))
    finally:
        back()
    changed = {job for job, digest in after.items() if digest != before[job]}
    for name, study in STUDIES.items():
        for output in OUTPUTS:
            for target, block in target_blocks(study, output).items():
                again = (output.removesuffix("s"), name, target) in changed
                assert again == KINDS[block["kind"]].networks, (name, target)


def test_a_real_start_reruns_a_training_for_its_loss_and_its_torch_alone(tmp_path, monkeypatch):
    """Files as of a finished build, and what `-n` would run after each change."""
    folder = copy_checkout(tmp_path / "checkout")
    run = "results/lgg-encoders/unet/patient-f0-s0"
    target = f"{run}/predictions.h5"

    def planned() -> dict[str, int]:
        done = snakemake("-n", "--cores", "1", target, folder=folder)
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        if "Nothing to be done" in output:
            return {}
        table = output.rsplit("Job stats:", 1)[1]
        return {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table, re.M)}

    first = snakemake("-n", "--cores", "1", target, folder=folder).stdout
    for line in re.findall(r"^ +output: (.*)", first, re.M):
        for name in line.split(", "):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix:
                path.touch()
            else:
                path.mkdir(exist_ok=True)
    assert snakemake("--touch", "--forceall", "--cores", "1", target, folder=folder).returncode == 0
    with monkeypatch.context() as changed:
        changed.setenv("PYTHONPATH", str(installed("torch", "99.0.1+cpu", tmp_path / "site")))
        assert planned() == {"train": 1, "predict": 1, "total": 2}
    scripts = folder / "workflow" / "scripts"
    for row in ("new loss", "progress bar", "comments and layout"):
        for each in ROWS[row][0]:
            each.apply(scripts)
    assert planned() == {}
    edit(
        "training/losses.py", "    beta: ClassVar[float] = 0.5", "    beta: ClassVar[float] = 0.6"
    ).apply(scripts)
    assert planned() == {"train": 1, "predict": 1, "total": 2}
