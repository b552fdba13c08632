"""What somebody watching a build sees, told by hand; tests/workflow/test_logger.py has a start."""

import io
import re

import pytest

from gliomake.start.console import VARIABLE, Console, training_pace
from gliomake.start.duration import duration
from gliomake.training.progress import Reporter


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock():
    return Clock()


def console(clock, stream=None) -> Console:
    return Console(stream if stream is not None else io.StringIO(), clock, every=0)


def seen(stream: io.StringIO) -> str:
    """What a terminal shows in the end: a carriage return and an erasure begin a line again."""
    return "\n".join(line.rsplit("\r\x1b[K", 1)[-1] for line in stream.getvalue().split("\n"))


def training_log(folder, epochs: int):
    """A log as a training writes it."""
    log = folder / "train.log"
    with log.open("w") as stream, Reporter(10, 36, name="unet", stream=stream) as reporter:
        reporter.open("cpu", "float32", "36 slices", [{"threads": 1}])
        for epoch in range(1, epochs + 1):
            reporter.advance(epoch, 36, lambda: 0.5)
            row = {"epoch": epoch, "train_loss": 0.5, "val_loss": 0.4}
            reporter.epoch(row, "val_loss")
    return log


def test_a_line_a_job_says_what_and_how_long(clock):
    told = console(clock)
    told.plan(12)
    told.announce(3, "figure lgg-encoders/masks", None)
    clock.now += 50
    told.start([3])
    clock.now += 3.14
    told.finish(3)
    told.finish(99)
    told.close()
    assert told.stream.getvalue().splitlines() == [
        "12 jobs", "[ 1/12] figure lgg-encoders/masks 3.1 s", "2 jobs in 53 s",
    ]  # fmt: skip


def test_what_waits_for_others_is_counted_and_not_told(clock):
    told = console(clock)
    told.announce(1, "all", None)
    told.finish(1, silent=True)
    assert told.done == 1 and told.stream.getvalue() == ""


def test_a_training_tells_its_speed_and_the_time_left(clock, tmp_path):
    told = console(clock)
    told.plan(2)
    told.announce(1, "train lgg-encoders/unet/patient-f0-s0", str(training_log(tmp_path, 3)))
    told.look()
    name = re.escape("... train lgg-encoders/unet/patient-f0-s0")
    last = told.stream.getvalue().splitlines()[-1]
    assert re.fullmatch(rf"{name}: epoch 3/10, [\d.e+]+ slices/s, .+ left at most", last)
    lines = len(told.stream.getvalue().splitlines())
    told.look()  # nothing has changed
    assert len(told.stream.getvalue().splitlines()) == lines
    training_log(tmp_path, 10)
    told.finish(1)
    last = told.stream.getvalue().splitlines()[-1]
    assert re.fullmatch(r"\[1/2\] train \S+ 0\.0 s, [\d.e+]+ slices/s", last)


def test_a_training_before_its_first_epoch_says_nothing(clock, tmp_path):
    told = console(clock)
    told.announce(1, "train a", str(training_log(tmp_path, 0)))
    told.announce(2, "train b", str(tmp_path / "none.log"))
    told.look()
    assert told.stream.getvalue() == ""
    assert training_pace(None) is None


def test_a_terminal_has_one_line_that_changes(clock, tmp_path):
    told = console(clock, Terminal())
    told.plan(2)
    told.announce(1, "train a", str(training_log(tmp_path, 3)))
    told.announce(2, "figure b", None)
    told.look()
    told.look()
    assert seen(told.stream).splitlines()[-1].startswith("[0/2] train a: epoch 3/10")
    told.finish(2)
    assert seen(told.stream).splitlines() == ["2 jobs", "[1/2] figure b 0.0 s"]


def test_what_failed_is_shown_and_listed_at_the_end(clock, tmp_path):
    told = console(clock)
    log = tmp_path / "a.log"
    log.write_text("".join(f"line {number}\n" for number in range(30)))
    told.announce(1, "train a", str(log))
    told.announce(2, "train b", "none.log")
    assert told.fail(1) and not told.fail(2) and not told.fail(7)
    told.close()
    told.close()
    lines = told.stream.getvalue().splitlines()
    assert lines[0] == f"failed: train a; the end of {log}:"
    assert lines[1:21] == [f"    line {number}" for number in range(10, 30)]
    assert lines[21:] == [f"failed: train a, see {log}", "failed: train b, see none.log"]


def test_a_training_leaves_the_bar_to_the_console(monkeypatch):
    monkeypatch.setenv(VARIABLE, "1")
    assert Reporter(4, 10, stream=io.StringIO(), terminal=Terminal()).bar is None
    monkeypatch.delenv(VARIABLE)
    assert Reporter(4, 10, stream=io.StringIO(), terminal=Terminal()).bar is not None


@pytest.mark.parametrize(("seconds", "words"), [
    (0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (3599.6, "1 h 00 min"),
])  # fmt: skip
def test_times_in_words(seconds, words):
    assert duration(seconds) == words


def test_the_time_left_follows_from_the_jobs_that_have_ended(clock):
    told = console(clock)
    told.plan(7, {"train": 4, "figure": 2, "all": 1})
    assert told.left() == ""
    told.announce(1, "train a", None)
    told.announce(2, "train b", None)
    clock.now += 40  # two at once
    told.finish(1)
    told.finish(2)
    told.announce(3, "train c", None)
    clock.now += 10
    # Two trainings of 40 s, 10 s of them gone; figures nobody knows. 90 s of jobs in 50 s.
    assert told.left() == f"at least {duration(70 / (90 / 50))} left"
    told.look()
    assert told.stream.getvalue().splitlines()[-1] == f"... 2 of 7 jobs, {told.left()}"
    clock.now += 30
    told.finish(3)
    told.announce(4, "figure f", None)
    clock.now += 5
    told.finish(4)
    told.announce(5, "all", None)
    told.finish(5, silent=True)
    # A training of 40 s and a figure of 5 s; 125 s of jobs in 85 s.
    assert told.left() == f"about {duration(45 / (125 / 85))} left"


def test_a_terminal_shows_the_time_left_first(clock):
    told = console(clock, Terminal())
    told.plan(2, {"figure": 2})
    told.announce(1, "figure a", None)
    clock.now += 5
    told.finish(1)
    told.announce(2, "figure b", None)
    told.look()
    assert seen(told.stream).splitlines()[-1] == "[1/2] about 5.0 s left; figure b"
