"""The checklist: filled from files, flipped when they break; people's part; datasheets."""

import json
import shutil
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from gliomake.files.contracts import read_json
from gliomake.files.provenance import file_sha256
from gliomake.files.tsv import read_tsv
from gliomake.reporting.checklist import (
    BROKEN,
    COLUMNS,
    FILLED,
    PARTLY,
    PEOPLE,
    STATED,
    checklist,
    write_checklist,
)
from gliomake.reporting.datasheet import datasheet
from gliomake.reporting.items import ITEMS
from gliomake.start.reporting import read_answers
from gliomake.study.run import ConfigError
from report_study import make_small_study

WHOLE = (1, 9, 10, 12, 19, 20, 22, 23, 24, 25, 26, 27, 28, 32, 33, 35, 36, 37, 38, 39, 42)
PART = (5, 6, 7, 8, 13, 21, 30, 40, 43)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("claim")
    with chdir(root):
        return make_small_study(root)


@pytest.fixture
def study(made, tmp_path, monkeypatch):
    """Have a copy that a test may spoil."""
    shutil.copytree(made.root, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return made


def rows_of(made, **changes) -> pd.DataFrame:
    return checklist(replace(made.inputs(), **changes)).set_index("item")


def test_there_are_44_items_in_the_order_of_the_parts():
    assert [item.number for item in ITEMS] == list(range(1, 45))
    assert len({item.asks for item in ITEMS}) == 44
    # The numbers at which the parts of the published list begin.
    begins = {item.part: item.number for item in reversed(ITEMS)}
    assert begins["Data"] == 7 and begins["Reference standard"] == 14
    assert begins["Data partitions"] == 19 and begins["Testing data"] == 21
    assert begins["Model"] == 22 and begins["Training"] == 25 and begins["Evaluation"] == 28
    assert begins["Results: data"] == 35 and begins["Other information"] == 42


def test_each_item_has_its_status(study):
    rows = rows_of(study)
    assert tuple(rows.index[rows["status"] == FILLED]) == WHOLE
    assert tuple(rows.index[rows["status"] == PARTLY]) == PART
    rest = rows[~rows.index.isin([*WHOLE, *PART])]
    assert (rest["status"] == PEOPLE).all() and (rest["value"] == "").all()


def test_what_is_filled_in_is_what_the_files_hold(study):
    rows = rows_of(study)
    value = rows["value"]
    split = read_tsv("results/small/split/patient-f0.tsv")
    sizes = split.groupby("subset").agg(slices=("slice", "size"), patients=("patient", "nunique"))
    for subset, size in sizes.iterrows():
        assert f"{subset} {size['slices']} slices of {size['patients']} patients" in value[19]
    assert value[20] == "by patient: no patient stands in two sets (counted)"
    assert "13 cases found, 12 kept" in value[35] and "1 files rejected" in value[8]
    assert "12,345 parameters" in value[22] and "PyTorch 2.13.0" in value[23]
    assert value[24] == "random, seed 0" and "voxels 1 x 1 x 2 mm" in value[13]
    assert "studentised bootstrap" not in value[29] or "60 resamples" in value[29]
    scores = read_json(Path("results/small/unet/metrics.json"))
    dice = next(
        row["value"]
        for row in scores
        if (row["run"], row["subset"], row["metric"], row["convention"], row["postprocess"])
        == ("patient-f0-s0", "test", "dice", "patient", False)
    )
    assert f"unet dice {dice:.3f}" in value[37]


def test_a_split_that_comes_with_the_data_is_not_called_random(study):
    inputs, path = study.inputs(), Path("results/small/split/predefined-f0.tsv")
    shutil.copy("results/small/split/patient-f0.tsv", path)
    runs = [replace(inputs.runs[0], run="predefined-f0-s0")]
    first = replace(study.study, runs=("predefined-f0-s0",))
    value = rows_of(study, study=first, runs=runs, splits={path.stem: path})["value"][19]
    assert value.startswith("predefined-f0: as the data set's folders have it; ")


def test_what_is_missing_is_told_kind_by_kind(study):
    path = Path("results/data/lgg/integrity.json")
    checks = json.loads(path.read_text())
    finding = {"kind": "missing-sequence", "files": []}
    checks["findings"] += [
        {**finding, "message": "T1 missing", "cases": ["P01"]},
        {**finding, "message": "T1 and T2 missing", "cases": ["P02"]},
        {**finding, "message": "T1 missing", "cases": ["P03"]},
    ]
    path.write_text(json.dumps(checks))
    said = rows_of(study)["value"][12]
    assert said.endswith("listed; 2 cases: T1 missing; 1 cases: T1 and T2 missing")


def test_a_split_of_slices_is_called_one(study):
    first = replace(study.study, runs=("slice-f0-s0", "patient-f0-s0"))
    value = rows_of(study, study=first)["value"][20]
    split = read_tsv("results/small/split/slice-f0.tsv")
    both = (split.groupby("patient")["subset"].nunique() > 1).sum()
    assert both > 0 and value == f"by slice: {both} patients stand in more than one set"


def test_each_row_names_its_files_with_their_hashes(study):
    write_checklist(study.inputs(), "claim2024.tsv")
    table = read_tsv("claim2024.tsv").fillna("")
    assert list(table.columns) == COLUMNS and len(table) == 44
    for row in table.itertuples():
        files, hashes = str(row.file).split(), str(row.sha256).split()
        assert len(files) == len(hashes)
        assert bool(files) == (row.status in (FILLED, PARTLY))
        assert [file_sha256(path) for path in files] == hashes


@pytest.mark.parametrize("number", [*WHOLE, *PART])
def test_an_item_flips_when_a_file_behind_it_breaks(study, number):
    def row():
        return checklist(study.inputs(), [ITEMS[number - 1]]).set_index("item").loc[number]

    before = row()
    for name in dict.fromkeys(before["file"].split()):
        path = Path(name)
        kept = path.read_bytes()
        for spoilt in (b"", kept[: len(kept) // 2] + b"\x00\xff", None):
            if spoilt is None:
                path.unlink()
            else:
                path.write_bytes(spoilt)
            after = row()
            path.write_bytes(kept)
            if spoilt is None and path.name == "calibration.tsv":
                # Builds of before have none: the item stays, and says nothing of it.
                assert name not in after["file"].split()
                continue
            assert after["status"] in (BROKEN, PEOPLE), (name, spoilt, after.to_dict())
            assert after["left"] and not after["file"]
    assert row().equals(before)


def test_what_people_say_stands_beside_what_the_run_says(study):
    rows = rows_of(study, answers={14: "Outlined by hand.", 43: "At example.org.", 37: "See text."})
    assert rows.loc[14, ["status", "value"]].tolist() == [STATED, "Outlined by hand."]
    assert rows.loc[43, "status"] == STATED and rows.loc[43, "value"].endswith("At example.org.")
    assert rows.loc[37, "status"] == FILLED and rows.loc[37, "value"].endswith("See text.")


def test_a_source_that_the_page_states_fills_the_item(study):
    told = {"title": "A set", "source": "Nobody et al. 2020", "terms": "CC0"}
    row = rows_of(study, about_data=told).loc[7]
    assert row["status"] == FILLED and "Nobody et al. 2020; terms: CC0" in row["value"]
    assert row["value"].startswith("synthetic images in the layout of A set: 13 cases found")


def test_without_a_training_those_items_are_for_people(study):
    rows = rows_of(study, study=replace(study.study, models={}))
    for number in (1, 9, 22, 23, 24, 25, 26, 27, 42, 43):
        assert rows.loc[number, "status"] == PEOPLE
        assert rows.loc[number, "left"] == "no model is trained here"


def test_answers_are_read_by_study(tmp_path):
    path = tmp_path / "reporting.yaml"
    path.write_text("all: {44: nobody}\nstudies: {one: {14: by hand, 44: somebody}}\n")
    assert read_answers(path, ["one", "two"]) == {
        "one": {"14": "by hand", "44": "somebody"},
        "two": {"44": "nobody"},
    }
    assert read_answers(tmp_path / "none.yaml", ["one"]) == {}
    path.write_text("")
    assert read_answers(path, ["one"]) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("all: {45: x}", "45"),
        ("all: {44: ''}", "at least 1 character"),
        ("everything: {}", "everything"),
        ("studies: {onne: {14: x}}", "did you mean one"),
        ("all: [", "no YAML"),
    ],
)
def test_a_mistake_in_the_answers_is_said_at_the_start(tmp_path, text, words):
    path = tmp_path / "reporting.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        read_answers(path, ["one"])
    assert "reporting.yaml" in str(caught.value)


def test_the_datasheet_says_what_the_files_say(study):
    checks = json.loads(Path("results/data/lgg/integrity.json").read_text())
    cases = read_tsv("results/data/lgg/cases.tsv")
    text = datasheet(checks, cases, {"title": "A set", "terms": "CC0"})
    for line in (
        "# A set",
        "**Synthetic images** in the layout of this data set: no patient is in them.",
        "- Source: not stated on the data set's page (`source`, `terms`)",
        "- Terms: CC0",
        "- 12 cases of 13 found, of 12 patients",
        "- 60 slices, 48 of them with tumour",
        "- voxels: 1 x 1 x 2 mm",
        "- age: known of 12 of 12 cases",
        "- P99 `P99/P99_1.tif`: found 31x32 pixels",
        "- All masks are boxes.",
    ):
        assert line in text.splitlines(), line
