"""Verification: it passes on what was built, and fails on whatever was changed since."""

import json
import re
import shutil
from contextlib import chdir
from pathlib import Path

import h5py
import pandas as pd
import pytest

from gliomake.files.predictions import write_predictions
from gliomake.files.provenance import file_sha256
from gliomake.report import build_report, study_inputs
from gliomake.study.model import Study
from gliomake.verify.check import MissingReportError, VerificationError, main, verify
from gliomake.verify.files import ReportFiles
from stored_predictions import load_predictions

COUNTS = "results/small/unet/patient-f0-s0/counts.tsv"
PREDICTIONS = "results/small/unet/patient-f0-s0/predictions.h5"
DICE = "score/unet/patient-f0-s0/test/tumour/dice/pooled/raw"


@pytest.fixture(scope="module")
def original(small_report):
    return small_report.root


@pytest.fixture
def root(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "copy"))


def check(root, deep=False):
    return verify(root / "reports/build/numbers.json", root=root, deep=deep)


def failures(root, deep=False):
    with pytest.raises(VerificationError) as caught:
        check(root, deep)
    return caught.value.differences


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def accept(root, *names):
    """Write the present hashes of files into numbers.json, as a forger would."""
    path = root / "reports/build/numbers.json"
    content = json.loads(path.read_text())
    for name in names:
        if name in content["pages"]:
            content["pages"][name] = file_sha256(path.parent / name)
        else:
            content["files"][name] = file_sha256(root / name)
    path.write_text(json.dumps(content))


def test_a_report_as_built_passes(original):
    for deep in (False, True):
        found = check(original, deep)
        assert found.numbers > 1000
        assert found.pages == 11
        assert str(found).startswith(f"verified: {found.numbers} numbers recomputed")


def test_an_assumed_convention_is_marked(original):
    assert "Pooled pixels (assumed)</td>" in (original / "reports/build/small.html").read_text()


def test_one_byte_of_the_counts_fails_though_no_score_changes(root):
    with open(root / COUNTS, "a") as file:
        file.write("\n")
    (difference,) = failures(root)
    assert (difference.file, difference.number) == (COUNTS, "sha256")


def test_a_changed_count_is_told_by_number(root):
    table = (root / COUNTS).read_text().splitlines()
    row = next(
        n for n, line in enumerate(table) if "\ttest\t" in line and line.split("\t")[-2] != "0"
    )
    *start, tp, fp, fn, tn = table[row].split("\t")
    table[row] = "\t".join([*start, str(int(tp) + 1), fp, str(int(fn) - 1), tn])
    (root / COUNTS).write_text("\n".join(table) + "\n")
    # Not even with the hash made to fit.
    accept(root, COUNTS)
    found = {difference.number: difference for difference in failures(root)}
    record = next(
        entry
        for entry in json.loads((root / "reports/build/numbers.json").read_text())["numbers"]
        if entry["id"] == DICE
    )
    assert found[DICE].reported.startswith(f"{record['value']:.8g}")
    assert found[DICE].recomputed != found[DICE].reported
    kinds = {name.split("/")[0] for name in found}
    assert kinds >= {"score", "comparison"}


def test_counts_that_fit_no_longer_are_told_with_the_reason(root):
    edit(root / COUNTS, "\ttest\t", "\tval\t")
    accept(root, COUNTS)
    reasons = {difference.number: difference.recomputed for difference in failures(root)}
    assert "not scored on the same" in reasons["all of comparison"]


def test_missing_counts_are_named(root):
    (root / COUNTS).unlink()
    (difference,) = failures(root)
    assert (difference.file, difference.recomputed) == (COUNTS, "missing")


def test_a_number_altered_in_numbers_json_fails(root):
    path = root / "reports/build/numbers.json"
    content = json.loads(path.read_text())
    for entry in content["numbers"]:
        if entry["id"] == DICE:
            entry["value"] += 1e-6
    path.write_text(json.dumps(content))
    assert DICE in {difference.number for difference in failures(root)}


@pytest.mark.parametrize("page", ["small.html", "index.html", "cards/small/unet.html"])
def test_a_number_altered_on_a_page_fails(root, page):
    path = root / "reports/build" / page
    # The index names the study as well: two studies may have models of one name.
    number = f"{DICE}/small" if page == "index.html" else DICE
    at = path.read_text().index(f'data-number="{number}"')
    text = path.read_text()
    start = text.index("<b>", at) + 3
    path.write_text(text[:start] + "0.999" + text[start + 5 :])
    accept(root, page)
    (difference,) = failures(root)
    assert (difference.file, difference.number) == (page, number)
    assert difference.reported.startswith("0.999")


def test_a_printed_number_altered_on_a_page_and_in_numbers_json_fails(root):
    page, path = root / "reports/build/small.html", root / "reports/build/numbers.json"
    content = json.loads(path.read_text())
    (entry,) = [e for e in content["numbers"] if (e["id"], e["page"]) == (DICE, page.name)]
    old, entry["printed"] = entry["printed"], entry["printed"].replace("0.", "9.", 1)
    shown = rf'(data-number="{DICE}"[^<]*<b>)0\.'
    page.write_text(re.sub(shown, r"\g<1>9.", page.read_text()))
    path.write_text(json.dumps(content))
    accept(root, page.name)
    (difference,) = failures(root)
    assert (difference.number, difference.recomputed) == (f"{DICE}, printed", old)


def test_an_entry_whose_words_are_not_those_of_its_id_fails(root):
    path = root / "reports/build/numbers.json"
    edit(path, '"metric": "dice"', '"metric": "iou"')
    (difference,) = failures(root)
    assert difference.number.endswith(", metric")
    assert (difference.reported, difference.recomputed) == ("iou", "dice")


def test_an_id_that_is_none_is_told(root):
    edit(root / "reports/build/numbers.json", f'"id": "{DICE}"', '"id": "score/unet"')
    with pytest.raises(MissingReportError, match=r"'score/unet': 1 parts .*expected model/run/"):
        check(root)


def test_a_trail_altered_on_a_page_fails(root):
    page = root / "reports/build/small.html"
    text = page.read_text()
    start = text.index(f'"{DICE}":[') + len(DICE) + 4
    end = text.index(",", start)
    page.write_text(text[:start] + "0.999" + text[end:])
    accept(root, "small.html")
    (difference,) = failures(root)
    assert difference.number == DICE


def test_words_altered_on_a_card_fail(root):
    edit(root / "reports/build/cards/small/unet.md", "## Limits", "## Strengths")
    (difference,) = failures(root)
    assert difference.file == "cards/small/unet.md"


FORGED = [
    ("unet/metrics.json", "n", 123456),
    ("comparisons.tsv", "n", "99"),
    ("comparisons.tsv", "patients_to_settle", "7777"),
    ("leakage.tsv", "patients", "99"),
    ("leakage.tsv", "seeds", "99"),
    ("spread.tsv", "degrees_of_freedom", "555"),
    ("claims.tsv", "reported", "0.11"),
    ("claims.tsv", "outcome", "holds"),
    ("claims.tsv", "verdict", "Holds."),
    ("findings.json", "sentence", "All is well."),
    ("tables/split.csv", "patients", "4711"),
]


@pytest.fixture(scope="module")
def forged(original, tmp_path_factory):
    """What differs where files were forged before the pages were built: all hashes fit."""
    root = Path(shutil.copytree(original, tmp_path_factory.mktemp("forged") / "copy"))
    for file, column, value in FORGED:
        path = root / "results/small" / file
        if path.suffix == ".json":
            entries = json.loads(path.read_text())
            entries[0][column] = value
            path.write_text(json.dumps(entries))
        else:
            separator = "\t" if path.suffix == ".tsv" else ","
            table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
            table.loc[0, column] = value
            table.to_csv(path, sep=separator, index=False)
    told = json.loads((root / "reports/build/numbers.json").read_text())["studies"]["small"]
    names = ("data", "scale", "shards", "reported", "bootstrap")
    with chdir(root):
        inputs = study_inputs(Study.of(told["study"]), **{name: told[name] for name in names})
        build_report([inputs], "reports/build")
    return {(difference.file, difference.number.split("/")[-1]) for difference in failures(root)}


@pytest.mark.parametrize(("file", "column"), [forgery[:2] for forgery in FORGED])
def test_what_was_forged_before_the_pages_were_built_fails(forged, file, column):
    assert (f"results/small/{file}", column) in forged


def test_a_number_of_elements_is_recomputed(root):
    path = root / "reports/build/numbers.json"
    content = json.loads(path.read_text())
    for entry in content["numbers"]:
        if entry["id"] == DICE:
            entry["n"] += 1
    path.write_text(json.dumps(content))
    reported = {difference.number: difference.reported for difference in failures(root)}
    assert reported[DICE].endswith("n 26")


@pytest.mark.parametrize(
    ("table", "cell"), [("table-split", ">60<"), ("claims-table", ">inconsistent<")]
)
def test_a_cell_altered_on_a_page_fails(root, table, cell):
    page = root / "reports/build/small.html"
    text = page.read_text()
    at = text.index("<tbody>", text.index(f'<div class="table" id="{table}"'))
    place = text.index(cell, at) + 1
    page.write_text(text[:place] + "7" + text[place + 1 :])
    accept(root, "small.html")
    (difference,) = failures(root)
    assert difference.number.startswith(f"{table}, row ")


def test_an_altered_audit_fails(root):
    path = "results/small/claims.tsv"
    lines = (root / path).read_text().splitlines()
    columns = lines[0].split("\t")
    cells = lines[6].split("\t")
    cells[columns.index("reproduced")] = "13"
    lines[6] = "\t".join(cells)
    (root / path).write_text("\n".join(lines) + "\n")
    accept(root, path)
    (difference,) = failures(root)
    assert (difference.file, difference.number) == (path, "small.006/reproduced")
    assert (difference.reported, difference.recomputed) == ("13", "12.0")


@pytest.mark.parametrize("path", ["small/reported.tsv", "data/lgg/slices.tsv"])
def test_what_the_audit_reads_is_hashed(root, path):
    with open(root / "results" / path, "a") as file:
        file.write("\n")
    (difference,) = failures(root)
    assert (difference.file, difference.number) == (f"results/{path}", "sha256")


def test_an_altered_history_fails(root):
    path = "results/small/unet/patient-f0-s0/history.tsv"
    edit(root / path, "0.4", "0.3")
    accept(root, path)
    found = {difference.number: difference for difference in failures(root)}
    assert found["claim/small.004/reproduced"].recomputed == "0.3"
    assert found["small.004/reproduced"].reported == "0.4"


def test_altered_leak_runs_fail(root):
    path = "results/small/unet/leak100-f0-s1/counts.tsv"
    (root / path).write_text((root / "results/small/unet/leak0-f0-s1/counts.tsv").read_text())
    accept(root, path)
    kinds = {difference.number.split("/")[0] for difference in failures(root)}
    assert "leakage" in kinds


def test_altered_predictions_fail_where_one_looks(root):
    made = load_predictions(root / PREDICTIONS)
    made.probability[made.subset.index("test")] = 1
    write_predictions(
        root / PREDICTIONS,
        [made.probability],
        patient=made.patient,
        slice=made.slice,
        subset=made.subset,
        spacing=made.spacing,
        attributes={"classes": made.classes, **made.attributes},
    )
    check(root)
    accept(root, PREDICTIONS)
    found = failures(root, deep=True)
    assert found[0].file == COUNTS
    assert found[0].number.startswith("row ")
    assert DICE in {difference.number for difference in found}


def test_damaged_predictions_are_named(root):
    with h5py.File(root / PREDICTIONS, "r+") as file:
        file["probability"][0] = 1
    accept(root, PREDICTIONS)
    messages = [difference.recomputed for difference in failures(root, deep=True)]
    assert any(PREDICTIONS in message and "is damaged" in message for message in messages)


def test_hashes_of_predictions_and_weights_are_looked_at_with_deep(root):
    weights = "results/small/unet/patient-f0-s0/weights.safetensors"
    (root / weights).write_bytes(b"other")
    check(root)
    (difference,) = failures(root, deep=True)
    assert difference.file == weights


def test_the_command_tells_by_its_exit_status(root, capsys):
    arguments = [str(root / "reports/build/numbers.json"), "--root", str(root)]
    assert main(arguments) == 0
    assert "verified" in capsys.readouterr().out
    edit(root / COUNTS, "val", "vaI")
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert COUNTS in error and "build the report again" in error


RUN = "results/small/attention-unet/patient-f0-s0"
SHARD = "results/shards/lgg-small/000.h5"
FIGURE = "sha256 (figure small/masks)"


def numbers_of(root):
    return json.loads((root / "reports/build/numbers.json").read_text())


@pytest.mark.parametrize(
    "path",
    [
        "results/small/figures/masks.svg",
        "results/small/figures/masks.png",
        f"{RUN}/counts.tsv",
        f"{RUN}/predictions.h5",
        SHARD,
    ],
)
def test_a_figure_and_each_file_that_it_was_drawn_from_are_compared(root, path):
    with open(root / path, "r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)[0]
        file.seek(-1, 2)
        file.write(bytes([last ^ 1]))
    (difference,) = ReportFiles(numbers_of(root), root, deep=False).changed()
    assert (difference.file, difference.number) == (path, FIGURE)


def test_large_files_may_be_absent_and_that_is_said(root):
    (root / SHARD).unlink()
    files = ReportFiles(numbers_of(root), root, deep=False)
    assert list(files.changed()) == []
    # All weights and predictions but those of the figure's model.
    others = [name for name in files.files if name.endswith((".h5", ".safetensors"))]
    others.remove(f"{RUN}/predictions.h5")
    assert files.passed_over == others
    assert files.remarks()[0].startswith(f"{len(others)} files of weights, predictions")
    (difference,) = ReportFiles(numbers_of(root), root, deep=True).changed()
    assert (difference.file, difference.number, difference.recomputed) == (SHARD, FIGURE, "missing")


def test_after_one_study_it_verifies_that_one_and_says_what_is_missing(root):
    build = root / "reports/build"
    for name in ("numbers.json", "index.html"):
        (build / name).unlink()
    found = verify(build / "numbers.json", root=root, studies=["small", "coco-unet"])
    assert found.pages == 9
    assert "Only pages of single studies are built, and were verified: small." in str(found)
    assert "Not in the report, and so not verified: coco-unet." in str(found)
    assert "snakemake --cores 2 all" in str(found)
    edit(root / COUNTS, "\ttest\t", "\tval\t")
    assert COUNTS in {difference.file for difference in failures(root)}
