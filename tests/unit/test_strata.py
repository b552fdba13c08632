"""Scores by strata: who is in which, and that each is scored as a subset of its own."""

import numpy as np
import pandas as pd
import pytest

from gliomake.scoring.scores import score_table
from gliomake.scoring.stages import RunTables
from gliomake.scoring.strata import COLUMNS, StrataError, score_strata, stratify

BOOTSTRAP = {"resamples": 60, "seed": 0}
PATIENTS = "abcdefghi"


def counts(named=True):
    """Nine patients of six slices; the later a patient's letter, the larger its tumour."""
    rows = []
    for place, name in enumerate(PATIENTS):
        for number in range(6):
            size = 10 * (place + 1)
            row = {"patient": name if named else "", "slice": number + (0 if named else 6 * place)}
            row |= {"subset": "test", "class": "tumour", "postprocess": False}
            rows.append(row | {"tp": size - place, "fp": number, "fn": place, "tn": 900})
    return pd.DataFrame(rows)


CASES = pd.DataFrame(
    {
        "case": list(PATIENTS), "patient": list(PATIENTS), "stratum": list("xxxxxyyyy"),
        "grade": ["HGG"] * 6 + ["LGG"] * 2 + [""], "first_slice": 0,
    }
)  # fmt: skip


def patients_in(values, table):
    return {
        value: "".join(sorted(set(table.loc[values == value, "patient"]))) for value in set(values)
    }


def test_a_column_of_the_cases():
    table = counts()
    found = patients_in(stratify(table, CASES, "grade"), table)
    assert found == {"HGG": "abcdef", "LGG": "gh", "": "i"}


def test_thirds_of_the_true_tumour():
    table = counts()
    found = patients_in(stratify(table, CASES, "size"), table)
    assert found == {"small": "abc", "medium": "def", "large": "ghi"}


def test_thirds_of_each_patient_s_slices():
    table = counts()
    values = stratify(table, CASES, "position")
    assert table.loc[values == "first third", "slice"].unique().tolist() == [0, 1]
    assert table.loc[values == "last third", "slice"].unique().tolist() == [4, 5]


def test_images_without_patients():
    table = counts(named=False)
    cases = pd.DataFrame(
        {"case": range(54), "patient": "", "first_slice": range(54), "source": "p"}
    )
    cases.loc[27:, "source"] = "q"
    values = stratify(table, cases, "source")
    assert set(values[table["slice"] < 27]) == {"p"} and set(values[table["slice"] >= 27]) == {"q"}
    assert stratify(table, cases, "size").value_counts().tolist() == [18, 18, 18]


def test_an_unknown_column_names_those_that_there_are():
    with pytest.raises(StrataError, match=r"'sex' is no column of cases\.tsv; it has stratum"):
        stratify(counts(), CASES, "sex")


def test_a_stratum_is_scored_as_a_subset_of_its_own():
    table = counts()
    distances = pd.DataFrame({"patient": list(PATIENTS), "subset": "test", "class": "tumour"})
    distances = distances.assign(postprocess=False, hd95=np.arange(9.0), nsd=0.5)
    distances["hd95-union"] = distances["hd95"]
    found = score_strata(
        {"m": RunTables(table, distances)}, CASES, ["grade", "position"], run="r",
        bootstrap=BOOTSTRAP,
    )  # fmt: skip
    assert list(found.columns) == COLUMNS
    assert found["value"].unique().tolist() == [
        "HGG", "LGG", "first third", "middle third", "last third",
    ]  # fmt: skip
    alone = pd.DataFrame(
        score_table(table[table["patient"].isin(list("abcdef"))], ["dice"], **BOOTSTRAP)
    ).set_index("convention")
    rows = found[(found["value"] == "HGG") & (found["metric"] == "dice")].set_index("convention")
    for convention in ("pooled", "patient", "slice-tumour"):
        row, expected = rows.loc[convention], alone.loc[convention]
        assert row["score"] == expected["value"]
        assert (row["ci_low"], row["ci_high"]) == (expected["ci_low"], expected["ci_high"])
        assert row["n"] == expected["n"]
    hd95 = found[found["metric"] == "hd95"].set_index("value")["score"]
    assert hd95.to_dict() == {"HGG": 2.5, "LGG": 6.5}, "no distance of parts of a patient"


def test_three_patients_of_a_stratum_have_no_interval():
    found = score_strata({"m": RunTables(counts())}, CASES, ["size"], run="r", bootstrap=BOOTSTRAP)
    assert found["ci_low"].isna().all() and found["score"].notna().all()
