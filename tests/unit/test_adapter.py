"""What a user sees of a script that fails: a message, and a traceback of what nobody foresaw."""

from types import SimpleNamespace

import pytest

from adapter import check_place, logged
from gliomake.study.run import ConfigError


def fail(tmp_path, error, capsys):
    def main(_):
        print("at work")
        raise error

    log = tmp_path / "logs" / "rule.log"
    with pytest.raises(SystemExit) as caught:
        logged(main, SimpleNamespace(rule="train", log=[str(log)]))
    assert caught.value.code == 1
    return log.read_text(), capsys.readouterr().err


def test_a_declared_error_is_its_message(tmp_path, capsys):
    log, terminal = fail(tmp_path, ConfigError("no such run"), capsys)
    assert log == "at work\nno such run\n"
    assert terminal == "train: no such run\n"


def test_any_other_error_has_its_traceback_in_the_log(tmp_path, capsys):
    log, terminal = fail(tmp_path, KeyError("x"), capsys)
    assert "Traceback" in log and "Traceback" not in terminal
    assert terminal.startswith("train: 'x'\n(traceback in ")


def test_a_place_with_braces_is_refused(tmp_path):
    check_place(tmp_path / "o'brien's [mri]")
    with pytest.raises(ValueError, match="rename the folder"):
        check_place(tmp_path / "{mri}")
