"""The parts of the report: how numbers are printed, what the viewer shows, captions."""

from dataclasses import replace
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
import pytest
from docutils.core import publish_parts
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gliomake.claims.verdict import Outcome
from gliomake.report import (
    targets,
    verdicts,
)
from gliomake.report.keys import ComparisonKey, ScoreKey, SpreadKey
from gliomake.report.numbers import Number, NumberBook, format_value
from gliomake.report.table import Cell, Column, Table
from gliomake.report.viewer import choose_slices, image_url, run_lengths


@pytest.mark.parametrize(
    ("value", "metric", "signed", "printed"),
    [
        (0.81234, "dice", False, "0.812"),
        (0.0, "dice", False, "0.000"),
        (1.0, "dice", False, "1.000"),
        (0.00012, "loss", False, "0.00012"),
        (-0.0421, "dice", True, "\N{MINUS SIGN}0.042"),
        (0.25, "dice", True, "+0.250"),
        (12.345, "hd95", False, "12.3"),
        (-2.0, "hd95", True, "\N{MINUS SIGN}2.0"),
        (393.0, "slices", False, "393"),
        (20_000_000.0, "parameters", False, "20000000"),
        (None, "dice", False, "undefined"),
        (float("nan"), "dice", False, "undefined"),
    ],
)
def test_printed_values(value, metric, signed, printed):
    assert format_value(value, metric, signed=signed) == printed


CELL = ("test", "tumour", "dice", "pooled", False)


def number(value=0.5, key=None, **more):
    key = key or ScoreKey("unet", "patient-f0-s0", *CELL)
    given = {"measured": key.measured, "ci_low": 0.4, "ci_high": 0.6, "n": 3}
    return Number(key, "a.html", "small", value=value, **given | more)


COMPARISON = ComparisonKey("unet", "resunet", "patient-f0-s0", *CELL)


def in_millimetres(key):
    return replace(key, metric="hd95")


def test_an_interval_is_printed_with_its_number():
    assert number().printed == "0.500 0.400\N{EN DASH}0.600"
    assert number(key=COMPARISON, ci_low=-0.1).printed == "+0.500 \N{MINUS SIGN}0.100 to +0.600"
    assert number(ci_low=None).printed == "0.500"
    assert number(None).printed == "undefined"


def test_a_distance_has_its_unit():
    score, difference = in_millimetres(number().key), in_millimetres(COMPARISON)
    assert number(12.34, score, ci_low=1.0, ci_high=20.0).printed == "12.3 mm 1.0\N{EN DASH}20.0"
    assert number(-2.0, difference).text == "\N{MINUS SIGN}2.0 mm"
    assert number(None, score).printed == "undefined"


def test_a_variance_cut_off_at_zero_is_not_printed_as_measured():
    none = number(0.0, SpreadKey("seed", *CELL), ci_low=None, ci_high=None)
    assert none.printed == "none found"
    assert number(0.0, ci_low=None).printed == "0.000"


def test_one_id_stands_for_one_number():
    book = NumberBook("a.html")
    assert book.add(number()) == book.add(number())
    assert list(book) == [number()]
    with pytest.raises(
        ValueError, match=r"two numbers have the id score/unet/.*/raw: 0\.500.*0\.700"
    ):
        book.add(number(0.7))


@given(
    st.integers(1, 20).flatmap(lambda n: st.lists(st.booleans(), min_size=n * n, max_size=n * n))
)
def test_run_lengths_give_the_mask_back(pixels):
    size = round(len(pixels) ** 0.5)
    lengths = run_lengths(np.array(pixels, np.uint8).reshape(size, size))
    decoded = [bool(index % 2) for index, length in enumerate(lengths) for _ in range(length)]
    assert decoded == pixels
    assert all(length > 0 for length in lengths[1:])


def test_large_masks_and_images_are_shrunk():
    assert sum(run_lengths(np.ones((240, 240), np.uint8))) == 128 * 128
    assert len(image_url(np.zeros((240, 240), np.uint8))) < 3000
    assert image_url(np.linspace(-3, 3, 900, dtype=np.float16).reshape(30, 30)).startswith("data:")


def test_the_worst_slices_of_each_model_are_shown():
    index = pd.MultiIndex.from_tuples([("P", n) for n in range(100)])
    up = pd.Series(np.linspace(0, 1, 100), index)
    dice = pd.DataFrame({"a": up, "b": up.to_numpy()[::-1]}, index)
    dice.loc[("P", 50)] = np.nan
    keys = choose_slices(dice, 20)
    assert len(keys) == len(set(keys)) <= 20
    assert {("P", n) for n in (0, 1, 2, 98, 99)} <= set(keys)
    assert ("P", 50) not in keys
    assert choose_slices(dice.iloc[:5], 20) == [("P", n) for n in range(5)]


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        ("holds", "holds"),
        ("differs", "fails"),
        ("open", "open"),
        ("not comparable", "incomparable"),
        ("not reproducible", "missing"),
        ("set as published", "set"),
    ],
)
def test_a_contradiction_stands_whatever_was_run(outcome, kind):
    # Whatever the sentence of the check says.
    row = {"claim": "a.1", "outcome": outcome, "check": "dice-against-iou: inconsistent"}
    assert verdicts.verdict_kind(row, {"a.2"}) == kind
    assert verdicts.verdict_kind(row, {"a.1", "a.2"}) == "contradicted"


def test_the_answer_counts_in_words():
    answer = verdicts.Answer({"holds": 1, "fails": 2, "open": 0, "incomparable": 4}, [])
    assert answer.sentence() == (
        "Of 7 reported numbers, 1 was reproduced, 2 were not reproduced and 4 were not tested here."
    )
    settings = verdicts.Answer({"holds": 0, "set": 2, "missing": 1}, [])
    assert settings.sentence() == (
        "Of 3 reported numbers, 2 are settings copied from the report and 1 cannot be reproduced."
    )
    none = verdicts.Answer(dict.fromkeys(verdicts.KINDS, 0), [])
    assert none.sentence() == "The original report states no number."


def test_every_outcome_of_the_audit_has_a_kind():
    assert set(verdicts.KIND_OF) == set(Outcome)
    assert {*verdicts.KIND_OF.values(), "contradicted"} == set(verdicts.KINDS)
    tallies = [verdicts.KINDS[kind].tally(2) for kind in ("set", "missing", "open")]
    assert tallies == ["settings copied from the report", "cannot be reproduced", "inconclusive"]


def test_optional_columns_go_where_all_rows_agree():
    columns = [Column("A"), Column("B", optional=True), Column("C", optional=True)]
    rows = [[Cell("x"), Cell("same"), Cell("1")], [Cell("x"), Cell("same"), Cell("2")]]
    compact = Table("t", "caption", columns, rows).compact()
    assert [column.title for column in compact.columns] == ["A", "C"]
    assert [[cell.text for cell in row] for row in compact.rows] == [["x", "1"], ["x", "2"]]


def test_large_figures_become_small_pictures(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (900, 2400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    (tmp_path / "a.svg").write_text("<svg/>")
    assert targets.figure_source(tmp_path / "a.svg").startswith("data:image/svg+xml;base64,")
    (tmp_path / "a.svg").write_text("<svg>" + " " * targets.INLINE_BYTES)
    assert targets.figure_source(tmp_path / "a.svg").startswith("data:image/webp;base64,")


CAPTIONS = sorted((Path(__file__).parents[2] / "reports" / "captions").glob("*.rst"))


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.stem)
def test_the_captions_are_sound(path):
    words = {"study": "small", "model": "unet", "target": "masks"}
    snakemake = {
        "wildcards": words,
        "params": {"data": "phantom", "scale": "demo", "caption": "Truth beside prediction."},
        "config": {"studies": ["small"], "scale": "demo"},
    }
    template = jinja2.Template(path.read_text(), undefined=jinja2.StrictUndefined)
    source = template.render(snakemake=snakemake)
    strict = {"halt_level": 2, "report_level": 5}
    html = publish_parts(source, writer="html5", settings_overrides=strict)["html_body"]
    assert ("Truth beside prediction." in html) == (path.stem == "figure")
    assert ("Not a result" in html) == (path.stem in ("workflow", "figure", "table"))
