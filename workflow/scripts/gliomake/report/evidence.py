"""What stands behind the scores: data, splits, runs, and how to rebuild them."""

from typing import Any

import pandas as pd

from gliomake.report.inputs import StudyInputs
from gliomake.report.run_files import HASH_KEYS, RunFiles
from gliomake.report.table import Cell, Column, Table, plain, text
from gliomake.report.words import SUBSETS

RUN_FILES = (
    "counts", "distances", "regions", "patients", "calibration", "predictions", "brought",
    "weights", "history", "train",
)  # fmt: skip


def warnings(inputs: StudyInputs, split: str = "") -> list[str]:
    """Describe what a reader must know before any number of the study.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    split : str
        Warn of this split only; of all by default.

    Returns
    -------
    list of str
        One sentence or two each; empty where there is nothing to warn of.
    """
    found = split_leaks(inputs, split)
    for finding in inputs.checks.get("findings", []):
        if finding["kind"] == "boxes":
            found.append(
                f"The masks of this data set are boxes: {_gist(finding)}. "
                "A Dice on them measures how well boxes are filled, not how well tumours are found."
            )
        if finding["kind"].endswith("duplicates-across-folders"):
            found.append(
                f"The data set's folders leak: {_gist(finding)}. "
                "Scores on such images say how well known ones are segmented."
            )
    if not any(table["patient"].ne("").any() for table in inputs.split_tables.values()):
        found.append(
            "The data set has no patient ids: whether images of one patient stand on both sides "
            "of the split cannot be known, and the intervals are over images."
        )
    refused = inputs.checks.get("refused", [])
    if refused:
        noun = "file was" if len(refused) == 1 else "files were"
        found.append(f"{len(refused)} {noun} rejected, and the study went on without the cases.")
    return found


def split_leaks(inputs: StudyInputs, split: str = "") -> list[str]:
    """Warn of each split of slices that has patients on both sides, or of the one named."""
    found = []
    for name, table in inputs.split_tables.items():
        if name.startswith("slice-") and split in ("", name):
            shared, patients = shared_patients(table)
            if shared:
                found.append(
                    f"Split {name} leaks: it draws slices, not patients, and {shared} of its "
                    f"{patients} test patients also have slices in training. Its scores say how "
                    "well known patients are segmented, not new ones."
                )
    return found


def _gist(finding: dict[str, Any]) -> str:
    """Take what a finding says, without the files that it lists; these stand further down."""
    return finding["message"].partition(":")[0].strip()


def shared_patients(split: pd.DataFrame) -> tuple[int, int]:
    """Count the test patients that are in training, too.

    Parameters
    ----------
    split : DataFrame
        ``patient slice subset``.

    Returns
    -------
    shared : int
        Patients with slices in both.
    tested : int
        Patients with slices in the test set.
    """
    of = {name: set(part["patient"]) - {""} for name, part in split.groupby("subset")}
    tested = of.get("test", set()) or of.get("val", set())
    return len(tested & of.get("train", set())), len(tested)


def split_table(inputs: StudyInputs) -> Table:
    """Show how many patients and slices each split gives each subset."""
    columns = [Column("Split"), Column("Patients on both sides", numeric=True)]
    columns[1:1] = [
        Column(f"{SUBSETS[subset].capitalize()} {what}", numeric=True)
        for subset in ("train", "val", "test")
        for what in ("patients", "slices")
    ]
    rows = []
    for name, split in inputs.split_tables.items():
        cells = [text(name)]
        for subset in ("train", "val", "test"):
            part = split[split["subset"] == subset]
            patients = part.loc[part["patient"] != "", "patient"].nunique()
            cells += [plain(patients) if patients else Cell("–", 0), plain(len(part))]  # noqa: RUF001
        rows.append([*cells, plain(shared_patients(split)[0])])
    return Table("splits", "Patients and slices of each split", columns, rows)


def fingerprint_table(inputs: StudyInputs) -> Table:
    """Show the data set's statistics, one fact a row."""
    found = dict(inputs.checks.get("fingerprint", {}))
    if found.get("patients") == 0:  # then all slices count as one patient's
        found |= {"patients": "not known"}
        found.pop("slices_per_patient", None)
    facts = _flatten(found)
    rows = [[text(name), text(value)] for name, value in facts]
    return Table(
        "fingerprint",
        "Sizes, counts and intensities, from the files themselves",
        [Column("Fact"), Column("Value")],
        rows,
    )


def _flatten(value: Any, name: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [
            pair
            for key, inner in value.items()
            for pair in _flatten(inner, f"{name}: {key}" if name else str(key))
        ]
    # Behind the colon stands a name of the data set.
    head, colon, rest = name.partition(": ")
    head = FACTS.get(head, head.replace("_", " "))
    label = f"{head[:1].upper()}{head[1:]}{colon}{rest}"
    if isinstance(value, list):
        if name == "slices_per_patient" and len(value) == 2:
            low, high = map(_fact, value)
            return [(label, low if low == high else f"{low} to {high}")]
        return [(label, ", ".join(map(_fact, value)) or "none")]
    return [(label, _fact(value))]


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


FACTS = {
    "sizes": "slices by size, pixels",
    "slices_with": "slices by class",
    "tumour_share": "share of pixels",
}
# Of `train.json`, which has more: what a reader compares, and its head.
RUN_COLUMNS = {
    "epochs": "Epochs",
    "best_epoch": "Best epoch",
    "seconds": "Duration",
    "slices_per_second": "Slices a second",
    "parameters": "Parameters",
    "training_slices": "Training slices",
    "peak_memory_mib": "Peak memory, MiB",
    "device": "Device",
    "precision": "Precision",
    "threads": "Threads",
    "torch": "torch",
}


def runs_table(inputs: StudyInputs) -> Table | None:
    """Show the facts of each training: epochs, duration, parameters, memory, device.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    Table or None
        None where nothing was trained. What is the same in all trainings stands in the caption.
    """
    trained = [files for files in inputs.runs if files.facts]
    if not trained:
        return None
    present = {
        key: head for key, head in RUN_COLUMNS.items() if any(key in f.facts for f in trained)
    }
    same = {
        key: trained[0].facts[key]
        for key in ("device", "precision", "threads", "torch")
        if key in present and len({str(f.facts.get(key)) for f in trained}) == 1
    }
    shown = {key: head for key, head in present.items() if key not in same}
    rows = [
        [
            text(files.model),
            text(files.run),
            *(_run_fact(key, files.facts.get(key)) for key in shown),
        ]
        for files in trained
    ]
    columns = [Column("Model"), Column("Run")]
    columns += [
        Column(head, numeric=key not in ("device", "precision", "torch"))
        for key, head in shown.items()
    ]
    alike = ", ".join(f"{present[key].lower()} {value}" for key, value in same.items())
    caption = f"Every training{f' ({alike})' if alike else ''}"
    return Table("runs", caption, columns, rows)


def _run_fact(key: str, value: Any) -> Cell:
    if key == "seconds" and isinstance(value, int | float):
        return Cell(_duration(value), float(value))
    if key in ("slices_per_second", "peak_memory_mib") and isinstance(value, int | float):
        return Cell(f"{value:,.0f}", float(value))
    return plain(value)


def _duration(seconds: float) -> str:
    """Write a duration for readers.

    >>> _duration(21.6), _duration(754), _duration(9000)
    ('22 s', '12 min 34 s', '2 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def run_trails(inputs: StudyInputs) -> dict[str, dict[str, Any]]:
    """Gather what stands behind the numbers of each run.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    dict
        By counts file: ``model``, ``run``, ``files`` as lists of what, path and sha256, and the
        four ``hashes`` of ``train.json``.
    """
    return {str(files.counts): _trail(inputs, files) for files in inputs.runs}


def _trail(inputs: StudyInputs, files: RunFiles) -> dict[str, Any]:
    paths = [(name, getattr(files, name)) for name in RUN_FILES]
    paths.append(("split", inputs.splits.get(files.split)))
    return {
        "model": files.model,
        "run": files.run,
        "files": [[name, str(p), inputs.sha256[str(p)]] for name, p in paths if p],
        "hashes": [
            [k.removesuffix("_hash"), files.facts[k]] for k in HASH_KEYS if k in files.facts
        ],
    }


def rebuild_table(inputs: StudyInputs) -> Table:
    """List the command of every target of the study."""
    rule = inputs.id.replace("-", "_")
    targets = [("the whole study", rule), ("this page", f"reports/build/{inputs.page}")]
    targets += [(f"figure {name}", str(path)) for name, path in inputs.figures.items()]
    targets += [(f"table {name}", str(path)) for name, path in inputs.tables.items()]
    targets += [(f"scores of {name}", str(path)) for name, path in inputs.metrics.items()]
    targets += [("claim audit", str(inputs.claims))]
    options = f" {inputs.options}" if inputs.options else ""
    rows = [[text(what), text(f"snakemake --cores 2 {name}{options}")] for what, name in targets]
    caption = "The command that builds each target; a target that is up to date is left as it is"
    return Table("rebuild-table", caption, [Column("Target"), Column("Command")], rows)
