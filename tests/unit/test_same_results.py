"""Two builds are compared: hashes and times may differ, and nothing else, in any kind of file."""

import json
import runpy
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "same_results.py"
RUN = "results/lgg/unet/patient-f0-s0"
SECONDS = {"before": 812.5, "after": 934.25}
HASH = {"before": "a" * 64, "after": "b" * 64}


def build(root: Path, which: str) -> Path:
    """A tiny build: one file of each kind, with the times and hashes of this one."""
    seconds, digest = SECONDS[which], HASH[which]
    run = root / RUN
    run.mkdir(parents=True)
    (root / "reports/build").mkdir(parents=True)
    facts = {"code_hash": digest, "seconds": seconds, "epochs": 3, "torch": f"2.{len(which)}"}
    (run / "train.json").write_text(json.dumps(facts))
    (run / "history.tsv").write_text(f"epoch\tseconds\tval_loss\n1\t{seconds}\t0.25\n")
    (run / "counts.tsv").write_text("patient\tslice\ttp\nP1\t4\t17\n")
    (root / "results/lgg/claims.tsv").write_text(
        f"claim\treproduced\nlgg.1\t0.853\nlgg.2\t{seconds / 3600:.3g} hours\n"
    )
    (root / "reports/build/index.html").write_text(
        f'<p id="{digest}">Dice <b>0.853</b>, trained in {seconds:,.1f} s</p>\n'
    )
    (root / "results/lgg/masks.svg").write_text('<svg><path d="M 1.5 2"/></svg>\n')
    (root / "results/lgg/masks.png").write_bytes(b"\x89PNG same pixels")
    save_file({"conv": np.ones((2, 2), np.float32)}, run / "weights.safetensors")
    with h5py.File(run / "predictions.h5", "w", track_order=which == "after") as file:
        file.attrs["threshold"] = 0.5
        file["probability"] = np.array([0.25, np.nan], np.float16)
        file["patient"] = np.array(["P1", "P2"], dtype=object)
    (run / "state-0123456789ab").mkdir()
    (run / "state-0123456789ab" / "generation").write_text(which)
    return root


@pytest.fixture
def builds(tmp_path):
    return [build(tmp_path / which, which) for which in SECONDS]


@pytest.fixture
def compared(builds, monkeypatch, capsys):
    """Run the script on the two builds: exit code, and what it prints."""

    def run() -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, builds)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        return int(ended.value.code), "".join(capsys.readouterr())

    return run


def replace(file: str, old: str, new: str):
    def change(root: Path) -> None:
        text = (root / file).read_text()
        assert text.count(old) == 1
        (root / file).write_text(text.replace(old, new))

    return change


def edit_hdf5(change):
    def apply(root: Path) -> None:
        with h5py.File(root / RUN / "predictions.h5", "r+") as file:
            change(file)

    return apply


def set_value(file):
    file["probability"][0] = 0.5


def set_attribute(file):
    file.attrs["threshold"] = 0.4


def set_type(file):
    values = file["probability"][:]
    del file["probability"]
    file["probability"] = values.astype(np.float32)


def set_weights(root: Path) -> None:
    save_file({"conv": np.full((2, 2), 2, np.float32)}, root / RUN / "weights.safetensors")


CHANGES = {
    "a count": (replace(f"{RUN}/counts.tsv", "17", "18"), "counts.tsv: line 2: 17 became 18"),
    "a fact": (replace(f"{RUN}/train.json", '"epochs": 3', '"epochs": 4'), "3 became 4"),
    "a loss": (replace(f"{RUN}/history.tsv", "0.25", "0.26"), "history.tsv: line 2"),
    "a claim": (replace("results/lgg/claims.tsv", "0.853", "0.854"), "0.853 became 0.854"),
    "a word": (replace("reports/build/index.html", "trained", "learned"), "became '"),
    "a number of the page": (replace("reports/build/index.html", "0.853", "0.9"), "index.html"),
    "a line": (replace("results/lgg/masks.svg", "</svg>\n", "</svg>\n<svg/>\n"), "lines"),
    "a path": (replace("results/lgg/masks.svg", "1.5", "1.6"), "masks.svg: line 1: 1.5 became"),
    "pixels": (lambda root: (root / "results/lgg/masks.png").write_bytes(b"other"), "other bytes"),
    "a weight": (set_weights, "tensors conv of 1 differ"),
    "a probability": (edit_hdf5(set_value), "probability: "),
    "an attribute": (edit_hdf5(set_attribute), "other attributes"),
    "a type": (edit_hdf5(set_type), "float16 (2,) became float32 (2,)"),
    "a missing file": (lambda root: (root / RUN / "counts.tsv").unlink(), "missing after"),
    "a new file": (lambda root: (root / "results/x").write_text("x"), "results/x: new after"),
}


def test_hashes_and_times_may_differ(compared):
    assert compared() == (0, "9 files, all the same\n")


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_named(builds, compared, change):
    edit, expected = CHANGES[change]
    edit(builds[1])
    code, output = compared()
    lines = output.splitlines()
    assert code == 1 and len(lines) == 2, output
    assert expected in lines[0]
    assert lines[1] == "1 of 9 files differ"


def test_a_time_is_that_of_its_build(builds, compared):
    """After must not print what before took, nor a time that no training took."""
    replace("reports/build/index.html", "934.2", "812.9")(builds[1])
    assert compared()[0] == 1


def test_a_folder_without_a_build_is_no_build(builds, compared):
    shutil.rmtree(builds[1] / "results")
    shutil.rmtree(builds[1] / "reports")
    code, output = compared()
    assert code == 2 and "build it first" in output
