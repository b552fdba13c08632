"""Splits: sizes, strata, folds, pairs, and the refusal of overlaps."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliomake.files.tsv import write_tsv
from gliomake.prepare.all_cases import all_tested
from gliomake.prepare.split import (
    SplitOverlapError,
    check_training_tumour,
    make_split,
    read_split,
    select_slices,
    training_fraction,
    write_split,
)


def make_index(slices_of: list[int], seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """An index of patients with the given numbers of slices, and their cases."""
    rng = np.random.default_rng(seed)
    rows, cases = [], []
    for number, count in enumerate(slices_of):
        patient = f"P{number:03}"
        stratum = ("CS", "DU", "HT")[number % 3]
        load = int(rng.integers(0, 400))
        for index in range(count):
            pixels = load if index >= count // 2 else 0
            rows.append(("lgg", patient, index + 1, 64, 64, pixels))
        cases.append((patient, patient, stratum, "", 1, count))
    slices = pd.DataFrame(
        rows, columns=["dataset", "patient", "slice", "height", "width", "tumour"]
    )
    columns = ["case", "patient", "stratum", "folder", "first_slice", "slices"]
    return slices, pd.DataFrame(cases, columns=columns)


def lgg_like() -> tuple[pd.DataFrame, pd.DataFrame]:
    """110 patients of 20 to 88 slices, 3929 in all."""
    counts = [36] * 110
    counts[0] += 3929 - sum(counts) + 68 - 68
    return make_index(counts)


def test_slice_split_of_3929_slices_has_the_documents_sizes():
    split = make_split(*lgg_like(), method="slice", test=0.1, val=0.2, seed=0)
    sizes = split["subset"].value_counts()
    assert len(split) == 3929
    assert (sizes["train"], sizes["val"], sizes["test"]) == (2828, 708, 393)
    shared = split.groupby("patient")["subset"].nunique()
    assert (shared > 1).any(), "a split by slices shares patients: that is what it is shown for"


def test_patient_split_shares_no_patient_and_takes_all():
    slices, cases = lgg_like()
    split = make_split(slices, cases, method="patient", test=0.1, val=0.2, seed=0)
    assert (split.groupby("patient")["subset"].nunique() == 1).all()
    assert len(split) == len(slices)
    patients = split.groupby("subset")["patient"].nunique()
    assert (patients["test"], patients["val"], patients["train"]) == (11, 20, 79)


def test_folds_test_different_patients_until_all_are_tested():
    slices, cases = make_index([6] * 20)
    tested = [
        set(split.loc[split["subset"] == "test", "patient"])
        for split in (
            make_split(slices, cases, method="patient", fold=fold, test=0.2, val=0.2, seed=3)
            for fold in range(5)
        )
    ]
    assert sum(len(patients) for patients in tested) == 20
    assert set().union(*tested) == set(slices["patient"])


def test_fold_beyond_the_data_is_an_error():
    slices, cases = make_index([6] * 20)
    with pytest.raises(ValueError, match="fold 5 of 20 patients"):
        make_split(slices, cases, method="patient", fold=5, test=0.2, val=0.2, seed=3)


def test_a_fold_whose_validation_comes_round_is_a_fold():
    slices, cases = make_index([4] * 24)
    options = {"method": "patient", "test": 0.1, "val": 0.2, "seed": 0}
    for fold in range(8):  # 3 of 24 patients are tested
        split = make_split(slices, cases, fold=fold, **options)
        patients = split.groupby("subset")["patient"].nunique()
        assert (patients["test"], patients["val"], patients["train"]) == (3, 5, 16)
    with pytest.raises(ValueError, match="fold 8 of 24 patients"):
        make_split(slices, cases, fold=8, **options)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(6, 40),
    test=st.sampled_from([0, 0.1, 0.15, 0.2, 0.34]),
    val=st.sampled_from([0.1, 0.2, 0.4]),
    seed=st.integers(0, 3),
)
def test_every_fold_is_disjoint_and_no_two_test_the_same(count, test, val, seed):
    slices, cases = make_index([2] * count)
    tested = math.ceil(round(test * count, 9))
    walking, step = ("test", tested) if test else ("val", math.ceil(round(val * count, 9)))
    seen: set[str] = set()
    for fold in range(count // step):
        split = make_split(
            slices, cases, method="patient", fold=fold, test=test, val=val, seed=seed
        )
        parts = {name: set(part["patient"]) for name, part in split.groupby("subset")}
        assert sum(map(len, parts.values())) == count, "each patient is in one subset"
        assert len(parts.get("test", ())) == tested and parts["val"] and parts["train"]
        assert not seen & parts[walking]
        seen |= parts[walking]
    assert len(seen) == count // step * step


def test_subsets_hold_all_strata_and_similar_loads():
    slices, cases = make_index([10] * 90, seed=4)
    split = make_split(slices, cases, method="patient", test=0.2, val=0.2, seed=0)
    strata = cases.set_index("patient")["stratum"]
    load = slices.groupby("patient")["tumour"].sum()
    for _, part in split.groupby("subset"):
        patients = part["patient"].unique()
        shares = strata[patients].value_counts(normalize=True)
        assert shares.between(0.23, 0.44).all()
        assert abs(load[patients].mean() / load.mean() - 1) < 0.2


def test_seed_moves_the_draw_and_the_same_seed_does_not():
    slices, cases = make_index([6] * 30)
    options = {"method": "patient", "test": 0.2, "val": 0.2}
    first = make_split(slices, cases, seed=0, **options)
    pd.testing.assert_frame_equal(first, make_split(slices, cases, seed=0, **options))
    assert not first.equals(make_split(slices, cases, seed=1, **options))


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(2, 9), min_size=8, max_size=25),
    seed=st.integers(0, 5),
    fold=st.integers(0, 2),
)
def test_leaks_are_paired(counts, seed, fold):
    slices, cases = make_index(counts)
    splits = {
        leak: make_split(
            slices, cases, method=f"leak{leak}", fold=fold, test=0.15, val=0.2, seed=seed
        )
        for leak in (0, 25, 50, 100)
    }
    keys = {
        leak: {
            subset: set(map(tuple, part[["patient", "slice"]].to_numpy()))
            for subset, part in split.groupby("subset")
        }
        for leak, split in splits.items()
    }
    tested = {patient for patient, _ in keys[0]["test"]}
    for leak, parts in keys.items():
        assert parts["test"] == keys[0]["test"], "the test slices are the same for all leaks"
        assert len(parts["train"]) == len(keys[0]["train"]), "training sets are equally large"
        assert parts["val"] == keys[0]["val"]
        leaked = {key for key in parts["train"] if key[0] in tested}
        assert bool(leaked) == (leak > 0 and round(leak / 100 * len(_others(slices, keys))) > 0)
    assert (
        {k for k in keys[25]["train"] if k[0] in tested}
        <= keys[50]["train"]
        <= (keys[50]["train"] | keys[100]["train"])
    )
    assert {k for k in keys[100]["train"] if k[0] in tested} == _others(slices, keys)


def _others(slices, keys):
    tested = {patient for patient, _ in keys[0]["test"]}
    all_slices = set(map(tuple, slices[["patient", "slice"]].to_numpy()))
    return {key for key in all_slices if key[0] in tested} - keys[0]["test"]


def test_predefined_split_keeps_the_data_sets_folders():
    slices = pd.DataFrame(
        {"dataset": "coco", "patient": "", "slice": range(6), "height": 8, "width": 8, "tumour": 1}
    )
    cases = pd.DataFrame(
        {
            "case": [f"image{n}" for n in range(6)],
            "patient": "",
            "stratum": "",
            "folder": ["train", "train", "train", "valid", "test", "test"],
            "first_slice": range(6),
        }
    )
    split = make_split(slices, cases, method="predefined", test=0, val=0, seed=0)
    assert split["subset"].tolist() == ["train"] * 3 + ["val"] + ["test"] * 2
    limited = make_split(slices, cases, method="predefined", test=0, val=0, seed=0, max_patients=1)
    assert sorted(limited["subset"]) == ["test", "train", "val"]


def test_max_patients_limits_patients():
    slices, cases = make_index([5] * 40)
    split = make_split(slices, cases, method="patient", test=0.2, val=0.2, seed=0, max_patients=10)
    assert split["patient"].nunique() == 10
    strata = cases.set_index("patient")["stratum"]
    assert strata[split["patient"].unique()].nunique() == 3


def test_tumour_slices_only():
    slices, _ = make_index([10, 10])
    slices.loc[slices["slice"] > 5, "tumour"] = 7
    assert (select_slices(slices, "tumour")["tumour"] > 0).all()
    assert len(select_slices(slices, "all")) == 20


def test_overlapping_patients_are_refused_wherever_the_file_is_read(tmp_path):
    bad = pd.DataFrame(
        {"patient": ["A", "A", "B"], "slice": [1, 2, 1], "subset": ["train", "test", "val"]}
    )
    path = tmp_path / "patient-f0.tsv"
    with pytest.raises(SplitOverlapError, match=r"patient-f0.tsv: 1 patients .*A"):
        write_split(bad, path)
    write_tsv(bad, path)
    with pytest.raises(SplitOverlapError, match="more than one subset"):
        read_split(path)
    # A split by slices may share patients, but never a slice.
    write_tsv(bad, tmp_path / "slice-f0.tsv")
    assert len(read_split(tmp_path / "slice-f0.tsv")) == 3
    write_tsv(pd.concat([bad, bad.head(1)]), tmp_path / "slice-f1.tsv")
    with pytest.raises(SplitOverlapError, match="more than one row"):
        read_split(tmp_path / "slice-f1.tsv")


def test_unknown_method_names_the_known_ones():
    slices, cases = make_index([5] * 10)
    with pytest.raises(ValueError, match="expected patient, slice, leak<percent> or predefined"):
        make_split(slices, cases, method="random", test=0.1, val=0.1, seed=0)


def test_ids_stay_text(tmp_path):
    split = pd.DataFrame({"patient": ["001", "002"], "slice": [1, 1], "subset": ["train", "test"]})
    write_split(split, tmp_path / "patient-f0.tsv")
    assert read_split(tmp_path / "patient-f0.tsv")["patient"].tolist() == ["001", "002"]


def test_training_fraction_thins_patients_and_leaves_the_rest():
    slices, cases = make_index([6] * 20)
    split = make_split(slices, cases, method="patient", test=0.2, val=0.2, seed=0)
    thin = training_fraction(split, 0.4)
    patients = split.groupby("subset")["patient"].nunique()
    kept = thin.groupby("subset")["patient"].nunique()
    assert kept["train"] == int(np.ceil(0.4 * patients["train"]))
    assert (kept["val"], kept["test"]) == (patients["val"], patients["test"])
    pd.testing.assert_frame_equal(training_fraction(split, 1.0), split)


def test_a_training_set_without_tumour_is_an_error():
    slices = pd.DataFrame(
        {
            "dataset": "lgg",
            "patient": ["A", "A", "B", "B"],
            "slice": [1, 2, 1, 2],
            "height": 4,
            "width": 4,
            "NEC": [0, 0, 3, 0],
            "ED": [0, 0, 0, 1],
        }
    )
    split = slices[["patient", "slice"]].assign(subset=["train", "train", "test", "test"])
    message = (
        r"x/patient-f0\.tsv: none of the 2 training slices has a pixel of NEC or ED, as have 2"
    )
    with pytest.raises(ValueError, match=message):
        check_training_tumour(split, slices, "x/patient-f0.tsv")
    check_training_tumour(split.assign(subset=["train", "test", "test", "train"]), slices, "x")


def test_all_cases_are_tested():
    slices, _ = make_index([5] * 4)
    split = all_tested(slices, None)
    assert set(split["subset"]) == {"test"} and len(split) == 20
    assert split[["patient", "slice"]].equals(split[["patient", "slice"]].sort_values(
        ["patient", "slice"], ignore_index=True))  # fmt: skip
    few = all_tested(slices.sample(frac=1, random_state=0), 2)
    assert sorted(few["patient"].unique()) == sorted(slices["patient"].unique())[:2]
