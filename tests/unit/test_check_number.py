"""``gliomake check``: one number with its arithmetic, equal, differing, and unknown."""

import json
import re
import shutil
from contextlib import chdir
from pathlib import Path

import pytest

from gliomake.cli import main
from gliomake.files.provenance import file_sha256
from gliomake.report import build_report
from gliomake.report.render import page_commands
from gliomake.verify.one import UnknownNumberError, check_number
from report_study import make_small_study

COUNTS = "results/small/unet/patient-f0-s0/counts.tsv"
METRICS = "results/small/unet/metrics.json"
SCORE = "score/unet/patient-f0-s0/test/tumour/dice/{}/raw/small"
DICE = SCORE.format("patient")


@pytest.fixture(scope="module")
def original(small_report):
    return small_report.root


@pytest.fixture
def root(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "copy"))


@pytest.fixture(scope="module")
def three_studies(tmp_path_factory):
    root = tmp_path_factory.mktemp("three")
    with chdir(root):
        studies = [
            make_small_study(root, "small"),
            make_small_study(root, "other"),
            make_small_study(root, "multi", ("NEC", "ED", "ET")),
        ]
        build_report([study.inputs() for study in studies], "reports/build")
    return root


def run(capsys, *arguments):
    status = main(["check", *map(str, arguments)])
    told = capsys.readouterr()
    return status, told.out, told.err


def elements(text):
    """The results of the indented lines, one an element of the mean."""
    return [float(value) for value in re.findall(r"^    P\d+.* = (\S+)$", text, re.M)]


def test_an_equal_number_is_shown_with_its_arithmetic_and_files(original, capsys):
    status, out, _ = run(capsys, DICE, "--directory", original)
    rows = json.loads((original / METRICS).read_text())
    (row,) = [
        row
        for row in rows
        if (row["run"], row["subset"], row["class"]) == ("patient-f0-s0", "test", "tumour")
        and (row["metric"], row["convention"], row["postprocess"]) == ("dice", "patient", False)
    ]
    assert status == 0 and out.endswith("\nequal\n")
    assert "formula: 2 TP / (2 TP + FP + FN)" in out
    values = elements(out)
    assert len(values) == row["n"] == 5
    assert sum(values) / 5 == pytest.approx(row["value"], abs=1e-5)
    for line in re.findall(r"^    P.*$", out, re.M):
        tp, fp, fn, _, dice = map(float, re.findall(r"(?<= )[\d.]+(?=,|$| =)", line))
        assert dice == pytest.approx(2 * tp / (2 * tp + fp + fn), abs=1e-5)
    assert f"{row['value']:.8g}" in out and f", n {row['n']}" in out
    for name in (COUNTS, METRICS):
        assert f"{name}: {file_sha256(original / name)}, the same" in out
    for page in ("index.html", "small.html", "cards/small/unet.html"):
        assert re.search(rf"^  {page}: prints .*, the same$", out, re.M)


def test_a_pooled_number_is_one_quotient(original, capsys):
    _, out, _ = run(capsys, SCORE.format("pooled"), "--directory", original)
    told = re.search(r"in one count: \(?2 x (\d+)\)? / \(2 x \1 \+ (\d+) \+ (\d+)\) = (\S+)", out)
    tp, fp, fn, value = map(float, told.groups())
    assert value == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert f"Recomputed\n  {told[4]}" in out


def test_every_kind_of_number_can_be_checked(three_studies):
    """Means over slices, over classes, distances; differences, leaks, spreads, claims, slices."""
    content = json.loads((three_studies / "reports/build/numbers.json").read_text())
    of_kind = {}
    metrics = ("dice", "specificity", "hd95", "")
    for entry in (each for each in content["numbers"] if each["metric"] in metrics):
        kind = (entry["kind"], entry["metric"], entry["convention"], entry["class"] == "mean")
        if entry["kind"] != "score":
            kind = (entry["kind"],)
        of_kind.setdefault(kind, entry)
    assert len(of_kind) > 20
    for entry in of_kind.values():
        page = three_studies / "reports/build" / entry["page"]
        found = check_number(f"{page.as_uri()}#{entry['id']}", three_studies)
        assert found.agrees, list(found.lines())
        assert found.number.study == entry["study"]
        assert found.arithmetic
        mean = next((line for line in found.arithmetic if line.startswith("mean over")), "")
        if mean and "class" not in mean:
            assert float(mean.split(": ")[1].split(";")[0]) == pytest.approx(found.found.value)


def test_a_difference_is_that_of_its_two_scores(original):
    id_ = "comparison/unet/attention-unet/patient-f0-s0/test/tumour/dice/patient/raw/small"
    found = check_number(id_, original)
    first, second = map(float, re.findall(r"(?<= )[\d.]+", found.arithmetic[0]))
    assert first - second == pytest.approx(found.found.value, abs=1e-7)


def test_a_changed_count_makes_it_differ(root, capsys):
    table = (root / COUNTS).read_text().splitlines()
    row = next(
        n for n, line in enumerate(table) if "\ttest\t" in line and line.split("\t")[-2] != "0"
    )
    *start, tp, fp, fn, tn = table[row].split("\t")
    table[row] = "\t".join([*start, str(int(tp) + 1), fp, str(int(fn) - 1), tn])
    (root / COUNTS).write_text("\n".join(table) + "\n")
    status, out, _ = run(capsys, DICE, "--directory", root)
    assert status == 1 and out.splitlines()[-1].startswith("DIFFERENT")
    for place in (METRICS, "small.html", COUNTS):
        assert re.search(rf"^  {re.escape(place)}: .*, DIFFERENT$", out, re.M)


def test_a_number_altered_in_one_place_is_told_by_that_place(root):
    path = root / METRICS
    rows = json.loads(path.read_text())
    for row in rows:
        row["value"] = 0.5
    path.write_text(json.dumps(rows))
    found = check_number(DICE, root)
    different = [each.place for each in (*found.places, *found.files) if not each.agrees]
    assert different == [METRICS, METRICS]


def test_files_that_are_gone_are_told(root):
    (root / COUNTS).unlink()
    found = check_number(DICE, root)
    assert not found.agrees and "cannot be computed" in found.arithmetic[0]


def test_an_unknown_id_names_those_that_are_like_it(original, capsys):
    status, out, err = run(capsys, DICE.replace("dice", "dize"), "--directory", original)
    assert (status, out) == (1, "")
    assert "did you mean" in err and f"'{DICE}'" in err
    status, _, err = run(capsys, "rubbish", "--directory", original)
    assert status == 1 and "'rubbish'" in err


def test_an_id_of_several_studies_must_name_one(three_studies):
    id_ = DICE.removesuffix("/small")
    with pytest.raises(UnknownNumberError, match=r"2 studies have .*/other', '.*/small'"):
        check_number(id_, three_studies)
    assert check_number(f"{id_}/other", three_studies).number.study == "other"
    # The address of a page, or of a card, names its study.
    for page in ("other.html", "cards/other/unet.html"):
        found = check_number(f"file:///somewhere/{page}#{id_}", three_studies)
        assert found.number.study == "other"


def test_without_a_report_it_says_what_to_build(tmp_path, capsys):
    status, _, err = run(capsys, DICE, "--directory", tmp_path)
    assert status == 1 and "Build it: snakemake" in err


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ("", "gliomake check"),
        ("--config experiment=short", "gliomake check --directory experiments/short"),
        ("--config overrides='{small: {runs: []}}'", "gliomake check"),
    ],
)
def test_pages_name_the_folder_of_an_experiment(options, command):
    assert page_commands(options)["check"] == command
