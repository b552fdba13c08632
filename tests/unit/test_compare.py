"""Two models on the same patients."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gliomake.report.comparisons import says
from gliomake.report.keys import ComparisonKey
from gliomake.report.numbers import Number
from gliomake.scoring.averaging import score
from gliomake.scoring.bootstrap import resample_weights, widening
from gliomake.scoring.compare import (
    COLUMNS,
    FEWEST_PATIENTS,
    compare_models,
    likely_size,
    patients_to_settle,
)
from gliomake.scoring.metrics import COUNT_COLUMNS

PATIENTS = [f"p{index}" for index in range(8)]


def model_counts(quality, seed=0, patients=PATIENTS, classes=("tumour",)):
    """Counts of a model that finds the share `quality` of each lesion, give or take."""
    truth_of, found_of = np.random.default_rng(0), np.random.default_rng(seed)
    rows = []
    for patient in patients:
        for number in range(4):
            for name in classes:
                truth = int(truth_of.integers(50, 200)) if number else 0
                tp = int(truth * np.clip(quality + found_of.normal(0, 0.05), 0, 1))
                rows.append((patient, number, "test", name, False, tp, truth - tp, truth - tp))
    return pd.DataFrame(
        rows, columns=["patient", "slice", "subset", "class", "postprocess", "tp", "fp", "fn"]
    ).assign(tn=lambda counts: 4000 - counts["tp"] - counts["fp"] - counts["fn"])


def one_difference(a, b, metric, convention, class_, **bootstrap):
    """One row of the comparison of two models; None where a number is undefined."""
    table = compare_models({"a": a, "b": b}, [metric], [convention], **bootstrap)
    (row,) = table[table["class"] == class_].to_dict("records")
    names = ("difference", "ci_low", "ci_high", "n", "patients_to_settle")
    return {name: None if pd.isna(row[name]) else row[name] for name in names}


def test_difference_by_hand():
    good = model_counts(0.9).assign(tp=90, fp=10, fn=10, tn=890)
    poor = good.assign(tp=60, fp=40, fn=40, tn=860)
    result = one_difference(good, poor, "dice", "pooled", "tumour", resamples=50)
    expected = {"difference": 0.3, "ci_low": 0.3, "ci_high": 0.3, "n": 8}
    assert result == pytest.approx(expected | {"patients_to_settle": None})


def test_equal_models_never_settle():
    counts = model_counts(0.7)
    result = one_difference(counts, counts.copy(), "dice", "patient", "tumour", resamples=50)
    expected = {"difference": 0, "ci_low": 0, "ci_high": 0, "n": 8, "patients_to_settle": None}
    assert result == expected


@pytest.mark.parametrize("convention", ["pooled", "patient", "slice-tumour"])
def test_equals_a_naive_loop(convention):
    a, b = model_counts(0.8, seed=1), model_counts(0.75, seed=2)
    result = one_difference(a, b, "dice", convention, "tumour", resamples=80, seed=3)
    elements_of = [
        {name: part[COUNT_COLUMNS].to_numpy() for name, part in counts.groupby("patient")}
        for counts in (a, b)
    ]
    differences = []
    for weights in np.concatenate(list(resample_weights(8, 80, 3))).astype(int):
        values = []
        for found in elements_of:
            parts, names = [], []
            for patient, times in zip(PATIENTS, weights, strict=True):
                elements = found[patient]
                for copy in range(times):
                    parts.append(elements)
                    names += [f"{patient}-{copy}"] * len(elements)
            values.append(score(np.concatenate(parts), "dice", convention, names)[0])
        differences.append(values[0] - values[1])
    middle, wider = result["difference"], widening(8)
    low, high = middle + wider * (np.percentile(differences, [2.5, 97.5]) - middle)
    assert (result["ci_low"], result["ci_high"]) == pytest.approx((low, high), abs=1e-12)
    error = np.std(differences, ddof=1)
    size = likely_size(result["difference"], error, 1.96 * wider)
    needed = np.ceil(8 * (2.8 * error / size) ** 2) if size else np.inf
    expected = max(9, needed) if low <= 0 <= high and needed < 1e6 else None
    assert result["patients_to_settle"] == expected


def test_pairing_narrows_the_interval():
    # patients differ a lot, the models by the same little bit on each
    share = np.repeat(np.linspace(0.1, 0.9, 8), 4)
    truth = model_counts(0.5)
    size = 100
    a = truth.assign(tp=(size * share).astype(int) + 5, fp=0, tn=0)
    a["fn"] = size + 5 - a["tp"]
    b = a.assign(tp=a["tp"] - 5, fn=a["fn"] + 5)
    paired = one_difference(a, b, "recall", "patient", "tumour", resamples=300)
    shifted = paired["ci_high"] - paired["ci_low"]
    alone = compare_models({"a": a, "zero": a.assign(tp=0, fn=a["tp"] + a["fn"])}, ["recall"])
    single = alone[alone["convention"] == "patient"].iloc[0]
    assert shifted < 0.05 * (single["ci_high"] - single["ci_low"])


def test_patients_to_settle_by_hand():
    # se 0.05 on 16 patients, difference 0.03: 16 (2.8 * 5 / 3)^2 = 348.4
    assert patients_to_settle(0.03, 0.05, 16) == 349
    assert patients_to_settle(-0.03, 0.05, 16) == 349
    # More than there are, who did not settle it; and never fewer than can tell anything.
    assert patients_to_settle(0.5, 0.001, 16) == 17
    assert patients_to_settle(0.5, 0.001, 3) == FEWEST_PATIENTS
    assert patients_to_settle(0.0, 0.05, 16) is None
    assert patients_to_settle(1e-17, 0.05, 16) is None, (
        "a rounding error, which no study tells from 0"
    )
    assert patients_to_settle(float("nan"), 0.05, 16) is None
    assert patients_to_settle(0.1, float("nan"), 1) is None


def test_so_many_patients_do_settle():
    generator = np.random.default_rng(2)
    difference, spread, n = 0.1, 0.4, 25
    needed = patients_to_settle(difference, spread / np.sqrt(n), n)
    told = 0
    for _ in range(300):
        sample = generator.normal(difference, spread, needed)
        told += abs(sample.mean()) > 1.96 * sample.std(ddof=1) / np.sqrt(needed)
    assert 0.72 < told / 300 < 0.88


def test_only_open_differences_are_to_be_settled():
    counts = {
        name: model_counts(quality, seed)
        for name, quality, seed in [("a", 0.9, 1), ("b", 0.9, 2), ("c", 0.3, 3)]
    }
    table = compare_models(counts, ["dice"], ["pooled"], resamples=200)
    settled = (table["ci_low"] > 0) | (table["ci_high"] < 0)
    assert settled.any() and not settled.all()
    # None as well where so small a difference is measured as most that are none.
    assert table.loc[settled, "patients_to_settle"].isna().all()
    assert (table["patients_to_settle"].dropna() > table["n"].max()).all()
    few = {
        name: model_counts(0.9 - index / 2, index, PATIENTS[:5]) for index, name in enumerate("ab")
    }
    row = compare_models(few, ["dice"], ["pooled"], resamples=50).iloc[0]
    assert row["ci_low"] > 0
    assert row["patients_to_settle"] >= FEWEST_PATIENTS


def test_table_of_all_pairs():
    counts = {
        name: model_counts(quality, seed, classes=("ED", "ET"))
        for name, quality, seed in [("unet", 0.8, 1), ("vgg", 0.8, 2), ("all-background", 0, 3)]
    }
    table = compare_models(counts, run="patient-f0-s0", resamples=40)
    assert list(table.columns) == COLUMNS
    assert len(table) == 3 * (2 + 1) * 8 * 6
    pairs = table[["model_a", "model_b"]].drop_duplicates().to_numpy().tolist()
    assert pairs == [["unet", "vgg"], ["unet", "all-background"], ["vgg", "all-background"]]
    assert set(table["run"]) == {"patient-f0-s0"}
    for row in table[table["class"] != "mean"].sample(40, random_state=0).itertuples():
        values = []
        for model in (row.model_a, row.model_b):
            chosen = counts[model][counts[model]["class"] == table.loc[row.Index, "class"]]
            elements = chosen[COUNT_COLUMNS].to_numpy()
            values.append(
                score(elements, row.metric, row.convention, chosen["patient"].tolist())[0]
            )
        np.testing.assert_allclose(row.difference, values[0] - values[1], atol=1e-12)


def test_one_patient_has_no_interval():
    a, b = (model_counts(0.7, seed, patients=["p"]) for seed in (1, 2))
    result = one_difference(a, b, "dice", "pooled", "tumour", resamples=20)
    assert result["difference"] is not None
    assert result["ci_low"] is result["ci_high"] is result["patients_to_settle"] is None
    assert result["n"] == 1


def test_distances_are_compared():
    counts = {"a": model_counts(0.8, 1), "b": model_counts(0.8, 2)}
    frame = pd.DataFrame(
        {"patient": PATIENTS, "subset": "test", "class": "tumour", "postprocess": False}
    )
    distances = {
        "a": frame.assign(**{"hd95": 2.0, "nsd": 0.9, "hd95-union": 2.0, "missed": False}),
        "b": frame.assign(
            **{"hd95": np.arange(8.0), "nsd": 0.9, "hd95-union": 2.0, "missed": False}
        ),
    }
    table = compare_models(counts, resamples=30, distances=distances).set_index("metric")
    assert table.loc["hd95", "difference"] == -1.5
    assert table.loc["hd95", "convention"] == "patient"
    assert pd.isna(table.loc["nsd", "patients_to_settle"])


def test_models_of_different_splits():
    a = model_counts(0.8)
    with pytest.raises(ValueError, match="not scored on the same patients"):
        compare_models({"a": a, "b": model_counts(0.8, patients=PATIENTS[:7])}, resamples=5)
    renamed = a.replace({"patient": {"p0": "q0"}})
    with pytest.raises(ValueError, match="a and b were not scored on the same patients"):
        compare_models({"a": a, "b": renamed}, resamples=5)


def test_different_truth():
    a = model_counts(0.8)
    b = a.copy()
    b.loc[3, ["fn", "tn"]] += (1, -1)
    with pytest.raises(ValueError, match="different truth, first in patient 'p0' slice 3"):
        compare_models({"a": a, "b": b}, resamples=5)


def test_fewer_patients_than_a_sign_test_needs_tell_nothing():
    smallest = {n: 2 ** (1 - n) for n in (FEWEST_PATIENTS - 1, FEWEST_PATIENTS)}
    assert smallest[FEWEST_PATIENTS] < 0.05 <= smallest[FEWEST_PATIENTS - 1]
    cell = ("patient-f0-s0", "test", "tumour", "dice", "pooled", False)
    key = ComparisonKey("a", "b", *cell)
    number = Number(key, "page", "study", key.measured, 0.1, 0.05, 0.2, FEWEST_PATIENTS)
    assert says(number, "a", "b").text == "a is higher"
    assert says(replace(number, ci_low=-0.01), "a", "b").text == "inconclusive"
    few = replace(number, n=FEWEST_PATIENTS - 1)
    assert says(few, "a", "b").text == f"no verdict: fewer than {FEWEST_PATIENTS} patients"


def test_how_large_an_open_difference_may_be():
    # Half of what no difference gives lies within 0.63 errors, as far as it stays open.
    assert likely_size(0.062, 0.1) == 0.0 < likely_size(0.066, 0.1)
    # A difference that would not be open is taken as it is.
    assert likely_size(0.5, 0.1) == 0.5
    assert likely_size(0.1, 0.0) == 0.1
    assert np.isnan(likely_size(float("nan"), 0.1))


def test_half_of_the_open_comparisons_are_told_too_many_patients():
    rng = np.random.default_rng(0)
    effect, n = 0.5, 22
    needed = (2.8 / effect) ** 2
    told = {"likely": [], "measured": []}
    for _ in range(600):
        sample = rng.normal(effect, 1, n)
        difference, error = sample.mean(), sample.std() / np.sqrt(n)
        if abs(difference) < 1.96 * widening(n) * error:
            size = likely_size(difference, error, 1.96 * widening(n))
            for name, each in (("likely", size), ("measured", difference)):
                found = patients_to_settle(each, error, n)
                told[name].append(np.inf if found is None else found / needed)
    assert 0.8 < np.median(told["likely"]) < 1.4 < 2 < np.median(told["measured"])


@pytest.mark.slow
def test_a_true_zero_is_seldom_excluded():
    """Of seven patients who differ at random."""
    rng = np.random.default_rng(1)
    excluded = 0
    for seed in range(300):
        shares = rng.uniform(0.3, 0.9, (2, 7))
        tables = {}
        for name, share in zip("ab", shares, strict=True):
            tp = np.round(1000 * share).astype(int)
            tables[name] = pd.DataFrame(
                {
                    "patient": list("tuvwxyz"), "slice": 0, "subset": "test", "class": "tumour",
                    "postprocess": False, "tp": tp, "fp": 0, "fn": 1000 - tp, "tn": 0,
                }
            )  # fmt: skip
        row = one_difference(
            tables["a"], tables["b"], "recall", "patient", "tumour", resamples=300, seed=seed
        )
        excluded += row["ci_low"] > 0 or row["ci_high"] < 0
    assert excluded / 300 <= 0.075
