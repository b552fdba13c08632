"""The figures and tables that a study declares, with the files that each is made from.

Imported whenever the workflow starts, so it needs the standard library only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gliomake.study.kinds import KINDS, MODEL_NEEDS, OUTPUTS, STUDY_NEEDS, TRAINED_ONLY
from gliomake.study.model import Study
from gliomake.study.overrides import differences_text
from gliomake.study.run import ConfigError

OWN_KEYS = frozenset({"kind", "models", "run", "runs"})


@dataclass(frozen=True)
class Target:
    """A figure or table as a study's file declares it.

    Attributes
    ----------
    name : str
        The target; the file's name without its suffix.
    kind : str
        A key of `gliomake.study.kinds.KINDS`.
    models : tuple of str
        The models shown, in the order of the file.
    runs : tuple of str
        The runs shown; all kinds but those that need ``splits`` show the first only.
    options : dict
        The kind's options.
    """

    name: str
    kind: str
    models: tuple[str, ...]
    runs: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def declared(cls, study: Study, output: str, name: str) -> "Target":
        """Read one target of a study, without the checks of `study_targets`."""
        block = target_blocks(study, output)[name]
        return cls(
            name,
            block["kind"],
            tuple(block.get("models", ())),
            tuple(block.get("runs") or [block.get("run") or study.run]),
            {key: value for key, value in block.items() if key not in OWN_KEYS},
        )

    @property
    def run(self) -> str:
        """The run shown."""
        return self.runs[0]

    @property
    def needs(self) -> tuple[str, ...]:
        """What it is made from; see `gliomake.study.kinds.Kind`."""
        return KINDS[self.kind].needs


def unknown_need(target: Target, need: str) -> ConfigError:
    """Make the error for a need that no file stands for: a slip in `KINDS`."""
    known = ", ".join(sorted(MODEL_NEEDS | STUDY_NEEDS))
    return ConfigError(
        f"target {target.name}: kind {target.kind} needs {need!r}, and no file is known for that; "
        f"expected one of {known}: mend its entry in gliomake.study.kinds.KINDS"
    )


@dataclass(frozen=True)
class TargetSpec:
    """A declared target together with the files to make it from.

    Attributes
    ----------
    study : Study
        The study.
    target, kind, options, models, runs
        See `Target`.
    inputs : dict
        For each need a Path, a list of Paths (``shards``), or a dict from model (from run for
        ``splits``) to Path.
    data : str
        ``phantom`` or ``real``.
    scale : str
        ``demo`` or ``paper``.
    dataset_options : dict
        Options of the reader of ``root``; see `gliomake.datasets.open_dataset`.
    """

    study: Study
    target: str
    kind: str
    options: dict[str, Any]
    models: tuple[str, ...]
    runs: tuple[str, ...]
    inputs: dict[str, Any]
    data: str
    scale: str
    dataset_options: dict[str, Any] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """The run shown."""
        return self.runs[0]

    @property
    def note(self) -> str:
        """Why it is not a result, and what overrides change; empty where it is one."""
        changed = differences_text(self.study.overrides)
        reasons = [
            *(["synthetic images"] if self.data == "phantom" else []),
            *(["demo scale"] if self.scale == "demo" else []),
            *(["changed by overrides"] if changed else []),
        ]
        if not reasons or not KINDS[self.kind].evidence:
            return ""
        note = f"{', '.join(reasons)}: not a result"
        return f"{note}\n{changed}" if changed else note


def target_blocks(study: Study, output: str) -> dict[str, dict[str, Any]]:
    """Return the blocks of a study's figures or tables, by name, as its file has them.

    Raises
    ------
    ConfigError
        `output` is neither ``figures`` nor ``tables``.
    """
    if output not in OUTPUTS:
        raise ConfigError(f"targets {output!r}: expected one of {', '.join(OUTPUTS)}")
    return study.figures if output == "figures" else study.tables


def study_targets(study: Study, output: str) -> dict[str, Target]:
    """Read and check the targets of a study.

    Parameters
    ----------
    study : Study
        The study.
    output : str
        ``figures`` or ``tables``.

    Returns
    -------
    dict of str to Target
        By name, in the file's order.

    Raises
    ------
    ConfigError
        An unknown kind, option, model or run, or a number of models that the kind does not take.
    """
    return {name: read_target(study, output, name) for name in target_blocks(study, output)}


def target_spec(
    study: Study,
    output: str,
    name: str,
    inputs: Mapping[str, Any],
    *,
    data: str,
    scale: str,
    dataset_options: Mapping[str, Any] | None = None,
) -> TargetSpec:
    """Join a target with its files.

    Parameters
    ----------
    study : Study
        The study.
    output : str
        ``figures`` or ``tables``.
    name : str
        The target.
    inputs : mapping
        A path or a list of paths for each of the target's needs. Files of models are listed in
        the order of the target's models, ``splits`` in the order of its runs.
    data : str
        ``phantom`` or ``real``.
    scale : str
        ``demo`` or ``paper``.
    dataset_options : mapping, optional
        Options of the data set's reader; none by default.

    Returns
    -------
    TargetSpec
        What `gliomake.figures.make_figure` and `gliomake.tables.make_table` take.

    Raises
    ------
    ConfigError
        The study does not declare the target, or a file is missing or too many.
    """
    targets = study_targets(study, output)
    if name not in targets:
        raise ConfigError(
            f"study {study.id} has no {output} target {name!r}; it has {', '.join(targets)}"
        )
    target = targets[name]
    return TargetSpec(
        study=study,
        target=name,
        kind=target.kind,
        options=target.options,
        models=target.models,
        runs=target.runs,
        inputs={need: _input(target, need, inputs) for need in target.needs},
        data=data,
        scale=scale,
        dataset_options=dict(dataset_options or {}),
    )


def _input(target: Target, need: str, inputs: Mapping[str, Any]) -> Any:
    if need not in inputs:
        raise ConfigError(
            f"target {target.name} needs {need}, and got {', '.join(inputs) or 'none'}"
        )
    value = inputs[need]
    if need in MODEL_NEEDS:
        return _by_key(need, target.models, value)
    if need == "splits":
        return _by_key(need, target.runs, value)
    if need not in STUDY_NEEDS:
        raise unknown_need(target, need)
    return _paths(value) if need == "shards" else _paths(value)[0]


def _paths(value: Any) -> list[Path]:
    return [Path(value)] if isinstance(value, str | Path) else [Path(path) for path in value]


def _by_key(need: str, keys: Sequence[str], value: Any) -> dict[str, Path]:
    if isinstance(value, Mapping):
        return {key: Path(value[key]) for key in keys}
    paths = _paths(value)
    if len(paths) != len(keys):
        raise ConfigError(f"{need}: {len(paths)} files for {len(keys)} of {', '.join(keys)}")
    return dict(zip(keys, paths, strict=True))


def read_target(study: Study, output: str, name: str) -> Target:
    """Read and check one target of a study, see `study_targets`."""
    block = target_blocks(study, output)[name]
    where = f"study {study.id}: {output}.{name}"
    kinds = [kind for kind, made in KINDS.items() if made.output == output]
    if block.get("kind") not in kinds:
        raise ConfigError(
            f"{where}: kind {block.get('kind')!r}; expected one of {', '.join(kinds)}"
        )
    kind = KINDS[block["kind"]]
    target = Target.declared(study, output, name)
    models, runs, options = target.models, target.runs, target.options
    if kind.gate and not study.gate:
        raise ConfigError(f"{where}: kind {block['kind']} shows the gate, and the study has none")
    fewest, most = kind.models
    if not fewest <= len(models) <= most:
        wanted = fewest if fewest == most else f"{fewest} to {most}"
        raise ConfigError(f"{where}: {len(models)} models; kind {block['kind']} takes {wanted}")
    trained = not TRAINED_ONLY.isdisjoint(kind.needs) or not kind.per_model
    known = list(study.models) if trained else study.all_models
    if unknown := [model for model in models if model not in known]:
        raise ConfigError(f"{where}: unknown models {unknown}; expected some of {', '.join(known)}")
    for model in models if kind.per_model else ():
        if strange := set(runs) - set(study.model_runs(model)):
            raise ConfigError(
                f"{where}: {model} has no run {', '.join(sorted(strange))}; "
                f"it has {', '.join(study.model_runs(model))}"
            )
    if strange := set(options) - set(kind.options):
        raise ConfigError(
            f"{where}: unknown options {sorted(strange)}; kind {block['kind']} has "
            f"{', '.join(kind.options) or 'none'}"
        )
    if absent := set(kind.required) - set(options):
        raise ConfigError(f"{where}: kind {block['kind']} needs {', '.join(sorted(absent))}")
    return target
