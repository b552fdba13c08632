"""BraTS' tables as people save them: what is certain is read, odd cells are refused by line."""

import os
import time

import pytest
from brats_files import write_case

from gliomake.datasets import open_dataset
from gliomake.datasets.brats_tables import ClinicalTables
from gliomake.datasets.root import AccessError, DataRoot, Limits

HEADER = "Brats20ID,Age,Survival_days,Extent_of_Resection"
CASE = "BraTS20_Training_001"
KNOWN = {"grade": "", "age": 60.5, "survival_days": 289, "censored": 0, "resection": "GTR"}


def read(folder, text, name="survival_info.csv", **options):
    raw = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(raw)
    return ClinicalTables([folder], DataRoot.open(folder), **options)


def messages(tables):
    return [problem.message for problem in tables.problems]


SAVED = {
    "as published": f"{HEADER}\n{CASE},60.5,289,GTR\n",
    "byte order mark": f"\ufeff{HEADER}\n{CASE},60.5,289,GTR\n",
    "UTF-16": f"{HEADER}\n{CASE},60.5,289,GTR\n".encode("utf-16"),
    "UTF-16, other end": b"\xfe\xff" + f"{HEADER}\n{CASE},60.5,289,GTR\n".encode("utf-16-be"),
    "UTF-32": f"{HEADER}\n{CASE},60.5,289,GTR\n".encode("utf-32"),
    "Unicode text": f"{HEADER}\n{CASE},60.5,289,GTR\n".replace(",", "\t").encode("utf-16"),
    "semicolons": f"{HEADER}\n{CASE},60.5,289,GTR\n".replace(",", ";"),
    "decimal commas": f"{HEADER}\n{CASE},60.5,289,GTR\n".replace(",", ";").replace(".5", ",5"),
    "tabs": f"{HEADER}\n{CASE},60.5,289,GTR\n".replace(",", "\t"),
    "Windows lines": f"{HEADER}\r\n{CASE},60.5,289,GTR\r\n",
    "old Mac lines": f"{HEADER}\r{CASE},60.5,289,GTR\r",
    "no last line end": f"{HEADER}\n{CASE},60.5,289,GTR",
    "quotes": f'"Brats20ID","Age","Survival_days",Extent_of_Resection\n"{CASE}","60.5","289",GTR\n',
    "blanks": f"{HEADER.replace(',', ' , ')}\n\n {CASE} , 60.5, 289,GTR \n,,,\n",
    "capitals": f"{HEADER.upper()}\n{CASE},60.5,289,GTR\n",
    "other order": f"Extent_of_Resection,x,Age,Brats20ID,Survival_days\nGTR,,60.5,{CASE},289\n",
}


@pytest.mark.parametrize("how", SAVED)
def test_a_table_is_read_however_it_was_saved_where_that_is_certain(tmp_path, how):
    tables = read(tmp_path, SAVED[how])
    assert messages(tables) == []
    assert tables.rows == {CASE: KNOWN}


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (
            f"{HEADER}\n{CASE},60.5,289,r\xe9section\n".encode("cp1252"),
            "UTF-8 (byte 0xe9 in line 2)",
        ),
        (f"{HEADER}\n".encode("utf-16-le"), "a NUL character in line 1"),
        (f"{HEADER}\n{CASE},60\0.5,289,GTR\n".encode(), "a NUL character in line 2"),
        (b"\xff\xfe" + HEADER.encode("utf-16-le") + b"\0", "that is no UTF-16 (byte 0x00"),
        (b"", "columns []"),
        (b"\n \n", "columns []"),
        (b"PK\x03\x04\xff\xff", "UTF-8"),
        (f"{HEADER}\n{CASE},60.5,289,{'x' * 200_000}\n".encode(), "line 2 that is no row"),
        (f'{HEADER}\n{CASE},60.5,289,"GTR\n'.encode(), "that is no row"),
        (f'{HEADER}\n{CASE},60.5,"289"9,GTR\n'.encode(), "line 2 that is no row"),
        (
            f"Brats20ID,Age,Age,Survival_days\n{CASE},1,2,3\n".encode(),
            "columns ['Brats20ID', 'Age', 'Age'",
        ),
        (f"{HEADER.replace(',', '|')}\n".encode(), "columns ['Brats20ID|Age"),
        (f"{'a,' * 5000}\n".encode(), "columns ['a', 'a'"),
    ],
    ids=range(13),
)
def test_a_table_that_cannot_be_read_is_one_error_that_names_it(tmp_path, raw, found):
    tables = read(tmp_path, raw)
    (message,) = messages(tables)
    assert message.startswith(f"{tmp_path / 'survival_info.csv'}: found ")
    assert found in message
    assert message.endswith("save it again as CSV in UTF-8, or take it away")
    assert len(message) < 600
    assert tables.rows == {} or found.startswith("line")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("old,289,GTR", "age 'old'"),
        ("-5,289,GTR", "age '-5'"),
        ("nan,289,GTR", "age 'nan'"),
        ("inf,289,GTR", "age 'inf'"),
        ("1e2,289,GTR", "age '1e2'"),
        ("1_0,289,GTR", "age '1_0'"),
        ("121,289,GTR", "age '121'"),
        ("\u0663\u0664,289,GTR", "age '\u0663\u0664'"),
        (f"{'9' * 5000},289,GTR", "age '9999"),
        ("=1+1,289,GTR", "age '=1+1'"),
        ("60.5,DEAD,GTR", "survival 'DEAD'"),
        ("60.5,-3,GTR", "survival '-3'"),
        ("60.5,3.5,GTR", "survival '3.5'"),
        (f"60.5,{'9' * 5000},GTR", "survival '9999"),
        ("60.5,\u00b2,GTR", "survival '\u00b2'"),
        ("60.5,ALIVE (x days later),GTR", "survival 'ALIVE (x"),
        ("60.5,ALIVE (9999999 days later),GTR", "survival 'ALIVE (9999999"),
        ("60.5,289,G\x07R", "resection 'G\\x07R'"),
        (f"60.5,289,{'x' * 300}", "resection 'xxx"),
        ("60.5,289", "3 cells"),
        ("60.5,289,GTR,more", "5 cells"),
    ],
    ids=range(21),
)
def test_an_odd_cell_is_refused_by_its_line(tmp_path, row, found):
    second = CASE.replace("001", "002")
    tables = read(tmp_path, f"{HEADER}\n{CASE},60.5,289,GTR\n{second},{row}\n")
    (message,) = messages(tables)
    assert f"found {found}" in message
    assert f"of {second} in line 3, expected " in message
    assert len(message) < 500
    assert tables.row(CASE) == KNOWN
    assert all(problem.case == "" for problem in tables.problems)


def test_a_case_that_stands_twice_is_refused_and_its_first_row_counts(tmp_path):
    tables = read(tmp_path, f"{HEADER}\n{CASE},60.5,289,GTR\n{CASE},61,290,STR\n")
    (message,) = messages(tables)
    assert f"the case again (first in line 2) of {CASE} in line 3" in message
    assert tables.row(CASE) == KNOWN


def test_the_line_is_that_of_the_file_where_a_cell_has_several(tmp_path):
    tables = read(tmp_path, f'{HEADER}\n\n{CASE},60.5,289,"a\nb"\nx,old,1,GTR\n')
    assert [message.partition("in line ")[2][:2] for message in messages(tables)] == ["4,", "5,"]


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)"])
def test_a_formula_is_kept_from_running(tmp_path, cell):
    assert (
        read(tmp_path, f"{HEADER}\n{CASE},60.5,289,{cell}\n").row(CASE)["resection"] == f"'{cell}"
    )
    grade = read(tmp_path, f"Grade,BraTS_2020_subject_ID\n{cell},{CASE}\n", "name_mapping.csv")
    assert f"grade {cell!r}" in messages(grade)[-1]


def test_grades_worked_by_hand(tmp_path):
    text = "Grade;BraTS_2020_subject_ID\nHGG;a\nlgg ;b\nNA;c\nGBM;d\nHGG;NA\n;e\n"
    tables = read(tmp_path, text, "name_mapping.csv")
    assert {case: row["grade"] for case, row in tables.rows.items()} == {
        "a": "HGG",
        "b": "LGG",
        "c": "",
        "d": "",
        "e": "",
    }
    (message,) = messages(tables)
    assert "grade 'GBM' of d in line 5, expected HGG or LGG" in message


@pytest.mark.parametrize(
    ("release", "name", "header"),
    [
        ("2017", "survival_data.csv", "Brats17ID,Age,Survival"),
        ("2018", "survival_data.csv", "Brats18ID,Age,Survival,ResectionStatus"),
        ("2019", "survival_data.csv", "BraTS19ID,Age,Survival,ResectionStatus"),
        ("2020", "survival_info.csv", HEADER),
    ],
)
def test_each_release_has_tables_of_its_own(tmp_path, release, name, header):
    cells = f"x,60.5,289{',GTR' if header.count(',') > 2 else ''}"
    tables = read(tmp_path, f"{header}\n{cells}\n", name, release=release)
    assert messages(tables) == []
    assert tables.row("x")["survival_days"] == 289
    (tmp_path / "name_mapping.csv").write_text(f"Grade,BraTS_{release}_subject_ID\nHGG,x\n")
    assert ClinicalTables([tmp_path], release=release).row("x")["grade"] == "HGG"


def test_releases_after_2020_have_no_tables(tmp_path):
    tables = read(tmp_path, "no,table\n", release="2021")
    assert (tables.rows, tables.problems) == ({}, [])


@pytest.mark.parametrize("kind", ["link out", "dangling", "pipe", "folder"])
def test_a_table_that_is_no_file_of_the_data_set_is_refused(tmp_path, kind):
    root = tmp_path / "root"
    root.mkdir()
    path = root / "survival_info.csv"
    (tmp_path / "other.csv").write_text(f"{HEADER}\n{CASE},60.5,289,GTR\n")
    {
        "link out": lambda: path.symlink_to(tmp_path / "other.csv"),
        "dangling": lambda: path.symlink_to("nowhere"),
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
    }[kind]()
    tables = ClinicalTables([root], DataRoot.open(root))
    (message,) = messages(tables)
    assert message.startswith(f"{path}: found a ")
    assert tables.rows == {}


def test_a_table_that_is_too_large_or_may_not_be_read(tmp_path, monkeypatch):
    (tmp_path / "survival_info.csv").write_text(f"{HEADER}\n{CASE},60.5,289,GTR\n")
    small = DataRoot.open(tmp_path, Limits(file_bytes=20))
    assert "limits.file_bytes" in messages(ClinicalTables([tmp_path], small))[0]

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(AccessError):
        ClinicalTables([tmp_path], DataRoot.open(tmp_path))


def test_a_large_table_takes_no_time(tmp_path):
    rows = "".join(f"case{n},60,{n},GTR\n" for n in range(20_000))
    began = time.process_time()
    assert len(read(tmp_path, f"{HEADER}\n{rows}").rows) == 20_000
    # A second of the slowest processor; minutes where every row is compared with every other.
    assert time.process_time() - began < 20


def test_a_fault_of_a_table_leaves_no_patient_out(tmp_path):
    write_case(tmp_path / CASE, CASE)
    (tmp_path / "survival_info.csv").write_bytes(f"{HEADER}\n{CASE},1,1,\xe9\n".encode("cp1252"))
    dataset = open_dataset("brats2020", tmp_path)
    (problem,) = dataset.check_root()
    assert problem.case == ""
    assert not dataset.inspect(CASE).problems


def test_tables_of_other_cases_are_a_finding(tmp_path):
    write_case(tmp_path / CASE, CASE)
    table = tmp_path / "survival_info.csv"
    for name, kinds in ((CASE, []), ("BraTS20_Training_002", ["tables"])):
        table.write_text(f"{HEADER}\n{name},60.5,289,GTR\n")
        dataset = open_dataset("brats2020", tmp_path)
        assert [f.kind for f in dataset.compare([dataset.inspect(CASE)])] == kinds
