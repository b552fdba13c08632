"""Tables come back as they were written."""

import pandas as pd

from gliomake.files.tsv import read_tsv, write_tsv

NAMES = [
    "a\tb", "a\nb", 'a"b', '"a"', "a'b", " a ", "", "NA", "nan", "null", "None", "<NA>", "#x",
    "\u2028x", "1e5", "007", "true", "-1", "t\u00eate", "te\u0302te",
]  # fmt: skip


def test_names_come_back_as_they_were(tmp_path):
    write_tsv(pd.DataFrame({"case": NAMES, "n": range(len(NAMES))}), tmp_path / "t.tsv")
    table = read_tsv(tmp_path / "t.tsv")
    assert table["case"].tolist() == NAMES
    assert table["n"].tolist() == list(range(len(NAMES)))


def test_numbers_may_be_missing_and_truths_are_truths(tmp_path):
    write_tsv(pd.DataFrame({"x": [1.5, None], "b": [True, False]}), tmp_path / "t.tsv")
    assert (tmp_path / "t.tsv").read_text() == "x\tb\n1.5\ttrue\n\tfalse\n"
    table = read_tsv(tmp_path / "t.tsv")
    assert table["x"].isna().tolist() == [False, True]
    assert table["b"].dtype == bool
