"""Model cards: what a model is, what it is for, what it is not for, and how it scores.

After Mitchell et al. 2019, "Model cards for model reporting".
"""

from typing import Any

import pandas as pd

from gliomake.prepare.split import training_fraction
from gliomake.report import evidence, scores
from gliomake.report.inputs import StudyInputs, records
from gliomake.report.numbers import ROOT, STATES, Number, NumberBook
from gliomake.report.render import render
from gliomake.report.rules import rule_columns, rule_groups, sample_cell
from gliomake.report.run_files import RunFiles
from gliomake.report.table import Column, Table, scored, text
from gliomake.report.words import SUBSETS, agreement, metric_title
from gliomake.scoring.coverage import describe_intervals
from gliomake.scoring.metrics import DISTANCE_METRICS
from gliomake.scoring.registry import METRICS
from gliomake.study.blocks import Training
from gliomake.study.overrides import differences_text, score_overrides


def card_name(study: str, model: str, suffix: str = "html") -> str:
    """Name the file of a model card, beside the pages."""
    return f"cards/{study}/{model}.{suffix}"


def card_pages(inputs: StudyInputs) -> dict[str, tuple[str, NumberBook]]:
    """Make the cards of a study's models, each as HTML and as Markdown.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    dict of str to (str, NumberBook)
        Content and numbers by file name; baselines and gated models have a card, too.
    """
    pages = {}
    for files in inputs.runs:
        if files.run != inputs.main_run:
            continue
        name = card_name(inputs.id, files.model)
        book = NumberBook(name)
        context = card(inputs, files, book)
        key = str(files.counts)
        trail = {
            "runs": {key: evidence.run_trails(inputs)[key]},
            "files": inputs.sha256,
            "numbers": book.trail(),
            "root": f"../../{ROOT}",
            "page": f"../../{inputs.page}",
        }
        # The Markdown holds the numbers of the HTML; its hash stands in numbers.json.
        for suffix, numbers in (("html", book), ("md", NumberBook(name))):
            content = render(
                f"card.{suffix}.j2", name, options=inputs.options, **context, trail=trail
            )
            pages[card_name(inputs.id, files.model, suffix)] = (content, numbers)
    return pages


def card(inputs: StudyInputs, files: RunFiles, book: NumberBook) -> dict[str, Any]:
    """Gather what a model card says.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    files : RunFiles
        The model's main run.
    book : NumberBook
        The card's numbers.

    Returns
    -------
    dict
        For the templates.
    """
    model = inputs.study.models.get(files.model)
    return {
        "inputs": inputs,
        "study": inputs.study,
        "files": files,
        "kind": scores.model_kind(files.model),
        "about": _about(inputs, files),
        "training": _settings(model.training) if model else [],
        "data": _data(inputs, files, model.training["train_fraction"] if model else 1.0),
        "limits": limits(inputs, files),
        "warnings": evidence.warnings(inputs, files.split),
        "scores": _scores(inputs, files, book),
        "intervals": _intervals(inputs, files),
        "trail_of": evidence.run_trails(inputs)[str(files.counts)],
    }


def _about(inputs: StudyInputs, files: RunFiles) -> list[tuple[str, str]]:
    study = inputs.study
    if files.model in study.brought:
        return _about_brought(inputs, files)
    model = study.models.get(files.model)
    options = model.options.items() if model else ()
    rows = [
        ("Architecture", model.architecture if model else "none: nothing is trained"),
        ("Options", ", ".join(f"{key} {value}" for key, value in options)),
        ("Input", ", ".join(model.channels if model else study.preprocess.channels)),
        ("Output", ", ".join(study.classes)),
        ("Image size", f"{study.preprocess.image_size} pixels a side"),
        ("Threshold", str(study.threshold)),
        ("Parameters", _count(files.facts.get("parameters"))),
        ("Run", files.run),
    ]
    return [(name, value) for name, value in rows if value]


def _about_brought(inputs: StudyInputs, files: RunFiles) -> list[tuple[str, str]]:
    """Say what is known of predictions that were brought along."""
    study, block = inputs.study, inputs.study.brought[files.model]
    labels = "; ".join(f"{name} {', '.join(map(str, each))}" for name, each in block.labels.items())
    return [
        ("Architecture", "not known: its predictions were brought along"),
        ("Files", block.pattern),
        ("Labels", labels or "those of the truth"),
        ("Output", ", ".join(study.classes)),
        ("Threshold", f"{study.threshold}, of probabilities"),
        ("Grid", "the scans' own"),
        ("Run", files.run),
    ]


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _settings(training: Training) -> list[tuple[str, str]]:
    def words(value: Any) -> str:
        if isinstance(value, dict):
            named = [words(value["name"])] if "name" in value else []
            rest = {key: inner for key, inner in value.items() if key != "name"}
            return ", ".join([*named, *(f"{key} {words(inner)}" for key, inner in rest.items())])
        if isinstance(value, list):
            return ", ".join(map(words, value))
        return "none" if value is None else str(value)

    return [(key.replace("_", " ").capitalize(), words(value)) for key, value in training.items()]


def _data(inputs: StudyInputs, files: RunFiles, fraction: float) -> list[tuple[str, str]]:
    split = training_fraction(inputs.split_tables[files.split], fraction)
    rows = [
        ("Data set", inputs.study.dataset),
        ("Split", files.split),
    ]
    for subset in ("train", "val", "test"):
        part = split[split["subset"] == subset]
        patients = part.loc[part["patient"] != "", "patient"].nunique()
        if len(part):
            of = f" of {patients} patients" if patients else ""
            rows.append((subset.capitalize(), f"{len(part):,} slices{of}"))
    return rows


def limits(inputs: StudyInputs, files: RunFiles) -> list[str]:
    """Describe what the scores of a model do not show.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    files : RunFiles
        The model's run.

    Returns
    -------
    list of str
        One sentence or two each.
    """
    found = []
    if inputs.data == "phantom":
        found.append("Trained and tested on synthetic images: it has seen no MRI of a patient.")
    if inputs.scale == "demo":
        found.append("Trained at demo scale: smaller and shorter than the study states.")
    if changed := differences_text(score_overrides(inputs.study, files.model), most=99):
        found.append(f"Not the study's own settings: overrides change {changed}.")
    if files.model in inputs.study.brought:
        found.append(
            "On what it was trained is not known here: patients of the test set may be among it."
        )
    else:
        found.append(
            "Tested on slices of the same public data set that it was trained on; how it does on "
            "scans of another hospital, scanner or sequence has not been measured."
        )
    split = inputs.split_tables[files.split]
    patients = split.loc[split["subset"] == inputs.reported_subset, "patient"].nunique()
    if split["patient"].ne("").any():
        noun = "patient" if patients == 1 else "patients"
        found.append(
            f"Its scores rest on {patients} {noun} and one training; their intervals do not hold "
            "the spread over seeds or folds."
        )
    if inputs.reported_subset == "val":
        found.append(
            "Its scores are of the validation set, as the original report's are; that set also "
            "chose the weights, so they are optimistic."
        )
    if inputs.study.preprocess.slices != "all":
        found.append("It has seen slices with tumour only, and has no say on slices without.")
    if files.model not in inputs.study.brought:
        found.append("It works slice by slice and does not know the neighbouring slices.")
    return found


def _shown(inputs: StudyInputs, files: RunFiles) -> pd.DataFrame:
    """Return the model's scores on the reported subset."""
    frame = inputs.scores
    return frame[
        (frame["model"] == files.model)
        & (frame["run"] == files.run)
        & (frame["subset"] == inputs.reported_subset)
        & frame["metric"].isin(METRICS)
    ]


def _intervals(inputs: StudyInputs, files: RunFiles) -> str:
    shown = _shown(inputs, files)
    split = inputs.split_tables[files.split]
    distances = bool(shown["metric"].isin(DISTANCE_METRICS).any())
    images = not split["patient"].ne("").any()
    return describe_intervals(int(shown["ci_units"].max()), images=images, distances=distances)


def _scores(inputs: StudyInputs, files: RunFiles, book: NumberBook) -> Table:
    frame, subset = _shown(inputs, files), inputs.reported_subset
    groups: dict[tuple, dict[str, Number]] = {}
    for row in records(frame):
        key = (row["metric"], row["class"], bool(row["postprocess"]))
        numbers = groups.setdefault(key, {})
        numbers[row["convention"]] = scores.enter_score(inputs, book, row)
    merged = rule_groups(list(groups.values()), scores.conventions_of(frame))
    columns = [Column("Metric"), Column("Class"), Column("Masks", optional=True)]
    columns += [*rule_columns(merged), Column("Of", help="what the row rests on")]
    where = {"model": files.model, "run": files.run, "subset": subset}
    rows = [
        [
            text(metric_title(metric)),
            text(class_),
            text(STATES[cleaned]),
            *(scored(numbers.get(group[0])) for group in merged),
            sample_cell(inputs, where, numbers),
        ]
        for (metric, class_, cleaned), numbers in groups.items()
    ]
    caption = f"Scores on the {SUBSETS[subset]} set with 95 % intervals"
    caption = ". ".join(filter(None, [caption, agreement(merged)]))
    return Table("scores", caption, columns, rows).compact()
