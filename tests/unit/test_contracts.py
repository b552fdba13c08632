"""Tables and JSON of the workflow that are damaged: one line with the file and the remedy."""

import json
import re

import pandas as pd
import pytest

from gliomake.files.contracts import REBUILD, FileError, read_json
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.prepare.split import SplitOverlapError, read_split

COUNTS = (
    "patient\tslice\tsubset\tclass\tpostprocess\ttp\tfp\tfn\ttn\n"
    "001\t1\ttest\ttumour\tfalse\t3\t1\t0\t60\n"
    "NA\t2\ttest\ttumour\ttrue\t0\t1\t12\t51\n"
)
DISTANCES = (
    "patient\tsubset\tclass\tpostprocess\thd95\tnsd\thd95-union\tmissed\n"
    "a\ttest\ttumour\tfalse\t3.2\t\t3.0\tfalse\n"
)
HISTORY = "epoch\tlearning_rate\tseconds\ttrain_loss\tval_loss\n1\t0.1\t2.5\t0.7\t\n"
SPLIT = "patient\tslice\tsubset\na\t1\ttrain\nb\t1\tval\nc\t1\ttest\n"
SCORE = {
    "run": "r",
    "subset": "test",
    "class": "tumour",
    "metric": "dice",
    "convention": "pooled",
    "postprocess": False,
    "value": None,
}


def short(value):
    """A name for a case; some contents are long."""
    return repr(value[-24:])


def refused(read, path, content, message):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FileError, match=message) as caught:
        read(path)
    text = str(caught.value)
    assert text.startswith(f"{path} is damaged: ") and text.endswith(REBUILD)
    assert "\n" not in text and len(text) < 500


def test_a_patient_may_be_called_na(tmp_path):
    (tmp_path / "counts.tsv").write_text(COUNTS)
    table = read_tsv(tmp_path / "counts.tsv")
    assert table["patient"].tolist() == ["001", "NA"]
    assert table["postprocess"].tolist() == [False, True]
    assert table["tn"].tolist() == [60, 51]


def test_undefined_numbers_and_empty_names_go_round(tmp_path):
    table = pd.DataFrame({"patient": ["", "null"], "value": [0.5, None], "flag": [True, False]})
    write_tsv(table, tmp_path / "x.tsv")
    pd.testing.assert_frame_equal(read_tsv(tmp_path / "x.tsv"), table)


def test_names_with_quotes_tabs_and_lines_go_round(tmp_path):
    names = ['a "b"', "c\td", "e\nf", "'", "é"]
    table = pd.DataFrame({"patient": names, "n": range(5)})
    write_tsv(table, tmp_path / "x.tsv")
    pd.testing.assert_frame_equal(read_tsv(tmp_path / "x.tsv"), table)


def test_lines_may_end_as_on_windows(tmp_path):
    (tmp_path / "patient-f0.tsv").write_bytes(SPLIT.replace("\n", "\r\n").encode())
    assert read_split(tmp_path / "patient-f0.tsv")["subset"].tolist() == ["train", "val", "test"]


def test_a_table_cut_within_a_line(tmp_path):
    for length in (1, 20, len(COUNTS) - 1, len(COUNTS) - 5, len(COUNTS) // 2):
        refused(read_tsv, tmp_path / "counts.tsv", COUNTS[:length], "it ends in .*the end of a lin")
    refused(read_tsv, tmp_path / "counts.tsv", "", "it ends in nothing")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("counts.tsv", "\n", "."),
        ("counts.tsv", COUNTS.replace("\ttn\n", "\tno\n"), "no column tn; expected the columns"),
        ("counts.tsv", COUNTS.replace("\t60\n", "\n"), "line 2 has 8 cells; expected 9 as in the"),
        ("counts.tsv", COUNTS.replace("\t60\n", "\t60\t1\n"), "line 2 has 10 cells; expected 9"),
        ("counts.tsv", COUNTS.replace("\t60\n", "\t\n"), "column tn holds an empty cell; expected"),
        ("counts.tsv", COUNTS.replace("\t60\n", "\t-6\n"), "column tn holds '-6'; expected whole"),
        ("counts.tsv", COUNTS.replace("\t60\n", "\t6.5\n"), "column tn holds '6.5'"),
        ("counts.tsv", COUNTS.replace("\t60\n", "\t6x\n"), "column tn holds '6x'"),
        ("counts.tsv", COUNTS.replace("\t60\n", "\t1e999\n"), "column tn holds 'inf'"),
        ("counts.tsv", COUNTS.replace("\t60\n", "\t" + "9" * 30 + "\n"), "column tn holds '9999"),
        ("counts.tsv", COUNTS.replace("\t60\n", f"\t{2**63}\n"), "column tn holds '92233"),
        ("counts.tsv", COUNTS.replace("false", "maybe"), "column postprocess holds 'maybe'"),
        ("counts.tsv", COUNTS.replace("false", ""), "column postprocess holds an empty cell"),
        ("counts.tsv", COUNTS.replace("001", "0\x001"), r"the character '\\x00' at 52"),
        ("counts.tsv", COUNTS.replace("001", '"001'), "unexpected end of data"),
        ("counts.tsv", COUNTS.encode().replace(b"001", b"\xff1"), "no UTF-8 at byte 51"),
        ("counts.tsv", COUNTS.encode("utf-16"), "no UTF-8 at byte 0"),
        ("distances.tsv", DISTANCES.replace("3.2", "far"), "hd95 holds 'far'; expected numbers"),
        ("distances.tsv", DISTANCES.replace("\tnsd", "\tnds"), "no column nsd"),
        ("history.tsv", HISTORY.replace("1\t0.1", "one\t0.1"), "column epoch holds 'one'"),
        ("history.tsv", HISTORY.replace("0.7", "low"), "column train_loss holds 'low'"),
    ],
    ids=short,
)
def test_a_damaged_table(tmp_path, name, content, message):
    refused(read_tsv, tmp_path / name, content, message)


def test_a_whole_table_is_no_error(tmp_path):
    for name, content in (("distances.tsv", DISTANCES), ("history.tsv", HISTORY)):
        (tmp_path / name).write_text(content)
        assert len(read_tsv(tmp_path / name)) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "it ends in nothing"),
        ("patient\tslice\tsubset\n", "0 rows of patient, slice, subset"),
        (SPLIT.replace("slice", "slices"), "3 rows of patient, slices, subset"),
        (SPLIT.replace("subset\n", "subset\tfold\n"), "line 2 has 3 cells; expected 4"),
        (SPLIT.replace("patient\tslice\tsubset\n", ""), "2 rows of a, 1, train"),
        (SPLIT.replace("\tsubset", "\tpatient"), "3 rows of patient, slice, patient"),
        (SPLIT.replace("a\t1", "a\t"), "column slice holds an empty cell; expected whole numbers"),
        (SPLIT.replace("a\t1", "a\tNaN"), "column slice holds an empty cell"),
        (SPLIT.replace("a\t1", "a\t1.5"), "column slice holds '1.5'"),
        (SPLIT.replace("a\t1", "a\t-1"), "column slice holds '-1'"),
        (SPLIT.replace("a\t1", "a\ttrue"), "column slice holds 'true'"),
        (SPLIT.replace("a\t1", f"a\t{2**31}"), "slice 2147483648; expected at most 2147483647"),
        (SPLIT.replace("a\t1", "a\t1e300"), "column slice holds '1e"),
        (SPLIT.replace("\ttrain", "\ttrain\t"), "line 2 has 4 cells"),
        (SPLIT.replace("a\t1\ttrain\nb", '"a\t1\ttrain\nb"'), "the patient 'a"),
        (SPLIT.replace("a\t", "\x1b[31m\t"), "the character"),
        (SPLIT.encode("utf-16"), "no UTF-8"),
        (SPLIT.encode().replace(b"a\t1", b"\xe9\t1"), "no UTF-8 at byte 21"),
    ],
    ids=short,
)
def test_a_damaged_split(tmp_path, content, message):
    refused(read_split, tmp_path / "patient-f0.tsv", content, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (SPLIT.replace("train", "Train"), r"1 unknown subsets \('Train'\); expected train, val"),
        (SPLIT.replace("train", ""), r"1 unknown subsets \(''\)"),
        (SPLIT.replace("b\t1", "a\t1"), "1 slices stand in more than one row"),
        (SPLIT.replace("b\t1", "a\t2"), "1 patients are in more than one subset"),
    ],
    ids=short,
)
def test_a_split_that_must_not_be_used(tmp_path, content, message):
    (tmp_path / "patient-f0.tsv").write_text(content)
    with pytest.raises((SplitOverlapError, FileError), match=message) as caught:
        read_split(tmp_path / "patient-f0.tsv")
    assert str(tmp_path / "patient-f0.tsv") in str(caught.value)
    assert re.search("Delete (it and start|the file to have it made)", str(caught.value))


@pytest.mark.parametrize("cut", [0, 1, 30, -2])
@pytest.mark.parametrize("name", ["metrics.json", "train.json", "numbers.json", "other.json"])
def test_json_that_is_cut(tmp_path, name, cut):
    refused(read_json, tmp_path / name, json.dumps([SCORE] * 2)[:cut], "no JSON")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metrics.json", "{}", "other JSON; expected a list of entries with run, subset"),
        ("metrics.json", "[1]", "other JSON; expected a list of entries"),
        ("metrics.json", json.dumps([SCORE | {"x": 1}, {"run": "r"}]), "other JSON; expected a li"),
        ("train.json", "[]", "other JSON; expected an object with its facts"),
        ("numbers.json", '{"files": {}}', "an object with files, pages, studies, numbers"),
        ("integrity.json", "null", "other JSON; expected an object with dataset"),
        ("train.json", b'{"device": "\xff"}', "no JSON"),
        ("train.json", "[" * 100_000, "no JSON"),
        ("train.json", "9" * 5000, "no JSON"),
    ],
    ids=short,
)
def test_damaged_json(tmp_path, name, content, message):
    refused(read_json, tmp_path / name, content, message)


def test_whole_json_is_no_error(tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps([SCORE]))
    assert read_json(tmp_path / "metrics.json") == [SCORE]
