"""Tables of what a study is about: its split, its scope."""

import pandas as pd

from gliomake.files.contracts import read_json
from gliomake.files.tsv import read_tsv
from gliomake.prepare.split import SUBSETS, read_split, training_fraction, tumour_columns
from gliomake.study.blocks import Augmentation
from gliomake.study.model import Study
from gliomake.study.targets import TargetSpec

LIMIT_HOURS = 12.0


def split(spec: TargetSpec) -> pd.DataFrame:
    """Count slices and patients in training, validation and test.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``slices`` and ``splits``: one split a run.

    Returns
    -------
    DataFrame
        ``run subset slices slice_share patients patient_share patients_elsewhere tumour_slices
        tumour_slice_share``, shares from 0 to 1. ``patients_elsewhere`` are those with slices in
        another subset too: what leaks. Patients are empty in a data set that has none.
    """
    slices = read_tsv(spec.inputs["slices"])
    slices["tumour"] = (slices[tumour_columns(slices)] > 0).any(axis=1)
    rows = []
    for run, path in spec.inputs["splits"].items():
        table = read_split(path).merge(
            slices[["patient", "slice", "tumour"]],
            on=["patient", "slice"],
            how="left",
            validate="one_to_one",
        )
        named = table[table["patient"] != ""]
        subsets_of = named.groupby("patient")["subset"].nunique()
        spread = set(subsets_of[subsets_of > 1].index)
        for subset in (*SUBSETS, "all"):
            part = table if subset == "all" else table[table["subset"] == subset]
            patients = set(part.loc[part["patient"] != "", "patient"])
            rows.append(
                {
                    "run": run,
                    "subset": subset,
                    "slices": len(part),
                    "slice_share": len(part) / len(table),
                    "patients": len(patients) if len(named) else None,
                    "patient_share": len(patients) / len(subsets_of) if len(named) else None,
                    "patients_elsewhere": len(patients & spread) if len(named) else None,
                    "tumour_slices": int(part["tumour"].sum()),
                    "tumour_slice_share": part["tumour"].mean() if len(part) else None,
                }
            )
    table = pd.DataFrame(rows)
    for name in ("patients", "patients_elsewhere"):
        table[name] = table[name].astype("Int64")
    return table


def scope(spec: TargetSpec) -> pd.DataFrame:
    """Fill the document's project scope table from the run.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``train``, ``metrics`` and ``splits`` of one model.

    Returns
    -------
    DataFrame
        ``item document run``: what the document states and what the run was.
    """
    [model] = spec.models
    config = spec.study.models[model]
    train = read_json(spec.inputs["train"][model])
    scores = pd.DataFrame(read_json(spec.inputs["metrics"][model]))
    scores = scores[(scores["run"] == spec.run) & ~scores["postprocess"].astype(bool)]
    used = training_fraction(
        read_split(spec.inputs["splits"][spec.run]), config.training["train_fraction"]
    )
    size = spec.study.preprocess.image_size
    patients = used.groupby("subset")["patient"].nunique()
    subset = spec.study.reported_subset
    hours = train["seconds"] / 3600
    rows = [
        ("Task", "2D semantic segmentation; each slice processed independently",
         f"2D semantic segmentation of {len(used)} axial slices, each by itself"),
        ("Input", "multi-channel MRI slices (T1, T1Gd, T2, T2-FLAIR)",
         f"{len(config.channels)} x {size} x {size}: {', '.join(config.channels)}"),
        ("Output", "multi-channel masks with the same spatial dimensions as the input",
         f"{len(spec.study.classes)} x {size} x {size}: {', '.join(spec.study.classes)}"),
        ("Metrics: primary", "Dice coefficient (Dice loss + BCE for optimisation)",
         f"mean Dice {_score(scores, subset, 'dice', 'mean')}; "
         f"loss {config.training['loss']['name']}"),
        ("Metrics: secondary", "precision and recall",
         f"precision {_score(scores, subset, 'precision', 'mean')}; "
         f"recall {_score(scores, subset, 'recall', 'mean')}"),
        ("Constraints: runtime", f"at most {LIMIT_HOURS:g} hours on a free-tier Colab T4 GPU",
         f"{hours:.3g} hours on {train.get('device', 'an unnamed device')}: "
         f"{'within' if hours <= LIMIT_HOURS else 'beyond'} the limit"),
        ("Constraints: size", "data set of moderate size; batch size and depth balanced",
         f"{_by_subset(patients)} patients; batch size {config.training['batch_size']}; "
         f"{train['parameters'] / 1e6:.3g} million parameters"),
        ("Constraints: augmentation", "no heavy augmentation",
         _augmentation(config.training["augment"])),
        ("Success: baseline", "competitive baseline Dice for a lightweight, reproducible model",
         f"{subset} Dice by class: " + ", ".join(
             f"{name} {_score(scores, subset, 'dice', name)}" for name in spec.study.classes)),
        ("Success: runtime", "complete training within the runtime limits",
         f"{'yes' if hours <= LIMIT_HOURS else 'no'}: "
         f"{config.training['epochs']} epochs planned, {hours:.3g} hours"),
        ("Success: alignment", "predictions visually align with the truth",
         "see the figure predictions"),
        ("Success: next version", "attention mechanisms and augmentation set up for v2+",
         _next_version(spec.study, model)),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["item", "document", "run"])


def _score(scores: pd.DataFrame, subset: str, metric: str, name: str) -> str:
    """Write a pooled score with its interval, in words where there is none."""
    found = scores[
        (scores["subset"] == subset)
        & (scores["metric"] == metric)
        & (scores["convention"] == "pooled")
        & (scores["class"] == name)
    ]
    if found.empty or pd.isna(found["value"].iloc[0]):
        return "undefined"
    row = found.iloc[0]
    interval = "" if pd.isna(row["ci_low"]) else f" ({row['ci_low']:.3f} to {row['ci_high']:.3f})"
    return f"{row['value']:.3f}{interval}"


def _by_subset(counts: pd.Series) -> str:
    return " / ".join(f"{int(counts.get(name, 0))} {name}" for name in SUBSETS)


def _augmentation(config: Augmentation | None) -> str:
    if not config:
        return "none"
    return ", ".join(f"{key} {value}" for key, value in config.items())


def _next_version(study: Study, model: str) -> str:
    others = [
        name
        for name, config in study.models.items()
        if name != model and (config.options.get("attention") or config.training["augment"])
    ]
    return f"trained beside it: {', '.join(others)}" if others else "not in this study"
