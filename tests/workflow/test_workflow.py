"""The workflow as a user meets it: what would run, with which resources, and which errors."""

import ast
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from checkout import ROOT, copy_checkout, snakemake
from gliomake.digests import LIBRARY
from gliomake.digests.spelling import imported, loaded
from gliomake.phantom.lgg import write_lgg
from gliomake.study import load as studies
from gliomake.study.targets import study_targets

STUDIES = {
    path.stem: studies.load_study(path, "demo")
    for path in sorted((ROOT / "config" / "studies").glob("*.yaml"))
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


def dry_run(folder: Path, *arguments: str) -> str:
    done = snakemake("--cores", "2", "--dry-run", *arguments, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def jobs(output: str) -> dict[str, int]:
    table = output.rsplit("Job stats:", 1)[1]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}


def resources(output: str, rule: str) -> list[str]:
    """The resource lines of a rule's jobs."""
    blocks = re.split(r"^ *(?:local)?rule ", output, flags=re.M)[1:]
    found = [
        line.strip()
        for block in blocks
        if block.startswith(f"{rule}:")
        for line in block.splitlines()
        if line.strip().startswith("resources:")
    ]
    assert found, f"no job of rule {rule}"
    return found


def test_all_builds_every_study(checkout):
    count = jobs(dry_run(checkout, "all"))
    assert count["phantom"] == 4
    trainings = sum(len(m.runs) for study in STUDIES.values() for m in study.models.values())
    assert count["train"] == trainings
    assert count["total"] < 700, "hundreds of jobs, not thousands"


@pytest.mark.slow  # a copy of the workflow, started
def test_a_sixth_study_is_one_file(tmp_path):
    folder = copy_checkout(tmp_path / "checkout")
    files = folder / "config" / "studies"
    text = (files / "coco-unet.yaml").read_text().replace("id: coco-unet", "id: my-own")
    (files / "my-own.yaml").write_text(text)
    mine, theirs = (jobs(dry_run(folder, name)) for name in ("my_own", "coco_unet"))
    assert mine.pop("my_own") == theirs.pop("coco_unet") == 1
    assert mine == theirs and mine["study_page"] == 1


def test_one_models_metrics_need_only_its_runs(checkout):
    count = jobs(dry_run(checkout, "results/lgg-encoders/unet-resnet50/metrics.json"))
    runs = len(STUDIES["lgg-encoders"].models["unet-resnet50"].runs)
    assert (count["train"], count["metrics"], count["phantom"]) == (runs, 1, 1)


def test_demo_trainings_ask_for_no_gpu_and_paper_ones_for_one(checkout):
    target = "results/lgg-encoders/unet/patient-f0-s0/weights.safetensors"
    demo = resources(dry_run(checkout, target), "train")[0]
    assert "gpu=1" not in demo
    paper = dry_run(checkout, target, "--config", "scale=paper")
    assert "gpu=1" in resources(paper, "train")[0]
    assert "gpu" not in resources(paper, "shard")[0]


def test_slurm_profile_asks_for_gpus_for_networks_alone(checkout):
    # To which partition that leads is tried on a real cluster, in tests/slurm.
    output = dry_run(
        checkout,
        "results/lgg-encoders/unet/metrics.json",
        "--workflow-profile",
        "profiles/slurm",
        "--config",
        "scale=paper",
    )
    for rule in ("train", "predict"):
        assert all("gpu=1" in line for line in resources(output, rule))
    for rule in ("shard", "index_group", "counts"):
        assert not any("gpu" in line for line in resources(output, rule))


def test_paper_configuration_at_demo_scale_asks_for_no_weights(checkout):
    weights = "results/lgg-encoders/unet-resnet50/patient-f0-s0/weights.safetensors"
    arguments = (weights, "--config", "pretrained=imagenet")
    assert "encoder_weights" not in jobs(dry_run(checkout, *arguments))
    assert jobs(dry_run(checkout, *arguments, "scale=paper"))["encoder_weights"] == 1


def group_jobs(output: str) -> list[str]:
    """The group jobs' blocks: a heading, and their jobs set in below it."""
    blocks = re.split(r"^(?=\[)", output, flags=re.M)
    return [block for block in blocks if " Group job " in block.partition("\n")[0]]


def test_slurm_jobs_that_travel_together_fit_a_node(checkout):
    output = dry_run(
        checkout, "lgg_encoders", "--workflow-profile", "profiles/slurm", "--config", "scale=paper"
    )
    blocks, grouped = group_jobs(output), set()
    for block in blocks:
        rules = re.findall(r"^ +rule (\w+):", block, re.M)
        grouped |= set(rules)
        # Jobs side by side are summed; one thread each.
        memory = sum(int(mb) for mb in re.findall(r"\bmem_mb=(\d+)", block))
        assert "threads:" not in block
        assert len(rules) <= 8 and memory <= 16000, block
    assert grouped == {"split", "counts", "metrics", "figure", "table"}
    assert jobs(output)["counts"] > 100, "the bound holds for a study with many runs"


def test_missing_root_fails_before_any_job(checkout):
    done = snakemake(
        "--cores",
        "1",
        "lgg_encoders",
        "--config",
        "datasets={lgg: {root: /no/such/folder}}",
        folder=checkout,
    )
    assert done.returncode != 0
    message = done.stdout + done.stderr
    for part in ("data set lgg", "datasets.lgg.root", "config/README.md"):
        assert part in message
    assert "rule " not in message


def test_the_studies_whose_data_are_there_are_built_as_told(checkout):
    paper = ("--configfile", "config/paper.yaml", "--config", "datasets={coco: {root: phantom}}")
    done = snakemake("--cores", "1", "all", *paper, folder=checkout)
    assert done.returncode != 0
    [told] = re.findall(r"--config (studies='.*?')", done.stdout + done.stderr)
    assert jobs(dry_run(checkout, "all", *paper, *shlex.split(told)))["study_page"] == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--config", "scale=full"], "--config scale: found 'full'; expected one of demo, paper"),
        (["--config", "datasets={lgg: {path: x}}"], "datasets.lgg.path: unknown key"),
        (
            ["--config", "overrides={lgg-encoders: {trainin: {epochs: 1}}}"],
            "overrides.lgg-encoders.trainin: unknown key; did you mean training?",
        ),
    ],
)
def test_wrong_configuration_says_what_is_wrong(checkout, arguments, expected):
    done = snakemake("--cores", "1", "--dry-run", "all", *arguments, folder=checkout)
    assert done.returncode != 0
    assert expected in done.stdout + done.stderr


def test_unknown_figure_names_the_known_ones(checkout):
    done = snakemake(
        "-n", "--cores", "1", "results/lgg-encoders/figures/maskz.svg", folder=checkout
    )
    assert done.returncode != 0
    assert "no figure 'maskz'" in done.stdout + done.stderr
    assert "masks" in done.stdout + done.stderr


def test_a_changed_root_or_scale_rebuilds(checkout):
    target = "results/lgg-encoders/split/patient-f0.tsv"
    done = snakemake("--cores", "1", target, folder=checkout)
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in dry_run(checkout, target)
    real = checkout / "real"
    shutil.copytree(checkout / "resources" / "phantoms" / "lgg", real)
    changed = dry_run(checkout, target, "--config", "datasets={lgg: {root: real}}")
    assert jobs(changed)["index_group"] == 2


def test_a_changed_channel_order_rebuilds_a_figure_of_raw_data(checkout):
    target = "results/brats2020-multiclass/figures/modalities.svg"
    done = snakemake("--cores", "2", target, folder=checkout)
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in dry_run(checkout, target)
    order = "datasets={brats2020: {channel_order: [flair, t1, t1ce, t2]}}"
    changed = dry_run(checkout, target, "--config", order)
    assert jobs(changed)["figure"] == 1


def test_a_mended_file_is_looked_at_again(checkout):
    root = checkout / "patients"
    write_lgg(root, 2, 0, slices=4, size=256)
    mask = next(root.glob("*/*_mask.tif"))
    whole = mask.read_bytes()
    mask.write_bytes(whole[:100])
    target = "results/data/lgg/slices.tsv"
    arguments = ("--cores", "2", target, "--config", "datasets={lgg: {root: patients}}")
    done = snakemake(*arguments, folder=checkout)
    assert done.returncode != 0
    assert mask.name in done.stdout + done.stderr and "Fix the files" in done.stdout + done.stderr
    mask.write_bytes(whole)
    done = snakemake(*arguments, folder=checkout)
    assert done.returncode == 0, done.stderr
    assert not (checkout / "results" / "data" / "lgg" / "integrity.failed.json").exists()
    assert "Nothing to be done" in dry_run(checkout, *arguments[2:])
    mask.touch()
    assert jobs(dry_run(checkout, *arguments[2:]))["index_group"] == 2


def test_no_patient_is_lost_for_a_file_that_was_restored_with_its_old_time(checkout):
    """With `skip`, and again and again: a second start has nothing to do."""
    root = checkout / "restored"
    write_lgg(root, 3, 0, slices=4, size=256)
    mask = next(root.glob("*/*_mask.tif"))
    whole, time = mask.read_bytes(), mask.stat().st_mtime_ns
    target = "results/data/lgg/slices.tsv"
    options = ("--config", "datasets={lgg: {root: restored, on_bad_case: skip}}")

    def patients(content):
        mask.write_bytes(content)
        os.utime(mask, ns=(time, time))
        done = snakemake("--cores", "2", target, *options, folder=checkout)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Nothing to be done" in dry_run(checkout, target, *options)
        return pd.read_csv(checkout / target, sep="\t")["patient"].nunique()

    assert patients(whole[:4] + bytes(len(whole) - 4)) == 2
    assert patients(whole) == 3
    mask.chmod(0o600)
    assert "Nothing to be done" in dry_run(checkout, target, *options)


def test_environments_have_the_lock_files_versions():
    lock = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.M))
    names = {"pytorch": "torch", "python-isal": "isal", "matplotlib-base": "matplotlib"}
    for path in sorted((ROOT / "envs").glob("*.yaml")):
        for line in yaml.safe_load(path.read_text())["dependencies"]:
            name, version = line.split("=")
            if name != "python":
                assert lock[names.get(name, name)] == version, f"{path.name}: {name}"


def test_lock_file_holds_no_address():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text and "--index" not in text


def test_every_rule_is_complete():
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for rule in re.split(r"^rule ", path.read_text(), flags=re.M)[1:]:
            name = rule.split(":")[0]
            for part in (
                "log:",
                "conda:",
                "threads:",
                "resources:",
                "mem_mb",
                "runtime",
            ):
                assert part in rule, f"{path.name}: rule {name} lacks {part}"


def test_every_target_of_the_documents_is_declared():
    """`config/targets.tsv` lists what the documents show; each row is a file under its name."""
    listed = pd.read_csv(ROOT / "config" / "targets.tsv", sep="\t", dtype=str)
    assert set(listed["study"]) == set(STUDIES)
    assert not listed.duplicated(["study", "target", "kind"]).any()
    assert len(listed) == 60
    for row in listed.itertuples():
        known = study_targets(STUDIES[row.study], f"{row.kind}s")
        assert row.target in known, f"{row.study}: {row.kind} {row.target}"


PACKAGES = {  # how conda-forge calls what a module is imported as
    "PIL": "pillow",
    "matplotlib": "matplotlib-base",
    "isal": "python-isal",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
    "skimage": "scikit-image",
    "torch": "pytorch",
    "yaml": "pyyaml",
}
# Faster than isal, but not on conda-forge; the reader does without it.
OPTIONAL = {"deflate"}


def library_files(target: tuple[str, str | None]) -> list[Path]:
    """The library's files that an import may load; of a package, all that it may."""
    for name in reversed(loaded(target)):
        module, _, below = name.partition(".")
        base = LIBRARY.joinpath(*below.split("."))
        if module == "gliomake" and below and base.with_suffix(".py").is_file():
            return [base.with_suffix(".py")]
        if module == "gliomake" and below and base.is_dir():
            return sorted(base.rglob("*.py"))
    return []


def third_party(script: Path) -> set[str]:
    """Top-level names of all that a script and the library's modules behind it import."""
    waiting, seen, names = [script], set(), set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                targets = [target for _, target in imported(node, "")]
                names |= {module.split(".")[0] for module, _ in targets}
                waiting += [file for target in targets for file in library_files(target)]
    return names - set(sys.stdlib_module_names) - {"gliomake", "adapter"} - OPTIONAL


def test_rules_run_again_when_code_behind_their_script_changes():
    checked = 0
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for rule in re.split(r"^rule ", path.read_text(), flags=re.M)[1:]:
            script = re.search(r'"\.\./scripts/(\w+)\.py"', rule)[1]
            if script == "verify":  # runs each time it is asked for
                continue
            assert f'code=code_of("{script}"),' in rule, rule.partition(":")[0]
            torch = script in ("train", "predict")
            assert ("torch=torch_of," in rule) == torch, rule.partition(":")[0]
            checked += 1
    assert checked > 15


def test_templates_belong_to_pages_alone():
    rules = (ROOT / "workflow" / "rules").glob("*.smk")
    text = "".join(path.read_text() for path in rules if path.name != "common.smk")
    blocks = {rule.partition(":")[0]: rule for rule in re.split(r"^rule ", text, flags=re.M)[1:]}
    assert {name for name, rule in blocks.items() if "template_files()" in rule} == {
        "study_page",
        "report",
    }


@pytest.mark.slow
def test_environments_hold_what_their_scripts_import():
    checked = 0
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for rule in re.split(r"^rule ", path.read_text(), flags=re.M)[1:]:
            environment = re.search(r'"\.\./\.\./envs/(\w+)\.yaml"', rule)[1]
            script = re.search(r'"\.\./scripts/(\w+)\.py"', rule)[1]
            lines = yaml.safe_load((ROOT / "envs" / f"{environment}.yaml").read_text())
            held = {line.split("=")[0] for line in lines["dependencies"]}
            needed = third_party(ROOT / "workflow" / "scripts" / f"{script}.py")
            missing = {PACKAGES.get(name, name) for name in needed} - held
            assert not missing, f"{script}.py in envs/{environment}.yaml: {sorted(missing)}"
            checked += 1
    assert checked > 15
