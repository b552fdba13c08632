"""The index: refusals, the fingerprint, and the error that lists them all."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gliomake.datasets.base import CaseError, CaseReport, Finding, Problem
from gliomake.datasets.lgg import LGGDataset
from gliomake.datasets.root import AccessError
from gliomake.files.tsv import read_tsv
from gliomake.phantom.lgg import write_lgg
from gliomake.prepare.index import (
    BadDataError,
    group_cases,
    merge_index,
    read_index_group,
    write_index_group,
)


class FakeDataset:
    """Three patients, the second of which has a broken mask."""

    name = "fake"
    channels = ("flair",)
    classes = ("tumour",)

    def cases(self):
        return ["A", "B", "C"]

    def inspect(self, case, channels=None):
        report = CaseReport(case=case, patient=case)
        if case == "B":
            report.problems = [Problem("B", "B/2_mask.tif", "found value 7, expected 0 and 255")]
            return report
        report.slices = [
            {"slice": n, "height": 4, "width": 4, "tumour": np.int64(n % 2) * 3} for n in (1, 2)
        ]
        report.facts = {"intensity": {"flair": {"min": 0, "max": 10, "mean": 2.5}}}
        if case == "C":
            report.facts["missing_sequences"] = ["post-contrast"]
        return report

    def check_root(self):
        return []

    def metadata(self):
        return {case: {"stratum": "XY", "age": 40} for case in self.cases()}

    def compare(self, reports):
        return [Finding("duplicate", f"{len(reports)} compared")]


class SoundDataset(FakeDataset):
    """The same after its mask was mended."""

    def inspect(self, case, channels=None):
        return replace(super().inspect("A"), case=case, patient=case)


class BadTableDataset(FakeDataset):
    """Its table of patients cannot be read."""

    def check_root(self):
        return [Problem("", "data.csv", "header 'x', expected the column Patient first")]

    def metadata(self):
        raise CaseError("", "data.csv", "header 'x'", "the column Patient first", "restore it")


class AllBadDataset(FakeDataset):
    """Each of its masks is broken, and nothing is prepared for that."""

    def inspect(self, case, channels=None):
        message = f"{case}/2_mask.tif: found value 7, expected 0 and 255"
        return CaseReport(case, case, problems=[Problem(case, f"{case}/2_mask.tif", message)])

    def compare(self, reports):
        return [Finding("largest", max(report.case for report in reports))]


class BlankDataset(FakeDataset):
    """None of its patients has a tumour."""

    def inspect(self, case, channels=None):
        rows = [{"slice": n, "height": 4, "width": 4, "tumour": 0} for n in (1, 2)]
        return CaseReport(case, case, rows)


class NamedDataset(SoundDataset):
    """Its cases and its table hold what spreadsheets run, and what tables cannot hold."""

    def __init__(self, *names):
        self.names = names

    def cases(self):
        return list(self.names)

    def metadata(self):
        cells = {"file": "=1+1", "age": "-4.5", "site": "@x", "note": 'a\rb\tc"d', "stratum": "+x"}
        return dict.fromkeys(self.names, cells)


def merge(tmp_path, on_bad_case, dataset=None):
    dataset = dataset or FakeDataset()
    for number, group in enumerate(group_cases(dataset.cases(), 2)):
        write_index_group(dataset, group, tmp_path / f"{number:03}.json")
    reports = [r for n in range(2) for r in read_index_group(tmp_path / f"{n:03}.json")]
    merge_index(
        dataset,
        reports,
        data="real",
        on_bad_case=on_bad_case,
        slices_path=tmp_path / "slices.tsv",
        cases_path=tmp_path / "cases.tsv",
        integrity_path=tmp_path / "integrity.json",
    )


def test_cases_are_dealt_to_groups():
    assert group_cases(["A", "B", "C"], 2) == [["A", "C"], ["B"]]
    assert group_cases(["A"], 3) == [["A"], [], []]


def test_skip_lists_the_refused_and_goes_on(tmp_path):
    merge(tmp_path, "skip")
    integrity = json.loads((tmp_path / "integrity.json").read_text())
    assert [entry["case"] for entry in integrity["refused"]] == ["B"]
    assert integrity["cases"] == {"found": 3, "kept": 2}
    assert integrity["fingerprint"]["slices"] == 4
    assert integrity["fingerprint"]["slices_with_tumour"] == 2
    assert integrity["fingerprint"]["missing_sequences"] == {"C": ["post-contrast"]}
    assert integrity["findings"][0]["message"] == "2 compared"
    slices = read_tsv(tmp_path / "slices.tsv")
    assert slices.columns.tolist() == [
        "dataset",
        "patient",
        "slice",
        "height",
        "width",
        "tumour",
    ]
    assert slices["patient"].tolist() == ["A", "A", "C", "C"]
    cases = read_tsv(tmp_path / "cases.tsv")
    assert cases["case"].tolist() == ["A", "C"]
    assert cases["age"].tolist() == [40, 40]


def test_fail_names_the_file_and_keeps_the_list(tmp_path):
    with pytest.raises(BadDataError, match=r"(?s)B/2_mask.tif: found value 7.*on_bad_case"):
        merge(tmp_path, "fail")
    assert not (tmp_path / "slices.tsv").exists()
    listed = json.loads((tmp_path / "integrity.failed.json").read_text())
    assert listed["refused"][0]["file"] == "B/2_mask.tif"


def test_the_list_of_refusals_goes_when_the_files_are_mended(tmp_path):
    with pytest.raises(BadDataError):
        merge(tmp_path, "fail")
    merge(tmp_path, "fail", SoundDataset())
    assert not (tmp_path / "integrity.failed.json").exists()
    assert json.loads((tmp_path / "integrity.json").read_text())["refused"] == []


def test_a_bad_table_is_listed_beside_the_bad_cases(tmp_path):
    with pytest.raises(BadDataError, match=r"(?s)data.csv: header 'x'.*B/2_mask.tif"):
        merge(tmp_path, "fail", BadTableDataset())
    listed = json.loads((tmp_path / "integrity.failed.json").read_text())
    assert [entry["file"] for entry in listed["refused"]] == ["data.csv", "B/2_mask.tif"]


def test_a_bad_table_is_skipped_with_the_bad_cases(tmp_path):
    root = tmp_path / "kaggle_3m"
    write_lgg(root, 2, 0, slices=4, size=32)
    (root / "data.csv").write_text("nothing,of,use\n")
    merge(tmp_path, "skip", LGGDataset(root, size=32))
    (refused,) = json.loads((tmp_path / "integrity.json").read_text())["refused"]
    assert refused["file"] == str(root / "data.csv")
    cases = read_tsv(tmp_path / "cases.tsv")
    assert cases["stratum"].tolist() == [case.split("_")[1] for case in cases["case"]]


@pytest.mark.parametrize("on_bad_case", ["fail", "skip"])
def test_refusals_are_listed_when_nothing_is_left(tmp_path, on_bad_case):
    with pytest.raises(BadDataError, match=r"3 problems, no case can be used") as raised:
        merge(tmp_path, on_bad_case, AllBadDataset())
    assert "A/2_mask.tif: found value 7" in str(raised.value)
    assert "skip" not in str(raised.value), "leaving out all cases does not help"
    listed = json.loads((tmp_path / "integrity.failed.json").read_text())
    assert [entry["case"] for entry in listed["refused"]] == ["A", "B", "C"]
    assert [entry["kind"] for entry in listed["findings"]] == ["not-compared"]
    assert listed["fingerprint"]["slices"] == 0
    assert not (tmp_path / "slices.tsv").exists()


def test_no_case_at_all_is_one_error(tmp_path):
    with pytest.raises(BadDataError, match="no case can be used"):
        merge(tmp_path, "skip", NamedDataset())


@pytest.mark.parametrize("on_bad_case", ["fail", "skip"])
def test_a_data_set_without_tumour_stops_before_any_training(tmp_path, on_bad_case):
    with pytest.raises(BadDataError, match=r"no pixel of tumour in any of 3 cases.*nothing to lea"):
        merge(tmp_path, on_bad_case, BlankDataset())
    listed = json.loads((tmp_path / "integrity.failed.json").read_text())
    assert "no-tumour" in [entry["kind"] for entry in listed["findings"]]


def test_a_comparison_that_fails_costs_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(SoundDataset, "compare", lambda *_: [][0])
    merge(tmp_path, "fail", SoundDataset())
    findings = json.loads((tmp_path / "integrity.json").read_text())["findings"]
    assert findings[0]["kind"] == "not-compared" and "IndexError" in findings[0]["message"]
    assert len(read_tsv(tmp_path / "slices.tsv")) == 6


def test_a_table_that_fails_is_a_problem_of_the_whole_set(tmp_path, monkeypatch):
    monkeypatch.setattr(SoundDataset, "metadata", lambda *_: {}["age"])
    with pytest.raises(
        BadDataError, match=r"the reader failed on this \(KeyError: 'age'\)"
    ) as raised:
        merge(tmp_path, "fail", SoundDataset())
    assert "skip" not in str(raised.value)
    merge(tmp_path, "skip", SoundDataset())
    assert read_tsv(tmp_path / "cases.tsv")["stratum"].tolist() == ["", "", ""]


def test_a_table_that_cannot_be_read_now_stops(tmp_path, monkeypatch):
    def closed(*_):
        raise PermissionError(13, "Permission denied", "data.csv")

    monkeypatch.setattr(SoundDataset, "check_root", closed)
    with pytest.raises(AccessError, match=r"data\.csv: could not be read"):
        merge(tmp_path, "skip", SoundDataset())
    assert not list(tmp_path.glob("*.tsv")) and not list(tmp_path.glob("integrity*"))


def test_text_that_a_spreadsheet_would_run_is_marked(tmp_path):
    merge(tmp_path, "fail", NamedDataset("A", "B"))
    cases = read_tsv(tmp_path / "cases.tsv")
    assert cases["file"].tolist() == ["'=1+1"] * 2
    assert cases["site"].tolist() == ["'@x"] * 2
    assert cases["stratum"].tolist() == ["'+x"] * 2
    assert cases["age"].tolist() == [-4.5, -4.5], "a number stays one"
    assert cases["note"].tolist() == ['a\\x0db\tc"d'] * 2


@pytest.mark.parametrize(
    "name", ["=cmd|'/c calc'!A1", "+1", "-x", "@x", "a\rb", "a\0b", "a\x1bb", "a\udce9"]
)
def test_a_case_of_such_a_name_is_refused(tmp_path, name):
    merge(tmp_path, "skip", NamedDataset(name, "B"))
    [refused] = json.loads((tmp_path / "integrity.json").read_text())["refused"]
    assert refused["case"] == name and "rename the case" in refused["message"]
    assert read_tsv(tmp_path / "cases.tsv")["case"].tolist() == ["B"]


def test_odd_names_survive_the_tables(tmp_path):
    names = ["NA", "a\tb", "a\nb", 'a"b', "a'b", "#3 % {x}", "007", "t\u00eate", "nan", "1e5"]
    merge(tmp_path, "fail", NamedDataset(*names))
    assert read_tsv(tmp_path / "cases.tsv")["case"].tolist() == sorted(names)
    assert set(read_tsv(tmp_path / "slices.tsv")["patient"]) == set(names)


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        (Finding("other", "", ("B",)), ["other", "no-tumour"]),
        (Finding("no-tumour", "", ("B",)), ["no-tumour"]),
        (Finding("no-annotation", "", ("B",)), ["no-annotation"]),
        (Finding("no-annotation", "", ("C",)), ["no-annotation", "no-tumour"]),
    ],
)
def test_what_the_reader_says_itself_is_not_said_again(tmp_path, monkeypatch, said, kinds):
    def inspect(self, case, channels=None):
        return CaseReport(
            case, case, [{"slice": 1, "height": 4, "width": 4, "tumour": case != "B"}]
        )

    monkeypatch.setattr(SoundDataset, "inspect", inspect)
    monkeypatch.setattr(SoundDataset, "compare", lambda *_: [said])
    merge(tmp_path, "fail", SoundDataset())
    findings = json.loads((tmp_path / "integrity.json").read_text())["findings"]
    assert [finding["kind"] for finding in findings] == kinds


@pytest.mark.parametrize("on_bad_case", ["fail", "skip"])
def test_a_needed_folder_without_a_case_stops(tmp_path, monkeypatch, on_bad_case):
    monkeypatch.setattr(SoundDataset, "needed_folders", ("train", "valid"), raising=False)
    with pytest.raises(BadDataError, match=r"valid: found no case of this folder") as raised:
        merge(tmp_path, on_bad_case, SoundDataset())
    assert "on_bad_case" not in str(raised.value)
