"""One start at a time in a folder; what a killed one left goes only where all of it is dead."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from gliomake.start import lock
from gliomake.start.lock import LockError, job_at_work, one_start

LIBRARY = Path(lock.__file__).parents[2]
UNLOCK = "snakemake --unlock all"
# A start writes Snakemake's lock and a private file, as Snakemake and a job would.
START = """
import sys, time
from pathlib import Path
from gliomake.start.lock import job_at_work, one_start
root, executor = Path(sys.argv[1]), sys.argv[2]
state = root / ".snakemake"
with one_start(state, command="snakemake all", unlock="", executor=executor):
    (state / "locks").mkdir(exist_ok=True)
    for name in ("0.input.lock", "0.output.lock"):
        (state / "locks" / name).write_text("results/a.tsv")
    if len(sys.argv) > 3:
        import subprocess
        job = subprocess.Popen([sys.executable, "-c", sys.argv[3]])
        job.wait()
    print("started", flush=True)
    time.sleep(60)
"""
JOB = """
import os, time
from gliomake.start.lock import job_at_work
if os.fork() == 0:
    with job_at_work("train", "logs/train.log"):
        print(f"job {os.getpid()}", flush=True)
        time.sleep(60)
time.sleep(.2)
os._exit(0)
"""


@contextmanager
def started(root: Path, executor: str = "local", *job: str):
    """A start in a process of its own; what it printed up to then, too."""
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    command = [sys.executable, "-c", START, str(root), executor, *job]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        printed = []
        while not printed or printed[-1] != "started":
            printed.append(process.stdout.readline().strip())
            assert printed[-1], "the start ended before it began"
        try:
            yield process, printed
        finally:
            process.kill()


def kill(root: Path, executor: str = "local", *job: str) -> tuple[int, list[str]]:
    """Start in a folder and kill the start, and it alone."""
    with started(root, executor, *job) as (process, printed):
        process.kill()
    return process.pid, printed


def start(root: Path, **more):
    return one_start(root / ".snakemake", command="snakemake all", unlock=UNLOCK, **more)


def locks(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob(".snakemake/locks/*.lock"))


def record(root: Path) -> Path:
    return root / ".snakemake" / "gliomake" / "start"


def test_a_killed_start_leaves_nothing_and_the_next_goes_on(tmp_path):
    results = tmp_path / "results"
    for name in (".000-ab3d_f9k.h5", "run/.history-abcdefgh.tsv", "run/history.tsv", ".keep"):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text("x")
    (results / "run" / ".weights.safetensors.partial").mkdir()
    pid, _ = kill(tmp_path)
    assert locks(tmp_path) == ["0.input.lock", "0.output.lock"]
    with start(tmp_path, outputs=[results, tmp_path / "no such folder"]) as removed:
        assert f"process {pid}" in removed and "3 private files" in removed
        assert "\n" not in removed
        assert locks(tmp_path) == []
    left = sorted(str(path.relative_to(results)) for path in results.rglob("*"))
    assert left == [".keep", "run", "run/history.tsv"]


@pytest.mark.parametrize(
    ("name", "private"),
    [
        (".slices-k3_x9abc.tsv", True),
        (".a-b-12345678.safetensors", True),
        (".counts.tsv.partial", True),
        (".partial", True),
        ("slices-k3_x9abc.tsv", False),  # not hidden: somebody's result
        (".slices-K3_X9ABC.tsv", False),
        (".slices-k3.tsv", False),
        (".gitignore", False),
        (".snakemake_timestamp", False),
    ],
)
def test_only_our_own_names_are_private(name, private):
    assert bool(lock.PRIVATE.fullmatch(name)) == private


def test_private_files_carry_the_names_that_are_looked_for(tmp_path):
    from gliomake.files.atomic import atomic_path

    for name in ("slices.tsv", "000.h5", "patient-f0.tsv", "unet.safetensors", "log"):
        with atomic_path(tmp_path / name) as temporary:
            assert lock.PRIVATE.fullmatch(temporary.name)


def test_a_start_at_work_is_named(tmp_path):
    with started(tmp_path) as (process, _):
        with pytest.raises(LockError) as caught, start(tmp_path):
            pass
        message = str(caught.value)
        for part in (f"process {process.pid} on", "snakemake all", f"end it: kill {process.pid}"):
            assert part in message
        assert "\n" not in message and "rm -r" not in message
        assert len(locks(tmp_path)) == 2


def test_a_start_on_another_machine_is_ended_there(tmp_path):
    with started(tmp_path):
        content = json.loads(record(tmp_path).read_text())
        record(tmp_path).write_text(json.dumps(content | {"host": "elsewhere"}))
        with pytest.raises(LockError, match=r"on elsewhere.*rm -r"), start(tmp_path):
            pass


def test_a_job_that_outlives_its_start_is_named_and_waited_for(tmp_path):
    _, printed = kill(tmp_path, "local", JOB)
    (job,) = [int(line.removeprefix("job ")) for line in printed if line.startswith("job ")]
    try:
        with pytest.raises(LockError) as caught, start(tmp_path):
            pass
        message = str(caught.value)
        assert f"train (process {job}, logs/train.log)" in message
        assert f"kill {job}" in message and "the same command again" in message
        assert len(locks(tmp_path)) == 2
    finally:
        os.kill(job, signal.SIGKILL)
    for _ in range(100):  # until the kernel has taken its lock away
        try:
            with start(tmp_path) as removed:
                assert "killed" in removed
                break
        except LockError:
            continue
    else:
        pytest.fail("the job is dead, and its lock is not")


def test_a_late_job_of_a_killed_start_does_nothing(tmp_path, monkeypatch):
    with start(tmp_path):
        of_the_first = os.environ[lock.VARIABLE]
        with job_at_work("train", "log"):
            pass
    assert lock.VARIABLE not in os.environ
    monkeypatch.setenv(lock.VARIABLE, of_the_first)
    with pytest.raises(LockError, match="was killed"), job_at_work("train", "log"):
        pytest.fail("a second training in one folder")
    with start(tmp_path):
        monkeypatch.setenv(lock.VARIABLE, of_the_first)
        with pytest.raises(LockError, match="was killed"), job_at_work("train", "log"):
            pytest.fail("a second training in one folder")


def test_a_job_by_hand_or_on_a_cluster_needs_no_start(monkeypatch, tmp_path):
    monkeypatch.delenv(lock.VARIABLE, raising=False)
    with job_at_work("train", "log"):
        pass
    monkeypatch.setenv(lock.VARIABLE, f"{tmp_path / 'gone'}\nvm 1 2.0")
    with job_at_work("train", "log"):
        pass


def change(root: Path, **values) -> None:
    content = json.loads(record(root).read_text())
    record(root).write_text(json.dumps(content | values))


def no_locks(*_):
    raise OSError(errno.ENOLCK, "No locks available")


@pytest.mark.parametrize(
    ("reason", "doubt"),
    [
        ("host", "on elsewhere left it"),
        ("executor", "its jobs went to slurm"),
        ("record", "nothing here says which start left it"),
        ("record cut", "nothing here says which start left it"),
        ("flock", "this file system has no locks"),
    ],
)
def test_where_the_owner_is_not_proved_dead_it_is_said_what_to_type(
    tmp_path, monkeypatch, reason, doubt
):
    kill(tmp_path, "slurm" if reason == "executor" else "local")
    (tmp_path / ".slices-abcdefgh.tsv").touch()
    if reason == "host":
        change(tmp_path, host="elsewhere")
    elif reason.startswith("record"):
        record(tmp_path).write_text("" if reason == "record" else '{"host": "vm", "pi')
    elif reason == "flock":
        monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(LockError) as caught, start(tmp_path, outputs=[tmp_path]):
        pass
    assert doubt in str(caught.value)
    assert f"\n    {UNLOCK}\n" in str(caught.value)
    assert len(locks(tmp_path)) == 2
    # What --unlock does; then it goes on, and still takes nothing away that may be in use.
    for path in (tmp_path / ".snakemake" / "locks").iterdir():
        path.unlink()
    with start(tmp_path, outputs=[tmp_path]) as removed:
        assert removed == ""
    assert (tmp_path / ".slices-abcdefgh.tsv").exists()


def test_a_start_that_ended_in_order_leaves_no_trace(tmp_path):
    with pytest.raises(KeyError), start(tmp_path):
        raise KeyError("a failed job")
    assert record(tmp_path).read_text() == ""
    with start(tmp_path) as removed:
        assert removed == ""


def test_a_folder_that_cannot_be_written_is_left_to_snakemake(tmp_path):
    (tmp_path / ".snakemake").write_text("in the way")
    with start(tmp_path) as removed:
        assert removed == ""
