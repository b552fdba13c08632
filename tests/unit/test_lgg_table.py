"""data.csv as spreadsheets, other programs and other archives write it."""

import codecs

import pytest

from gliomake.datasets import CaseError
from gliomake.datasets.lgg import LGGDataset
from gliomake.datasets.lgg_table import read_table
from gliomake.files.tsv import read_tsv
from gliomake.phantom.lgg import write_lgg
from gliomake.prepare.index import merge_index

EXPECTED = {"TCGA_CS_4941": {"sex": "2", "age": "67"}, "TCGA_CS_4942": {"sex": None, "age": "44"}}
PLAIN = "Patient,sex,age\nTCGA_CS_4941,2,67\nTCGA_CS_4942,,44\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("_", "-"),
        PLAIN.replace("4941", "4941_19960909").replace("4942", "4942_19970222"),
        PLAIN.replace("\n", ",\n"),
        ",Patient,sex,age\n0,TCGA_CS_4941,2,67\n1,TCGA_CS_4942,,44\n",
        "Unnamed: 0,Patient,sex,age\n0,TCGA_CS_4941,2,67\n1,TCGA_CS_4942,,44\n",
        "sex,Patient,age\n2,TCGA_CS_4941,67\n,TCGA_CS_4942,44\n",
        'Patient,sex,age\n"TCGA_CS_4941",2,67\nTCGA_CS_4942, ,"44"\n,,\n',
    ],
)
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_spellings_that_are_certain_are_read(tmp_path, text, mark):
    encoding = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(mark)
    (tmp_path / "data.csv").write_bytes(mark + text.encode(encoding or "utf-8"))
    assert read_table(tmp_path / "data.csv") == EXPECTED


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("Patient,x\nTCGA_A_1,\xe9\n".encode("cp1252"), r"byte 0xe9 in line 2\), .*UTF-8; save"),
        (PLAIN.encode("utf-16-le"), r"the control character '\\x00' in line 1"),
        (b"PK\x03\x04\x14\0", "a spreadsheet or archive"),
        (b"\xff\xfeP", "in line 1.*UTF-16"),
        (b"Patient,x\nTCGA_A_1,\0\n", r"the control character '\\x00' in line 2"),
        (b'Patient,x\nTCGA_A_1,"a\tb"\n', r"the control character '\\t' in line 2"),
        (b'Patient,x\nTCGA_A_1,"a\nb"\n', r"the control character '\\n' in line 3"),
        ("Patient,x\nTCGA_A_1,a\u2028b\n".encode(), r"the control character '\\u2028'"),
        (b'Patient,x\nTCGA_A_1,"a\n', "unexpected end of data in line 2"),
        (b"Patient,x\nTCGA_A_1," + b"a" * 1001, "a cell of 1001 characters in line 2"),
        (b"Patient,x\nTCGA_A_1," + b"a" * 200_000, r"field limit \(131072\) in line 2"),
        (b"patient,x\nTCGA_A_1,1\n", "header 'patient,x', expected the column Patient"),
        (b"Patient,Patient\nTCGA_A_1,1\n", "expected the column Patient first, once"),
        (b"Patient,x,x\nTCGA_A_1,1,2\n", "the column 'x' twice"),
        (b"Patient,slices\nTCGA_A_1,1\n", "a column named 'slices'.*which the index has itself"),
        (b"Patient,x\nTCGA-A-1,1\nTCGA_A_1,1\n", "TCGA_A_1 again in line 3"),
    ],
    ids=lambda value: str(len(value)) if isinstance(value, bytes) else None,
)
def test_odd_tables_are_refused_by_line(tmp_path, data, message):
    path = tmp_path / "data.csv"
    path.write_bytes(data)
    with pytest.raises(CaseError, match=rf"data\.csv: found .*{message}"):
        read_table(path)


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+1+2", "'+1+2"),
        (" -A1", "'-A1"),
        ("-3", "-3"),
        ("+1.5e-3", "+1.5e-3"),
        ("-2.5", "-2.5"),
        ("a=b", "a=b"),
    ],
)
def test_a_formula_is_disarmed_and_a_number_is_not(tmp_path, cell, kept):
    path = tmp_path / "data.csv"
    path.write_text(f"Patient,x\nTCGA_A_1,{cell}\n")
    assert read_table(path) == {"TCGA_A_1": {"x": kept}}


def test_no_formula_reaches_the_table_of_cases(tmp_path):
    root = tmp_path / "root"
    write_lgg(root, 1, 0, slices=4, size=16)
    dataset = LGGDataset(root, size=16)
    (case,) = dataset.cases()
    (root / "data.csv").write_text(f'Patient,=x,y\n{case[:-9]},"=1+1",@a\n')
    merge_index(
        dataset,
        [dataset.inspect(case)],
        data="real",
        on_bad_case="fail",
        slices_path=tmp_path / "slices.tsv",
        cases_path=tmp_path / "cases.tsv",
        integrity_path=tmp_path / "integrity.json",
    )
    row = read_tsv(tmp_path / "cases.tsv").iloc[0]
    assert (row["'=x"], row["y"]) == ("'=1+1", "'@a")


def test_a_table_of_no_patient_here_is_a_finding(tmp_path):
    write_lgg(tmp_path, 2, 0, slices=4, size=16)
    (tmp_path / "data.csv").write_text("Patient,x\nsub-01,1\n")
    dataset = LGGDataset(tmp_path, size=16)
    found = {finding.kind: finding for finding in dataset.compare([])}
    assert "not one row of" in found["not-in-table"].message
    assert found["not-in-table"].cases == tuple(dataset.cases())
    assert found["not-in-folder"].cases == ("sub-01",)


def test_a_table_that_is_not_text(tmp_path):
    (tmp_path / "data.csv").write_bytes(b"Patient,x\n\xff\xfe")
    with pytest.raises(CaseError, match="unreadable"):
        read_table(tmp_path / "data.csv")


def test_a_table_saved_by_a_spreadsheet(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text('\ufeffPatient;"a;b";c\r\nTCGA_A_1;"x;y";\r\n;;\r\n', newline="")
    assert read_table(path) == {"TCGA_A_1": {"a;b": "x;y", "c": None}}
