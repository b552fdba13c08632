"""What the surface distances mean, and missed and spurious lesions."""

import pandas as pd

from gliomake.files.tsv import read_tsv
from gliomake.report.inputs import StudyInputs, records
from gliomake.report.numbers import STATES
from gliomake.report.run_files import RunFiles
from gliomake.report.table import Cell, Column, Table, text
from gliomake.scoring.metrics import DISTANCE_METRICS

DISTANCES = {
    **{name: metric.help for name, metric in DISTANCE_METRICS.items()},
    "missed and spurious": "Where only one of truth and prediction holds a lesion there is no "
    "distance: hd95 counts the diagonal of the patient's volume and nsd 0. Such lesions are listed "
    "under the scores.",
}
_KEYS = ["patient", "subset", "class", "postprocess"]


def lesions_table(inputs: StudyInputs) -> Table | None:
    """List the lesions that only the truth or only the prediction holds.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    Table or None
        None where no distance was measured. All background is left out: it misses every lesion.
    """
    if not inputs.scores["metric"].isin(DISTANCE_METRICS).any():
        return None
    frames = [
        one_sided(files)
        for files in inputs.runs
        if files.distances and files.model != "all-background"
    ]
    columns = [
        Column("Model", choices=True),
        Column("Patient"),
        Column("Lesion", choices=True, help="missed: in the truth only; spurious: predicted only"),
        Column("Counted as", numeric=True, help="the diagonal of the volume"),
        Column("Class", choices=True, optional=True),
        Column("Run", choices=True, chosen=inputs.main_run),
        Column("Subset", choices=True, chosen=inputs.reported_subset),
        Column("Masks", choices=True, chosen=STATES[False], optional=True),
    ]
    rows = [
        [
            text(row["model"]),
            text(row["patient"]),
            text(row["lesion"]),
            Cell(f"{row['hd95']:.1f} mm", row["hd95"]),
            text(row["class"]),
            text(row["run"]),
            text(row["subset"]),
            text(STATES[bool(row["postprocess"])]),
        ]
        for row in records(pd.concat(frames))
    ]
    caption = "Missed and spurious lesions, and the distance that each counts in the mean of hd95"
    return Table("lesions", caption, columns, rows).compact()


def one_sided(files: RunFiles) -> pd.DataFrame:
    """Find the lesions of a run that only one of truth and prediction holds.

    Parameters
    ----------
    files : RunFiles
        A run with distances.

    Returns
    -------
    DataFrame
        ``model run patient subset class postprocess lesion hd95``; ``lesion`` is ``missed`` or
        ``spurious``, told apart by the truth that the counts hold.
    """
    distances = read_tsv(str(files.distances))
    counts = read_tsv(files.counts)
    truth = counts.assign(truth=counts["tp"] + counts["fn"]).groupby(_KEYS)["truth"].sum()
    found = distances[distances["missed"].astype(bool)].join(truth, on=_KEYS)
    lesion = found["truth"].gt(0).map({True: "missed", False: "spurious"})
    found = found.assign(model=files.model, run=files.run, lesion=lesion)
    return found[["model", "run", *_KEYS, "lesion", "hd95"]]
