"""The table of scores with its intervals: against naive loops, and on edges."""

import json

import numpy as np
import pandas as pd
import pytest

from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.scoring.averaging import convention_scores, score
from gliomake.scoring.bootstrap import (
    FEWEST_UNITS,
    percentile_interval,
    resample_weights,
)
from gliomake.scoring.metrics import CLASSIFICATION_METRICS, COUNT_COLUMNS, count_metric
from gliomake.scoring.scores import count_sums, score_table

ROW = ["subset", "class", "metric", "convention", "postprocess"]


def random_counts(patients=("a", "b", "c", "d"), classes=("NEC", "ED", "ET"), seed=0, slices=5):
    """Make counts with empty slices, empty patients and shuffled rows."""
    generator = np.random.default_rng(seed)
    rows = []
    for index, patient in enumerate(patients):
        for number in range(slices):
            for name in classes:
                truth = generator.integers(0, 2) * generator.integers(0, 200)
                tp = generator.integers(0, truth + 1)
                fp = generator.integers(0, 2) * generator.integers(0, 50)
                if index == 1 and name == classes[0]:
                    truth = tp = fp = 0
                rows.append((patient, number, "test", name, False, tp, fp, truth - tp))
    table = pd.DataFrame(
        rows, columns=["patient", "slice", "subset", "class", "postprocess", "tp", "fp", "fn"]
    ).assign(tn=lambda counts: 1000 - counts["tp"] - counts["fp"] - counts["fn"])
    return table.sample(frac=1, random_state=seed)


def classifier_counts(outcomes):
    """One row an image: outcomes are columns of tp, fp, fn, tn."""
    table = pd.DataFrame(np.eye(4, dtype=int)[outcomes], columns=COUNT_COLUMNS)
    return table.assign(
        patient=[f"p{index % 3}" for index in range(len(outcomes))],
        slice=range(len(outcomes)),
        subset="val",
        postprocess=False,
        **{"class": "tumour"},
    )


def by_key(rows):
    return {tuple(row[name] for name in ROW): row for row in rows}


def test_table_equals_single_scores():
    counts = random_counts()
    table = by_key(score_table(counts, resamples=20))
    assert len(table) == (3 + 1) * 8 * 6
    for (subset, class_, metric, convention, _), row in table.items():
        if class_ == "mean":
            parts = [table[subset, c, metric, convention, False] for c in ("NEC", "ED", "ET")]
            expected, n = np.mean([part["value"] for part in parts]), min(p["n"] for p in parts)
        else:
            chosen = counts[counts["class"] == class_]
            elements = chosen[COUNT_COLUMNS].to_numpy()
            expected, n = score(elements, metric, convention, chosen["patient"].tolist())
        assert row["value"] == pytest.approx(expected, abs=1e-12)
        assert row["n"] == n
        assert row["ci_low"] is row["ci_high"] is None  # of four patients


def naive_score(units, metric, convention):
    """A score as a ratio of two sums over units, and what each unit adds to its error."""
    top, bottom = [], []
    for elements in units:
        total = elements.sum(axis=0)
        if convention == "pooled":
            a, b = count_metric(metric).fraction(*total)
        else:
            chosen = total[None] if convention == "patient" else elements
            values = convention_scores(chosen, metric, convention)
            a, b = np.nansum(values), np.count_nonzero(~np.isnan(values))
        top.append(a)
        bottom.append(b)
    top, bottom = np.array(top, float), np.array(bottom, float)
    ratio = top.sum() / bottom.sum()
    return ratio, (top - ratio * bottom) / bottom.sum()


def naive_interval(units_of_classes, metric, convention, drawn):
    """The studentised interval of a mean over classes, resample by resample."""

    def scored(weights):
        parts = [
            naive_score(
                [each for each, times in zip(units, weights, strict=True) for _ in range(times)],
                metric,
                convention,
            )
            for units in units_of_classes
        ]
        away = np.mean([residual for _, residual in parts], axis=0)
        return np.mean([ratio for ratio, _ in parts]), np.sqrt((away**2).sum())

    value, error = scored(np.ones(len(drawn[0]), int))
    told = []
    for weights in drawn:
        replicate_, spread = scored(weights)
        if np.isnan(replicate_):
            continue
        if abs(replicate_ - value) < 1e-9:
            told.append(0.0)
        else:
            told.append((replicate_ - value) / spread if spread > 1e-9 else
                        np.sign(replicate_ - value) * np.inf)  # fmt: skip
    told = np.sort(told)
    last = len(told) - 1
    low = value - told[int(np.ceil(0.975 * last))] * error
    high = value - told[int(np.floor(0.025 * last))] * error
    return [max(low, 0), min(high, 1)]


@pytest.mark.filterwarnings("ignore:invalid value")
def test_interval_equals_a_naive_loop():
    counts = random_counts(patients="abcdefghi", classes=("ED", "ET"))
    resamples, seed = 80, 4
    patients = sorted(counts["patient"].unique())
    drawn = np.concatenate(list(resample_weights(len(patients), resamples, seed))).astype(int)
    table = by_key(score_table(counts, resamples=resamples, seed=seed))
    units = {
        class_: [
            counts[(counts["class"] == class_) & (counts["patient"] == patient)][
                COUNT_COLUMNS
            ].to_numpy()
            for patient in patients
        ]
        for class_ in ("ED", "ET")
    }
    for metric, convention in [
        ("dice", "pooled"),
        ("dice", "patient"),
        ("recall", "slice-tumour"),
        ("iou", "slice-skip"),
        ("precision", "slice-empty1"),
    ]:
        for class_ in ("ED", "ET", "mean"):
            of_class = list(units.values()) if class_ == "mean" else [units[class_]]
            row = table["test", class_, metric, convention, False]
            expected = naive_interval(of_class, metric, convention, drawn)
            assert [row["ci_low"], row["ci_high"]] == pytest.approx(expected, abs=1e-9)


def test_images_are_resampled_where_there_are_no_patients():
    counts = random_counts(classes=("tumour",), patients=("a",), slices=40).assign(patient="")
    rows = score_table(counts, resamples=50)
    assert "patient" not in {row["convention"] for row in rows}
    (_, _, sums), *_ = count_sums(counts)
    assert sums.units == tuple(range(40))
    drawn = np.concatenate(list(resample_weights(40, 50, 0))).astype(int)
    elements = counts.sort_values("slice")[COUNT_COLUMNS].to_numpy()
    row = by_key(rows)["test", "tumour", "dice", "pooled", False]
    expected = naive_interval([list(elements[:, None])], "dice", "pooled", drawn)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(expected)


@pytest.mark.parametrize("units", [2, FEWEST_UNITS - 1, FEWEST_UNITS])
def test_few_patients_have_no_interval(units):
    counts = random_counts(patients="abcdefgh"[:units], slices=9)
    rows = score_table(counts, resamples=200)
    told = [row["ci_low"] is not None for row in rows if row["value"] is not None]
    assert all(told) if units == FEWEST_UNITS else not any(told)


def test_an_interval_stays_within_what_a_score_can_be():
    counts = random_counts(patients="abcdef", classes=("tumour",))
    for row in score_table(counts, resamples=300):
        if row["ci_low"] is not None:
            assert 0 <= row["ci_low"] <= row["ci_high"] <= 1


def test_one_patient_has_no_interval():
    rows = score_table(random_counts(patients=("a",)), resamples=10)
    assert any(row["value"] is not None for row in rows)
    assert all(row["ci_low"] is None and row["ci_high"] is None for row in rows)


def test_absent_class_is_null_and_so_is_the_mean():
    counts = random_counts()
    counts.loc[counts["class"] == "ET", COUNT_COLUMNS] = (0, 0, 0, 1000)
    table = by_key(score_table(counts, resamples=10))
    for class_ in ("ET", "mean"):
        row = table["test", class_, "dice", "pooled", False]
        assert row["value"] is row["ci_low"] is row["ci_high"] is None
        assert table["test", class_, "dice", "patient", False]["n"] == 0
    assert table["test", "ET", "dice", "slice-empty1", False]["value"] == 1
    assert table["test", "ED", "dice", "pooled", False]["value"] is not None


def test_undefined_resamples_are_left_out():
    # only one of ten patients has tumour, and is in 1 - 0.9^10 = 65 % of the resamples
    counts = random_counts(patients="abcdefghij", classes=("tumour",), slices=1)
    counts[COUNT_COLUMNS] = (0, 0, 0, 1000)
    counts.loc[counts["patient"] == "c", COUNT_COLUMNS] = (5, 5, 0, 990)
    row = by_key(score_table(counts, resamples=400))["test", "tumour", "dice", "pooled", False]
    assert row["value"] == row["ci_low"] == row["ci_high"] == pytest.approx(2 / 3)


def test_no_interval_where_most_resamples_are_undefined():
    nan = np.nan
    low, high = percentile_interval(np.array([[1, 2, nan, nan, nan], [1, 2, 3, nan, nan]]))
    assert np.isnan([low[0], high[0]]).all()
    assert [low[1], high[1]] == pytest.approx([1.05, 2.95])


def test_subsets_and_postprocessing_stand_apart():
    first = random_counts(seed=1)
    other = random_counts(seed=2).assign(subset="val", patient=lambda t: "v" + t["patient"])
    counts = pd.concat(
        [first, other, first.assign(postprocess=True), other.assign(postprocess=True)]
    )
    rows = score_table(counts, ["dice"], ["pooled", "patient"], resamples=10)
    assert [tuple(str(row[name]) for name in ROW) for row in rows] == sorted(
        tuple(str(row[name]) for name in ROW) for row in rows
    )
    table = by_key(rows)
    assert len(table) == 4 * 4 * 2
    alone = by_key(score_table(first, ["dice"], ["pooled"], resamples=10))
    key = ("test", "ED", "dice", "pooled")
    assert table[*key, False] == alone[*key, False]
    assert table[*key, True] == table[*key, False] | {"postprocess": True}
    json.dumps(rows, allow_nan=False)


def test_row_order_does_not_matter():
    counts = random_counts()
    assert score_table(counts, resamples=30) == score_table(counts[::-1], resamples=30)


def test_classifier_is_told_for_both_classes():
    counts = classifier_counts([0] * 6 + [1] * 2 + [2] * 1 + [3] * 5)
    table = by_key(score_table(counts, resamples=50, task="classification"))
    value = {key[1:4]: row["value"] for key, row in table.items()}
    assert {key[2] for key in value} == {"image"}
    assert {key[1] for key in value if key[0] == "tumour"} == set(CLASSIFICATION_METRICS)
    assert value["tumour", "precision", "image"] == 6 / 8
    assert value["tumour", "accuracy", "image"] == 11 / 14
    assert value["no-tumour", "precision", "image"] == 5 / 6
    assert value["no-tumour", "recall", "image"] == 5 / 7
    assert {key[1] for key in value if key[0] == "no-tumour"} == {"precision", "recall"}


def distances_of(patients, subset="test"):
    return pd.DataFrame(
        {
            "patient": patients,
            "subset": subset,
            "class": "tumour",
            "postprocess": False,
            "hd95": [2.0, 4.0, np.nan],
            "hd95-union": [2.0, 4.0, np.nan],
            "nsd": [0.5, 1.0, np.nan],
            "missed": False,
        }
    )


def test_distances_join_the_table():
    counts = random_counts(patients=("a", "b", "c"), classes=("tumour",))
    table = by_key(score_table(counts, resamples=200, distances=distances_of(["a", "b", "c"])))
    row = table["test", "tumour", "hd95", "patient", False]
    assert (row["value"], row["n"]) == (3.0, 2)
    assert row["ci_low"] is row["ci_high"] is None, "of two patients nothing is known"
    assert table["test", "tumour", "nsd", "patient", False]["value"] == 0.75
    assert table["test", "tumour", "dice", "patient", False]["value"] is not None


def test_distances_of_strangers():
    counts = random_counts(patients=("a", "b"), classes=("tumour",))
    with pytest.raises(ValueError, match="no counts: c"):
        score_table(counts, resamples=5, distances=distances_of(["a", "b", "c"]))
    with pytest.raises(ValueError, match="twice"):
        score_table(counts, resamples=5, distances=distances_of(["a", "b", "b"]))


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda counts: pd.concat([counts, counts[:1]]), "twice or lack a class"),
        (lambda counts: counts[1:], "twice or lack a class"),
        (lambda counts: pd.concat([counts, counts]), "twice or lack a class"),
        (lambda counts: counts.replace({"patient": {"a": ""}}), "name no patient"),
        (lambda counts: counts[:0], "no rows"),
        (lambda counts: counts.assign(postprocess="false"), "'false': expected booleans"),
    ],
)
def test_counts_must_be_complete(spoil, match):
    with pytest.raises(ValueError, match=match):
        score_table(spoil(random_counts()), resamples=5)


def test_image_convention_is_for_images():
    with pytest.raises(ValueError, match="one pixel an image"):
        score_table(random_counts(), conventions=["image"], resamples=5)
    with pytest.raises(ValueError, match="the only one"):
        score_table(
            classifier_counts([0, 1]),
            conventions=["image", "pooled"],
            resamples=5,
            task="classification",
        )
    with pytest.raises(ValueError, match="expected one pixel an image"):
        score_table(random_counts(), resamples=5, task="classification")


def test_masks_of_one_pixel_are_no_classes():
    rows = score_table(classifier_counts([0, 1, 2, 3]), resamples=5)
    assert {row["class"] for row in rows} == {"tumour"}
    assert "pooled" in {row["convention"] for row in rows}


def test_file_without_distances_adds_no_rows(tmp_path):
    counts = random_counts()
    empty = distances_of(["a", "b", "c"])[:0]
    write_tsv(empty, tmp_path / "distances.tsv")
    distances = read_tsv(tmp_path / "distances.tsv")
    assert score_table(counts, resamples=5, distances=distances) == score_table(counts, resamples=5)
