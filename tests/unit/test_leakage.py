"""The size of a leak and the parts of a spread, on made-up counts with a known truth."""

import numpy as np
import pandas as pd
import pytest

from gliomake.scoring.bootstrap import widening
from gliomake.scoring.leakage import (
    LEAK_COLUMNS,
    SPREAD_COLUMNS,
    LeakageError,
    leak_effects,
    seed_errors,
    spread,
    variance_components,
)
from gliomake.study.run import Run

PIXELS = 1000


def made_up(generator, hits, fold, noise=0.05, slices=4):
    """Counts of a run: patient i is hit in a share hits[i] of its tumour, with noise a slice."""
    rows = []
    for index, share in enumerate(hits):
        for number in range(slices):
            truth = 100
            tp = round(truth * np.clip(share + noise * generator.normal(), 0, 1))
            rows.append((f"F{fold}P{index}", number, tp, 10, truth - tp, PIXELS - truth - 10))
    table = pd.DataFrame(rows, columns=["patient", "slice", "tp", "fp", "fn", "tn"])
    return table.assign(subset="test", postprocess=False, **{"class": "tumour"})


def pairs(generator, effect, folds=2, seeds=1, patients=12, leaks=(100,), slices=4):
    """Runs of every leak; `effect` gives the gain of a patient at a leak."""
    runs = {}
    for fold in range(folds):
        hits = generator.uniform(0.4, 0.8, patients)
        for leak in (0, *leaks):
            gain = np.array([effect(generator, leak) for _ in hits])
            for seed in range(seeds):
                name = f"leak{leak}-f{fold}-s{seed}"
                runs[name] = made_up(generator, hits + gain, fold, slices=slices)
    return runs


def one(table, metric="recall", convention="pooled", leak=100):
    (row,) = table[
        (table["metric"] == metric) & (table["convention"] == convention) & (table["leak"] == leak)
    ].to_dict("records")
    return row


def measure(runs, **kwargs):
    options = {"metrics": ["recall", "dice"], "conventions": ["pooled", "patient", "slice-skip"]}
    return leak_effects(runs, "unet", **(options | {"resamples": 500} | kwargs))


def test_the_difference_is_worked_by_hand():
    def table(patient, tp):
        row = {"patient": patient, "slice": 1, "subset": "test", "class": "tumour"}
        return row | {"postprocess": False, "tp": tp, "fp": 0, "fn": 10 - tp, "tn": 0}

    runs = {
        "leak0-f0-s0": pd.DataFrame([table("A", 4), table("B", 5)]),
        "leak0-f0-s1": pd.DataFrame([table("A", 6), table("B", 5)]),
        "leak0-f1-s0": pd.DataFrame([table("A", 1)]),
        "leak100-f0-s0": pd.DataFrame([table("A", 8), table("B", 5)]),
        "leak100-f0-s1": pd.DataFrame([table("A", 10), table("B", 5)]),
        "leak100-f1-s0": pd.DataFrame([table("A", 4)]),
    }
    result = measure(runs, conventions=["pooled", "patient"])
    assert list(result.columns) == LEAK_COLUMNS
    # Seeds averaged: fold 0 gains 4 of A's 10 pixels and none of B's, fold 1 gains 3 of its A's.
    row = one(result)
    assert row["difference"] == pytest.approx(7 / 30)
    assert (row["folds"], row["seeds"], row["patients"]) == (2, 2, 3)
    assert one(result, convention="patient")["difference"] == pytest.approx((0.4 + 0 + 0.3) / 3)
    # Every resample gains something between none and 4 of 10; Student's t widens what they tell.
    gain, wider = row["difference"], widening(3)
    assert gain - wider * gain - 1e-12 <= row["ci_low"] < gain
    assert gain < row["ci_high"] <= gain + wider * (0.4 - gain) + 1e-12


@pytest.mark.slow  # draws hundreds of studies
def test_without_a_leak_the_interval_holds_zero_in_about_95_percent_of_draws():
    generator = np.random.default_rng(1)
    draws, held = 150, 0
    for draw in range(draws):
        # Trainings differ, but no more for a leak: each patient moves either way.
        runs = pairs(generator, lambda g, leak: 0.05 * g.normal(), 1, patients=30, slices=1)
        options = {"metrics": ["recall"], "conventions": ["pooled"], "resamples": 300}
        row = one(measure(runs, **options, seed=draw))
        held += row["ci_low"] <= 0 <= row["ci_high"]
    # 95 % are 142.5 +- 2.7 of 150 draws.
    assert 134 <= held <= 149


@pytest.mark.slow  # draws hundreds of studies
def test_with_seeds_that_move_every_patient_the_interval_still_holds_zero():
    generator = np.random.default_rng(10)
    draws = 80
    held = {"with": 0, "without": 0}
    for draw in range(draws):
        runs = pairs(generator, lambda g, leak: 0.0, folds=2, seeds=2, patients=12, slices=1)
        for table in runs.values():  # a training as a whole is lucky or not
            table["tp"] = np.clip(table["tp"] + round(3 * generator.normal()), 0, 100)
            table["fn"] = 100 - table["tp"]
        options = {"metrics": ["recall"], "conventions": ["pooled"], "resamples": 300}
        row = one(measure(runs, **options, seed=draw))
        held["with"] += row["ci_low"] <= 0 <= row["ci_high"]
        blind = {name: table for name, table in runs.items() if name.endswith("s0")}
        row = one(measure(blind, **options, seed=draw))
        held["without"] += row["ci_low"] <= 0 <= row["ci_high"]
    # 95 % are 76 +- 1.9 of 80; with a single seed, about half.
    assert held["with"] >= 72
    assert held["without"] < 60


def test_the_error_of_the_seeds_is_students_t():
    # Two folds of two seeds, 0.2 apart: pooled variance 0.02, standard error sqrt(0.02 / 4).
    names = ["leak100-f0-s0", "leak100-f0-s1", "leak100-f1-s0", "leak100-f1-s1"]
    values = [[0.1, 1.0], [0.3, 1.0], [0.7, 2.0], [0.9, 2.0]]
    runs = {Run.parse(name): np.array(value) for name, value in zip(names, values, strict=True)}
    errors = seed_errors(runs, 200_000)
    assert (errors[1] == 0).all()
    quantile = 4.3027 * np.sqrt(0.02 / 4)  # 97.5 % of Student's t with 2 degrees of freedom
    assert np.quantile(errors[0], [0.025, 0.975]) == pytest.approx([-quantile, quantile], rel=0.03)
    alone = {run: value for run, value in runs.items() if run.seed == 0}
    assert (seed_errors(alone, 10) == 0).all()


def test_an_interval_ends_where_scores_end():
    runs = pairs(np.random.default_rng(11), lambda g, leak: 0.0, folds=1, seeds=2)
    for name in ("leak100-f0-s0", "leak0-f0-s1"):  # seeds that move everything, either way
        runs[name] = runs[name].assign(tp=0, fn=100)
    result = measure(runs)
    assert (result["ci_low"] == -1).all() and (result["ci_high"] == 1).all()


def test_a_planted_leak_is_found_under_every_convention():
    generator = np.random.default_rng(2)
    runs = pairs(generator, lambda g, leak: 0.1 * leak / 100 + 0.02 * g.normal(), seeds=2)
    result = measure(runs)
    assert len(result) == 6
    recall = result[result["metric"] == "recall"]
    assert (recall["difference"].between(0.07, 0.13)).all()
    assert (result["ci_low"] > 0).all()


def test_more_leak_more_difference():
    generator = np.random.default_rng(3)
    runs = pairs(generator, lambda g, leak: 0.2 * leak / 100, leaks=(25, 50, 100))
    doses = measure(runs, metrics=["dice"], conventions=["pooled"])
    assert list(doses["leak"]) == [25, 50, 100]
    assert doses["difference"].is_monotonic_increasing


def test_patients_of_different_folds_are_different_units():
    generator = np.random.default_rng(4)
    runs = pairs(generator, lambda g, leak: 0.0, folds=3, patients=5)
    for table in runs.values():
        table["patient"] = table["patient"].str[2:]  # the same names in every fold
    assert one(measure(runs))["patients"] == 15


def test_other_runs_are_not_looked_at():
    generator = np.random.default_rng(5)
    runs = pairs(generator, lambda g, leak: 0.0)
    alone = measure(runs)
    runs["patient-f0-s0"] = runs["leak0-f0-s0"].assign(tp=0)
    runs["leak0-f7-s0"] = runs["leak0-f0-s0"].assign(tp=0)
    pd.testing.assert_frame_equal(measure(runs), alone)


def test_a_single_patient_has_no_interval():
    runs = pairs(np.random.default_rng(6), lambda g, leak: 0.1, folds=1, patients=1)
    row = one(measure(runs))
    assert np.isfinite(row["difference"])
    assert np.isnan([row["ci_low"], row["ci_high"]]).all()


def test_partners_must_be_there_and_of_the_same_slices():
    runs = pairs(np.random.default_rng(7), lambda g, leak: 0.0)
    with pytest.raises(LeakageError, match="leak100-f1-s0 has no partner leak0-f1-s0"):
        measure({name: table for name, table in runs.items() if name != "leak0-f1-s0"})
    with pytest.raises(LeakageError, match="44 and 48 rows of counts that are not of the same"):
        measure(runs | {"leak100-f0-s0": runs["leak100-f0-s0"].iloc[4:]})
    other_truth = runs["leak100-f0-s0"].assign(fn=runs["leak100-f0-s0"]["fn"] + 1)
    with pytest.raises(LeakageError, match="same masks"):
        measure(runs | {"leak100-f0-s0": other_truth})
    with pytest.raises(LeakageError, match="0 and 0 rows"):
        measure(runs, subset="val")


def test_variance_components_by_hand():
    # Two models 0.2 apart in both of two folds 0.4 apart, seeds +-0.1 around: no interaction.
    scores = np.array([[[0.1, 0.3], [0.5, 0.7]], [[0.3, 0.5], [0.7, 0.9]]])
    parts = variance_components(scores)
    assert parts["seed"] == (pytest.approx(np.sqrt(0.02)), 4)
    assert parts["model x fold"] == (0, 1)
    # MS_model = 4 * 2 * 0.1^2 = 0.08, MS_interaction = 0: sqrt(0.08 / 4)
    assert parts["model"] == (pytest.approx(np.sqrt(0.02)), 1)
    assert parts["fold"] == (pytest.approx(np.sqrt(0.08)), 1)


def test_variance_components_agree_with_what_was_drawn():
    generator = np.random.default_rng(8)
    sd = {"model": 0.03, "fold": 0.05, "model x fold": 0.02, "seed": 0.01}
    draws = []
    for _ in range(300):
        model = sd["model"] * generator.normal(size=(4, 1, 1))
        fold = sd["fold"] * generator.normal(size=(1, 5, 1))
        both = sd["model x fold"] * generator.normal(size=(4, 5, 1))
        scores = 0.8 + model + fold + both + sd["seed"] * generator.normal(size=(4, 5, 3))
        draws.append({name: part[0] ** 2 for name, part in variance_components(scores).items()})
    mean = pd.DataFrame(draws).mean()
    for name, value in sd.items():
        assert np.sqrt(mean[name]) == pytest.approx(value, rel=0.15)


def test_sources_without_degrees_of_freedom_are_left_out():
    assert set(variance_components(np.zeros((1, 2, 2)))) == {"fold", "seed"}
    assert set(variance_components(np.zeros((2, 2, 1)))) == {"model", "fold", "model x fold"}
    assert variance_components(np.zeros((1, 1, 1))) == {}


def test_spread_of_runs():
    generator = np.random.default_rng(9)
    counts = {}
    for fold, level in enumerate((0.4, 0.7)):
        for seed in range(2):
            hits = np.full(6, level)
            counts["unet", f"patient-f{fold}-s{seed}"] = made_up(generator, hits, fold)
    counts["unet", "slice-f0-s0"] = made_up(generator, np.ones(6), 0)
    table = spread(counts, metrics=["recall"], conventions=["pooled"])
    assert list(table.columns) == SPREAD_COLUMNS
    parts = table.set_index("source")
    assert set(parts.index) == {"fold", "seed"}
    assert parts.loc["fold", "sd"] == pytest.approx(0.3 / np.sqrt(2), rel=0.1)
    assert parts.loc["seed", "sd"] < 0.03
    assert (parts["mean"].iloc[0], parts["folds"].iloc[0]) == (pytest.approx(0.55, abs=0.03), 2)
    del counts["unet", "patient-f1-s1"]
    with pytest.raises(LeakageError, match="no counts of unet/patient-f1-s1"):
        spread(counts)
