"""Reading reported numbers: what is refused, and how far rounding reaches."""

from collections import Counter
from pathlib import Path

import pytest

from gliomake.claims import ClaimError, load_claims
from gliomake.claims.interval import Interval
from gliomake.config import load_study

ROOT = Path(__file__).parents[2]
CLAIMS = ROOT / "config" / "claims.tsv"
HEADER = "claim study model subset quantity class epoch value approximate where aggregation note"


def write(path: Path, *rows: str) -> Path:
    """Write rows given as cells separated by | under the contract's header."""
    lines = [HEADER.replace(" ", "\t"), *(row.replace("|", "\t") for row in rows)]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_every_reported_number_is_there_once():
    claims = load_claims(CLAIMS)
    assert len(claims) == len({claim.claim for claim in claims}) == 197
    assert Counter(claim.study for claim in claims) == {
        "coco-unet": 7,
        "brats2020-multiclass": 143,
        "lgg-two-stage": 24,
        "lgg-encoders": 10,
        "brats2021-flair": 13,
    }


def test_claims_name_studies_models_and_data_sets_of_the_config():
    studies = {
        path.stem: load_study(path, "paper") for path in (ROOT / "config/studies").glob("*.yaml")
    }
    claims = load_claims(CLAIMS, {name: study["models"] for name, study in studies.items()})
    assert {(claim.study, claim.dataset) for claim in claims} == {
        (name, study["dataset"]) for name, study in studies.items()
    }


@pytest.mark.parametrize(
    ("value", "approximate", "quantity", "low", "high"),
    [
        ("0.5", "no", "dice", 0.45, 0.55),
        ("0.50", "no", "dice", 0.495, 0.505),
        ("0.50", "yes", "dice", 0.49, 0.51),
        ("393", "no", "slices", 392.5, 393.5),
        ("57e3", "yes", "slices", 56000, 58000),
        ("20000000.0", "no", "parameters", 19999999.5, 20000000.5),
        ("0.0004", "no", "learning_rate", 0.00035, 0.00045),
    ],
)
def test_rounding_reaches_half_a_unit_of_the_last_printed_place(
    tmp_path, value, approximate, quantity, low, high
):
    row = f"a.1|a|unet|val|{quantity}|tumour||{value}|{approximate}|page 1||"
    (claim,) = load_claims(write(tmp_path / "claims.tsv", row))
    assert (claim.interval.low, claim.interval.high) == pytest.approx((low, high), rel=1e-12)


def test_a_column_of_a_table_shares_its_finest_precision(tmp_path):
    rows = [
        "a.1|a|unet|val|dice|tumour|1|0.4|no|table||",
        "a.2|a|unet|val|dice|tumour|2|0.412|no|table||",
        "a.3|a|unet|val|dice|tumour||0.4|no|text||",
    ]
    table, _, text = load_claims(write(tmp_path / "claims.tsv", *rows))
    assert (table.interval.low, table.interval.high) == pytest.approx((0.3995, 0.4005))
    assert (text.interval.low, text.interval.high) == pytest.approx((0.35, 0.45))


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        ("", "result"),
        ("protocol", "protocol"),
        ("a target for future work", "target"),
        ("constraint: a free GPU", "constraint"),
        ("qualitative: better", "qualitative"),
        ("on the target population", "result"),
    ],
)
def test_the_note_tells_results_from_wishes(tmp_path, note, kind):
    row = f"a.1|a|unet|val|dice|tumour||0.5|no|page 1||{note}"
    assert load_claims(write(tmp_path / "claims.tsv", row))[0].kind == kind


GOOD = "a.1|a|unet|val|dice|tumour||0.5|no|page 1||"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([GOOD, GOOD], "used twice: a.1"),
        ([GOOD.replace("0.5", "half")], "value 'half' is not a number"),
        ([GOOD.replace("0.5", "nan")], "not finite"),
        ([GOOD.replace("dice", "dise")], "unknown quantity 'dise'"),
        ([GOOD.replace("|no|", "|maybe|")], "approximate must be yes or no"),
        ([GOOD.replace("tumour||", "tumour|last|")], "epoch must be a number, final or empty"),
        (["a.1|a|unet"], "line 2"),
    ],
)
def test_bad_rows_are_refused(tmp_path, rows, message):
    with pytest.raises(ClaimError, match=message):
        load_claims(write(tmp_path / "claims.tsv", *rows))


def test_unknown_studies_models_and_missing_columns_are_refused(tmp_path):
    path = write(tmp_path / "claims.tsv", GOOD)
    with pytest.raises(ClaimError, match="known studies: b"):
        load_claims(path, {"b": ["unet"]})
    with pytest.raises(ClaimError, match="a has resunet"):
        load_claims(path, {"a": ["resunet"]})
    path.write_text("claim\tstudy\na.1\ta\n")
    with pytest.raises(ClaimError, match="no column model"):
        load_claims(path)


def test_intervals_touching_at_an_end_overlap():
    assert Interval(0, 1).overlaps(Interval(1, 2))
    assert not Interval(0, 1).overlaps(Interval(1.001, 2))
