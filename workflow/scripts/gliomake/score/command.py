"""``gliomake score``: predictions held against the truth, from two folders to a report."""

import subprocess
import sys
import textwrap
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gliomake.files.contracts import read_json
from gliomake.files.tsv import read_tsv
from gliomake.score.folders import (
    COCO,
    ScoreError,
    find_labels,
    find_predictions,
    find_truth,
    patient_hint,
    read_labels,
    read_regions,
)
from gliomake.score.pages import Scoring, model_names, write_pages
from gliomake.study.paths import Paths

BASE = Path(__file__).parents[4]
RUN = "all-f0-s0"


def score(
    truth: Path,
    predictions: Sequence[Path],
    *,
    out: Path,
    labels: str | None = None,
    prediction_labels: str | None = None,
    patient: str | None = None,
    pattern: str | None = None,
    truth_pattern: str | None = None,
    images: Path | None = None,
    regions: str | None = None,
    lesions: str | None = None,
    distances: bool = True,
    name: str = "scores",
    cores: int = 2,
    dry_run: bool = False,
) -> int:
    """Make a study out of folders, build it, and say what came out.

    Parameters
    ----------
    truth : Path
        The folder of the truth, see `gliomake.score.folders.find_truth`.
    predictions : sequence of Path
        One a model, see `gliomake.score.folders.find_predictions`.
    out : Path
        The folder for pages, results and report.
    labels : str, optional
        ``1=NEC,2=ED``; by default the truth is looked at.
    prediction_labels : str, optional
        The same of the predictions, where their values are others than the truth's.
    patient : str, optional
        A regular expression on the case's name, whose first group is the patient.
    pattern, truth_pattern : str, optional
        Where files lie in the folders of predictions and of the truth.
    images : Path, optional
        The folder of the scans, to see them under the masks: ``CASE.nii.gz``, or nnU-Net's
        ``CASE_0000.nii.gz``.
    regions : str, optional
        ``WT=NEC+ED+ET``: unions of classes that are scored beside them.
    lesions : str, optional
        A key of `gliomake.scoring.lesions.LESION_RULES`.
    distances : bool
        Whether HD95 and surface Dice are measured.
    name : str
        Of the study.
    cores : int
        Processors to use.
    dry_run : bool
        Whether only the pages are written.

    Returns
    -------
    int
        0 where every case of every model was scored; 1 where predictions were missing, which count
        as empty, or where it could not be built.

    Raises
    ------
    ScoreError, CaseError
        The folders are not what they should be; nothing was written.
    AccessError
        The machine could not read them.
    """
    if not (BASE / "Snakefile").is_file() or find_spec("snakemake") is None:
        raise ScoreError(
            "the workflow is not here: gliomake score needs the checkout, installed by `make "
            "install` or `pip install -e .` in it"
        )
    found = find_truth(truth, truth_pattern)
    names = model_names(predictions)
    models = {
        model: find_predictions(place, pattern, found)
        for model, place in zip(names, predictions, strict=True)
    }
    classes: dict[str, list[int]] = {}
    if found.reader != COCO:
        classes, where = (read_labels(labels), "as given") if labels else find_labels(found)
        listed = ", ".join(f"{each}={name}" for name, group in classes.items() for each in group)
        print(f"truth: {len(found.files)} cases in {found.folder}/{found.pattern}")
        print(f"labels: {listed} ({where})")
    theirs = read_labels(prediction_labels, "--prediction-labels") if prediction_labels else {}
    if theirs and set(theirs) != set(classes):
        raise ScoreError(
            f"--prediction-labels {prediction_labels!r}: found the classes {', '.join(theirs)}; "
            f"expected those of the truth, {', '.join(classes) or 'which are those of its JSON'}"
        )
    if not patient and (hint := patient_hint(list(found.files))):
        print(hint)
    for model, (root, form) in models.items():
        print(f"predictions of {model}: {root}/{form}")
    scans = None
    if images is not None:
        scans = images, "{case}_0000.nii*" if any(images.glob("*_0000.nii*")) else "{case}.nii*"
    scoring = Scoring(
        name,
        found,
        classes,
        models,
        patient,
        scans,
        prediction_labels=theirs,
        jobs=max(cores, 1),
        regions=read_regions(regions, list(classes)) if regions else {},
        lesions=lesions,
        distances=distances,
    )
    config = write_pages(scoring, out)
    command = [
        *("snakemake", "--snakefile", str(BASE / "Snakefile"), "--directory", str(out)),
        *("--configfile", str(config), "--cores", str(cores), "all"),
    ]
    if dry_run:
        print(f"pages: {out / 'pages'}\nto build them: {' '.join(command)}")
        return 0
    if _build(command, out) != 0:
        print(f"not built. The pages stand in {out / 'pages'}; to go on: {' '.join(command)}")
        return 1
    missing = print_summary(out, name, names)
    print(f"report: {out / Paths().report.page(name)}")
    return 1 if missing else 0


def _build(command: Sequence[str], out: Path) -> int:
    """Run the workflow with a line of progress a step; what goes wrong is shown whole."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line.rstrip())
        if " steps (" in line:
            print(f"  {line.strip()}", flush=True)
    if process.wait():
        print(*_faults(lines), sep="\n", file=sys.stderr)
    return process.returncode


def _faults(lines: Sequence[str]) -> list[str]:
    """Choose what of Snakemake's words says what went wrong; a job's own words begin with it."""
    own = [line for line in lines if line.split(":")[0] in _RULES and not line.endswith(":")]
    # Several jobs read the same file, and say the same of it.
    once = {line.partition(": ")[2]: line for line in reversed(own)}
    return list(reversed(once.values())) or list(lines[-20:])


_RULES = {
    "index_group", "index", "shard", "shard_masks", "split", "bring", "counts", "baseline",
    "metrics", "comparisons", "claims", "study_page", "report",
}  # fmt: skip


def print_summary(out: Path, study: str, models: Sequence[str]) -> int:
    """Print a table of scores, and what was missing.

    Parameters
    ----------
    out : Path
        The folder in which the study was built.
    study : str
        Its name.
    models : sequence of str
        Its models.

    Returns
    -------
    int
        Cases with a missing prediction, of all models.
    """
    paths = Paths(results=out / "results").study(study)
    rows, missing = [], []
    for model in models:
        listed = read_tsv(paths.run(model, RUN).brought)
        gaps = listed[listed["missing"] > 0]
        missing += [f"{model} {case}" for case in gaps["case"]]
        for row in read_json(paths.metrics(model)):
            if (row["metric"], row["convention"], row["postprocess"]) == ("dice", "patient", False):
                rows.append((model, row))
    if not rows:  # a data set without patients
        rows = [
            (model, row)
            for model in models
            for row in read_json(paths.metrics(model))
            if (row["metric"], row["convention"], row["postprocess"]) == ("dice", "pooled", False)
        ]
    widths = [max(len(model) for model, _ in rows), max(len(row["class"]) for _, row in rows)]
    what = "mean over patients" if rows[0][1]["convention"] == "patient" else "pooled"
    print(f"\nDice, {what}, with its 95 % interval")
    for model, row in rows:
        print(f"  {model:<{widths[0]}}  {row['class']:<{widths[1]}}  {_shown(row)}")
    patients = listed["patient"].nunique()
    if what != "pooled" and any(row["n"] < patients for _, row in rows):
        print(
            f"  n: of {patients} patients those with tumour in truth or prediction; the others "
            "have no Dice"
        )
    if missing:
        shown = ", ".join(missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        text = f"missing, and counted as empty: {shown}{more}"
        print("\n".join(textwrap.wrap(text, 96, subsequent_indent="  ")))
    return len(missing)


def _shown(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "undefined"
    low, high = row.get("ci_low"), row.get("ci_high")
    interval = "" if low is None or high is None else f"  {low:.3f} to {high:.3f}"
    return f"{row['value']:.3f}{interval}  n {row['n']}"
