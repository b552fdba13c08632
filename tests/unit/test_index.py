"""The index: refusals, the fingerprint, and the error that lists them all."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gliomake.datasets.base import CaseError, CaseReport, Finding, Problem
from gliomake.datasets.lgg import LGGDataset
from gliomake.index import (
    BadDataError,
    group_cases,
    merge_index,
    read_index_group,
    write_index_group,
)
from gliomake.phantom.lgg import write_lgg
from gliomake.tsv import read_tsv


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
        "dataset", "patient", "slice", "height", "width", "tumour",
    ]  # fmt: skip
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
