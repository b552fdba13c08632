"""What readers raise: a refusal, a fault, or something that this machine could not read."""

import errno
import fcntl
import json
import os
import pickle
from types import SimpleNamespace

import pytest

from adapter import logged
from gliomake.datasets.base import CaseError, CaseReport, Problem
from gliomake.datasets.root import AccessError
from gliomake.prepare import inspection
from gliomake.prepare.index import BadDataError, read_index_group, write_index_group

ROW = {"slice": 1, "height": 4, "width": 4, "tumour": 3}


class Reader:
    """Raises, for each case, what stands in `raised`."""

    name = "fake"
    channels = ("flair",)
    classes = ("tumour",)

    def __init__(self, raised, root="root"):
        self.raised = raised
        self.root = root

    def cases(self):
        return sorted(self.raised)

    def inspect(self, case, channels=None):
        if isinstance(self.raised[case], Exception):
            raise self.raised[case]
        return CaseReport(case, case, [ROW], self.raised[case])

    def load(self, case, channels=None):
        raise self.raised[case]

    def check_root(self):
        raise self.raised["root"]

    def metadata(self):
        raise self.raised["root"]


def caused(error, cause):
    error.__cause__ = cause
    return error


DAMAGE = CaseError("A", "a.tif", "a damaged file", "a TIFF", "download it again")
CLOSED = OSError(errno.EACCES, "Permission denied", "a.tif")
MACHINE = [
    AccessError("a.tif", "Permission denied"),
    CLOSED,
    BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
    OSError(errno.EIO, "Input/output error"),
    OSError(errno.ESTALE, "Stale file handle"),
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EMFILE, "Too many open files"),
    OSError(errno.EIO, "Input/output error", b"a.tif"),
    MemoryError(),
    ModuleNotFoundError("No module named 'imagecodecs'"),
    caused(CaseError("A", "a.tif", "a damaged file", "a TIFF", "download it again"), CLOSED),
]
FAULTS = [
    TypeError("'NoneType' object is not iterable"),
    KeyError("image"),
    ZeroDivisionError("division by zero"),
    RecursionError("maximum recursion depth exceeded"),
    OSError("truncated file"),
    FileNotFoundError(errno.ENOENT, "No such file or directory", "a.tif"),
    UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid start byte"),
]


@pytest.mark.parametrize("error", MACHINE, ids=repr)
def test_what_the_machine_could_not_read_refuses_no_case(tmp_path, error):
    path = tmp_path / "000.json"
    with pytest.raises(AccessError, match=r"no damage of the data.*no case was left out"):
        write_index_group(Reader({"A": error, "B": []}), ["A", "B"], path)
    assert list(tmp_path.iterdir()) == []


def test_all_files_that_could_not_be_read_are_named(tmp_path, capsys):
    errors = {f"C{n}": OSError(errno.EACCES, "Permission denied", f"{n}.tif") for n in range(25)}
    with pytest.raises(AccessError) as raised:
        write_index_group(Reader(errors | {"D": []}), [*errors, "D"], tmp_path / "000.json")
    message = str(raised.value)
    assert message.startswith("25 files could not be read:\n  0.tif: could not be read (Perm")
    assert "likewise 1.tif, 2.tif, " in message and message.count("no damage") == 1
    assert message.endswith(", 20.tif and 4 more; the log lists them all")
    shown = capsys.readouterr().out
    assert "24.tif" in shown and "D: 1 slices, ok" in shown
    assert str(pickle.loads(pickle.dumps(raised.value))) == message


def test_too_little_memory_names_the_limits(tmp_path):
    with pytest.raises(AccessError, match=r"not enough memory.*give the job more memory.*limits"):
        write_index_group(Reader({"A": MemoryError()}), ["A"], tmp_path / "000.json")


@pytest.mark.parametrize("error", FAULTS, ids=repr)
def test_a_fault_of_the_reader_refuses_one_case(tmp_path, capsys, error):
    path = tmp_path / "000.json"
    write_index_group(Reader({"A": error, "B": []}), ["A", "B"], path)
    bad, good = read_index_group(path)
    assert good.slices == [ROW] and good.problems == []
    [problem] = bad.problems
    assert problem.case == "A"
    assert f"({type(error).__name__}: {error})" in problem.message
    assert "fault of gliomake or of the file" in problem.message
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_refusal_that_is_raised_is_a_refusal(tmp_path):
    write_index_group(Reader({"A": DAMAGE}), ["A"], tmp_path / "000.json")
    [entry] = json.loads((tmp_path / "000.json").read_text())
    assert entry["problems"] == [{"case": "A", "file": "a.tif", "message": str(DAMAGE)}]


def test_a_locked_file_is_no_damage(tmp_path):
    path = tmp_path / "volume_1_slice_0.h5"
    path.write_bytes(b"half")
    reader = Reader({"A": [Problem("A", str(path), "a damaged file")]})
    with open(path) as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        with pytest.raises(AccessError, match="wait until the program that has it open"):
            write_index_group(reader, ["A"], tmp_path / "000.json")
    assert len(write_index_group(reader, ["A"], tmp_path / "000.json")[0].problems) == 1


def test_files_that_may_not_be_opened_are_no_damage(tmp_path, monkeypatch):
    files = [tmp_path / f"{n}.tif" for n in range(2)]
    for file in files:
        file.touch()

    def refuse(path, *_):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)
    reader = Reader({"A": [Problem("A", str(file), "a damaged file") for file in files * 2]})
    with pytest.raises(AccessError, match=r"(?s)2 files.*0\.tif.*chmod.*likewise.*1\.tif"):
        write_index_group(reader, ["A"], tmp_path / "000.json")


def test_a_reader_that_stops_at_the_first_file_does_not_hide_the_others(tmp_path, monkeypatch):
    (tmp_path / "A").mkdir()
    files = [tmp_path / "A" / f"{n}.tif" for n in range(3)]
    for file in files:
        file.touch()

    def refuse(path, *_):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)
    first = AccessError(files[1], "Permission denied")
    with pytest.raises(AccessError) as raised:
        write_index_group(Reader({"A": first, "B": first}), ["A", "B"], tmp_path / "000.json")
    assert [error.file for error in raised.value.errors] == [str(files[n]) for n in (1, 0, 2)]


@pytest.mark.parametrize("file", ["gone.tif", "", "\0", "x" * 5000])
def test_of_a_file_that_is_not_there_nothing_more_is_asked(tmp_path, file):
    os.mkfifo(tmp_path / "pipe")  # opening it must not wait for a writer
    reader = Reader({"A": [Problem("A", name, "odd") for name in (file, str(tmp_path / "pipe"))]})
    assert len(write_index_group(reader, ["A"], tmp_path / "000.json")[0].problems) == 2


def test_a_root_that_holds_no_such_set_is_one_error(tmp_path):
    with pytest.raises(BadDataError) as raised:
        inspection.open_data("lgg", tmp_path, {})
    message = str(raised.value)
    for part in ("data set lgg: opening", str(tmp_path), "no case folder", "does not help"):
        assert part in message
    assert "fault of gliomake" not in message


def test_an_option_that_a_data_set_does_not_know(tmp_path):
    with pytest.raises(BadDataError, match=r"datasets\.lgg: flavour is no option.*it has"):
        inspection.open_data("lgg", tmp_path, {"flavour": "sour"})


@pytest.mark.parametrize("error", [*MACHINE, *FAULTS, DAMAGE], ids=repr)
def test_opening_ends_in_one_of_two_errors(monkeypatch, error):
    def fail(name, root, **options):
        raise error

    monkeypatch.setattr(inspection, "open_dataset", fail)
    expected = AccessError if error in MACHINE else BadDataError
    with pytest.raises(expected) as raised:
        inspection.open_data("lgg", "somewhere", {})
    assert ("fault of gliomake" in str(raised.value)) == (error in FAULTS)


def test_a_case_that_was_accepted_and_is_refused_now_has_changed():
    reader = Reader({"A": DAMAGE, "B": TypeError("odd"), "C": CLOSED})
    with pytest.raises(BadDataError, match=r"(?s)case A of data set fake: a\.tif: .*changed since"):
        inspection.load_case(reader, "A", index="results/data/fake/index/000.json")
    with pytest.raises(BadDataError, match=r"delete results/data/fake/index/000.json and start"):
        inspection.load_case(reader, "B", index="results/data/fake/index/000.json")
    with pytest.raises(AccessError):
        inspection.load_case(reader, "C")


@pytest.mark.parametrize("error", FAULTS, ids=repr)
def test_faults_about_the_whole_set_become_problems(error):
    reader = Reader({"root": error})
    [problem] = inspection.check_root(reader)
    assert (problem.case, problem.file) == ("", "root")
    described, problems = inspection.metadata(reader)
    assert described == {} and problems == [problem]
    with pytest.raises(AccessError):
        inspection.check_root(Reader({"root": CLOSED}))
    with pytest.raises(AccessError):
        inspection.metadata(Reader({"root": CLOSED}))


def test_a_name_that_is_no_text_does_not_break_the_log(tmp_path):
    log = tmp_path / "logs" / "x.log"
    snakemake = SimpleNamespace(log=[str(log)], rule="index_group")
    logged(lambda _: print("read a\udce9.tif"), snakemake)
    assert log.read_text() == "read a\\udce9.tif\n"
