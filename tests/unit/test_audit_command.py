"""`gliomake audit`: the numbers of any report, from a table alone."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gliomake.claims.outside import MOST_ROWS, NEEDED, read_outside
from gliomake.claims.table import ClaimError
from gliomake.cli import main

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
EXAMPLES = SCRIPTS.parents[1] / "examples" / "claims"
CONTRADICTING = "quantity,value\ndice,0.164\niou,0.974\n"


def table(folder: Path, text: str | bytes, name="paper.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_two_columns_are_enough(tmp_path, capsys):
    path = table(tmp_path, CONTRADICTING)
    assert main(["audit", str(path)]) == 1
    out = capsys.readouterr().out
    assert "CONTRADICTION: Dice against IoU" in out
    assert "an IoU is never above its Dice" in re.sub(r"\s+", " ", out)
    assert "line 2: dice 0.164\n" in out, "rows are called by their line"
    # Dice 0.164 gives IoU 0.164 / (2 - 0.164) = 0.0893246.
    assert "iou from dice 0.0893246" in re.sub(r"\s+", " ", out), "the arithmetic"
    last = (
        "2 numbers: 1 contradiction, 0 worth knowing, 0 agreements; 0 of the numbers met no other"
    )
    assert out.splitlines()[-1] == last


def test_what_agrees_is_no_contradiction_and_printed_on_request(tmp_path, capsys):
    path = table(tmp_path, "quantity,value\ndice,0.870\niou,0.770\n")
    assert main(["audit", str(path)]) == 0
    assert "AGREES" not in capsys.readouterr().out
    assert main(["audit", str(path), "--all"]) == 0
    assert "AGREES: Dice against IoU" in capsys.readouterr().out


def test_a_page_and_json_hold_every_finding(tmp_path, capsys):
    rows = ["model,quantity,value,where", "a <b>,dice,0.164,t", "a <b>,iou,0.974,t",
            "c,dice,0.870,t", "c,iou,0.770,t", "d,hd95,4.1,t"]  # fmt: skip
    path = table(tmp_path, "\n".join(rows))
    page, found = tmp_path / "out" / "page.html", tmp_path / "found.json"
    assert main(["audit", str(path), "--out", str(page), "--json", str(found)]) == 1
    html = page.read_text()
    assert "a &lt;b&gt;" in html and "a <b>" not in html, "what a table says is no HTML"
    assert not re.search(r'(?:src|href)="(?!data:|#)', html), "it needs no other file"
    content = json.loads(found.read_text())
    assert len(content["claims"]) == 5
    levels = [each["level"] for each in content["findings"]]
    contradictions, agreements = levels.count("inconsistent"), levels.count("consistent")
    assert contradictions >= 1 and agreements >= 1
    assert f"Contradictions ({contradictions})" in html
    assert f"What agrees ({agreements})" in html
    assert "met no other number" in html


def test_the_template_can_be_audited_and_explains_every_column(tmp_path, capsys):
    assert main(["audit", "--template"]) == 0
    text = capsys.readouterr().out
    header = next(line for line in text.splitlines() if not line.startswith("#"))
    for name in header.split(","):
        assert re.search(rf"^# {name}: .{{10,}}", text, re.M), name
    assert set(NEEDED) <= set(header.split(","))
    path = table(tmp_path, text)
    assert main(["audit", str(path)]) == 0
    found = read_outside(path)
    assert [claim.value for claim in found] == ["0.870", "0.770", "0.912", "3143"]
    assert found[0].claim == f"line {text.splitlines().index(header) + 2}"


def test_columns_may_have_the_names_that_people_give_them(tmp_path):
    path = table(tmp_path, "ID,Paper,Page,Network,Split,Metric,Score\na,P,3,unet,test,dice,0.8\n")
    [claim] = read_outside(path)
    assert (claim.claim, claim.study, claim.where, claim.model) == ("a", "P", "3", "unet")
    assert (claim.subset, claim.quantity, claim.value) == ("test", "dice", "0.8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column quantity, value"),
        ("quantity,value\n", "no row under the header"),
        ("quantity\ndice\n", "no column value; found quantity; add it to the header"),
        ("Metric,Quantity,value\ndice,dice,0.8\n", r"two columns quantity \(Metric, Quantity\)"),
        ("quantity,value,Dice\ndice,0.8,1\n", "unknown column 'Dice'"),
        ("quantity,value\ndice,0,87\n", "line 2: more or fewer cells .* decimals with a point"),
        ("quantity;value\ndice;0,87\n", "line 2: value '0,87' has a comma: write decimals with a"),
        ("quantity,value\nbeauty,0.87\n", "line 2: unknown quantity 'beauty'; known: "),
        ("quantity,value\ndice,good\n", "line 2: value 'good' is not a number"),
        ("quantity,value\ndice,nan\n", "line 2: value 'nan' is not finite"),
        ("quantity,value\ndice,>0.9\n", "line 2: value '>0.9' is a bound"),
        ("claim,quantity,value\nx,dice,0.8\nx,iou,0.7\n", "claim ids used twice: x"),
        ("quantity,value\nslices,12.5\n", "value '12.5' of slices must be a whole number"),
        ("quantity,value,unit\ndice,87,mm\n", "unit 'mm' of dice"),
        ("quantity,value\ndice,0.87\xb10.21\n".encode("cp1252"), "not UTF-8; save it as UTF-8"),
        ("quantity,value\ndice,0.8\n".encode("utf-16"), "not UTF-8"),
        ('quantity,value\ndice,"0.8\n', "not a table"),
        ("quantity,value\n" + "dice,0.8\n" * (MOST_ROWS + 1), "expected at most 5000"),
    ],
    ids=range(18),
)  # fmt: skip
def test_a_table_that_cannot_be_read_is_one_clear_error(tmp_path, capsys, text, message):
    path = table(tmp_path, text)
    assert main(["audit", str(path), "--out", str(tmp_path / "page.html")]) == 2
    out, err = capsys.readouterr()
    assert re.search(message, err), err
    assert err.startswith(f"gliomake: {path}") and not out
    assert not (tmp_path / "page.html").exists()


def test_all_faulty_rows_are_named_at_once(tmp_path):
    rows = ["quantity,value", *["dice,0.8"] * 3, "dice,x", "beauty,1", *["iou,y"] * 9]
    with pytest.raises(ClaimError) as caught:
        read_outside(table(tmp_path, "\n".join(rows)))
    lines = str(caught.value).splitlines()
    assert len(lines) == 9 and "line 5" in lines[0] and "line 6" in lines[1]
    assert lines[-1] == "and 3 more such rows"


def test_percentages_are_shares_whatever_they_are_written_as(tmp_path, capsys):
    text = "\ufeffquantity;value;unit\nDSC;97.76%;\nJaccard;97.36;%\nsensitivity;0.9\u00b10.1;\n"
    found = read_outside(table(tmp_path, text))
    assert [(claim.quantity, claim.value) for claim in found] == [
        ("dice", "0.9776"), ("iou", "0.9736"), ("recall", "0.9"),
    ]  # fmt: skip
    # A percentage among shares that does not say so is found, not taken.
    path = table(tmp_path, "quantity,value\ndice,97.76\niou,0.9\nrecall,0.95\n")
    assert main(["audit", str(path)]) == 1
    assert "CONTRADICTION: A score outside its range" in capsys.readouterr().out


AGREEING = {
    "gist-dl4j-segmentation",
    "gist-dl4j-segmentation-trained",
    "wiki-eight-classes",
    "s41598-025-09833-y",
}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.csv")), ids=lambda path: path.stem)
def test_every_example_ends_as_its_numbers_do(path, capsys):
    """Of these nothing contradicts; what is found in each is worked out in tests of their own."""
    sound = path.stem in AGREEING
    assert main(["audit", str(path)]) == (0 if sound else 1)
    assert ("CONTRADICTION" in capsys.readouterr().out) != sound


def test_a_missing_table_is_said(tmp_path, capsys):
    assert main(["audit", str(tmp_path / "no.csv")]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        main(["audit"])
    assert left.value.code == 2
    assert "--template for one to fill in" in capsys.readouterr().err


def test_it_starts_without_torch_and_runs_as_a_module(tmp_path):
    path = table(tmp_path, CONTRADICTING)
    code = (
        "import sys; from gliomake.cli import main; main(['audit', sys.argv[1]]); "
        "sys.exit('torch' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(SCRIPTS), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", code, str(path)]
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 0
    command = [sys.executable, "-m", "gliomake", "audit", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "1 contradiction" in done.stdout


@pytest.mark.slow  # thousands of rows
def test_many_numbers_are_checked_in_bounded_time(tmp_path):
    names = ("dice", "iou", "precision", "recall", "specificity", "accuracy")
    rows = [f"m{n % 40},{name},{0.5 + n / 4000:.3f},t{n}" for n in range(800) for name in names]
    path = table(tmp_path, "\n".join(["model,quantity,value,where", *rows]))
    started = time.process_time()
    main(["audit", str(path)])
    assert time.process_time() - started < 60, "it grew beyond what a report can need"
