"""The description of a build, in the terms of Provenance Run Crate 0.5.

The profile is described at https://www.researchobject.org/workflow-run-crate/profiles/: a workflow,
its steps and their tools; one action for the whole run and one a job, with inputs and outputs.
"""

import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gliomake import __version__
from gliomake.archive.record import IN_CRATE, Build, JobRun, copy_code, files_of, put
from gliomake.files.json_file import write_json
from gliomake.files.provenance import file_sha256

Entity = dict[str, Any]

CRATE = "https://w3id.org/ro/crate/1.1"
RUNS = "https://w3id.org/ro/wfrun"
RUN_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
PROFILES = (
    (f"{RUNS}/process/0.5", "Process Run Crate", "0.5"),
    (f"{RUNS}/workflow/0.5", "Workflow Run Crate", "0.5"),
    (f"{RUNS}/provenance/0.5", "Provenance Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
WORKFLOW = f"{IN_CRATE}/workflow/Snakefile"
SETTINGS = "configuration.json"
LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
MIT = "https://spdx.org/licenses/MIT"
AUTHORS = "#authors"
DONE = "http://schema.org/CompletedActionStatus"
README = "README.md"
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
TYPES = {
    ".csv": "text/csv", ".tsv": "text/tab-separated-values", ".json": "application/json",
    ".html": "text/html", ".svg": "image/svg+xml", ".png": "image/png", ".h5": "application/x-hdf5",
    ".yaml": "application/yaml", ".md": "text/markdown", ".py": "text/x-python",
    ".css": "text/css", ".js": "text/javascript", ".txt": "text/plain", ".j2": "text/plain",
    ".log": "text/plain",
}  # fmt: skip

TOLD = """# A build of gliomake

This folder is a research object crate (https://w3id.org/ro/crate): `ro-crate-metadata.json` says of
each job what it read, what it wrote, when, and by which script; files have their SHA-256.

- `reports/build/index.html`: the report, to be opened in a browser.
- `results/`: scores, tables, figures, trained weights and predictions.
- `code/`: the workflow as it ran; `configuration.json`: all its settings.

Scans and preprocessed images are described and not included: they have terms of their own.
"""


class CrateError(ValueError):
    """A build of which no crate can be made."""


def write_crate(build: Build, folder: Path) -> int:
    """Write a crate: a folder with the description, the code, and what was built.

    Parameters
    ----------
    build : Build
        The finished build.
    folder : Path
        Where to; what lies there is replaced, once all is written.

    Returns
    -------
    int
        How many files and folders of the build are described.

    Raises
    ------
    CrateError
        There are no jobs, or the folder holds something else than a crate.
    """
    if not build.jobs:
        raise CrateError(
            "found no job with a record of when it ran; expected a finished build: run "
            "`snakemake --cores 2 all` first, with the same options"
        )
    if folder.exists() and not (folder / "ro-crate-metadata.json").is_file():
        raise CrateError(f"{folder} is there, and is no crate: name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".crate-") as private:
        whole = Path(private) / "crate"
        copy_code(build.checkout, whole)
        write_json(build.config, whole / SETTINGS)
        (whole / README).write_text(TOLD, encoding="utf-8")
        described = 0
        for path in files_of(build.jobs):
            described += 1
            if not build.reason_to_leave_out(path):
                put(build.folder / path, whole / build.place(path))
        write_json(metadata(build), whole / "ro-crate-metadata.json")
        if folder.exists():
            shutil.rmtree(folder)
        whole.rename(folder)
    return described


def metadata(build: Build) -> dict[str, Any]:
    """Describe a build.

    Parameters
    ----------
    build : Build
        The finished build.

    Returns
    -------
    dict
        The content of ``ro-crate-metadata.json``.
    """
    jobs = sorted(build.jobs, key=lambda job: (job.begun, job.name, job.outputs))
    rules = list(dict.fromkeys(job.rule for job in jobs))
    files = [_described(build, path) for path in files_of(jobs)]
    graph = [
        *_heads(build, jobs, files),
        *_workflow(build, rules),
        *files,
        *_actions(build, jobs, rules),
    ]
    unique = {entity["@id"]: entity for entity in graph}
    return {"@context": [f"{CRATE}/context", RUN_TERMS], "@graph": list(unique.values())}


def _heads(build: Build, jobs: list[JobRun], files: list[Entity]) -> list[Entity]:
    inside = [file["@id"] for file in files if not file["@id"].startswith("#")]
    parts = dict.fromkeys(
        [WORKFLOW, SETTINGS, README, f"{IN_CRATE}/", *_tools(build, jobs), *inside]
    )
    data = sorted({"synthetic images" if block["root"] == "phantom" else "real data"
                   for block in build.config.get("datasets", {}).values()})  # fmt: skip
    studies = ", ".join(build.config.get("studies", ()))
    root = {
        "@id": "./", "@type": "Dataset", "name": f"A build of gliomake: {studies}",
        "description": f"Brain-tumour segmentation studies {studies}, rebuilt by gliomake "
        f"{__version__} at {build.config.get('scale', 'unknown')} scale from "
        f"{' and '.join(data) or 'unknown data'}: report, scores, figures and tables, weights, "
        "and the record of each job. The data sets have terms of their own and are not part of it.",
        "datePublished": _time(max(job.ended for job in jobs)),
        "license": _to(MIT), "author": _to(AUTHORS), "mainEntity": _to(WORKFLOW),
        "conformsTo": [_to(profile) for profile, *_ in PROFILES],
        "hasPart": _all(parts),
        "mentions": _all(["#run", "#engine-run", *(f"#job-{n}" for n in range(len(jobs)))]),
    }  # fmt: skip
    head = {
        "@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": _to("./"),
        "conformsTo": [_to(CRATE), _to(PROFILES[-1][0])],
    }  # fmt: skip
    code = {
        "@id": f"{IN_CRATE}/", "@type": "Dataset", "name": "Code, settings and environments",
        "description": "The workflow as it ran: rules, scripts, library, pages of the studies.",
    }  # fmt: skip
    settings = {
        "@id": SETTINGS, "@type": "File", "name": "Configuration of the run",
        "encodingFormat": TYPES[".json"], "description": "Defaults, and what was laid over them.",
    }  # fmt: skip
    readme = {
        "@id": README, "@type": "File", "name": "How to read this folder", "about": _to("./"),
        "encodingFormat": TYPES[".md"],
    }  # fmt: skip
    return [
        head, root, code, settings, readme,
        *({"@id": profile, "@type": "CreativeWork", "name": name, "version": version}
          for profile, name, version in PROFILES),
        {"@id": MIT, "@type": "CreativeWork", "name": "MIT License", "identifier": MIT},
        {"@id": AUTHORS, "@type": "Organization", "name": "the gliomake authors"},
    ]  # fmt: skip


def _tools(build: Build, jobs: list[JobRun]) -> list[str]:
    found = (_tool(build, job.rule) for job in jobs)
    return list(dict.fromkeys(tool for tool in found if not tool.startswith("#")))


def _tool(build: Build, rule: str) -> str:
    """Name what a rule runs: its script, or the rule itself."""
    script = f"workflow/scripts/{rule}.py"
    return f"{IN_CRATE}/{script}" if (build.checkout / script).is_file() else f"#tool-{rule}"


def _workflow(build: Build, rules: list[str]) -> list[Entity]:
    tools = {rule: _tool(build, rule) for rule in rules}
    workflow = {
        "@id": WORKFLOW, "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": "gliomake", "version": __version__, "programmingLanguage": _to(LANGUAGE),
        "license": _to(MIT), "author": _to(AUTHORS), "encodingFormat": "text/plain",
        "step": _all(f"#step-{rule}" for rule in rules),
        "hasPart": _all(tools.values()), "conformsTo": _to(BIOSCHEMAS),
    }  # fmt: skip
    language = {
        "@id": LANGUAGE, "@type": "ComputerLanguage", "name": "Snakemake",
        "url": "https://snakemake.github.io", "identifier": "https://doi.org/10.1093/bioinformatics/bts480",
    }  # fmt: skip
    engine = {
        "@id": "#snakemake", "@type": "SoftwareApplication", "name": "Snakemake",
        "version": build.snakemake, "url": "https://snakemake.github.io",
    }  # fmt: skip
    steps = [
        {"@id": f"#step-{rule}", "@type": "HowToStep", "name": rule, "position": str(place),
         "workExample": _to(tools[rule])}
        for place, rule in enumerate(rules, 1)
    ]  # fmt: skip
    made = [
        {"@id": tool, "name": rule, "version": __version__, "@type": "SoftwareApplication"}
        if tool.startswith("#") else
        {"@id": tool, "name": rule, "version": __version__, "@type": ["File", "SoftwareSourceCode"],
         "programmingLanguage": "Python", "encodingFormat": TYPES[".py"]}
        for rule, tool in tools.items()
    ]  # fmt: skip
    return [workflow, language, engine, *steps, *made]


def _actions(build: Build, jobs: list[JobRun], rules: list[str]) -> list[Entity]:
    made = {path for job in jobs for path in job.outputs}
    given = [path for path in files_of(jobs) if path not in made]
    begun, ended = min(job.begun for job in jobs), max(job.ended for job in jobs)
    times = {"startTime": _time(begun), "endTime": _time(ended)}
    run = {
        "@id": "#run", "@type": "CreateAction", "name": "Run of gliomake",
        "description": f"{len(jobs)} jobs, as far as their results are still there.",
        "instrument": _to(WORKFLOW), "actionStatus": DONE, **times,
        "object": _all([SETTINGS, *(_name(build, path) for path in given)]),
        "result": _all(_name(build, path) for path in sorted(made)),
    }  # fmt: skip
    organised = {
        "@id": "#engine-run", "@type": "OrganizeAction", "name": f"Snakemake {build.snakemake}",
        "instrument": _to("#snakemake"), "result": _to("#run"), **times,
        "object": _all(f"#control-{number}" for number in range(len(jobs))),
    }  # fmt: skip
    entities = [run, organised]
    for number, job in enumerate(jobs):
        entities += [
            {"@id": f"#control-{number}", "@type": "ControlAction", "name": f"Start of {job.name}",
             "instrument": _to(f"#step-{job.rule}"), "object": _to(f"#job-{number}")},
            {"@id": f"#job-{number}", "@type": "CreateAction", "name": job.name,
             "instrument": _to(_tool(build, job.rule)), "actionStatus": DONE,
             "startTime": _time(job.begun), "endTime": _time(job.ended),
             "object": _all(_name(build, path) for path in job.inputs),
             "result": _all(_name(build, path) for path in job.outputs),
             "description": f"One job of the rule {job.rule}"
             + (f" in the environment {job.environment}." if job.environment else ".")},
        ]  # fmt: skip
    return entities


def _name(build: Build, path: str) -> str:
    """Return the id of a file or folder; of what is not in the crate it begins with ``#``."""
    place = build.place(path)
    if build.reason_to_leave_out(path):
        return f"#{place}"
    return f"{place}/" if (build.folder / path).is_dir() else place


def _described(build: Build, path: str) -> Entity:
    whole, place = build.folder / path, build.place(path)
    entity: Entity = {"@id": _name(build, path), "name": place}
    if whole.is_file():
        entity |= {"contentSize": str(whole.stat().st_size), "sha256": file_sha256(whole)}
        entity["encodingFormat"] = TYPES.get(whole.suffix, "application/octet-stream")
    if reason := build.reason_to_leave_out(path):
        return entity | {"@type": "CreativeWork", "description": f"Not in the crate: {reason}."}
    return entity | {"@type": "Dataset" if whole.is_dir() else "File"}


def _to(name: str) -> dict[str, str]:
    return {"@id": name}


def _all(names: Iterable[str]) -> Any:
    """Refer to entities; JSON-LD of crates has one value without a list."""
    found = [_to(name) for name in dict.fromkeys(names)]
    return found[0] if len(found) == 1 else found


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(round(seconds), UTC).isoformat()
