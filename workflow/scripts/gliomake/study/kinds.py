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
    caption : str
        Of a figure: two or three sentences on what is shown, how it was chosen, and what to look
        for. ``{models}`` and other words in braces are those of `gliomake.study.captions`.
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
    caption: str = ""

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
        caption=(
            "{Units} with tumour, the true mask as an outline{beside}. {spread}; nothing is "
            "picked by hand. Look whether the outline follows what is seen: it is what the "
            "models learn."
        ),
    ),
    "augmentation": Kind(
        "figures",
        ("gliomake.figures.samples", "augmentation"),
        needs=("slices", "split", "shards"),
        models=(1, 1),
        options=("count", "channel"),
        caption=(
            "One training {unit} as it is, under each augmentation alone, and under all "
            "together, with the mask (outline) moved along. Its tumour is nearest to the "
            "75th percentile of area; of each kind the strongest of 16 draws is shown. What "
            "moves the head must move the outline, and change no label."
        ),
    ),
    "modalities": Kind(
        "figures",
        ("gliomake.figures.volumes", "modalities"),
        needs=(*_RAW, "slices"),
        options=("case", "slice"),
        caption=(
            "The channels of one slice, each on a grey scale of its own. {case} Compare how "
            "differently the same tumour shows in them."
        ),
    ),
    "planes": Kind(
        "figures",
        ("gliomake.figures.volumes", "planes"),
        needs=(*_RAW, "slices"),
        options=("case", "channel"),
        caption=(
            "Three planes through the tumour voxel nearest to the tumour's centre; dashed "
            "lines show where the other two cut, and the outline is the mask of all "
            "classes. {case} The planes share one grey scale."
        ),
    ),
    "mask-channels": Kind(
        "figures",
        ("gliomake.figures.volumes", "mask_channels"),
        needs=(*_RAW, "slices"),
        options=("case", "slice", "channel"),
        caption=(
            "The channels of the mask of one slice, each alone and all as outlines on the "
            "image. {case} {slice}"
        ),
    ),
    "intensity-ranges": Kind(
        "figures",
        ("gliomake.figures.intensities", "intensity_ranges"),
        needs=_RAW,
        options=("patients", "slices"),
        caption=(
            "Intensities as scanned (a) and after the z-score of each slice (b): a line is "
            "one slice, from the 1st to the 99th percentile of its non-zero pixels, and the "
            "two greys only tell neighbours apart. Patients and slices are spread evenly "
            "over the data set. Compare how far patients differ above and below."
        ),
    ),
    "modality-correlation": Kind(
        "figures",
        ("gliomake.figures.intensities", "modality_correlation"),
        needs=(*_RAW, "slices"),
        options=("case",),
        caption=(
            "Pearson's correlation between the modalities of one patient, over those voxels "
            "of the middle third of the slices that are background in none. {case} Near 1 "
            "or -1 two modalities say much the same."
        ),
    ),
    "slice-imbalance": Kind(
        "figures",
        ("gliomake.figures.statistics", "slice_imbalance"),
        needs=("slices",),
        caption=(
            "How many slices hold no tumour, any, and each class (a), and the share of "
            "volumes with tumour by height (b); all slices of the data set are counted. The "
            "more slices are empty, the better an empty mask scores where empty slices "
            "count as right."
        ),
    ),
    "pixel-imbalance": Kind(
        "figures",
        ("gliomake.figures.statistics", "pixel_imbalance"),
        needs=("slices",),
        caption=(
            "The share of all pixels that each class takes (a; dots, as a length has no "
            "meaning on a logarithmic axis), and how that share is distributed over the "
            "slices that hold the class (b; upright lines are medians). All slices of the "
            "data set are counted. The smaller a share, the less accuracy says of the "
            "class."
        ),
    ),
    "histogram": Kind(
        "figures",
        ("gliomake.figures.statistics", "histogram"),
        needs=("cases",),
        options=("column", "label", "unit", "bin"),
        required=("column", "label", "unit", "bin"),
        caption=(
            "How {label} is distributed over the patients of whom it is recorded; the line "
            "is the median. The title says how many they are."
        ),
    ),
    "survival": Kind(
        "figures",
        ("gliomake.figures.survival", "survival"),
        needs=("cases",),
        options=("column", "label", "unit", "censored"),
        required=("column", "label", "unit", "censored"),
        caption=(
            "The share of patients alive, by time, as Kaplan and Meier estimate it, with "
            "its pointwise 95 % interval; a tick is a patient alive when last seen, who "
            "counts until then. The title says of how many patients it is recorded. Where "
            "few are still observed (below the axis), the curve says little."
        ),
    ),
    # Figures of models and training
    "architecture": Kind(
        "figures",
        ("gliomake.figures.architecture", "architecture"),
        models=(1, 2),
        networks=True,
        caption=(
            "{Models}, read off a pass through the network itself: above the boxes stand "
            "channels, beside them height and width of the feature maps. {narrow}Skip "
            "connections (dashed) carry detail past the coarse levels."
        ),
    ),
    "system": Kind(
        "figures",
        ("gliomake.figures.diagrams", "system"),
        models=(1, MANY),
        gate=True,
        caption=(
            "A slice meets the classifier first; where its probability of no tumour reaches "
            "the threshold, the mask is empty. Else one of the segmenters ({models}) draws "
            "the mask. A tumour that the classifier misses is lost to all of them."
        ),
    ),
    "metric-definition": Kind(
        "figures",
        ("gliomake.figures.diagrams", "metric_definition"),
        options=("metric",),
        required=("metric",),
        evidence=False,
        caption=(
            "What {metric} measures: the formula in sets (a), an example counted pixel by "
            "pixel (b), and how Dice and IoU go together (c). Of the same masks the IoU is "
            "never above the Dice."
        ),
    ),
    "curves": Kind(
        "figures",
        ("gliomake.figures.curves", "curves"),
        needs=("history",),
        models=(1, 1),
        options=("panels", "convention"),
        required=("panels",),
        caption=(
            "Learning curves of {models}: a marker an epoch, nothing smoothed, and one "
            "training, so no spread over seeds. The green point is the epoch whose weights "
            "were kept. A gap that opens between training and validation is overfitting."
        ),
    ),
    # Figures of results
    "masks": Kind(
        "figures",
        ("gliomake.figures.masks", "masks"),
        needs=_IMAGES,
        models=(1, MANY),
        options=("columns", "count", "subset", "channel"),
        caption=(
            "{Models} on {same}{units}: a large, a median and a small tumour (95th, 50th "
            "and 10th percentile of area){worst}. The title says from how many was chosen; "
            "sizes come from patients not shown yet where there are any. Where the outlines "
            "part, truth and prediction differ."
        ),
    ),
    "predictions": Kind(
        "figures",
        ("gliomake.figures.masks", "predictions"),
        needs=_IMAGES,
        models=(1, 1),
        options=("count", "subset", "channel"),
        caption=(
            "{Models} on the {units} nearest to the 90th, 50th and 10th percentile of Dice "
            "among those with tumour, each of a patient not shown yet where there is one. "
            "The title says how many there are. The prediction is where the probability "
            "reaches {threshold}."
        ),
    ),
    "class-predictions": Kind(
        "figures",
        ("gliomake.figures.masks", "class_predictions"),
        needs=_IMAGES,
        models=(1, 1),
        options=("subset", "channel"),
        caption=(
            "{Models} on one slice: the one whose Dice over all classes is nearest to the "
            "median of those that hold every class. A colour is a class; in the last row "
            "the dashed white line is the truth. A class can be missed although the Dice of "
            "all together is high."
        ),
    ),
    "confusion": Kind(
        "figures",
        ("gliomake.figures.confusion", "confusion"),
        needs=("counts",),
        models=(1, 1),
        options=("subset",),
        caption=(
            "How {models} sorts images: rows are the truth, columns the prediction, the "
            "shade is the share of the row. Beside the rows stand specificity and recall, "
            "below the columns the predictive values. The title says how many images there "
            "are; accuracy alone hides which error is made."
        ),
    ),
    "app": Kind(
        "figures",
        ("gliomake.infer.app.shot", "app_figure"),
        needs=("model", "predictions", "shards"),
        models=(2, 2),
        options=("show",),
        required=("show",),
        gate=True,
        caption=(
            "The study's web page with a test slice: {show}. It is a screenshot where the "
            "machine has a browser, else its panels are drawn. Compare the original mask "
            "with the predicted one."
        ),
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
