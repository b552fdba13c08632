"""What the report says: averaging rules by name, samples, reasons, and the answer at the top."""

import base64
import json
import re
from dataclasses import replace
from io import BytesIO
from itertools import product

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from changed_study import replaced
from gliomake.datasets.spec import PALETTE
from gliomake.report import build_study_page, evidence, targets, verdicts
from gliomake.report.arithmetic import formula, workings
from gliomake.report.comparisons import best_and_next, best_model, comparison_table, says
from gliomake.report.keys import ComparisonKey, ScoreKey
from gliomake.report.numbers import Number, NumberBook
from gliomake.report.rules import few_patients, rule_groups, sample
from gliomake.report.sections.provenance import Data
from gliomake.report.table import Column, Table, plain, text
from gliomake.report.viewer import ERRORS, image_url
from gliomake.report.words import RULES, agreement, column_title, merged_rules, metric_title
from gliomake.scoring.averaging import CONVENTIONS, convention_scores
from gliomake.scoring.metrics import COUNT_METRICS, CountMetric
from gliomake.scoring.registry import METRICS


@pytest.fixture
def inside(small_report, monkeypatch):
    monkeypatch.chdir(small_report.root)
    return small_report


def score(value, rule, low=None, high=None, n=4):
    key = ScoreKey("unet", "patient-f0-s0", "test", "tumour", "dice", rule, False)
    ends = {"ci_low": low, "ci_high": high}
    return Number(key, "a.html", "a", measured=key.measured, value=value, n=n, **ends)


def test_truth_values_of_a_file_are_words(inside, tmp_path):
    path = tmp_path / "kept.csv"
    path.write_text("name,kept\na,true\nb,false\n")
    book = NumberBook("small.html")
    table = targets.target_table(inside.inputs(), book, "split", path)
    assert [row[1].text for row in table.rows] == ["yes", "no"]


# Averaging rules


def test_every_rule_has_a_name_and_no_two_the_same():
    assert list(RULES) == list(CONVENTIONS)
    assert len({rule.title for rule in RULES.values()}) == len(RULES)


def test_rules_of_equal_numbers_are_one_column():
    equal = {rule: score(0.5, rule, 0.4, 0.6) for rule in ("slice-empty1", "slice-empty0")}
    rows = [{"pooled": score(0.6, "pooled"), **equal}, {"pooled": score(0.5, "pooled"), **equal}]
    rules = ["pooled", "slice-empty1", "slice-empty0"]
    groups = rule_groups(rows, rules)
    assert groups == [["pooled"], ["slice-empty1", "slice-empty0"]]
    assert merged_rules(groups[1]) == "Mean per slice"
    assert "no slice here is empty in truth and mask" in agreement(groups)
    assert agreement([[rule] for rule in rules]) == ""


@pytest.mark.parametrize("other", [score(0.51, "b"), score(0.5, "b", 0.4, 0.7), score(None, "b")])
def test_rules_that_differ_in_one_row_stay_apart(other):
    one = score(0.5, "a", 0.4, 0.6)
    rows = [{"a": one, "b": one}, {"a": one, "b": other}]
    assert rule_groups(rows, ["a", "b"]) == [["a"], ["b"]]
    assert rule_groups([{"a": one}], ["a", "b"]) == [["a"], ["b"]], "a rule that a row lacks"


def test_metrics_have_the_fields_names():
    assert metric_title("iou") == "IoU" and metric_title("hd95") == "HD95"
    assert metric_title("epochs") == "Epochs"
    assert all(column_title(name) == metric_title(name) for name in METRICS)


def test_a_table_of_epochs_says_how_each_column_is_averaged(inside, tmp_path):
    names = ["epoch", "train_loss", "val_loss", "mean_dice", "dice_tumour", "prec_tumour"]
    frame = pd.DataFrame([[1, 0.5, 0.4, 0.96, 0.96, 0.06, 0.08]], columns=[*names, "recall_tumour"])
    frame.to_csv(tmp_path / "epochs.csv", index=False)
    block = {"kind": "epochs", "models": ["unet"]}
    study = replaced(inside.study, tables={"epochs": block})
    inputs = replace(inside.inputs(), study=study)
    path = tmp_path / "epochs.csv"
    table = targets.target_table(inputs, NumberBook("small.html"), "epochs", path)
    rules = {column.title: column.rule for column in table.columns}
    assert rules["Dice tumour"] == rules["Mean Dice"] == "Mean per slice, empty = 1"
    assert rules["Precision tumour"] == rules["Recall tumour"] == "Mean per slice, empty = 0"
    assert rules["Epoch"] == rules["Validation loss"] == ""
    assert "a high Dice can stand beside a low precision" in table.caption
    block |= {"precision_convention": "slice-empty1"}
    same = replace(inputs, study=replaced(inside.study, tables={"epochs": block}))
    assert targets.target_table(same, NumberBook("a"), "epochs", path).caption == "Epochs"


# Samples


def test_a_sample_is_slices_of_patients():
    assert sample(60, 5) == "60 slices of 5 patients"
    assert sample(42, None) == "42 images"
    assert "no verdict under 6" in few_patients(5)
    assert few_patients(6) == few_patients(49) == "few patients: intervals cover less than they say"
    assert few_patients(50) == few_patients(None) == ""


@pytest.mark.parametrize(
    ("n", "low", "high", "told", "faint"),
    [
        (5, 0.1, 0.2, "no verdict: fewer than 6 patients", True),
        (6, 0.1, 0.2, "a is higher", False),
        (6, -0.2, -0.1, "b is higher", False),
        (6, -0.1, 0.2, "inconclusive", True),
        (6, None, None, "undefined", True),
    ],
)
def test_what_a_difference_settles(n, low, high, told, faint):
    key = ComparisonKey("a", "b", "patient-f0-s0", "test", "tumour", "dice", "patient", False)
    ends = {"ci_low": low, "ci_high": high}
    number = Number(key, "a.html", "a", measured=key.measured, value=0.1, n=n, **ends)
    cell = says(number, "a", "b")
    assert (cell.text, cell.faint) == (told, faint)


def test_the_best_model_is_shown_against_the_others(inside):
    inputs = inside.inputs()
    scores = inputs.scores
    cell = (scores["run"] == "patient-f0-s0") & (scores["subset"] == "test")
    cell &= (scores["metric"] == "dice") & (scores["convention"] == "patient")
    ranked = scores[cell].set_index("model")["value"].astype(float)[["unet", "attention-unet"]]
    best = best_and_next(inputs, NumberBook("small.html"))
    assert best["model"] == best_model(inputs) == ranked.idxmax() == "unet"
    assert best["number"].value == ranked["unet"]
    assert best["rival_number"].value == ranked["attention-unet"]
    assert best["difference"].value == pytest.approx(ranked["unet"] - ranked["attention-unet"])
    assert best["verdict"] == "no verdict: fewer than 6 patients"
    table = comparison_table(inputs, NumberBook("small.html"))
    pair = next(n for n, column in enumerate(table.columns) if column.title == "Pair")
    assert table.columns[pair].chosen == "with unet"
    for row in table.rows:
        assert (row[pair].text == "with unet") == ("unet" in (row[0].text, row[1].text))


# The page


def test_the_question_and_the_address_stand_at_the_top(inside):
    address = "https://example.org/report"
    study = replaced(inside.study, question="Which of the two?", address=address)
    page = build_study_page(replace(inside.inputs(), study=study))
    assert f'<a href="{address}"><cite>' in page
    top = page[page.index('id="short"') : page.index('id="answer"')]
    assert "Which of the two?" in top and "<strong>unet</strong>" in top
    assert 'href="https://' not in build_study_page(inside.inputs())


def test_a_reason_of_many_claims_is_said_once(inside):
    inputs = inside.inputs()
    (first, count), *_ = verdicts.common_reasons(inputs)
    assert first == "Built on synthetic images at demo scale." and count >= verdicts.COMMON
    table = verdicts.claims_table(inputs, NumberBook("small.html"))
    notes = [cell.note for row in table.rows for cell in row]
    assert not any(first in note for note in notes)
    assert any("cannot come from the same pooled counts" in note for note in notes)
    assert build_study_page(inputs).count(first) == 1


@pytest.mark.parametrize(
    ("sentence", "parts"),
    [
        ("Holds: reproduced as 0.5.", ["Reproduced as 0.5."]),
        (
            "Not comparable: trained at demo scale; by arithmetic, 3 slices: a third.",
            ["Trained at demo scale.", "3 slices: a third."],
        ),
        (
            "Inconsistent: Dice 0.5; IoU: none; not comparable: trained at demo scale.",
            ["Trained at demo scale.", "Dice 0.5; IoU: none."],
        ),
    ],
)
def test_a_verdict_is_taken_apart(sentence, parts):
    assert verdicts.reasons({"verdict": sentence}) == parts


def test_the_page_holds_the_files_of_its_audit_and_tables(inside):
    page = build_study_page(inside.inputs())
    links = dict(re.findall(r'download="([\w.-]+)" href="data:[\w/-]+;base64,([\w+/=]+)"', page))
    for name in ("claims.tsv", "findings.json"):
        path = inside.root / "results/small" / name
        assert base64.b64decode(links[name]) == path.read_bytes()
    split = inside.root / "results/small/tables/split.csv"
    assert base64.b64decode(links["split.csv"]) == split.read_bytes()
    found = json.loads(base64.b64decode(links["lgg-findings.json"]))
    assert [each["case"] for each in found["refused"]] == ["P99"]


def test_long_findings_are_short_on_the_page_and_whole_in_the_file(inside):
    inputs = inside.inputs()
    pairs = "; ".join(f"a{n} = b{n}" for n in range(60))
    long = {"kind": "near-duplicates", "message": f"60 pairs: {pairs}", "cases": list("abcde")}
    alike = [{"kind": "missing", "message": "no T2", "cases": [case]} for case in "xy"]
    inputs.checks["findings"] = [long, *alike]
    first, second = Data(inputs).findings
    assert first["topic"] == "Near duplicates"
    assert first["gist"] == "60 pairs (a, b, c and 2 more)" and first["rest"] == pairs
    assert second["gist"] == "no T2 (x, y)"
    raw = base64.b64decode(Data(inputs).file["href"].partition(",")[2])
    assert json.loads(raw)["findings"] == [long, *alike]


def test_trainings_are_shown_in_units_of_readers(inside):
    table = evidence.runs_table(inside.inputs())
    assert "device cpu" in table.caption
    titles = [column.title for column in table.columns]
    shown = dict(zip(titles, [cell.text for cell in table.rows[0]], strict=True))
    assert titles[:2] == ["Model", "Run"]
    assert (shown["Duration"], shown["Slices a second"]) == ("3 s", "100")
    assert shown["Parameters"] == "12,345"
    assert not {"torch", "seconds", "slices_per_second", "weights_sha256"} & set(titles)


def test_statistics_keep_the_names_of_cases(inside):
    inputs = inside.inputs()
    inputs.checks["fingerprint"] = {"slices_per_patient": [12, 12], "missing": {"TCGA_1": ["t1"]}}
    rows = [[cell.text for cell in row] for row in evidence.fingerprint_table(inputs).rows]
    assert rows == [["Slices per patient", "12"], ["Missing: TCGA_1", "t1"]]


def test_a_data_set_without_patients_does_not_count_them(inside):
    inputs = inside.inputs()
    facts = {"patients": 0, "slices": 9, "slices_per_patient": [9, 9]}
    inputs.checks["fingerprint"] = facts
    rows = [[cell.text for cell in row] for row in evidence.fingerprint_table(inputs).rows]
    assert rows == [["Patients", "not known"], ["Slices", "9"]]


def test_empty_columns_go():
    columns = [Column("A"), Column("B"), Column("C", optional=True), Column("D", numeric=True)]
    rows = [[text(""), text(""), text("x"), plain(1)], [text(""), text(""), text("y"), plain(1)]]
    compact = Table("t", "caption", columns, rows).compact()
    assert [column.title for column in compact.columns] == ["A", "C", "D"]


# The arithmetic behind a score


def test_formulas_are_weights_of_counts(monkeypatch):
    assert formula("iou") == [[1, 0, 0, 0], [1, 1, 1, 0]]
    assert formula("tversky-a0.3-b0.7") == [[1, 0, 0, 0], [1, 0.3, 0.7, 0]]
    bent = CountMetric(title="x", fraction=lambda tp, fp, fn, tn: (tp * tp, tp + fp + fn + tn))
    monkeypatch.setitem(COUNT_METRICS, "x", bent)
    assert formula("x") is None


def test_the_workings_give_the_scores(inside):
    inputs = inside.inputs()
    found = workings(inputs)
    files = inputs.run_files("unet", "patient-f0-s0")
    counted = found["runs"][str(files.counts)]["test/tumour/raw"]
    counts = np.array([row[1:] for row in counted["patients"]])
    assert [row[0] for row in counted["patients"]] == sorted(row[0] for row in counted["patients"])
    for metric in ("dice", "recall"):
        above, below, of_background = found["formulas"][metric]
        assert not of_background
        key = ScoreKey("unet", "patient-f0-s0", "test", "tumour", metric, "patient", False)
        values = convention_scores(counts, metric, "patient")
        assert np.allclose(counts @ above / (counts @ below), values)
        assert inputs.scores_by_key[key]["value"] == pytest.approx(values.mean())
    key = replace(key, metric="hd95")
    assert np.mean(counted["distances"]["hd95"]) == pytest.approx(
        inputs.scores_by_key[key]["value"]
    )
    assert (counted["slices"], counted["tumour"]) == (25, 20)


# The viewer


def lab(colour):
    """CIELAB of a colour of sRGB, after the standard's formulas."""
    part = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.array(matrix) @ linear / [0.9505, 1, 1.089]
    f = [t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_no_error_looks_like_a_class_or_another_error():
    assert lab("#ffffff") == pytest.approx([100, 0, 0], abs=0.1)
    errors = [colour for colour, _ in ERRORS.values()]
    pairs = [*product(errors, PALETTE), *((a, b) for a, b in product(errors, errors) if a < b)]
    for one, other in pairs:
        assert np.linalg.norm(lab(one) - lab(other)) > 35, (one, other)


def test_the_background_of_a_z_scored_slice_is_black():
    slice_ = np.zeros((64, 64), np.float32)
    slice_[16:48, 16:48] = np.random.default_rng(0).normal(0, 1, (32, 32))
    url = image_url(slice_)
    shown = np.asarray(Image.open(BytesIO(base64.b64decode(url.partition(",")[2]))))
    assert shown[:8].max() <= 2 and shown[24:40, 24:40].mean() > 80
