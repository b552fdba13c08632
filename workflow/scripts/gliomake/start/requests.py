"""What a start is asked for: targets that there are, runs that can exist, a profile."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gliomake.start.settings import missing_roots
from gliomake.study.faults import Fault, meant
from gliomake.study.feasible import impossible, too_few
from gliomake.study.model import Study
from gliomake.study.paths import STUDY_FILES, SUFFIXES, Paths
from gliomake.study.run import ConfigError, Run, parse_run
from gliomake.study.targets import study_targets

PATHS = Paths()
STUDY_NAMES = tuple(PATHS.study("").file(kind).name for kind in STUDY_FILES)


def request_faults(
    targets: Iterable[str],
    config: Mapping[str, Any],
    studies: Mapping[str, Study],
    *,
    rules: Sequence[str],
    made: Callable[[str], bool],
    patients: Callable[[str, int], int | None],
) -> list[Fault]:
    """Find targets that there are not, data that are not there, and runs that cannot exist.

    Parameters
    ----------
    targets : iterable of str
        Rules, or files relative to where the workflow runs.
    config : mapping
        The configuration of `gliomake.start.settings.start`.
    studies : mapping
        The studies by id.
    rules : sequence of str
        The rules that can be asked for by name.
    made : callable
        Whether a rule makes a file.
    patients : callable
        See `run_faults`.

    Returns
    -------
    list of Fault
        Of the first kind of which there are any; empty where all can be built.
    """
    wanted = sorted(
        name if os.path.isabs(name) else os.path.normpath(name)  # noqa: PTH117
        for name in targets
    )
    found = []
    for target in wanted:
        reason = unknown_target(target, studies, rules)
        if not (reason or made(target) or target in rules):
            reason = "no rule makes it; README.md lists what can be asked for"
        if reason and (made(target) or not Path(target).exists()):
            found.append(Fault((), reason, f"target {target}"))
    if not found:
        needed = requested_datasets(wanted, studies) & {*config["datasets"]}
        found = missing_roots(config, studies, needed)
    if not found:
        found = run_faults(requested_runs(wanted, studies, config["studies"]), studies, patients)
    return found


def unknown_target(target: str, studies: Mapping[str, Study], rules: Iterable[str]) -> str:
    """Say what is wrong with a target, as far as its name shows.

    Parameters
    ----------
    target : str
        A rule, or a file relative to where the workflow runs.
    studies : mapping
        The studies by id.
    rules : iterable of str
        The rules that can be asked for by name.

    Returns
    -------
    str
        What was found, what is near, what there is; empty where nothing is wrong.
    """
    parts = target.split("/")
    if len(parts) == 1:
        return "" if target in rules else f"there is no such target; {meant(target, rules)}"
    if parts[0] == "experiments":
        return "targets are named as they are inside: --config experiment=<name> results/..."
    if parts[0] == "results" and len(parts) > 2 and parts[1] not in ("data", "shards"):
        if parts[1] not in studies:
            return f"there is no study {parts[1]!r}; {meant(parts[1], studies)}"
        return _unknown_of_study(studies[parts[1]], parts[2:])
    if parts[:2] == ["reports", "build"] and len(parts) == 3 and parts[2].endswith(".html"):
        name = parts[2].removesuffix(".html")
        if name not in ("index", *studies):
            return f"there is no page {parts[2]!r}; {meant(name, ['index', *studies])}"
    return ""


def _unknown_of_study(study: Study, parts: Sequence[str]) -> str:
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        known = first in STUDY_NAMES
        return "" if known else f"a study has no file {first!r}; {meant(first, STUDY_NAMES)}"
    if first in SUFFIXES:
        name, dot, suffix = last.rpartition(".")
        names = study_targets(study, first)
        if name not in names:
            what = f"study {study.id} has no {first[:-1]} {name or last!r}"
            return f"{what}; {meant(name or last, names)}"
        return "" if dot + suffix in SUFFIXES[first] else f"{first} end in {SUFFIXES[first][0]}"
    if first == "split":
        match = re.fullmatch(r"(.+)\.tsv", last)
        return _unknown_run(study, f"{match[1]}-s0" if match else last)
    if first not in study.all_models:
        models = study.all_models
        return f"study {study.id} has no model {first!r}; {meant(first, models)}"
    return _unknown_run(study, parts[1]) if len(parts) == 3 else ""


def _unknown_run(study: Study, name: str) -> str:
    try:
        run = parse_run(name)
    except ConfigError as error:
        return str(error)
    reason = impossible(run, study.dataset, study.split, study.data)
    return f"run {run} cannot exist: {reason}" if reason else ""


def requested_runs(
    targets: Iterable[str], studies: Mapping[str, Study], built: Sequence[str]
) -> Iterator[tuple[str, Run]]:
    """List the runs that targets are made from.

    Parameters
    ----------
    targets : iterable of str
        Rules, or files relative to where the workflow runs.
    studies : mapping
        The studies by id.
    built : sequence of str
        The studies that `all` builds.

    Yields
    ------
    tuple of str and Run
        The study and the run.
    """
    for target in targets:
        parts = target.split("/")
        if target in ("all", str(PATHS.report.index)):
            yield from _all_runs(studies, built)
        elif len(parts) == 1:
            yield from _all_runs(studies, [target.replace("_", "-")])
        elif parts[0] == "reports":
            yield from _all_runs(studies, [parts[-1].removesuffix(".html")])
        elif parts[0] == "results" and parts[1] in studies and len(parts) > 2:
            study, rest = studies[parts[1]], parts[2:]
            if rest[0] == "split":
                yield parts[1], parse_run(rest[1].removesuffix(".tsv") + "-s0")
            elif rest[0] in study.all_models:
                names = rest[1:2] if len(rest) == 3 else study.model_runs(rest[0])
                yield from ((parts[1], parse_run(name)) for name in names)
            else:
                yield from ((parts[1], parse_run(name)) for name in study.runs)


def _all_runs(studies: Mapping[str, Study], names: Iterable[str]) -> Iterator[tuple[str, Run]]:
    for name in names:
        for model in studies[name].all_models if name in studies else ():
            yield from ((name, parse_run(run)) for run in studies[name].model_runs(model))


def requested_datasets(targets: Iterable[str], studies: Mapping[str, Study]) -> set[str]:
    """Name the data sets that targets are made from, beside those of the studies that are built.

    Parameters
    ----------
    targets : iterable of str
        Rules, or files relative to where the workflow runs.
    studies : mapping
        The studies by id.

    Returns
    -------
    set of str
        Ids of data sets.
    """
    found = set()
    for target in targets:
        parts = target.split("/")
        name = parts[0].replace("_", "-") if len(parts) == 1 else parts[-1].removesuffix(".html")
        name = parts[1] if parts[0] == "results" and len(parts) > 1 else name
        if name in studies:
            found.add(studies[name].dataset)
        elif parts[:2] == ["results", "data"] and len(parts) > 2:
            found.add(parts[2])
    return found


def run_faults(
    runs: Iterable[tuple[str, Run]],
    studies: Mapping[str, Study],
    patients: Callable[[str, int], int | None],
) -> list[Fault]:
    """Find the requested runs for which a data set has too few patients.

    Parameters
    ----------
    runs : iterable of (str, Run)
        Studies and their runs, of `requested_runs`.
    studies : mapping
        The studies by id.
    patients : callable
        ``patients(dataset, enough)``: the number of patients of a data set, or None where that is
        not known or where there are more than `enough`.

    Returns
    -------
    list of Fault
        One a study and fold.
    """
    faults: dict[tuple[str, int], Fault] = {}
    for name, run in runs:
        study = studies[name]
        enough = next((n for n in range(1, 1000) if not too_few(run, study.split, n)), 1000)
        count = patients(study.dataset, enough) if enough > 1 else None
        reason = "" if count is None else too_few(run, study.split, count)
        if reason:
            what = f"run {run} cannot exist: data set {study.dataset}: {reason}"
            faults.setdefault((name, run.fold), Fault((name,), what, "study"))
    return list(faults.values())


def missing_profile(profile: str | None, folders: Iterable[Path]) -> Fault | None:
    """Look for a workflow profile where Snakemake does, which passes over one that is not there.

    Parameters
    ----------
    profile : str or None
        What ``--workflow-profile`` names.
    folders : iterable of Path
        The folder of the start, and the checkout.

    Returns
    -------
    Fault or None
        None where the profile is there, or none was asked for.
    """
    if not profile or profile == "none":
        return None
    folders = list(folders)
    places = [folder / name for folder in folders for name in (profile, f"profiles/{profile}")]
    if any(place.exists() for place in places):
        return None
    known = {path.name for folder in folders for path in (folder / "profiles").glob("*/")}
    what = f"found {profile!r}, and there is no such profile"
    return Fault((), f"{what}; {meant(Path(profile).name, known)}", "--workflow-profile")
