"""How often 95 % intervals hold the truth: on real scores of patients, by method and number.

    .venv/bin/python benchmarks/coverage.py PATIENTS.tsv LESIONS.tsv

From a population of real scores, whose mean is known, samples of n patients are drawn with
replacement; each gets its intervals by the library's own functions, and the share of those that
hold the population's value is the coverage. PATIENTS.tsv has columns ``dice_2d dice_3d`` (percent)
and ``hd_2d hd_3d`` (mm), one row a patient; LESIONS.tsv has ``dice truth_voxels``, one a lesion,
from which scores pooled over units of very different size are made. Of two models on the same
patients the difference is centred on zero, and the share of intervals that exclude it is printed.

Writes ``benchmarks/results/coverage.tsv`` and ``docs/figures/coverage.svg``. 1000 samples and 1000
resamples take some minutes.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special, stats

LIBRARY = Path(__file__).parents[1] / "workflow" / "scripts"
sys.path.insert(0, str(LIBRARY))

from gliomake.scoring.bootstrap import (  # noqa: E402
    percentile_interval,
    replicate,
    resample_weights,
    t_interval,
)
from gliomake.scoring.scores import score_intervals  # noqa: E402
from gliomake.scoring.sums import ScoreSums  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "coverage.tsv"
FIGURE = Path(__file__).parents[1] / "docs" / "figures" / "coverage.svg"
SIZES = (4, 6, 8, 11, 22, 50, 110)


def sums_of(metric: str, top: np.ndarray, bottom: np.ndarray) -> ScoreSums:
    """Put scores into the library's form: a ratio of two sums over units."""
    shape = (len(top), 1, 1, 1)
    return ScoreSums(
        ("tumour",),
        (metric,),
        ("patient",),
        tuple(range(len(top))),
        np.zeros((len(top), 1, 4), np.int64),
        top.reshape(shape),
        bottom.reshape(shape),
        0,
    )


def intervals(
    metric: str, top: np.ndarray, bottom: np.ndarray, resamples: int, seed: int
) -> dict[str, tuple[float, float]]:
    """Give the interval of each method for one sample."""
    sums = sums_of(metric, top, bottom)
    replicates = replicate(sums.scores, len(top), resamples, seed)
    found = {
        "percentile": percentile_interval(replicates),
        "percentile, widened by t": t_interval(replicates, sums.values(), len(top)),
        "studentised": score_intervals(sums, resamples, seed),
    }
    methods = {name: (float(low[0]), float(high[0])) for name, (low, high) in found.items()}
    if (bottom == 1).all():
        methods["BCa"] = bca_interval(top, resamples, seed)
        if metric == "dice":
            methods["t of the logit"] = logit_interval(top)
    return methods


def bca_interval(values: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    """Give SciPy's bias-corrected and accelerated interval of a mean."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # samples of equal values have none
        found = stats.bootstrap(
            (values,), np.mean, n_resamples=resamples, method="BCa", rng=seed, vectorized=True
        ).confidence_interval
    return float(found.low), float(found.high)


def logit_interval(values: np.ndarray) -> tuple[float, float]:
    """Give Student's interval of a mean of shares on the logit's scale."""
    mean = values.mean()
    if not 0 < mean < 1:
        return float("nan"), float("nan")
    error = values.std(ddof=1) / np.sqrt(len(values)) / (mean * (1 - mean))
    reach = stats.t.ppf(0.975, len(values) - 1) * error
    low, high = special.expit(special.logit(mean) + np.array([-reach, reach]))
    return float(low), float(high)


def median_interval(values: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    """Give the percentile interval of a median."""
    rows = np.repeat(np.arange(len(values))[None], resamples, axis=0)
    weights = np.concatenate(list(resample_weights(len(values), resamples, seed))).astype(int)
    drawn = values[np.repeat(rows.ravel(), weights.ravel()).reshape(resamples, -1)]
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return float(low), float(high)


def measure(
    patients: pd.DataFrame, lesions: pd.DataFrame, samples: int, resamples: int
) -> Iterator[tuple]:
    """Yield kind, population, n, method, coverage (%) and median width."""
    ones = np.ones(len(patients))
    size = lesions["truth_voxels"].to_numpy(float)
    populations = [
        ("mean", "Dice, 2D network, 334 patients", "dice", patients["dice_2d"] / 100, ones),
        ("mean", "Dice, 3D network, 334 patients", "dice", patients["dice_3d"] / 100, ones),
        ("mean", "HD, 2D network, 334 patients", "hd95", patients["hd_2d"], ones),
        ("mean", "HD, 3D network, 334 patients", "hd95", patients["hd_3d"], ones),
        ("pooled", "Dice, 124 lesions of 1 to 30 000 voxels", "dice", lesions["dice"] * size, size),
    ]
    rng = np.random.default_rng(0)
    for kind, name, metric, top, bottom in populations:
        top = np.asarray(top, float)
        truth = top.sum() / bottom.sum()
        for n in SIZES:
            found: dict[str, list] = {}
            for sample in range(samples):
                drawn = rng.integers(0, len(top), n)
                each = intervals(metric, top[drawn], bottom[drawn], resamples, sample)
                for method, (low, high) in each.items():
                    found.setdefault(method, []).append((low <= truth <= high, high - low))
            for method, told in found.items():
                held, width = np.array(told, float).T
                if np.isnan(width).all():  # no interval of so few
                    continue
                yield kind, name, n, method, 100 * held.mean(), float(np.nanmedian(width))
    values = patients["dice_2d"].to_numpy(float) / 100
    for n in SIZES:
        held = []
        for sample in range(samples):
            low, high = median_interval(values[rng.integers(0, len(values), n)], resamples, sample)
            held.append((low <= np.median(values) <= high, high - low))
        share, width = np.array(held, float).T
        yield (
            "median",
            "Dice, 2D network, 334 patients",
            n,
            "percentile",
            100 * share.mean(),
            float(np.median(width)),
        )
    difference = (patients["dice_3d"] - patients["dice_2d"]).to_numpy(float) / 100
    difference = difference - difference.mean()
    for n in SIZES:
        kept: dict[str, list] = {"percentile": [], "percentile, widened by t": []}
        for sample in range(samples):
            drawn = difference[rng.integers(0, len(difference), n)]

            def statistic(weights: np.ndarray, drawn: np.ndarray = drawn) -> np.ndarray:
                return (weights @ drawn)[:, None] / len(drawn)

            replicates = replicate(statistic, n, resamples, sample)
            both = (
                percentile_interval(replicates),
                t_interval(replicates, np.array([drawn.mean()]), n),
            )
            for method, (low, high) in zip(kept, both, strict=True):
                kept[method].append((low[0] <= 0 <= high[0], high[0] - low[0]))
        for method, told in kept.items():
            held, width = np.array(told, float).T
            name = "Dice, 3D less 2D network, 334 patients, centred"
            yield "difference", name, n, method, 100 * held.mean(), float(np.median(width))


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw coverage against n, a panel a population, a line a method."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "coverage"
    from matplotlib import pyplot as plt

    names = list(dict.fromkeys(table["population"]))
    chosen = [name for name in names if "lesions" not in name and not name.startswith("HD, 3D")]
    figure, panels = plt.subplots(1, len(chosen), figsize=(3.2 * len(chosen), 3), sharey=True)
    colours = {name: f"C{place}" for place, name in enumerate(dict.fromkeys(table["method"]))}
    for axes, name in zip(panels, chosen, strict=True):
        part = table[(table["population"] == name) & (table["kind"] != "median")]
        for method, rows in part.groupby("method", sort=False):
            axes.plot(rows["n"], rows["coverage"], marker="o", label=method, color=colours[method])
        axes.axhline(95, color="grey", linewidth=0.8)
        axes.set(xscale="log", xlabel="patients", title=name.replace(", 334 patients", ""))
        axes.title.set_fontsize(8)
        axes.set_xticks(SIZES, [str(n) for n in SIZES])
        axes.minorticks_off()
    panels[0].set_ylabel("intervals that hold the truth, %")
    panels[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patients", type=Path)
    parser.add_argument("lesions", type=Path)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=1000)
    chosen = parser.parse_args()
    tables = (pd.read_csv(path, sep="\t") for path in (chosen.patients, chosen.lesions))
    rows = []
    for row in measure(*tables, chosen.samples, chosen.resamples):
        rows.append(row)
        kind, name, n, method, coverage, width = row
        print(f"{kind:11}{name:50}{n:4} {method:26}{coverage:6.1f} % {width:.3f}", flush=True)
    columns = ["kind", "population", "n", "method", "coverage", "width"]
    table = pd.DataFrame(rows, columns=columns).round({"coverage": 1, "width": 4})
    table.to_csv(RESULTS, sep="\t", index=False)
    draw(table, FIGURE)


if __name__ == "__main__":
    main()
