"""The schema of a study: its file, and the options that the entries of models and losses have."""

from collections.abc import Mapping
from typing import Any

from gliomake.study.architectures import ARCHITECTURES
from gliomake.study.faults import Fault, schema_faults
from gliomake.study.losses import LOSSES

SCHEMA = "study.schema.yaml"


def study_schema_faults(study: Mapping[str, Any]) -> list[Fault]:
    """Check a study by the schema.

    Parameters
    ----------
    study : mapping
        With its scale and overrides applied.

    Returns
    -------
    list of Fault
        All that is wrong; paths start at the study.
    """
    return schema_faults(study, SCHEMA, fill_in)


def fill_in(schema: dict[str, Any]) -> None:
    """Add the entries of `ARCHITECTURES` and `LOSSES`, with their options, to the file's schema."""
    model = schema["properties"]["models"]["additionalProperties"]
    model["properties"]["architecture"]["enum"] = [*ARCHITECTURES]
    model["allOf"] = [
        _where("architecture", name, {"properties": {"options": _closed(entry.schema)}})
        for name, entry in ARCHITECTURES.items()
    ]
    loss = schema["$defs"]["loss"]
    loss["properties"]["name"]["enum"] = [*LOSSES]
    loss["allOf"] = [
        _where("name", name, _closed({"name": True, **entry.schema}, entry.required))
        for name, entry in LOSSES.items()
    ]


def _where(key: str, name: str, then: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": {key: {"const": name}}, "required": [key]}, "then": then}


def _closed(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "additionalProperties": False,
        "properties": dict(properties),
        "required": list(required),
    }
