"""The workflow used from elsewhere: another folder, another Snakefile, a git host, a container."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from checkout import ROOT, copy_checkout, snakemake

SMALL = {"studies": ["coco-unet"], "phantoms": {"coco": {"patients": 6, "size": 32}}}
SPLIT = "results/coco-unet/split/predefined-f0.tsv"
FIGURE = "results/coco-unet/figures/sample-masks.svg"
HOSTED = "https://github.com/somebody/gliomake"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def origin(checkout, tmp_path_factory) -> Path:
    """A git repository of the checkout, with a tag."""
    folder = tmp_path_factory.mktemp("origin") / "gliomake"
    shutil.copytree(checkout, folder)
    shutil.copy(ROOT / "LICENSE", folder)
    me = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    for command in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        (*me, "commit", "--quiet", "--message", "as it is"),
        ("tag", "v0.0.0"),
    ):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def hosted(origin, tmp_path, monkeypatch) -> str:
    """The repository under a name of GitHub's, without a network: git looks for it here."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{origin}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", HOSTED)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # The copy's own library, not this checkout's.
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return "somebody/gliomake"


def configured(folder: Path, content: dict = SMALL) -> Path:
    """A folder with a configuration of its own."""
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(content))
    return folder


def module(folder: Path, snakefile: str, config: str = repr(SMALL), rules: str = "") -> Path:
    """A folder with a Snakefile that uses the workflow as a module."""
    folder.mkdir(parents=True, exist_ok=True)
    block = f"module gliomake:\n    snakefile: {snakefile}\n    config: {config}\n"
    (folder / "Snakefile").write_text(f"{block}\nuse rule * from gliomake{rules}\n")
    return folder


def built(done: subprocess.CompletedProcess) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_catalogs_snakefile_is_the_same_workflow(checkout):
    def jobs(*snakefile: str) -> str:
        output = built(snakemake(*snakefile, "--cores", "1", "-n", "--quiet", "rules",
                                 folder=checkout))  # fmt: skip
        return re.search(r"Job stats:\n(.*?)\n\n", output, re.S)[1]

    assert jobs("-s", "workflow/Snakefile") == jobs() and "\nall " in jobs()


def test_another_folder_has_its_own_configuration(checkout, tmp_path):
    folder = configured(tmp_path / "own")
    start = ("-s", str(checkout / "workflow" / "Snakefile"), "--directory", str(folder))
    output = built(snakemake(*start, "--cores", "2", SPLIT, FIGURE, folder=tmp_path))
    assert "profiles/default" in output, "the workflow's profile is found"
    assert (folder / FIGURE).stat().st_size > 0
    images = (folder / "resources/phantoms/coco").rglob("*.jpg")
    assert {Image.open(path).size for path in images} == {(32, 32)}, "of its own configuration"
    assert not (checkout / "results").exists() and not (tmp_path / "results").exists()
    assert "Nothing to be done" in built(
        snakemake(*start, "--cores", "2", "-n", SPLIT, FIGURE, folder=tmp_path)
    )


def test_an_experiment_stays_in_the_folder_where_it_was_started(checkout, tmp_path):
    folder = configured(tmp_path / "own")
    start = ("-s", str(checkout / "workflow" / "Snakefile"), "--cores", "2")
    built(snakemake(*start, "--config", "experiment=small", "--", SPLIT, folder=folder))
    assert (folder / "experiments" / "small" / SPLIT).is_file()
    assert not (folder / "results").exists() and not (checkout / "experiments").exists()


def test_a_fault_of_ones_own_configuration_names_its_file(checkout, tmp_path):
    folder = configured(tmp_path / "own", {"scale": "papr"})
    start = ("-s", str(checkout / "workflow" / "Snakefile"), "--directory", str(folder))
    done = snakemake(*start, "--cores", "1", "-n", folder=tmp_path)
    assert done.returncode != 0
    assert "config/config.yaml scale: found 'papr'" in done.stdout + done.stderr


def test_pages_and_claims_of_ones_own_stand_before_ours(checkout, tmp_path):
    folder = configured(tmp_path / "own")
    shutil.copytree(checkout / "config" / "studies", folder / "config" / "studies")
    page = folder / "config" / "studies" / "coco-unet.yaml"
    page.write_text(f"{page.read_text()}\nepoch: many\n")
    start = ("-s", str(checkout / "workflow" / "Snakefile"), "--directory", str(folder))
    done = snakemake(*start, "--cores", "1", "-n", folder=tmp_path)
    assert done.returncode != 0 and f"{page}" in done.stdout + done.stderr
    shutil.rmtree(folder / "config" / "studies")
    claims = (checkout / "config" / "claims.tsv").read_text()
    wrong = claims.replace("\tcoco-unet\tunet\t", "\tcoco-unet\tvnet\t", 1)
    (folder / "config" / "claims.tsv").write_text(wrong)
    done = snakemake(*start, "--cores", "1", "-n", folder=tmp_path)
    assert "claim coco-unet.001 is of model 'vnet'" in done.stdout + done.stderr


@pytest.mark.parametrize("rules", ["", " as glio_*"])
def test_another_snakefile_uses_it_as_a_module(checkout, tmp_path, rules):
    folder = module(tmp_path / "mine", repr(str(checkout / "workflow/Snakefile")), rules=rules)
    mine = f'\nrule mine:\n    input: "{SPLIT}"\n    output: "mine.txt"\n'
    with (folder / "Snakefile").open("a") as file:
        file.write(mine + '    shell: "wc -l < {input} > {output}"\n')
    built(snakemake("--cores", "2", "mine", folder=folder))
    rows = (folder / SPLIT).read_text().count("\n")
    assert int((folder / "mine.txt").read_text()) == rows > 6
    whole = "all" if not rules else "glio_all"
    assert "study_page" in built(snakemake("--cores", "1", "-n", whole, folder=folder))
    done = snakemake("--cores", "1", "-n", "results/coco-unet/unett/metrics.json", folder=folder)
    assert "no model 'unett'; did you mean unet?" in done.stdout + done.stderr


def test_a_module_is_read_from_a_git_host(hosted, tmp_path):
    source = f'github("{hosted}", path="workflow/Snakefile", tag="v0.0.0")'
    folder = module(tmp_path / "mine", source)
    built(snakemake("--cores", "2", SPLIT, FIGURE, folder=folder))
    assert (folder / FIGURE).stat().st_size > 0
    copies = list((tmp_path / "cache").rglob("gliomake/*/config/studies/coco-unet.yaml"))
    assert len(copies) == 1, "one copy of the commit, for all jobs"
    assert "Nothing to be done" in built(snakemake("--cores", "1", "-n", FIGURE, folder=folder))


def test_snakedeploy_makes_a_folder_that_builds(hosted, tmp_path):
    pytest.importorskip("snakedeploy")
    folder = tmp_path / "deployed"
    command = ["deploy-workflow", HOSTED, str(folder), "--tag", "v0.0.0"]
    program = Path(sys.executable).with_name("snakedeploy")
    done = subprocess.run([program, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    default = yaml.safe_load((folder / "config" / "config.yaml").read_text())
    configured(folder, default | {"studies": ["coco-unet"], "phantoms": default["phantoms"]
                                  | SMALL["phantoms"]})  # fmt: skip
    output = built(snakemake("--cores", "2", SPLIT, folder=folder))
    assert "profiles/default" in output and (folder / SPLIT).is_file()
    # Its pages are the copies in config/, to be changed there.
    page = folder / "config" / "studies" / "coco-unet.yaml"
    page.write_text(f"{page.read_text()}\nepoch: many\n")
    done = snakemake("--cores", "1", "-n", folder=folder)
    assert done.returncode != 0 and "epoch: unknown key" in done.stdout + done.stderr


def test_the_dockerfile_is_what_snakemake_writes(checkout, tmp_path, monkeypatch):
    if shutil.which("conda") is None:
        shutil.copy(ROOT / ".ci" / "conda-stand-in", tmp_path / "conda")
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    done = snakemake("--containerize", folder=checkout)
    assert done.returncode == 0, done.stderr
    committed = (ROOT / "workflow" / "containers" / "Dockerfile").read_text()
    assert done.stdout == committed, "snakemake --containerize > workflow/containers/Dockerfile"
    copied = re.findall(r"^COPY (\S+)", committed, re.M)
    environments = {f"envs/{path.name}" for path in (ROOT / "envs").glob("*.yaml")}
    # What starts the workflow is no environment of a rule.
    assert set(copied) == environments - {"envs/runner.yaml"}


def containerfile():
    spec = importlib.util.spec_from_file_location("containerfile", ROOT / ".ci/containerfile.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_image_has_the_makefiles_uv_and_the_lock():
    text = (ROOT / "Containerfile").read_text()
    uv = re.search(r"^UV_VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.M)[1]
    script = containerfile().script(text)
    assert f"UV_VERSION={uv}}}" in script and "requirements.lock" in script
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
    assert not re.search(r"^apt-get", script, re.M)
    assert dict(containerfile().instructions(text))["USER"] != "root"


def test_the_image_starts_the_workflow_of_the_checkout(checkout, tmp_path):
    program, option, snakefile = containerfile().entry((ROOT / "Containerfile").read_text())
    assert (program, option) == ("snakemake", "--snakefile")
    here = snakefile.replace("/opt/gliomake", str(checkout))
    output = built(snakemake(option, here, "--cores", "1", "-n", SPLIT, folder=tmp_path))
    assert "split" in output


def test_what_the_image_copies_is_ignored_where_it_is_built():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    # The image has the folders of git; what git leaves out is no part of it.
    for line in re.findall(r"^[^!\s]+", (ROOT / ".gitignore").read_text(), re.M):
        name = line.strip("/")
        assert name in ignored or f"**/{name}" in ignored, name
