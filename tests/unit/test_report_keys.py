"""Ids of numbers: what they are written as, and that they are read back as the same keys."""

from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliomake.report.keys import (
    KEYS,
    ClaimKey,
    ComparisonKey,
    IdError,
    LeakageKey,
    ScoreKey,
    SliceKey,
    SpreadKey,
    read_id,
    write_id,
)

CELL = ("test", "tumour", "dice", "pooled")
# The contract: pages are linked to by these.
IDS = {
    "score/unet/patient-f0-s0/test/tumour/dice/pooled/raw": ScoreKey(
        "unet", "patient-f0-s0", *CELL, postprocess=False
    ),
    "slice/unet/patient-f0-s0/test/tumour/P 07/12": SliceKey(
        "unet", "patient-f0-s0", "test", "tumour", "P 07", 12
    ),
    "comparison/unet/resunet/patient-f0-s0/test/tumour/dice/pooled/cleaned": ComparisonKey(
        "unet", "resunet", "patient-f0-s0", *CELL, postprocess=True
    ),
    "leakage/unet/leak100/test/tumour/dice/pooled/raw": LeakageKey("unet", 100, *CELL, False),
    "spread/seed/test/tumour/dice/pooled/raw": SpreadKey("seed", *CELL, False),
    "claim/small.004/nearest_value": ClaimKey("small.004", "nearest_value"),
}


@pytest.mark.parametrize("text", IDS)
def test_ids_are_those_of_the_contract(text):
    assert write_id(IDS[text]) == text
    assert read_id(text) == (IDS[text], "")
    assert write_id(IDS[text], "small") == f"{text}/small"


VALUES = {str: st.text(min_size=1, max_size=6), int: st.integers(0, 10**6), bool: st.booleans()}


@settings(deadline=None)
@given(st.data())
def test_every_key_comes_back_from_its_id_whatever_its_names(data):
    key = KEYS[data.draw(st.sampled_from(sorted(KEYS)))]
    values = {field.name: data.draw(VALUES[field.type]) for field in fields(key)}
    study = data.draw(st.just("") | st.text(min_size=1, max_size=6))
    assert read_id(write_id(key(**values), study)) == (key(**values), study)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "kind ''; expected one of score, slice"),
        ("wish/a/b", "kind 'wish'"),
        ("claim/small.004", "1 parts behind the kind; expected claim/column"),
        ("spread/seed/test/tumour/dice/pooled/washed", "cannot be read .'washed'"),
        ("leakage/unet/leakX/test/tumour/dice/pooled/raw", "cannot be read .*'X'"),
    ],
)
def test_what_is_no_id_is_refused(text, message):
    with pytest.raises(IdError, match=message):
        read_id(text)


def test_a_key_is_made_of_a_row_of_a_table():
    row = dict(zip(("subset", "class", "metric", "convention"), CELL, strict=True))
    row |= {"postprocess": 0, "leak": "50", "model": "unet", "value": 0.5}
    assert LeakageKey.of(row) == LeakageKey("unet", 50, *CELL, postprocess=False)
    assert (
        ScoreKey.of(row, run="r").measured._replace(run="")
        == ScoreKey("unet", "", *CELL, False).measured
    )
