"""Spoilt files of every format: each is read right or ends in an error that is declared.

No other error, none that names no file, no hang, no crash, and no other value where the format has
a checksum. Files and their damage follow from the seed, so a failure comes back with the same test;
the file that failed lies in the folder that the message names.
"""

import os
import shutil
from collections import Counter
from random import Random

import pytest
import torch
from child import Task, run_all
from formats import FORMATS

FILES = 2000
MANY = 10_000


def spoilt(name, seed, number, paths):
    """Choose a file and its damage; the bytes differ from the sound ones."""
    rng = Random(f"{name} {seed} {number}")
    path = paths[number % len(paths)]
    sound = path.read_bytes()
    while (data := FORMATS[name].spoil(rng, sound)) == sound:
        pass
    return path, data


def fuzz(name, seed, count, folder):
    """Try spoilt files of a format; give the failures and how often each outcome was met."""
    form, base = FORMATS[name], folder / "sound" / "root"
    base.parent.mkdir()
    form.make(base)
    paths = form.paths(base)
    torch.set_num_threads(1)  # Threads do not survive a fork.

    def sandbox(number):
        return folder / f"{number}"

    def action(number):
        def read():
            root = sandbox(number) / "root"
            shutil.copytree(base, root)
            if number >= 0:
                path, data = spoilt(name, seed, number, paths)
                (root / path.relative_to(base)).write_bytes(data)
            return form.read(root)

        return read

    tasks = [Task(number, action(number), form.declared) for number in range(-1, count)]
    outcomes = {}
    for number, outcome in run_all(tasks, os.cpu_count() or 1):
        outcomes[number] = outcome
        shutil.rmtree(sandbox(number), ignore_errors=True)
    sound = outcomes.pop(-1)
    assert sound.kind == "ok", f"the sound files are not read: {sound.detail}"
    failures = {n: o.detail for n, o in outcomes.items() if o.kind == "FAIL"}
    failures |= {
        number: f"the error names no file: {outcome.detail}"
        for number, outcome in outcomes.items()
        if outcome.kind == "declared" and str(folder) not in outcome.detail
    }
    if form.checksum:
        # What is left after a refusal are other values, and said to be.
        taken = {n: o.detail for n, o in outcomes.items() if o.kind == "ok"}
        failures |= {
            number: "other values were taken, silently"
            for number, value in taken.items()
            if value != sound.detail and not value.startswith("some refused")
        }
    for number in failures:
        path, data = spoilt(name, seed, number, paths)
        (folder / f"failed-{number}-{path.name}").write_bytes(data)
    shutil.rmtree(base.parent)
    return failures, Counter(outcome.kind for outcome in outcomes.values())


def check(name, seed, count, folder):
    failures, tally = fuzz(name, seed, count, folder)
    listed = "\n".join(f"  {number}: {failures[number]}" for number in sorted(failures)[:20])
    assert not failures, (
        f"{name}, seed {seed}: {len(failures)} of {count} files failed, kept in {folder}\n{listed}"
    )
    assert tally["ok"] + tally["declared"] == count


@pytest.mark.parametrize("name", FORMATS)
def test_spoilt_files_end_in_a_declared_error_or_the_right_value(name, tmp_path):
    check(name, 1, FILES // len(FORMATS) + 1, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", FORMATS)
def test_many_spoilt_files(name, tmp_path):
    check(name, 2, MANY // len(FORMATS) + 1, tmp_path)
