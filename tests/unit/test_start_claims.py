"""The table of reported numbers as it is checked when the workflow starts."""

import csv
from pathlib import Path

import pytest
import yaml

from checkout import ROOT
from gliomake.claims.quantities import SUBSETS
from gliomake.claims.table import COLUMNS, KINDS, OPTIONAL
from gliomake.start.claims import check_claims
from gliomake.study.load import read_study
from gliomake.study.run import ConfigError

GOOD = dict.fromkeys(COLUMNS, "") | {
    **{"claim": "a.1", "study": "a", "model": "unet", "subset": "val", "quantity": "dice"},
    **{"value": "0.5", "approximate": "no"},
}
MODELS = {"a": {"unet": {}}, "b": {"resunet": {}}}


def write(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_our_own_claims_pass():
    paths = (ROOT / "config" / "studies").glob("*.yaml")
    models = {path.stem: read_study(path)["models"] for path in paths}
    check_claims(ROOT / "config" / "claims.tsv", models)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model": "resunet"}, r"claim a\.1 is of model 'resunet'; a has unet"),
        ({"study": "c"}, r"claim a\.1 is of study 'c'; known studies: a, b"),
        ({"kind": "wish"}, "line 2 kind: found 'wish'; expected one of .*result, protocol"),
        ({"kinds": "target"}, "line 2 kinds: unknown key; .*kind"),
        ({"epoch": "last"}, "line 2 epoch: found 'last'; expected an epoch's number"),
        ({"quantity": "dise"}, "line 2: unknown quantity 'dise'"),
    ],
)
def test_what_the_studies_do_not_have_stops_the_workflow(tmp_path, changed, message):
    with pytest.raises(ConfigError, match=message):
        check_claims(write(tmp_path / "claims.tsv", GOOD | changed), MODELS)


def test_claims_are_optional(tmp_path):
    check_claims(tmp_path / "claims.tsv", MODELS)
    (tmp_path / "claims.tsv").write_text("\t".join(COLUMNS) + "\n")
    check_claims(tmp_path / "claims.tsv", MODELS)


def test_the_schema_has_the_columns_and_kinds_that_are_read():
    schema = yaml.safe_load((ROOT / "workflow/schemas/claims.schema.yaml").read_text())
    assert set(schema["properties"]) == {*COLUMNS, *OPTIONAL}
    assert schema["required"] == list(COLUMNS)
    assert schema["properties"]["kind"]["enum"] == ["", *KINDS]
    assert all(name in schema["properties"]["subset"]["description"] for name in SUBSETS)
