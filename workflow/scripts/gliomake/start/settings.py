"""The configuration as a user types it: typed, its folders found, checked, its faults located."""

import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from gliomake.datasets.spec import PHANTOM, DatasetSpec
from gliomake.start.pages import expand, find_pages, read_studies, relative
from gliomake.study.datasets import read_datasets
from gliomake.study.faults import Fault, fault_report, has_path, meant, schema_faults
from gliomake.study.model import Study
from gliomake.study.run import ConfigError

SCHEMA = "config.schema.yaml"
# Ids, names and patterns are text, whatever they look like.
TEXTS = (
    "root", "experiment", "release", "title", "files", "mask", "patient", "strata", "display",
    "studies_folder", "datasets_folder",
)  # fmt: skip
# A few lines of YAML can mean a billion values, which no check comes to the end of.
MOST_VALUES = 100_000
# The most files that a patient has in any of the data sets: slices of BraTS 2020, each in a file.
FILES_OF_A_PATIENT = 200
Layer = tuple[str, Mapping[str, Any]]


def typed(value: Any, key: str = "") -> Any:
    """Give values from the command line their types: Snakemake hands nested ones over as text.

    Parameters
    ----------
    value : object
        A configuration, or a part of one.
    key : str
        The key it stands under; roots and names stay text, whatever they look like.

    Returns
    -------
    object
        The same with ``"5"``, ``"1e-3"``, ``"true"`` and ``"null"`` as what they mean.
    """
    if isinstance(value, dict) and key == "channels":
        return {name: str(part) for name, part in value.items()}
    if isinstance(value, dict):
        return {name: typed(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [typed(part) for part in value]
    if key == "experiment" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or key in TEXTS:
        return value
    meaning = {"true": True, "false": False, "null": None}
    if value in meaning:
        return meaning[value]
    for number in (int, float):
        with suppress(ValueError):
            return number(value)
    return value


def start(
    config: dict[str, Any],
    base: Path,
    here: Path,
    layers: Callable[[], Sequence[Layer]] = lambda: (),
    *,
    elsewhere: bool = False,
    others: Sequence[Fault] = (),
) -> tuple[dict[str, Any], dict[str, Study], dict[str, DatasetSpec]]:
    """Check everything that a start can know, and read the pages of studies and data sets.

    Parameters
    ----------
    config : dict
        The configuration as Snakemake merged it.
    base, here : Path
        The checkout, and the folder in which the workflow runs.
    layers : callable
        Gives what the configuration was merged from, the last one first, each with the name that
        the user knows it by; called only where there are faults.
    elsewhere : bool
        Whether the user chose the folder in which the workflow runs (``--directory``).
    others : sequence of Fault
        What else is known to be wrong.

    Returns
    -------
    config : dict
        Typed; ``datasets`` has ``root`` (expanded), ``on_bad_case`` and ``groups`` of every set.
    studies : dict of str to Study
        By id.
    datasets : dict of str to DatasetSpec
        By id.

    Raises
    ------
    ConfigError
        With all faults, each with the file or option, the key, what was found and what is allowed.
    """
    if _weight(config, {}) > MOST_VALUES:
        large = [key for key, part in config.items() if _weight(part, {}) > MOST_VALUES]
        message = f"found more than {MOST_VALUES} values, by aliases of YAML; expected a few"
        faults = [_sourced(Fault((str(key),), message), layers()) for key in large]
        raise ConfigError(fault_report(faults or [Fault((), message)]))
    config = typed(config)
    pages, found = find_pages(config, base, here)
    faults = [*others, *config_faults(config, [path.stem for path in pages["studies"]]), *found]
    if elsewhere and config.get("experiment"):
        what = "an experiment has its folder already: give either this or --directory"
        faults.append(Fault(("experiment",), what))
    blocks, phantoms = config.get("datasets"), config.get("phantoms")
    specs, found = read_datasets(
        pages["datasets"],
        blocks if isinstance(blocks, Mapping) else {},
        [name for name in phantoms if name != "seed"] if isinstance(phantoms, Mapping) else (),
    )
    faults += [relative(fault, base) for fault in found]
    studies, found = read_studies(config, pages["studies"], base, specs)
    faults += found
    sets = {name: spec for name, spec in specs.items() if spec}
    if not any(fault.path[:1] in (("datasets",), ("studies",)) for fault in faults):
        config["datasets"], found = expanded_roots(sets, base, here, config.get("experiment"))
        wrong = {fault.path[1] for fault in found}
        chosen = [studies[name] for name in config["studies"] if name in studies]
        used = {study.dataset for study in chosen}
        faults += [*found, *missing_roots(config, studies, (used - wrong) & {*sets})]
        faults += missing_predictions(chosen)
    if faults:
        raise ConfigError(fault_report([_sourced(fault, layers()) for fault in faults]))
    return config, studies, sets


def _weight(value: Any, known: dict[int, int]) -> int:
    """Count the values in nested blocks, aliases written out, without walking any of them twice."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        parts = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_weight(part, known) for part in parts)
    return known[id(value)]


def _sourced(fault: Fault, layers: Sequence[Layer]) -> Fault:
    """Find the layer that a fault comes from: the last one that gives the most of its path."""
    if fault.source or not layers:
        return fault
    depths = [
        max(n for n in range(len(fault.path) + 1) if has_path(layer, fault.path[:n]))
        for _, layer in layers
    ]
    return Fault(fault.path, fault.message, layers[depths.index(max(depths))][0])


def config_faults(config: Mapping[str, Any], studies: Sequence[str]) -> list[Fault]:
    """Check a configuration by itself.

    Parameters
    ----------
    config : mapping
        Of `typed`.
    studies : sequence of str
        Ids of the studies that there are.

    Returns
    -------
    list of Fault
        What the schema forbids, and studies that do not exist.
    """
    faults = schema_faults(config, SCHEMA)
    overrides = config.get("overrides")
    for study in overrides if isinstance(overrides, Mapping) else ():
        if study not in studies:
            what = f"there is no study {str(study)!r}"
            faults.append(Fault(("overrides", str(study)), f"{what}; {meant(str(study), studies)}"))
    built = config.get("studies")
    for index, study in enumerate(built if isinstance(built, list) else ()):
        if isinstance(study, str) and study not in studies:
            what = f"found {study!r}; expected one of the studies"
            faults.append(Fault(("studies", str(index)), f"{what}; {meant(study, studies)}"))
    return faults


def expanded_roots(
    datasets: Mapping[str, DatasetSpec], base: Path, here: Path, experiment: str | None = None
) -> tuple[dict[str, Any], list[Fault]]:
    """Find the folders that the roots mean.

    Parameters
    ----------
    datasets : mapping of str to DatasetSpec
        The data sets.
    base, here : Path
        The checkout, and the folder in which the workflow runs. Relative roots start at `here`
        where there is such a folder, else at the checkout.
    experiment : str, optional
        The experiment's name, where it has one.

    Returns
    -------
    datasets : dict
        ``root``, ``on_bad_case`` and ``groups`` by id. ``~`` and variables are expanded; relative
        roots stay so where the workflow runs in the checkout, so that its files do not depend on
        where that lies.
    faults : list of Fault
        Variables that are not set, and names that Snakemake cannot take.
    """
    stays = here == base and not experiment
    blocks, faults = {}, []
    for name, spec in datasets.items():
        start = here if (here / spec.root).is_dir() else base
        root, reason = expand(spec.root, start)
        if reason:
            faults.append(Fault(("datasets", name, "root"), f"found {spec.root!r}; {reason}"))
        elif root != PHANTOM and not stays:
            root = str(start / root)
        elif root.startswith(f"{base}{os.sep}"):
            root = root.removeprefix(f"{base}{os.sep}")
        blocks[name] = {"root": root, "on_bad_case": spec.on_bad_case, "groups": spec.groups}
    return blocks, faults


def missing_roots(
    config: Mapping[str, Any], studies: Mapping[str, Study], datasets: Iterable[str]
) -> list[Fault]:
    """Look for the folders of the data sets before anything runs.

    Parameters
    ----------
    config : mapping
        The configuration; ``datasets.<id>.root`` is ``phantom`` or a folder.
    studies : mapping
        The studies by id.
    datasets : iterable of str
        The data sets that are needed.

    Returns
    -------
    list of Fault
        One a missing folder, and at last what to do.
    """
    roots = {name: config["datasets"][name]["root"] for name in datasets}
    absent = sorted(
        name for name, root in roots.items() if root != PHANTOM and not Path(root).is_dir()
    )
    if not absent:
        return []
    faults = []
    for name in absent:
        kind = "it is a file" if Path(roots[name]).is_file() else "there is no such folder"
        message = f"data set {name}: found {roots[name]!r}, and {kind}"
        faults.append(Fault(("datasets", name, "root"), message))
    there = set(roots).difference(absent)
    others = ", ".join(
        name for name in config["studies"] if name in studies and studies[name].dataset in there
    )
    alone = f". The other studies alone: --config studies='[{others}]'" if others else ""
    advice = "config/README.md says where to get the data and how a folder must look; the root "
    return [*faults, Fault((), f"{advice}`phantom` needs no data{alone}", "what to do")]


def missing_predictions(studies: Iterable[Study]) -> list[Fault]:
    """Look for the folders of predictions that are brought along, before anything runs.

    Parameters
    ----------
    studies : iterable of Study
        The studies that are built.

    Returns
    -------
    list of Fault
        One a missing folder.
    """
    return [
        Fault(
            ("models", name, "predictions", "root"),
            f"found {block.root!r}, and there is no such folder; a relative one starts at the "
            "folder of the study's page",
            f"study {study.id}",
        )
        for study in studies
        for name, block in study.brought.items()
        if not Path(block.root).is_dir()
    ]


def few_patients(dataset: str, root: str, options: Mapping[str, Any], enough: int) -> int | None:
    """Count the patients of a small data set.

    Parameters
    ----------
    dataset, root : str
        The data set and its folder.
    options : mapping
        Options of its reader.
    enough : int
        More need not be counted.

    Returns
    -------
    int or None
        The number of cases, which is that of patients at most. None where the folder holds so many
        files that they must be enough, and where it cannot be read: its index says why.
    """
    count = 0
    for _, _, files in os.walk(root, followlinks=True):
        count += len(files)
        if count > FILES_OF_A_PATIENT * enough:
            return None
    # Costs half a second, and only small sets need it.
    from gliomake.datasets import open_dataset

    with suppress(ValueError, OSError, TypeError):
        return len(open_dataset(dataset, root, **options).cases())
    return None


def repeated(config: Mapping[str, Any], study: str = "") -> str:
    """Write the options that a printed command must repeat to build the same again.

    Parameters
    ----------
    config : mapping
        The configuration.
    study : str
        Only its overrides are repeated: those of others do not reach it. All by default.

    Returns
    -------
    str
        ``--config experiment=... overrides='...'``; empty where neither is set.
    """
    parts = []
    if config.get("experiment"):
        parts.append(f"experiment={config['experiment']}")
    given = config.get("overrides") or {}
    overrides = {name: block for name, block in given.items() if block and study in ("", name)}
    if overrides:
        text = yaml.safe_dump(overrides, default_flow_style=True, width=10**6, sort_keys=False)
        parts.append(shlex.quote(f"overrides={text.strip()}"))
    return f"--config {' '.join(parts)}" if parts else ""
