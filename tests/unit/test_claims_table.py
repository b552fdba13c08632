"""Reading reported numbers: what is refused, and how far rounding reaches."""

from collections import Counter
from pathlib import Path

import pytest

from gliomake.claims.interval import Interval
from gliomake.claims.table import ClaimError, load_claims
from gliomake.study.load import load_study

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
    _, *rows = CLAIMS.read_text(encoding="utf-8").splitlines()
    assert len(claims) == len({claim.claim for claim in claims}) == len(rows)
    assert Counter(claim.study for claim in claims) == Counter(row.split("\t")[1] for row in rows)
    files = (ROOT / "config" / "studies").glob("*.yaml")
    assert {claim.study for claim in claims} == {path.stem for path in files}


def test_claims_name_studies_models_and_data_sets_of_the_config():
    studies = {
        path.stem: load_study(path, "paper") for path in (ROOT / "config/studies").glob("*.yaml")
    }
    claims = load_claims(CLAIMS, {name: study.models for name, study in studies.items()})
    assert {(claim.study, claim.dataset) for claim in claims} == {
        (name, study.dataset) for name, study in studies.items()
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


def write_kind(path: Path, kind: str, note: str) -> Path:
    row = f"a.1|a|unet|val|dice|tumour||0.5|no|page 1||{note}|{kind}".replace("|", "\t")
    path.write_text(HEADER.replace(" ", "\t") + f"\tkind\n{row}\n")
    return path


@pytest.mark.parametrize("kind", ["result", "protocol", "target", "constraint", "qualitative"])
def test_the_kind_tells_results_from_wishes_whatever_the_note_says(tmp_path, kind):
    path = write_kind(tmp_path / "claims.tsv", kind, "protocol of the target population")
    assert load_claims(path)[0].kind == kind


def test_a_row_without_a_kind_is_a_result(tmp_path):
    assert load_claims(write_kind(tmp_path / "claims.tsv", "", "a target"))[0].kind == "result"
    assert load_claims(write(tmp_path / "claims.tsv", f"{GOOD}a wish"))[0].kind == "result"


def test_kinds_that_there_are_not_are_refused(tmp_path):
    with pytest.raises(ClaimError, match="line 2: kind 'wish'; expected result, protocol"):
        load_claims(write_kind(tmp_path / "claims.tsv", "wish", ""))


@pytest.mark.parametrize("note", ["protocol", "a target for later", "constraint: a free GPU"])
def test_a_note_that_stands_for_a_kind_is_refused(tmp_path, note):
    path = write(tmp_path / "claims.tsv", f"{GOOD}{note}")
    with pytest.raises(ClaimError, match=r"line 2: the note begins .*add the column"):
        load_claims(path)


GOOD = "a.1|a|unet|val|dice|tumour||0.5|no|page 1||"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([GOOD, GOOD], "used twice: a.1"),
        ([GOOD.replace("0.5", "half")], "value 'half' is not a number"),
        ([GOOD.replace("0.5", "nan")], "not finite"),
        ([GOOD.replace("dice", "dise")], "unknown quantity 'dise'"),
        ([GOOD.replace("dice", "mean Dice")], "unknown quantity 'mean Dice'"),
        ([GOOD.replace("|no|", "|maybe|")], "approximate must be yes or no"),
        ([GOOD.replace("tumour||", "tumour|last|")], "epoch must be a number, final or empty"),
        (["a.1|a|unet"], "line 2"),
    ],
)
def test_bad_rows_are_refused(tmp_path, rows, message):
    with pytest.raises(ClaimError, match=message):
        load_claims(write(tmp_path / "claims.tsv", *rows))


NUMBERED = "a.1|a|unet|val|{quantity}|tumour||{value}|no|page 1||"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0,87", "has a comma: write decimals with a point"),
        ("57,000", "has a comma"),
        ("~0.87", "`yes` under `approximate`"),
        (">0.9", "is a bound, not a number"),
        ("0.87 (0.21)", "write 0.87±0.21 for a standard deviation"),
        ("0.87 [0.80, 0.91]", "intervals to `note`"),
        ("0.87-0.91", "is not a number"),
        ("0.8_7", "is not a number"),
        ("\uff10.\uff18\uff17", "is not a number"),
        ("-inf", "not finite"),
        ("1e999", "out of every range"),
        ("1e-300", "out of every range"),
        ("0." + "1" * 30, "more than 20 digits"),
        ("0.87±-0.2", "is negative"),
    ],
)
def test_what_is_no_number_is_refused_with_what_to_write(tmp_path, value, message):
    row = NUMBERED.format(quantity="dice", value=value)
    with pytest.raises(ClaimError, match=rf"line 2: .*{message}"):
        load_claims(write(tmp_path / "claims.tsv", row))


@pytest.mark.parametrize(("quantity", "value"), [("patients", "-3"), ("slices", "39.5")])
def test_counts_are_whole_and_not_negative(tmp_path, quantity, value):
    row = NUMBERED.format(quantity=quantity, value=value)
    with pytest.raises(ClaimError, match="must be a whole number, 0 or more"):
        load_claims(write(tmp_path / "claims.tsv", row))


@pytest.mark.parametrize(
    ("value", "unit", "sd", "expected"),
    [
        ("97.76%", "", "", ("0.9776", "", True, 0.00005)),
        ("97.76 %", "%", "", ("0.9776", "", True, 0.00005)),
        ("97.8", "percent", "", ("0.978", "", True, 0.0005)),
        ("0.87±0.21", "", "", ("0.87", "0.21", False, 0.005)),
        ("0.87 +/- 0.21", "share", "", ("0.87", "0.21", False, 0.005)),
        ("87.0 ± 2.1", "%", "", ("0.870", "0.021", True, 0.0005)),
        ("87.0 ± 2.1%", "", "", ("0.870", "0.021", True, 0.0005)),
        ("87.0%", "", "2.1", ("0.870", "0.021", True, 0.0005)),
        ("0.87", "", "0.21", ("0.87", "0.21", False, 0.005)),
        ("100%", "", "", ("1.00", "", True, 0.005)),
        (".87", "", "", (".87", "", False, 0.005)),
        ("\u22120.10", "", "", ("-0.10", "", False, 0.005)),
    ],
)
def test_percent_and_standard_deviations_are_read(tmp_path, value, unit, sd, expected):
    path = tmp_path / "claims.tsv"
    row = NUMBERED.format(quantity="dice", value=value).replace("|", "\t")
    path.write_text(HEADER.replace(" ", "\t") + f"\tunit\tsd\n{row}\t{unit}\t{sd}\n")
    (claim,) = load_claims(path)
    reach = claim.interval.high - claim.number
    assert (claim.value, claim.sd, claim.percent) == expected[:3]
    assert reach == pytest.approx(expected[3])


@pytest.mark.parametrize(
    ("quantity", "value", "unit", "sd", "message"),
    [
        ("dice", "0.87", "mm", "", "unit 'mm' of dice: expected %, percent, share"),
        ("hd95", "5.2", "voxels", "", "unit 'voxels' of hd95: expected mm"),
        ("slices", "393", "%", "", "unit '%' of slices: expected none"),
        ("slices", "393%", "", "", "is a percentage, and slices is none"),
        ("dice", "97%", "share", "", "contradict each other"),
        ("dice", "0.87±0.2", "", "0.3", "contradict each other"),
        ("dice", "0.87", "", "wide", "sd 'wide' is not a number"),
    ],
)
def test_units_that_do_not_fit_are_refused(tmp_path, quantity, value, unit, sd, message):
    path = tmp_path / "claims.tsv"
    row = NUMBERED.format(quantity=quantity, value=value).replace("|", "\t")
    path.write_text(HEADER.replace(" ", "\t") + f"\tunit\tsd\n{row}\t{unit}\t{sd}\n")
    with pytest.raises(ClaimError, match=message):
        load_claims(path)


@pytest.mark.parametrize(
    ("printed", "quantity"),
    [
        ("DSC", "dice"),
        ("Dice coefficient", "dice"),
        ("Jaccard index", "iou"),
        ("Sensitivity", "recall"),
        ("TPR", "recall"),
        ("PPV", "precision"),
        ("F1-score", "f1"),
        ("pixel accuracy", "pixel_accuracy"),
        ("Balanced Accuracy", "balanced_accuracy"),
        ("NPV", "npv"),
        ("AUROC", "auc"),
        ("MCC", "mcc"),
        ("Cohen's kappa", "kappa"),
        ("HD95", "hd95"),
        ("Hausdorff distance 95", "hd95"),
        ("NSD", "nsd"),
    ],
)
def test_quantities_are_known_by_their_other_names(tmp_path, printed, quantity):
    path = write(tmp_path / "claims.tsv", NUMBERED.format(quantity=printed, value="0.5"))
    assert load_claims(path)[0].quantity == quantity


def test_a_miou_is_a_mean_over_classes_unless_a_class_is_named(tmp_path):
    rows = [
        "a.1|a|unet|val|mIoU|||0.5|no|page 1||",
        "a.2|a|unet|val|mIoU|ED||0.5|no|page 1||",
        "a.3|a|unet|val|dice|Average||0.5|no|page 1||",
    ]
    claims = load_claims(write(tmp_path / "claims.tsv", *rows))
    assert [claim.class_ for claim in claims] == ["mean", "ED", "mean"]


@pytest.mark.parametrize(
    ("printed", "subset"),
    [
        ("Validation", "val"),
        ("training set", "train"),
        ("Testing", "test"),
        ("whole", "all"),
        ("external test", "external test"),
        ("fold 3", "fold 3"),
        ("", ""),
    ],
)
def test_subsets_are_free_text_with_four_known_names(tmp_path, printed, subset):
    path = write(tmp_path / "claims.tsv", GOOD.replace("|val|", f"|{printed}|"))
    assert load_claims(path)[0].subset == subset


def test_subsets_that_a_study_does_not_have_are_refused(tmp_path):
    path = write(tmp_path / "claims.tsv", GOOD.replace("|val|", "|tset|"))
    with pytest.raises(ClaimError, match="subset 'tset'; a has train, val, test, all"):
        load_claims(path, {"a": ["unet"]})


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables_of_spreadsheets_are_read(tmp_path, mark, start, end):
    cells = GOOD.split("|")
    cells[-1] = f'"two{mark} words"'
    text = start + end.join([mark.join(HEADER.split()), mark.join(cells), ""])
    path = tmp_path / "claims.csv"
    path.write_bytes(text.encode())
    (claim,) = load_claims(path)
    assert (claim.value, claim.note) == ("0.5", f"two{mark} words")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        ("claim\tétude\n".encode("cp1252"), "not UTF-8"),
        (b"", "no column claim"),
        ((HEADER + " note").replace(" ", "\t").encode(), "two columns note"),
        (
            (HEADER.replace(" ", ",") + "\na.1,a,unet,val,dice,,,0,87,no,p,,\n").encode(),
            "line 2: more",
        ),
        ((HEADER.replace(" ", "\t") + '\n"a.1').encode(), "not a table"),
        ((HEADER.replace(" ", "\t") + "\n" + GOOD[3:].replace("|", "\t") + "\n").encode(), "no id"),
    ],
)
def test_what_is_no_table_of_claims_is_refused(tmp_path, content, message):
    path = tmp_path / "claims.tsv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ClaimError, match=message):
        load_claims(path)


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
