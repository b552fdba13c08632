"""The reproduced value of a reported number, under the convention that the document implies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from gliomake.claims.artefacts import Artefacts
from gliomake.claims.findings import SLICE_MEAN
from gliomake.claims.quantities import DISTANCES, SCORES
from gliomake.claims.table import Claim
from gliomake.scoring.metrics import tversky_name
from gliomake.study.model import Study
from gliomake.study.run import parse_run

# Where a document neither states nor implies a convention: all pixels in one count.
DEFAULT = "pooled"
# A validation curve has converged where it reaches this share of its final IoU, and is flat where
# this share of the whole fall of its loss lies behind it.
CONVERGED = 0.9
PROTOCOL = {
    "epochs": ("training", "epochs"),
    "learning_rate": ("training", "learning_rate"),
    "batch_size": ("training", "batch_size"),
    "gradient_clip_norm": ("training", "clip_norm"),
    "image_size": ("preprocess", "image_size"),
}


@dataclass(frozen=True)
class Reproduced:
    """What stands beside a reported number.

    Attributes
    ----------
    value, ci_low, ci_high : float or None
        The number and its 95 % interval; None where there is none.
    convention : str
        How the value was averaged.
    assumed : bool
        Whether the document neither states the convention nor lets it be told from its numbers.
    nearest_convention, nearest_value
        The convention under which our value comes nearest to the reported one, and that value.
    detail : str
        Where the value is from, or why there is none; a clause without a full stop.
    rival : float or None
        The other model's value, where the claim is that one is smaller than the other.
    """

    value: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    convention: str = ""
    run: str = ""
    nearest_convention: str = ""
    nearest_value: float | None = None
    detail: str = ""
    assumed: bool = False
    rival: float | None = None

    @property
    def under(self) -> str:
        """The convention as a sentence names it."""
        return f"{self.convention} (assumed)" if self.assumed else self.convention


def reproduce(claim: Claim, artefacts: Artefacts, implied: Mapping[str, str]) -> Reproduced:
    """Find our value for a claim.

    Parameters
    ----------
    claim : Claim
        Any claim of the artefacts' study.
    artefacts : Artefacts
        The study's files.
    implied : mapping of str to str
        Conventions by claim id, of `checks.implied_conventions`.

    Returns
    -------
    Reproduced
        With value None and the reason in `detail` where we have none.
    """
    convention = implied.get(claim.claim, "")
    if claim.model and claim.model not in artefacts.study.models:
        return Reproduced(detail=f"the study has no model {claim.model}")
    if claim.quantity in PROTOCOL:
        return _protocol(claim, artefacts)
    if claim.quantity in SCORES | DISTANCES:
        return _score(claim, artefacts, convention)
    if claim.quantity not in OTHERS:
        return Reproduced(detail=f"no {claim.quantity} is computed here")
    return OTHERS[claim.quantity](claim, artefacts, convention)


def _protocol(claim: Claim, artefacts: Artefacts) -> Reproduced:
    block, key = PROTOCOL[claim.quantity]
    study = artefacts.study
    preprocess = block == "preprocess"
    source: Any = vars(study.preprocess) if preprocess else study.models[claim.model].training
    value = source.get(key)
    detail = f"{block}.{key} of the study's file"
    return Reproduced(None if value is None else float(value), detail=detail)


def metric_name(quantity: str, model: str, study: Study) -> str:
    """Name our metric for a claim's quantity.

    Parameters
    ----------
    quantity : str
        One of `gliomake.claims.quantities.QUANTITIES`.
    model : str
        A model of the study: a Tversky score takes the weights of its loss.
    study : Study
        The study.

    Returns
    -------
    str
        A metric of ``metrics.json``; the quantity itself where it is none.
    """
    if quantity == "tversky":
        loss = study.models[model].training["loss"]
        return tversky_name(loss.get("alpha", 0.3), loss.get("beta", 0.7))
    return {"pixel_accuracy": "accuracy"}.get(quantity, quantity)


def _score(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    image = artefacts.study.classifies(claim.model)
    assumed = convention in ("", SLICE_MEAN) and not image
    convention = convention or ("image" if image else DEFAULT)
    if claim.epoch.isdigit():
        return replace(_epoch_score(claim, artefacts, convention), assumed=assumed)
    found = _final_score(claim, artefacts, convention)
    last = _epoch_score(claim, artefacts, convention) if claim.epoch == "final" else Reproduced()
    if found.value is not None and last.value is not None:
        detail = f"{found.detail}; the last epoch scores {last.value:.3g}"
        found = replace(found, detail=detail)
    return replace(found, assumed=assumed)


def _one_convention(convention: str, values: Mapping[str, float | None], claim: Claim) -> str:
    """Choose the mean over slices that comes nearest, where all that is known is that it is one."""
    means = [name for name in values if name.startswith("slice-")]
    if convention != SLICE_MEAN or not means:
        return convention
    return min(means, key=lambda name: abs((values[name] or 0.0) - claim.number))


def _epoch_score(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    run = artefacts.runs[0]
    history = artefacts.run_table(claim.model, run, "history.tsv")
    row, reason = _epoch_row(history, claim.epoch)
    if row is None:
        return Reproduced(convention=convention, run=run, detail=reason)
    class_ = claim.class_ or artefacts.study.classes[0]
    start = f"{claim.subset}_{metric_name(claim.quantity, claim.model, artefacts.study)}_{class_}@"
    values = {
        str(column).removeprefix(start): float(row[column])
        for column in row.index
        if str(column).startswith(start) and pd.notna(row[column])
    }
    if not values:
        reason = f"history.tsv of {run} has no defined {start.rstrip('@')} in this epoch"
        return Reproduced(convention=convention, run=run, detail=reason)
    convention = _one_convention(convention, values, claim)
    nearest = min(values, key=lambda each: abs(values[each] - claim.number)) if claim.value else ""
    return Reproduced(
        values.get(convention),
        None,
        None,
        convention,
        run,
        nearest,
        values.get(nearest),
        f"epoch {row['epoch']:.0f} of history.tsv",
    )


def _epoch_row(history: pd.DataFrame | None, epoch: str) -> tuple[pd.Series | None, str]:
    """Give the row of an epoch, the last one for anything but a number, or the reason why not."""
    if history is None or history.empty:
        return None, "the model has not been trained"
    if not epoch.isdigit():
        return history.iloc[-1], ""
    rows = history[history["epoch"] == int(epoch)]
    if rows.empty:
        return None, f"this training ended at epoch {int(history['epoch'].iloc[-1])}"
    return rows.iloc[0], ""


def _final_score(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    """Read the best weights' score from metrics.json, in the first run that has it."""
    scores, study = artefacts.scores(claim.model), artefacts.study
    blank = Reproduced(convention=convention, run=artefacts.runs[0])
    if scores is None:
        return replace(blank, detail="the model has not been scored")
    # The claims are of masks as the study finally gives them: cleaned up where it cleans up.
    classes = {claim.class_ or study.classes[0]}
    chosen = scores[
        (scores["subset"] == claim.subset)
        & (scores["class"].isin(classes))
        & (scores["metric"] == metric_name(claim.quantity, claim.model, study))
        & (scores["postprocess"] == bool(study.postprocess))
        & scores["value"].notna()
    ]
    for run in artefacts.runs:
        cells = {
            str(row["convention"]): [_or_none(row[key]) for key in ("value", "ci_low", "ci_high")]
            for row in chosen[chosen["run"] == run].to_dict("records")
        }
        if not cells:
            continue
        convention = _one_convention(convention, {n: c[0] for n, c in cells.items()}, claim)
        nearest, ours = "", cells.get(convention)
        if claim.value:
            nearest = min(cells, key=lambda name: abs((cells[name][0] or 0.0) - claim.number))
        nearest_value = cells[nearest][0] if nearest else None
        if ours is None:
            reason = f"not defined under {convention}"
            return Reproduced(None, None, None, convention, run, nearest, nearest_value, reason)
        detail = f"best weights of {run}"
        value, low, high = ours
        return Reproduced(value, low, high, convention, run, nearest, nearest_value, detail)
    metric = metric_name(claim.quantity, claim.model, study)
    return replace(blank, detail=f"no defined {metric} of subset {claim.subset} in metrics.json")


def _or_none(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _loss(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    run = artefacts.runs[0]
    if claim.subset not in ("train", "val"):
        detail = f"a loss is computed in training only, not on the {claim.subset} subset"
        return Reproduced(run=run, detail=detail)
    row, reason = _epoch_row(artefacts.run_table(claim.model, run, "history.tsv"), claim.epoch)
    if row is None:
        return Reproduced(run=run, detail=reason)
    detail = f"epoch {row['epoch']:.0f} of history.tsv"
    return Reproduced(float(row[f"{claim.subset}_loss"]), run=run, detail=detail)


def _cell(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    """Count a cell of the confusion matrix of images."""
    run = artefacts.runs[0]
    counts = artefacts.run_table(claim.model, run, "counts.tsv")
    if counts is None:
        return Reproduced(convention="image", run=run, detail="the model has not been scored")
    rows = counts[(counts["subset"] == claim.subset) & ~counts["postprocess"].astype(bool)]
    value = float(rows[claim.quantity].sum())
    return Reproduced(value, convention="image", run=run, detail=f"counted over {len(rows)} images")


def _slices(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    """Count slices, in the kind of split that the reported sizes show."""
    if claim.subset == "all":
        if artefacts.slices is None:
            return Reproduced(detail="the data set has not been indexed")
        return Reproduced(float(len(artefacts.slices)), detail="counted in slices.tsv")
    fitting = [run for run in artefacts.split_runs() if parse_run(run).split == convention]
    run = (fitting or artefacts.runs)[0]
    split = artefacts.split(run)
    if split is None:
        return Reproduced(run=run, detail="the split has not been made")
    value = float((split["subset"] == claim.subset).sum())
    return Reproduced(
        value, convention=convention, run=run, detail=f"counted in the split of {run}"
    )


def _patients(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    if artefacts.slices is None:
        return Reproduced(detail="the data set has not been indexed")
    patients = set(artefacts.slices["patient"]) - {""}
    if not patients:
        return Reproduced(detail="the data set names no patients")
    return Reproduced(float(len(patients)), detail="counted in slices.tsv")


def _patient_fraction(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    run = artefacts.runs[0]
    split = artefacts.split(run)
    if split is None:
        return Reproduced(run=run, detail="the split has not been made")
    patients = split.groupby("subset")["patient"].agg(set)
    total = len(set().union(*patients))
    detail = f"{len(patients.get(claim.subset, set()))} of {total} patients in the split of {run}"
    return Reproduced(len(patients.get(claim.subset, set())) / total, run=run, detail=detail)


def _parameters(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    run = artefacts.runs[0]
    value = artefacts.facts(claim.model, run).get("parameters")
    if value is None:
        return Reproduced(run=run, detail="the model has not been trained")
    return Reproduced(float(value), run=run, detail="parameters in train.json")


def _runtime(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    run = artefacts.runs[0]
    facts = artefacts.facts(claim.model, run)
    if "seconds" not in facts:
        return Reproduced(run=run, detail="the model has not been trained")
    detail = f"training time on {facts.get('device', 'an unnamed device')}"
    return Reproduced(facts["seconds"] / 3600, run=run, detail=detail)


def plateau(history: pd.DataFrame) -> int:
    """Find the first epoch with 90 % of the whole fall of the validation loss behind it."""
    loss = history["val_loss"]
    level = loss.iloc[0] - CONVERGED * (loss.iloc[0] - loss.min())
    return int(history["epoch"][loss <= level].iloc[0])


def convergence(history: pd.DataFrame, class_: str) -> int | None:
    """Find the first epoch with 90 % of the final pooled validation IoU."""
    iou = history[f"val_iou_{class_}@pooled"]
    reached = history["epoch"][iou >= CONVERGED * iou.iloc[-1]]
    return int(reached.iloc[0]) if len(reached) else None


def _plateau_epoch(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    run = artefacts.runs[0]
    history = artefacts.run_table(claim.model, run, "history.tsv")
    if history is None or history.empty:
        return Reproduced(run=run, detail="the model has not been trained")
    detail = f"the first of {len(history)} epochs with 90 % of the fall of the validation loss"
    return Reproduced(float(plateau(history)), run=run, detail=detail)


def _converges_before(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    """Give this model's epoch, and the other's as its rival."""
    run = artefacts.runs[0]
    class_ = "mean" if len(artefacts.study.classes) > 1 else artefacts.study.classes[0]
    epochs = []
    for model in (claim.model, claim.class_):
        history = artefacts.run_table(model, run, "history.tsv")
        epoch = None if history is None else convergence(history, class_)
        if epoch is None:
            return Reproduced(run=run, detail=f"no epoch of convergence is known of {model}")
        epochs.append(epoch)
    detail = f"90 % of the final validation IoU at epoch {epochs[0]}, {claim.class_} at {epochs[1]}"
    value, rival = map(float, epochs)
    found = Reproduced(value, convention=DEFAULT, run=run, detail=detail, assumed=True)
    return replace(found, rival=rival)


def _rank(claim: Claim, artefacts: Artefacts, convention: str) -> Reproduced:
    """Rank the study's own models by Dice."""
    assumed = not convention
    convention, run = convention or DEFAULT, artefacts.runs[0]
    values = ranked_models(claim, artefacts, convention)
    if claim.model not in values:
        return Reproduced(convention=convention, run=run, detail="the model has not been scored")
    listed = ", ".join(f"{model} {value:.3f}" for model, value in values.items())
    rank = float(1 + list(values).index(claim.model))
    return Reproduced(
        rank,
        convention=convention,
        run=run,
        detail=f"Dice on {claim.subset}: {listed}",
        assumed=assumed,
    )


def ranked_models(claim: Claim, artefacts: Artefacts, convention: str) -> dict[str, float]:
    """Give the Dice of each of the study's models that has one, the best first."""
    values = {}
    for model in artefacts.study.models:
        as_dice = replace(claim, model=model, quantity="dice", value="")
        value = _final_score(as_dice, artefacts, convention).value
        if value is not None:
            values[model] = value
    return dict(sorted(values.items(), key=lambda item: -item[1]))


OTHERS: dict[str, Callable[[Claim, Artefacts, str], Reproduced]] = {
    "loss": _loss,
    **dict.fromkeys(("tp", "fp", "fn", "tn"), _cell),
    "slices": _slices,
    "patients": _patients,
    "patient_fraction": _patient_fraction,
    "parameters": _parameters,
    "runtime_hours_max": _runtime,
    "plateau_epoch": _plateau_epoch,
    "converges_before": _converges_before,
    "rank": _rank,
}
