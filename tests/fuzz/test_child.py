"""The children of the fuzzer find what they are there to find."""

import os
import time

import child
import pytest
from child import Task, run_all


def spin():
    while True:
        pass


def swell():
    return str(len(bytearray(3 << 30)))


def refuse():
    raise ValueError("not this")


ACTIONS = {
    "value": lambda: "value",
    "declared": refuse,
    "other error": lambda: str({}["key"]),
    "memory": swell,
    "crash": os.abort,
    "exit": lambda: os._exit(0),
    "spin": spin,
    "after": lambda: "value",
}
EXPECTED = {
    "value": ("ok", "value"),
    "declared": ("declared", "ValueError: not this"),
    "other error": ("FAIL", "KeyError at test_child.py"),
    "memory": ("FAIL", "MemoryError at test_child.py"),
    "crash": ("FAIL", "crash: SIGABRT"),
    "exit": ("FAIL", "the process ended without a word"),
    "spin": ("FAIL", "hang: SIGXCPU"),
    "after": ("ok", "value"),
}


@pytest.mark.parametrize("at_once", [1, 3])
def test_each_end_is_known(monkeypatch, at_once):
    monkeypatch.setattr(child, "PROCESSOR_SECONDS", 1)
    actions = list(ACTIONS)
    tasks = [Task(number, ACTIONS[name], (ValueError,)) for number, name in enumerate(actions)]
    found = {actions[number]: outcome for number, outcome in run_all(tasks, at_once)}
    assert found.keys() == EXPECTED.keys()
    for name, (kind, detail) in EXPECTED.items():
        assert found[name].kind == kind, name
        assert found[name].detail.startswith(detail), name


def test_what_waits_for_ever_is_ended(monkeypatch):
    monkeypatch.setattr(child, "WALL_SECONDS", 1)
    tasks = [Task(0, lambda: str(time.sleep(60)), ()), Task(1, lambda: "value", ())]
    found = dict(run_all(tasks, 1))
    assert found[0] == child.Outcome("FAIL", "hang: SIGALRM")
    assert found.keys() == {0, 1}
