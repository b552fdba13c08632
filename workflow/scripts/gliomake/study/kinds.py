"""The kinds of figures and tables: the function that makes each, what it reads, its options.

A new kind is its function and one entry here. Imported whenever the workflow starts, so it needs
the standard library only; the functions are imported when a figure or a table is made.
"""

from dataclasses import dataclass

OUTPUTS = ("figures", "tables")
MODEL_NEEDS = frozenset({"history", "train", "model", "predictions", "counts", "metrics"})
STUDY_NEEDS = frozenset({"slices", "cases", "split", "splits", "shards", "root"})
TRAINED_ONLY = frozenset({"history", "train", "model"})


@dataclass(frozen=True)
class Kind:
    """A way to make a figure or a table.

    Attributes
    ----------
    output : str
        ``figures`` or ``tables``.
    function : tuple of str
        Module and name of the function that makes it: called with a `TargetSpec`, it returns a
        figure, or a table as a DataFrame.
    needs : tuple of str
        What it reads. ``history``, ``train``, ``model``, ``predictions``, ``counts``, ``metrics``:
        one file a model; ``splits``: one a run; ``split``, ``slices``, ``cases``: one file;
        ``shards``: several; ``root``: the data set's folder.
    models : tuple of int
        Fewest and most models that it takes.
    options : tuple of str
        Options that it knows.
    required : tuple of str
        Options that it cannot do without.
    gate : bool
        Whether it shows the study's gate.
    evidence : bool
        Whether it shows what data or a training gave; a definition shows neither and carries no
        note about phantoms.
    networks : bool
        Whether it builds its models' networks, so that it is made anew when one of them changes.
    """

    output: str
    function: tuple[str, str]
    needs: tuple[str, ...] = ()
    models: tuple[int, int] = (0, 0)
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    gate: bool = False
    evidence: bool = True
    networks: bool = False

    @property
    def per_model(self) -> bool:
        """Whether it reads files of models."""
        return not MODEL_NEEDS.isdisjoint(self.needs)


MANY = 99
_IMAGES = ("shards", "predictions", "counts")
_RAW = ("root", "cases")
_SCORE_OPTIONS = ("subsets", "classes", "metrics", "conventions")

KINDS: dict[str, Kind] = {
    # Figures of the data
    "samples": Kind(
        "figures",
        ("gliomake.figures.samples", "samples"),
        needs=("slices", "split", "shards"),
        options=("view", "count", "channel"),
    ),
    "augmentation": Kind(
        "figures",
        ("gliomake.figures.samples", "augmentation"),
        needs=("slices", "split", "shards"),
        models=(1, 1),
        options=("count", "channel"),
    ),
    "modalities": Kind(
        "figures",
        ("gliomake.figures.volumes", "modalities"),
        needs=(*_RAW, "slices"),
        options=("case", "slice"),
    ),
    "planes": Kind(
        "figures",
        ("gliomake.figures.volumes", "planes"),
        needs=(*_RAW, "slices"),
        options=("case", "channel"),
    ),
    "mask-channels": Kind(
        "figures",
        ("gliomake.figures.volumes", "mask_channels"),
        needs=(*_RAW, "slices"),
        options=("case", "slice", "channel"),
    ),
    "intensity-ranges": Kind(
        "figures",
        ("gliomake.figures.intensities", "intensity_ranges"),
        needs=_RAW,
        options=("patients", "slices"),
    ),
    "modality-correlation": Kind(
        "figures",
        ("gliomake.figures.intensities", "modality_correlation"),
        needs=(*_RAW, "slices"),
        options=("case",),
    ),
    "slice-imbalance": Kind(
        "figures", ("gliomake.figures.statistics", "slice_imbalance"), needs=("slices",)
    ),
    "pixel-imbalance": Kind(
        "figures", ("gliomake.figures.statistics", "pixel_imbalance"), needs=("slices",)
    ),
    "histogram": Kind(
        "figures",
        ("gliomake.figures.statistics", "histogram"),
        needs=("cases",),
        options=("column", "label", "unit", "bin"),
        required=("column", "label", "unit", "bin"),
    ),
    "survival": Kind(
        "figures",
        ("gliomake.figures.survival", "survival"),
        needs=("cases",),
        options=("column", "label", "unit", "censored"),
        required=("column", "label", "unit", "censored"),
    ),
    # Figures of models and training
    "architecture": Kind(
        "figures", ("gliomake.figures.architecture", "architecture"), models=(1, 2), networks=True
    ),
    "system": Kind(
        "figures",
        ("gliomake.figures.diagrams", "system"),
        models=(1, MANY),
        gate=True,
    ),
    "metric-definition": Kind(
        "figures",
        ("gliomake.figures.diagrams", "metric_definition"),
        options=("metric",),
        required=("metric",),
        evidence=False,
    ),
    "curves": Kind(
        "figures",
        ("gliomake.figures.curves", "curves"),
        needs=("history",),
        models=(1, 1),
        options=("panels", "convention"),
        required=("panels",),
    ),
    # Figures of results
    "masks": Kind(
        "figures",
        ("gliomake.figures.masks", "masks"),
        needs=_IMAGES,
        models=(1, MANY),
        options=("columns", "count", "subset", "channel"),
    ),
    "predictions": Kind(
        "figures",
        ("gliomake.figures.masks", "predictions"),
        needs=_IMAGES,
        models=(1, 1),
        options=("count", "subset", "channel"),
    ),
    "class-predictions": Kind(
        "figures",
        ("gliomake.figures.masks", "class_predictions"),
        needs=_IMAGES,
        models=(1, 1),
        options=("subset", "channel"),
    ),
    "confusion": Kind(
        "figures",
        ("gliomake.figures.confusion", "confusion"),
        needs=("counts",),
        models=(1, 1),
        options=("subset",),
    ),
    "app": Kind(
        "figures",
        ("gliomake.infer.app.shot", "app_figure"),
        needs=("model", "predictions", "shards"),
        models=(2, 2),
        options=("show",),
        required=("show",),
        gate=True,
    ),
    # Tables
    "split": Kind("tables", ("gliomake.tables.study", "split"), needs=("slices", "splits")),
    "ranking": Kind(
        "tables",
        ("gliomake.tables.scores", "ranking"),
        needs=("metrics",),
        models=(1, MANY),
        options=_SCORE_OPTIONS,
    ),
    "comparison": Kind(
        "tables",
        ("gliomake.tables.scores", "comparison"),
        needs=("metrics", "counts"),
        models=(2, MANY),
        options=(*_SCORE_OPTIONS, "against", "goal"),
        required=("against",),
    ),
    "postprocessing": Kind(
        "tables",
        ("gliomake.tables.scores", "postprocessing"),
        needs=("metrics",),
        models=(1, MANY),
        options=_SCORE_OPTIONS,
    ),
    "convergence": Kind(
        "tables",
        ("gliomake.tables.training", "convergence"),
        needs=("history",),
        models=(1, MANY),
        options=("metric", "share"),
    ),
    "epochs": Kind(
        "tables",
        ("gliomake.tables.training", "epochs"),
        needs=("history",),
        models=(1, 1),
        options=("every", "dice_convention", "precision_convention"),
    ),
    "scope": Kind(
        "tables",
        ("gliomake.tables.study", "scope"),
        needs=("train", "metrics", "splits"),
        models=(1, 1),
    ),
}
