"""The table of the benchmarks: what it says of a row."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def row(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from row import Row

    return lambda *values, **named: Row("what", *values, **named)


def test_seconds_and_rates_are_compared_the_right_way_round(row):
    seconds = row("s", 2.0, plain=8.0, floor=1.0)
    assert seconds.gain == 4 and seconds.reach == 0.5
    rate = row("slices/s", 30.0, plain=10.0, floor=40.0)
    assert rate.gain == 3 and rate.reach == 0.75


@pytest.mark.parametrize(
    ("unit", "ours", "bars", "outcome"),
    [
        ("s", 2.0, {"plain": 8.0, "least": 3}, "met"),
        ("s", 4.0, {"plain": 8.0, "least": 4}, "missed: 50% of the bar"),
        (
            "s",
            2.0,
            {"plain": 8.0, "least": 3, "floor": 0.6, "share": 0.6},
            "missed: 50% of the bar",
        ),
        ("s", 6.0, {"bar": 5}, "missed: 83% of the bar"),
        ("slices/s", 6000.0, {"bar": 5000}, "met"),
        ("times linear", 1.5, {"bar": 1.2}, "missed: 80% of the bar"),
        ("s", None, {"bar": 5}, "not measured"),
        ("s", 6.0, {}, ""),
    ],
)
def test_a_bar_is_met_or_the_row_says_by_how_much_not(row, unit, ours, bars, outcome):
    assert row(unit, ours, **bars).outcome == outcome


def test_an_unknown_part_is_refused():
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "bench.py"), "speed"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "no part speed; there are prepare, score, train, workflow" in done.stderr
