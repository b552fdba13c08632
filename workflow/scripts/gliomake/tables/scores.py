"""Tables of scores, as ``metrics.json`` holds them: ranked, compared, before and after clean-up."""

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from gliomake.files.contracts import read_json
from gliomake.files.tsv import read_tsv
from gliomake.scoring.compare import compare_models
from gliomake.scoring.metrics import COUNT_METRICS
from gliomake.scoring.registry import METRICS, is_lower_better
from gliomake.study.model import BASELINES, GATED, Study
from gliomake.study.targets import TargetSpec

CELL = ["subset", "class", "metric", "convention", "postprocess"]
# Differences of these keys are told; the others are the same by construction or about machines.
CHANGES = ("architecture", "channels", "options", "training")


def ranking(spec: TargetSpec) -> pd.DataFrame:
    """List the scores of models, ranked within each cell.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``metrics``. Options ``subsets``, ``classes``, ``metrics`` and ``conventions`` pick
        rows and put them in their order.

    Returns
    -------
    DataFrame
        ``run subset class metric convention postprocess rank model value ci_low ci_high n``, the
        best model of a cell first. The trivial baselines and undefined scores have no rank.
    """
    table = read_scores(spec)
    ranked = table["value"].where(~table["model"].isin(BASELINES))
    ranked = ranked.where(~table["metric"].map(is_lower_better), -ranked)
    keys = [table[name] for name in CELL]
    table["rank"] = ranked.groupby(keys).rank(method="min", ascending=False).astype("Int64")
    order = _order(spec, table)
    table = table.assign(_place=table["rank"].fillna(10**6)).sort_values(
        [*CELL, "_place"], key=lambda column: order(column), kind="stable"
    )
    columns = ["run", *CELL, "rank", "model", "value", "ci_low", "ci_high", "n"]
    return table[columns].reset_index(drop=True)


def comparison(spec: TargetSpec) -> pd.DataFrame:
    """List the scores of models beside those of a reference, with the paired difference.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``metrics`` and ``counts``. Option ``against``: the reference model, or ``ungated``
        for each gated segmenter against itself alone. Option ``goal``: ``metric`` and ``value``
        that the document hopes for. Options ``subsets``, ``classes``, ``metrics`` and
        ``conventions`` as in `ranking`.

    Returns
    -------
    DataFrame
        ``run subset class metric convention postprocess model change value ci_low ci_high n``;
        then ``against``, its ``reference`` value, and the ``difference`` (model minus reference)
        with the interval of the paired bootstrap and how many patients would settle it. ``change``
        says in what the models are configured differently. With a goal ``goal`` and
        ``reaches_goal`` follow.
    """
    table = read_scores(spec)
    pairs = _pairs(spec)
    counts = {model: read_tsv(path) for model, path in spec.inputs["counts"].items()}
    metrics, conventions = list(table["metric"].unique()), list(table["convention"].unique())
    counted = [name for name in metrics if name in COUNT_METRICS or name not in METRICS]
    found = []
    for model, other in pairs.items():
        chosen = {name: counts[name] for name in (model, other)}
        found.append(compare_models(chosen, counted, conventions, run=spec.run))
    differences = pd.concat(found).rename(
        columns={"model_a": "model", "ci_low": "difference_low", "ci_high": "difference_high"}
    )
    table = table.merge(
        differences.drop(columns=["run", "n", "model_b"]), how="left", on=["model", *CELL]
    )
    table["against"] = table["model"].map(pairs).fillna("")
    reference = table[[*CELL, "model", "value"]].rename(
        columns={"model": "against", "value": "reference"}
    )
    table = table.merge(reference, how="left", on=[*CELL, "against"])
    table["change"] = [
        describe_change(spec.study, model, pairs.get(model, "")) for model in table["model"]
    ]
    columns = ["run", *CELL, "model", "change", "value", "ci_low", "ci_high", "n", "against",
               "reference", "difference", "difference_low", "difference_high",
               "patients_to_settle"]  # fmt: skip
    if goal := spec.options.get("goal"):
        concerned = table["metric"] == goal["metric"]
        table["goal"] = pd.Series(float(goal["value"]), table.index).where(concerned)
        lower = is_lower_better(goal["metric"])
        good = table["value"] <= goal["value"] if lower else table["value"] >= goal["value"]
        reached = good.map({True: "yes", False: "no"})
        table["reaches_goal"] = reached.where(concerned & table["value"].notna(), "")
        columns += ["goal", "reaches_goal"]
    table["patients_to_settle"] = table["patients_to_settle"].astype("Int64")
    order = _order(spec, table)
    return table.sort_values([*CELL, "model"], key=order, kind="stable")[columns].reset_index(
        drop=True
    )


def postprocessing(spec: TargetSpec) -> pd.DataFrame:
    """List each score before and after the clean-up of masks.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``metrics``; options as in `ranking`.

    Returns
    -------
    DataFrame
        ``run subset model class metric convention n before before_low before_high after after_low
        after_high change``.
    """
    table = read_scores(spec)
    keys = ["run", "subset", "model", "class", "metric", "convention"]
    halves = []
    for flag, name in ((False, "before"), (True, "after")):
        half = table[table["postprocess"] == flag].drop(columns="postprocess")
        halves.append(
            half.rename(columns={"value": name, "ci_low": f"{name}_low", "ci_high": f"{name}_high"})
        )
    both = halves[0].merge(halves[1].drop(columns="n"), how="left", on=keys)
    both["change"] = both["after"] - both["before"]
    both = both.sort_values(keys[1:], key=_order(spec, table), kind="stable")
    columns = [*keys, "n", "before", "before_low", "before_high", "after", "after_low",
               "after_high", "change"]  # fmt: skip
    return both[columns].reset_index(drop=True)


def read_scores(spec: TargetSpec) -> pd.DataFrame:
    """Gather the rows of the models' ``metrics.json`` that a target is about.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``metrics``.

    Returns
    -------
    DataFrame
        ``model run subset class metric convention postprocess value ci_low ci_high n``; the
        target's run, models in the target's order.

    Raises
    ------
    ValueError
        A model has no score of the run under the target's options.
    """
    frames = []
    for model, path in spec.inputs["metrics"].items():
        rows = pd.DataFrame(read_json(path))
        rows = rows[rows["run"] == spec.run]
        for option, column in _FILTERS.items():
            if wanted := spec.options.get(option):
                rows = rows[rows[column].isin(wanted)]
        frames.append(rows.assign(model=model))
        if rows.empty and model not in BASELINES:
            raise ValueError(
                f"{path} has no score of run {spec.run} for {spec.target}; "
                f"its options are {spec.options}"
            )
    table = pd.concat(frames, ignore_index=True)
    table["postprocess"] = table["postprocess"].astype(bool)
    for name in ("value", "ci_low", "ci_high"):
        table[name] = pd.to_numeric(table[name])
    return table


def describe_change(study: Study, model: str, other: str) -> str:
    """Say in what one model is configured differently from another.

    Parameters
    ----------
    study : Study
        The study.
    model, other : str
        Two models, or pseudo-models.

    Returns
    -------
    str
        ``key: theirs -> ours`` for each difference; empty for no other model.
    """
    if not other:
        return ""
    if model == f"{other}{GATED}" and study.gate:
        return f"after the classifier {study.gate.classifier}"
    known = {name: model.plain for name, model in study.models.items()}
    ours, theirs = (known.get(name, {}) for name in (model, other))
    changes = []
    for key in CHANGES:
        changes += _differences(key, theirs.get(key), ours.get(key))
    return "; ".join(changes) or "none"


_FILTERS = {
    "subsets": "subset",
    "classes": "class",
    "metrics": "metric",
    "conventions": "convention",
}


def _pairs(spec: TargetSpec) -> dict[str, str]:
    against = spec.options["against"]
    if against == "ungated":
        return {name: name.removesuffix(GATED) for name in spec.models if name.endswith(GATED)}
    if against not in spec.models:
        raise ValueError(
            f"{spec.target}: against is {against!r}; expected ungated or one of its models "
            f"{', '.join(spec.models)}"
        )
    return {name: against for name in spec.models if name != against}


def _differences(key: str, theirs: Any, ours: Any) -> list[str]:
    if theirs == ours:
        return []
    name = key.split(".")[-1]
    if isinstance(theirs, dict) and isinstance(ours, dict) and name != "loss":
        keys: Iterable[str] = dict.fromkeys([*theirs, *ours])
        return [
            change
            for inner in keys
            for change in _differences(f"{key}.{inner}", theirs.get(inner), ours.get(inner))
        ]
    label = key.removeprefix("training.").removeprefix("options.")
    return [f"{label}: {_text(theirs)} -> {_text(ours)}"]


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, dict):
        return ", ".join(
            f"{part}" if name == "name" else f"{name} {_text(part)}" for name, part in value.items()
        )
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _order(spec: TargetSpec, table: pd.DataFrame) -> Callable[[pd.Series], pd.Series]:
    """Sort as the target lists models, classes, metrics and conventions, else as they come."""
    listed = {column: list(spec.options.get(option) or []) for option, column in _FILTERS.items()}
    listed["model"] = list(spec.models)
    listed["class"] = listed["class"] or [*spec.study.classes, "mean"]
    for column in _FILTERS.values():
        listed[column] += [v for v in table[column].unique() if v not in listed[column]]
    places = {column: {v: n for n, v in enumerate(values)} for column, values in listed.items()}
    return lambda column: column.map(places[column.name]) if column.name in places else column
