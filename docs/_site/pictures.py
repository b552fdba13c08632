"""Draw the pictures of the documentation: averaging rules, the real audit, slices of each data set.

.venv/bin/python docs/_site/pictures.py
"""

import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "figures"
REFERENCE = ROOT / "reports" / "reference"
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))
matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402

from gliomake.datasets import open_dataset  # noqa: E402
from gliomake.phantom import write_phantom  # noqa: E402
from gliomake.scoring.counts import count_predictions  # noqa: E402
from gliomake.scoring.scores import score_table  # noqa: E402

TRUTH, PREDICTED = "#0072B2", "#E69F00"
RULES = ("pooled", "patient", "slice-empty1", "slice-empty0", "slice-skip", "slice-tumour")
PATIENTS = ["A", "A", "A", "B", "B", "B"]


def six_slices() -> tuple[np.ndarray, np.ndarray]:
    """Make true and predicted masks of two patients, three slices each."""
    truth, predicted = np.zeros((2, 6, 12, 12), bool)
    truth[1, 2:9, 3:9] = predicted[1, 2:9, 4:10] = True  # found
    truth[2, 5:7, 5:7] = True  # small, and missed
    truth[4, 3:7, 3:7] = predicted[4, 3:7, 3:6] = True
    predicted[5, 9:11, 8:10] = True  # spurious
    return truth, predicted


def averaging() -> None:
    """Draw six slices and the Dice of each rule."""
    truth, predicted = six_slices()
    numbers = [0, 1, 2, 0, 1, 2]
    counts = count_predictions(
        predicted[:, None].astype(np.float32), truth[:, None], 0.5, patient=PATIENTS,
        number=numbers, subset=["test"] * 6, classes=["tumour"],
    )  # fmt: skip
    table = pd.DataFrame(score_table(counts, resamples=10, seed=0))
    dice = table[(table["metric"] == "dice") & (table["class"] == "tumour")]
    values = dice.set_index("convention")["value"]
    figure, axes = pyplot.subplots(
        1, 7, figsize=(10, 1.7), width_ratios=[1] * 6 + [1.8], layout="constrained"
    )
    for k, axis in enumerate(axes[:6]):
        picture = np.ones((12, 12, 3))
        picture[truth[k]] = matplotlib.colors.to_rgb("#9CC9E8")
        axis.imshow(picture)
        for mask, colour in ((truth[k], TRUTH), (predicted[k], PREDICTED)):
            if mask.any():
                axis.contour(mask, [0.5], colors=colour, linewidths=2)
        row = counts.sort_values(["patient", "slice"]).iloc[k]
        axis.set_title(f"patient {PATIENTS[k]}", fontsize=8)
        axis.set_xlabel(f"{row['tp']} / {row['fp']} / {row['fn']}", fontsize=8)
        axis.set(xticks=[], yticks=[])
    bars = axes[6]
    bars.barh(RULES, [values[rule] for rule in RULES], color="#777777")
    for place, rule in enumerate(RULES):
        bars.text(values[rule] + 0.02, place, f"{values[rule]:.2f}", va="center", fontsize=8)
    bars.invert_yaxis()
    bars.set(xlim=(0, 1.15), xticks=[])
    bars.set_title("Dice of the same six slices", fontsize=8)
    bars.tick_params(labelsize=8, length=0)
    bars.spines[["top", "right", "bottom"]].set_visible(False)
    figure.savefig(FIGURES / "averaging.svg", metadata={"Date": None})


def real_audit() -> None:
    """Draw what leakage adds on real data, and the encoders' scores."""
    tables = {
        name: pd.read_csv(REFERENCE / f"lgg-110-patients-five-folds-{name}.csv")
        for name in ("leak", "runs", "ranking")
    }
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 3), layout="constrained")
    leak = (
        tables["leak"][tables["leak"]["metric"] == "dice"].set_index("convention").loc[list(RULES)]
    )
    runs = tables["runs"].join(tables["runs"]["run"].str.partition("-")[[0, 2]])
    for rule in ("pooled", "patient"):
        arms = runs.pivot(index=2, columns=0, values=f"dice_{rule}")
        pairs = arms["leak100"] - arms["leak0"]
        axes[0].plot(pairs, [RULES.index(rule)] * len(pairs), "o", color="#BBBBBB", markersize=3)
    _intervals(axes[0], leak["difference"], leak)
    axes[0].axvline(0, color="black", linewidth=0.8)
    axes[0].set_xlabel("leaked minus clean Dice (grey: one pair of trainings)", fontsize=8)
    axes[0].set_title("a  score inflation from data leakage", fontsize=9, loc="left")
    ranking = tables["ranking"]
    ranking = ranking[ranking["convention"] == "patient"].set_index("model").sort_values("value")
    _intervals(axes[1], ranking["value"][::-1], ranking[::-1])
    axes[1].set_xlim(left=-0.02)
    axes[1].set_xlabel("Dice, mean over 110 patients, with its 95 % interval", fontsize=8)
    axes[1].set_title("b  encoders, at demo scale", fontsize=9, loc="left")
    figure.savefig(FIGURES / "real-audit.svg", metadata={"Date": None})


def _intervals(axes: pyplot.Axes, values: pd.Series, ends: pd.DataFrame) -> None:
    rows = range(len(values))
    axes.hlines(rows, ends["ci_low"], ends["ci_high"], color=TRUTH, linewidth=2)
    axes.plot(values, rows, "o", color=TRUTH, markersize=5)
    axes.set_yticks(rows, values.index)
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def slices_of(name: str, patients: int, **options: object) -> None:
    """Draw three slices of a synthetic data set with their masks' outlines."""
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(name, folder, patients, 1, **options)
        dataset = open_dataset(name, folder)
        panels = []
        for case in dataset.cases():
            volume = dataset.load(case)
            sizes = volume.mask.sum(axis=(1, 2, 3))
            best = int(sizes.argmax())
            if sizes[best]:
                panels.append((volume.image[best], volume.mask[best]))
    panels = panels[:3]
    channels = list(dataset.channels)
    shown = channels.index("flair") if "flair" in channels else 0
    figure, axes = pyplot.subplots(1, 3, figsize=(6.6, 2.3))
    for axis, (image, mask) in zip(axes, panels, strict=True):
        axis.imshow(image[shown], cmap="gray")
        for index, colour in zip(range(len(mask)), ("#56B4E9", "#F0E442", "#009E73"), strict=False):
            if mask[index].any():
                axis.contour(mask[index], [0.5], colors=colour, linewidths=1)
        axis.axis("off")
    figure.tight_layout(pad=0.3)
    figure.savefig(FIGURES / f"data-{name}.png", dpi=120, metadata={"Software": None})


if __name__ == "__main__":
    averaging()
    real_audit()
    slices_of("lgg", 3, slices=12)
    slices_of("brats2020", 3, shape=[24, 96, 96])
    slices_of("brats2021", 3, shape=[32, 96, 96])
    slices_of("coco", 12, size=128)
    print(f"drawn into {FIGURES.relative_to(ROOT)}")
