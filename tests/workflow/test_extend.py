"""Each page of docs/extend, done in a copy of the checkout: it names all files, and it works."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import copy_checkout, snakemake
from extend_pages import FOLDER, Page, hashes, read_page
from gliomake.digests import Library
from gliomake.digests.jobs import job_code
from gliomake.study.load import load_study
from gliomake.study.model import Study
from unit.own_files import case

PAGES = ("study", "data-set", "model", "loss", "metric", "figure", "check")
STUDIES = [
    Study.of(load_study(path, "demo"))
    for path in sorted((FOLDER.parents[1] / "config" / "studies").glob("*.yaml"))
]


def trainings(folder: Path) -> dict[tuple[str, str], str]:
    """The digest of each training's code in a checkout."""
    library = Library(folder / "workflow" / "scripts" / "gliomake")
    return {
        (study.id, model): job_code("train", study=study, model=model, library=library)
        for study in STUDIES
        for model in study.models
    }


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    folder = copy_checkout(tmp_path_factory.mktemp("before"))
    return hashes(folder), trainings(folder)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A copy of the checkout with what a page says; made once a page."""
    made: dict[str, tuple[Path, Page]] = {}

    def give(name: str) -> tuple[Path, Page]:
        if name not in made:
            folder, page = copy_checkout(tmp_path_factory.mktemp(name)), read_page(name)
            page.apply(folder)
            made[name] = folder, page
        return made[name]

    return give


def run(folder: Path, code: str, *arguments: str) -> str:
    """Run a program with the copy's library; give what it prints, errors as well."""
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "workflow" / "scripts")},
        capture_output=True,
        text=True,
    )
    return ended.stdout + ended.stderr


def said(*arguments: str, folder: Path, fails: bool = False) -> str:
    ended = snakemake(*arguments, folder=folder)
    output = ended.stdout + ended.stderr
    assert (ended.returncode != 0) == fails, output[-3000:]
    return output


def test_every_page_is_in_the_index_and_here():
    linked = re.findall(r"\(([a-z-]+)\.md\)", (FOLDER / "README.md").read_text())
    assert tuple(linked) == PAGES
    assert {path.stem for path in FOLDER.glob("*.md")} == {"README", *PAGES}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_touches_the_files_that_it_lists_and_trains_nothing_again(done, before, name):
    folder, page = done(name)
    files, digests = before
    after = hashes(folder)
    assert {path for path in after if after[path] != files.get(path)} == page.listed
    assert files.keys() <= after.keys()
    assert trainings(folder) == digests


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("study", ("flair_small", "train", "study_page")),
        ("model", ("train", "predict", "metrics")),
        ("loss", ("train", "metrics")),
        ("metric", ("table",)),
        ("figure", ("figure",)),
        ("check", ("claims",)),
    ],
)
def test_the_command_of_a_page_plans_what_it_adds(done, name, rules):
    folder, page = done(name)
    output = said(*page.command, folder=folder)
    table = output.rsplit("Job stats:", 1)[1]
    planned = {rule for rule, _ in re.findall(r"^(\w+) +(\d+)$", table, re.M)}
    assert planned.issuperset(rules)
    if name == "study":
        assert "reports/build/flair-small.html" in output


# What is written wrong on each page, and in what.
MISTAKES = {
    "study": ("config/studies/flair-small.yaml", "  epochs: 3", "  epoch: 3"),
    "data-set": ("config/datasets/clinic.yaml", "reader: nifti ", "reader: nifty "),
    "model": ("", "{width: 4}", "{widht: 4}"),
    "loss": ("", "smooth: 2.0", "smoth: 2.0"),
    "metric": ("", "[npv]", "[npw]"),
    "figure": ("", "bins: 5", "bin: 5"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gives_the_message_that_the_page_prints(done, name):
    folder, page = done(name)
    file, right, wrong = MISTAKES[name]
    command = page.command
    if file:
        path = folder / file
        text = path.read_text()
        assert text.count(right) == 1
        path.write_text(text.replace(right, wrong))
    else:
        command = [part.replace(right, wrong) for part in command]
        assert command != page.command
    try:
        output = said(*command, folder=folder, fails=True)
    finally:
        if file:
            path.write_text(text)
    assert page.message in output, output[-2000:]


def test_a_data_set_is_indexed(done):
    folder, page = done("data-set")
    for seed, name in enumerate(("A", "B", "C")):
        case(folder / "clinic", name, seed)
    said(*page.command, folder=folder)
    rows = [line.split("\t") for line in (folder / page.command[-1]).read_text().splitlines()]
    assert rows[0][-2:] == ["core", "oedema"]
    counts = {row[1]: 0 for row in rows[1:]}
    assert len(rows) == 1 + 3 * 4 and len(counts) == 3
    assert sum(int(row[-2]) for row in rows[1:]) == 3 * 2, "labels 1 and 3 are the core"


def test_a_model_is_made_and_gives_logits(done):
    code = (
        "import torch; from gliomake.models import create_model\n"
        "print(create_model('tiny', 3, 2, width=4)(torch.zeros(1, 3, 16, 16)).shape)"
    )
    assert run(done("model")[0], code).strip() == "torch.Size([1, 2, 16, 16])"


def test_a_loss_is_made_and_is_zero_for_the_truth(done):
    code = (
        "import torch; from gliomake.training.losses import create_loss\n"
        "loss = create_loss({'name': 'jaccard', 'smooth': 1.0}); one = torch.ones(1, 1, 2, 2)\n"
        "print(loss(50 * one, one).item(), loss(-50 * one, one).item())"
    )
    assert run(done("loss")[0], code).strip() == "0.0 0.800000011920929"


def test_a_metric_is_scored(done):
    code = (
        "import numpy as np\nfrom gliomake.scoring.registry import METRICS\n"
        "from gliomake.scoring.averaging import score\n"
        "counts = np.array([[5, 1, 2, 8], [0, 0, 0, 16]])\n"
        "print(METRICS['npv'].title, score(counts, 'npv', 'pooled'))"
    )
    shown = run(done("metric")[0], code)
    assert shown.startswith("NPV (") and str(24 / 26) in shown, shown


def test_a_figure_is_drawn(done, tmp_path):
    folder, _ = done("figure")
    (tmp_path / "slices.tsv").write_text(
        "patient\tslice\ttumour\n" + "".join(f"p{n % 3}\t{n}\t{n}\n" for n in range(8))
    )
    code = """
import sys
from pathlib import Path
from gliomake.figures import make_figure
from gliomake.study.load import load_study
from gliomake.study.targets import target_spec
block = {"figures": {"new": {"kind": "slices-of-patients", "bins": 3}}}
study = load_study(Path("config/studies/lgg-encoders.yaml"), "demo", block)
files = {"slices": sys.argv[1]}
spec = target_spec(study, "figures", "new", files, data="phantom", scale="demo")
make_figure(spec, sys.argv[2], sys.argv[3])
"""
    names = ("slices.tsv", "new.svg", "new.png")
    printed = run(folder, code, *(str(tmp_path / name) for name in names))
    assert (tmp_path / "new.svg").is_file(), printed
    assert "slices of a patient" in (tmp_path / "new.svg").read_text()


CHECK = """
import json
from decimal import Decimal
from unit.claims_made_up import claim
from gliomake.claims.checks import run_checks
found = run_checks([claim("dice", "1.00"), claim("dice", "0.99")])
print(json.dumps([[each.claims, each.sentence] for each in found if each.check == "perfect-score"]))
"""


def test_a_check_finds(done, monkeypatch):
    folder, page = done("check")
    tests = str(Path(__file__).parents[1])
    code = f"import sys; sys.path.append({tests!r})\n{CHECK}"
    [[claims, sentence]] = json.loads(run(folder, code))
    assert claims == ["dice=1.00"] and "of 1.00 means that no pixel is wrong" in sentence
    path = folder / "workflow/scripts/gliomake/claims/checks/perfect.py"
    text = path.read_text()
    path.write_text(text.replace('"note",', '"warning",'))
    try:
        assert page.message in run(folder, code)
    finally:
        path.write_text(text)
