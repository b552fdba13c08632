"""What the project says about itself: one version, forms that parse, workflows that can run."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import gliomake
from checkout import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
CODEMETA = json.loads((ROOT / "codemeta.json").read_text())
CATALOG = ROOT / ".snakemake-workflow-catalog.yml"
HOLDER = re.search(r"Copyright \(c\) \d+ (.+)", (ROOT / "LICENSE").read_text())[1]
SKIPPED = {".venv", ".git", ".snakemake", "results", "resources", "build"}
FORMS = ROOT / ".github"
ACTIONS = sorted((FORMS / "workflows").glob("*.yml"))
READ_ONLY = {"contents": "read"}
# What may write, and why no less will do.
WRITERS = {
    ("docs", "publish"): {"pages": "write", "id-token": "write"},
    ("release", "publish"): {"contents": "write"},
}


def pages(*suffixes: str) -> list[Path]:
    """The checkout's files of these kinds."""
    found = [path for path in ROOT.rglob("*") if path.suffix in suffixes]
    return sorted(p for p in found if SKIPPED.isdisjoint(p.relative_to(ROOT).parts))


def makefile_targets() -> set[str]:
    text = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", text, re.M))


def action(path: Path) -> dict:
    """A workflow of GitHub's; YAML reads its key `on` as a truth value."""
    content = yaml.safe_load(path.read_text())
    return {"on": content.pop(True), **content}


def steps(path: Path) -> list[dict]:
    return [step for job in action(path)["jobs"].values() for step in job["steps"]]


def made() -> list[tuple[str, str]]:
    """Each target that a workflow makes, with the workflow's name."""
    runs = [(path.stem, step["run"]) for path in ACTIONS for step in steps(path) if "run" in step]
    return sorted({(name, target) for name, run in runs
                   for target in re.findall(r"\bmake ([a-z-]+)", run)})  # fmt: skip


@pytest.mark.parametrize("path", pages(".yaml", ".yml", ".cff"), ids=lambda p: p.name)
def test_yaml_parses(path):
    assert yaml.safe_load(path.read_text()) is not None


def test_there_are_the_five_workflows():
    names = [path.stem for path in ACTIONS]
    assert names == ["docs", "lint", "nightly", "release", "tests"]


@pytest.mark.parametrize(("workflow", "target"), made())
def test_workflows_make_what_the_makefile_has(workflow, target):
    assert target in makefile_targets(), f"{workflow}.yml: make {target}"


@pytest.mark.parametrize("path", ACTIONS, ids=lambda p: p.name)
def test_actions_are_pinned_to_commits_and_name_their_version(path):
    used = re.findall(r"uses: (.*)", path.read_text())
    assert used
    for line in used:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_one_action_has_one_version():
    used = {use for path in ACTIONS for use in re.findall(r"uses: (.*)", path.read_text())}
    assert len(used) == len({use.split("@")[0] for use in used})


@pytest.mark.parametrize("path", ACTIONS, ids=lambda p: p.name)
def test_workflows_may_do_as_little_as_they_can(path):
    content = action(path)
    assert content["permissions"] == READ_ONLY
    for name, job in content["jobs"].items():
        assert job.get("permissions") == WRITERS.get((path.stem, name)), name
        assert 0 < job["timeout-minutes"] <= 360
        if (path.stem, name) in WRITERS:
            assert not any("checkout" in step.get("uses", "") for step in job["steps"])
    for step in steps(path):
        if "actions/checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", ACTIONS, ids=lambda p: p.name)
def test_no_text_of_others_gets_into_a_command(path):
    # A branch or a title may hold a command; variables of the environment are not run.
    assert not any("${{" in step.get("run", "") for step in steps(path))


def test_tests_run_on_both_systems():
    text = (FORMS / "workflows" / "tests.yml").read_text()
    rows = action(FORMS / "workflows" / "tests.yml")["jobs"]["quick"]["strategy"]["matrix"][
        "include"
    ]
    assert {row["system"].split("-")[0] for row in rows} == {"ubuntu", "macos"}
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert oldest in {row["python"] for row in rows} and "make test-quick" in text


@pytest.mark.parametrize(
    "path", sorted((FORMS / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.name
)
def test_forms_have_what_github_asks_for(path):
    form = yaml.safe_load(path.read_text())
    if path.name == "config.yml":
        assert set(form) <= {"blank_issues_enabled", "contact_links"}
        return
    assert form["name"] and form["description"]
    ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert len(ids) == len(set(ids)) and ids
    for part in form["body"]:
        kind, told = part["type"], part["attributes"]
        assert kind in {"markdown", "textarea", "input", "dropdown", "checkboxes"}
        assert told["value"] if kind == "markdown" else told["label"]
        assert kind != "dropdown" or all(isinstance(option, str) for option in told["options"])


def test_local_hooks_are_the_tools_that_lint_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    lint = (ROOT / "Makefile").read_text()
    locked = (ROOT / "requirements.lock").read_text()
    for hook in hooks:
        tool = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert tool == "python" or (f"$(BIN)/{tool} " in lint and f"\n{tool}==" in locked)


def test_version_is_that_of_pyproject_everywhere():
    version = PROJECT["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert (CITATION["version"], CODEMETA["version"]) == (version, version)
    assert gliomake.__version__ == version
    assert (ROOT / "CHANGELOG.md").read_text().count(f"\n## {version}\n") == 1


def test_licence_and_holder_agree():
    assert CITATION["license"] == PROJECT["license"]
    assert CODEMETA["license"] == f"https://spdx.org/licenses/{PROJECT['license']}"
    assert (ROOT / "LICENSE").read_text().startswith(f"{PROJECT['license']} License")
    entities = [CITATION["authors"], CODEMETA["author"], [CODEMETA["copyrightHolder"]]]
    assert [[each["name"] for each in group] for group in entities] == [[HOLDER]] * 3


def test_description_date_and_keywords_agree():
    assert CODEMETA["description"] == PROJECT["description"]
    assert CITATION["abstract"].startswith(PROJECT["description"])
    assert str(CITATION["date-released"]) == CODEMETA["dateModified"]
    assert CITATION["keywords"] == CODEMETA["keywords"]
    for key in ("readme", "softwareRequirements"):
        assert (ROOT / CODEMETA[key]).is_file()


def test_citation_has_what_the_format_asks_for():
    assert {"cff-version", "message", "title", "authors"} <= set(CITATION)
    assert CITATION["cff-version"] == "1.2.0" and CITATION["type"] == "software"


def test_catalog_shows_how_the_workflow_is_used():
    usage = yaml.safe_load(CATALOG.read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    ways = usage["software-stack-deployment"]
    assert set(ways) == {"conda", "apptainer", "apptainer+conda"}
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    assert ways["conda"] == ("\n    conda:" in rules)
    # Only a workflow with an image of its own runs in a container by --sdm apptainer.
    has_image = re.search(r"^\s*container(ized)?:", rules, re.M) is not None
    assert ways["apptainer"] == ways["apptainer+conda"] == has_image
    assert usage["report"] == ("report(" in rules)
    # The catalog's conditions for standardized usage.
    for name in ("workflow/Snakefile", "config/README.md", "workflow/schemas/config.schema.yaml"):
        assert (ROOT / name).is_file()


def test_release_notes_are_the_section_of_the_version(tmp_path):
    file = ROOT / ".ci" / "release_notes.py"
    spec = importlib.util.spec_from_file_location("release_notes", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    notes = module.release_notes(f"v{PROJECT['version']}")
    assert "### Release notes" in notes and "\n## " not in notes
    with pytest.raises(ValueError, match="found the tag v9"):
        module.release_notes("v9.9.9")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "2.0.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 2.0.0\n\n## 1.0.0\n\n- old\n")
    with pytest.raises(ValueError, match=r"no section 2\.0\.0"):
        module.release_notes("v2.0.0", tmp_path)
