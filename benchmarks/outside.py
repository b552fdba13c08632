"""Scores that others published or that other tools gave, computed again: ``make outside``.

Writes ``docs/checked-from-outside.md``. The facts lie in ``docs/outside/``; its README says where
they come from. A cell is equal where the two differ by no more than the last printed place, or by
1e-5 of it where a program gave it. It is explained where their definition, computed here, gives
their number. Where it cannot be computed here, what is known of the difference is said.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

BASE = Path(__file__).parents[1]
sys.path.insert(0, str(BASE / "workflow" / "scripts"))

from gliomake.scoring.averaging import element_scores  # noqa: E402
from gliomake.scoring.bootstrap import percentile_interval, replicate  # noqa: E402
from gliomake.scoring.distances import surface_distances, surface_voxels  # noqa: E402
from gliomake.scoring.metrics import DISTANCE_METRICS, TOLERANCE  # noqa: E402

FACTS = BASE / "docs" / "outside"
PAGE = BASE / "docs" / "checked-from-outside.md"
EQUAL = 1e-5
EMPTY = ("prediction-empty", "truth-empty", "both-empty")


# Two bootstraps of one sample draw differently; their ends differ by a few hundredths of the
# standard error at 15 000 resamples.
DRAWN = 0.06
WHAT = {
    "standard_error": "standard error",
    "low": "lower end less the mean",
    "high": "upper end less the mean",
}


class Column(NamedTuple):
    """A column of ``tools.tsv``: which score it is, and by what it differs from ours."""

    name: str
    tool: str
    ours: str
    differs: str = ""


AREA = "weighs surfaces by their area (not computed here)"
SHARES = "the mean of both surfaces' shares, not the share of both together"
UNION = "the percentile of both surfaces together, in voxels (not computed here)"
HALF = "the mean of both surfaces' shares, at half a voxel and not at 1 mm (not computed here)"
EXCHANGED = "exchanges the spacing of x and z (not computed here)"
LESIONS = "the mean of both surfaces' shares (not computed here)"
TOOLS = (
    Column("monai_hd95", "MONAI", "hd95"),
    Column("metrics_reloaded_hd95", "Metrics Reloaded", "hd95"),
    Column("medpy_hd95", "medpy", "hd95-union"),
    Column("panoptica_hd95", "panoptica", "hd95-union"),
    Column("deepmind_hd95", "surface-distance", "hd95", AREA),
    Column("monai_nsd", "MONAI", "nsd"),
    Column("metrics_reloaded_nsd", "Metrics Reloaded", "nsd"),
    Column("panoptica_nsd", "panoptica", "nsd", SHARES),
    Column("deepmind_nsd", "surface-distance", "nsd", AREA),
)


class Cell(NamedTuple):
    """One number of theirs beside ours."""

    source: str
    case: str
    score: str
    theirs: float
    ours: float
    within: float
    differs: str = ""
    by_theirs: float | None = None

    @property
    def equal(self) -> bool:
        """Whether both are the same number."""
        return abs(self.theirs - self.ours) <= self.within

    @property
    def explained(self) -> bool:
        """Whether their definition, computed here, gives their number."""
        given = self.by_theirs
        return not self.equal and given is not None and abs(self.theirs - given) <= self.within


def read(name: str) -> pd.DataFrame:
    """Read a table of facts."""
    return pd.read_csv(FACTS / name, sep="\t", dtype={"case": str, "id": str})


def mean_of_shares(
    predicted: np.ndarray, truth: np.ndarray, spacing: tuple[float, float, float]
) -> float:
    """Compute NSD at 1 mm as the mean of both surfaces' shares."""
    steps = np.array([spacing[2], spacing[0], spacing[1]])
    number = np.arange(len(truth))
    surfaces = [surface_voxels(mask, number) * steps for mask in (predicted, truth)]
    away = [KDTree(surfaces[1 - side]).query(surfaces[side])[0] for side in (0, 1)]
    return float(np.mean([(each <= TOLERANCE * (1 + 1e-6)).mean() for each in away]))


def of_tools() -> Iterator[Cell]:
    """Yield distances of made-up masks by six tools."""
    masks = np.load(FACTS / "masks.npz")
    for row in read("tools.tsv").to_dict("records"):
        predicted, truth = masks[f"{row['case']}|p"] > 0, masks[f"{row['case']}|t"] > 0
        if row["case"] in EMPTY:
            continue  # each tool has a rule of its own for a lesion that is missed
        spacing = (row["spacing_x"], row["spacing_y"], row["spacing_z"])
        measured = surface_distances(predicted, truth, range(len(truth)), spacing)
        ours = dict(zip(DISTANCE_METRICS, measured, strict=False))
        shares = mean_of_shares(predicted, truth, spacing)
        for column in TOOLS:
            theirs = pd.to_numeric(row[column.name], errors="coerce")
            if np.isfinite(theirs):
                yield Cell(
                    column.tool, row["case"], column.ours, float(theirs), ours[column.ours],
                    EQUAL * max(1.0, float(theirs)), column.differs,
                    shares if column.differs == SHARES else None,
                )  # fmt: skip


def of_brats() -> Iterator[Cell]:
    """Yield Dice of regions from their counts, and distances of regions and lesions as measured."""
    for row in read("brats-regions.tsv").to_dict("records"):
        if np.isfinite(row["published_dice"]):
            counts = np.array([row[name] for name in ("tp", "fp", "fn", "tn")])
            ours = float(element_scores(counts, "dice"))
            case = f"{row['case']} {row['region']}"
            yield Cell("BraTS evaluation", case, "dice", row["published_dice"], ours, EQUAL, "")
            for score, differs in (("hd95", UNION), ("nsd", HALF)):
                theirs, ours = row[f"published_{score}"], row[f"measured_{score}"]
                yield Cell("BraTS evaluation", case, score, theirs, ours, EQUAL, differs)
    for number, row in enumerate(read("brats-lesions.tsv").to_dict("records"), start=1):
        exchanged = [EXCHANGED] if row["spacing_x"] != row["spacing_z"] else []
        source, case = "BraTS evaluation, lesions", f"{row['case']} {row['region']} {number}"
        yield Cell(
            source, case, "hd95-union", row["published_hd95"], row["pooled_hd95_mm"], EQUAL,
            "; ".join(exchanged),
        )  # fmt: skip
        yield Cell(
            source, case, "nsd", row["published_nsd"], row["measured_nsd"], EQUAL,
            "; ".join([LESIONS, *exchanged]),
        )  # fmt: skip


def of_segval() -> Iterator[Cell]:
    """Yield means, standard deviations and intervals of published scores of patients."""
    patients = read("segval-patients.tsv")
    columns = {"DSC": "dice", "HD": "hd"}
    for row in read("segval-published.tsv").to_dict("records"):
        if row["data"] == "brain":
            score = columns[row["metric"]]
            values = patients[f"{score}_{row['net'].lower()}"].to_numpy()
            error, (low, high) = values.std() / len(values) ** 0.5, interval_of_mean(values)
            given = (
                ("mean", values.mean(), 0.000501),  # the last printed place
                ("sd", values.std(ddof=1), 0.000501),
                ("standard_error", error, DRAWN * error),
                ("low", low, DRAWN * error),
                ("high", high, DRAWN * error),
            )
            for what, ours, within in given:
                case = f"{row['net']} network, {row['metric']}, {WHAT.get(what, what)}"
                yield Cell("SegVal", case, score, row[what], float(ours), within, "")
    for row in read("segval-subsamples.tsv").to_dict("records"):
        values = patients[f"dice_{row['net'].lower()}"].to_numpy()
        drawn = subsampled_intervals(values, row["patients"])
        # Either side is a mean over so many samples of its own.
        within = 3 * np.sqrt(2) * drawn.std(axis=0) / len(drawn) ** 0.5
        for side, what in enumerate(("low", "high")):
            case = f"{row['net']} network, {row['patients']} patients, {WHAT[what]}"
            ours = float(drawn[:, side].mean())
            yield Cell("SegVal, samples", case, "dice", row[what], ours, float(within[side]), "")


def interval_of_mean(values: np.ndarray, resamples: int = 15_000, seed: int = 0) -> np.ndarray:
    """Compute the percentile interval of a mean, both ends less the mean."""
    means = replicate(lambda weights: weights @ values[:, None] / len(values), len(values),
                      resamples, seed)  # fmt: skip
    return np.concatenate(percentile_interval(means)) - values.mean()


def subsampled_intervals(values: np.ndarray, patients: int, samples: int = 100) -> np.ndarray:
    """Compute the intervals of samples of so many patients: (sample, end)."""
    rng = np.random.default_rng(patients)
    drawn = (rng.choice(values, patients, replace=False) for _ in range(samples))
    return np.array([interval_of_mean(each, 1000, seed) for seed, each in enumerate(drawn)])


def cells() -> list[Cell]:
    """Compute all cells."""
    return [*of_tools(), *of_brats(), *of_segval()]


def page(found: list[Cell]) -> str:
    """Write the page."""
    equal, explained = (sum(map(of, found)) for of in (_equal, _explained))
    others = len(found) - equal - explained
    lines = [
        "# Checked from outside",
        "",
        "Scores that others published, and scores that other tools give for the same masks, beside",
        f"ours: {len(found)} numbers, of which {equal} are equal. {explained} are what we get by",
        f"their definition, computed here; {others} differ by one that is named and not computed.",
        "Made by `make outside` from the facts in [outside/](outside/README.md).",
        "",
        "| whose | score | numbers | equal | equal by their definition | largest difference "
        "| which is |",
        "|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in found:
        groups.setdefault((cell.source, cell.score), []).append(cell)
    for (source, score), members in groups.items():
        most = max(abs(cell.theirs - cell.ours) for cell in members)
        parts = (part for cell in members for part in cell.differs.split("; ") if part)
        reasons = "; ".join(dict.fromkeys(parts))
        same = sum(cell.equal for cell in members)
        theirs = sum(map(_explained, members))
        counts = f"{len(members)} | {same} | {theirs}"
        lines.append(f"| {source} | `{score}` | {counts} | {most:.3g} | {reasons} |")
    lines += [
        "",
        "Distances of the BraTS example were measured on its label maps, which are not in this",
        "repository; all else is computed when the page is made. Masks of which one is empty are",
        "left out: each tool has a rule of its own for them. Ends of intervals are drawn by both",
        "sides: they count as equal within 6 % of the standard error, and means over 100 samples",
        "of few patients within three of their own errors. SegVal's intervals are plain",
        "percentiles; those of our reports cover better ([intervals](intervals.md)).",
        "",
        "## Every number",
        "",
        "| whose | case | score | theirs | ours | |",
        "|---|---|---|---|---|---|",
    ]
    for cell in found:
        word = "equal" if cell.equal else cell.differs or "**differs**"
        numbers = f"{cell.theirs:.6g} | {cell.ours:.6g}"
        lines.append(f"| {cell.source} | {cell.case} | `{cell.score}` | {numbers} | {word} |")
    return "\n".join(lines) + "\n"


def _equal(cell: Cell) -> bool:
    return cell.equal


def _explained(cell: Cell) -> bool:
    return cell.explained


def main() -> None:
    """Write the page and say what stands on it."""
    found = cells()
    PAGE.write_text(page(found))
    odd = [cell for cell in found if not cell.equal and not cell.differs]
    for cell in odd:
        print(f"differs: {cell}")
    print(f"{len(found)} numbers, {sum(cell.equal for cell in found)} equal: {PAGE}")
    sys.exit(1 if odd else 0)


if __name__ == "__main__":
    main()
