"""The configuration as a user types it: types, roots, faults with their file, key and remedy."""

import re
from pathlib import Path

import pytest
import yaml

from gliomake.start import settings
from gliomake.study.faults import MOST_LINES
from gliomake.study.load import merge
from gliomake.study.run import ConfigError

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())


def start(changes: dict, here: Path = ROOT, **options):
    """Start with a configuration from the command line."""
    layers = lambda: [("--config", changes), ("config/config.yaml", DEFAULT)]  # noqa: E731
    return settings.start(merge(DEFAULT, changes), ROOT, here, layers, **options)


def refused(changes: dict, **options) -> str:
    with pytest.raises(ConfigError) as error:
        start(changes, **options)
    message = str(error.value)
    assert len(message.splitlines()) <= MOST_LINES
    assert max(map(len, message.splitlines())) <= 240
    return message


def test_the_default_configuration_starts():
    config, studies, datasets = start({})
    assert config["experiment"] is None
    assert set(config["datasets"]) == set(datasets) == {"lgg", "brats2020", "brats2021", "coco"}
    assert len(studies) == 5 and not any(study.overrides for study in studies.values())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"bootstap": {"resamples": 100}},
            "--config bootstap: unknown key; did you mean bootstrap?",
        ),
        (
            {"training": {"percision": "auto"}},
            "--config training.percision: unknown key; did you mean precision?",
        ),
        ({"datasets": {"lgg": {"path": "x"}}}, "--config datasets.lgg.path: unknown key"),
        ({"datasets": {"lggg": {"root": "phantom"}}}, "did you mean lgg?"),
        ({"Scale": "demo"}, "--config Scale: unknown key; did you mean scale?"),
    ],
)
def test_an_unknown_key_says_what_was_meant(changes, expected):
    assert expected in refused(changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"scale": "papr"}, "--config scale: found 'papr'; expected one of demo, paper; did you"),
        (
            {"bootstrap": {"resamples": "many"}},
            "found 'many'; expected a whole number, at least 100",
        ),
        ({"bootstrap": {"resamples": "5"}}, "found 5; expected at least 100 and at most 100000"),
        ({"bootstrap": {"resamples": 200.0}}, "found 200.0; expected a whole number"),
        ({"training": {"compile": 1}}, "found 1; expected true or false"),
        ({"datasets": None}, "--config datasets: found null; expected a block of keys"),
        ({"datasets": "lgg"}, "--config datasets: found 'lgg'; expected a block of keys"),
        ({"overrides": [1]}, "--config overrides: found [1]; expected a block of keys"),
        ({"overrides": {"coco-unet": 3}}, "overrides.coco-unet: found 3; expected a block of keys"),
        ({"studies": ["lgg-encoder"]}, "studies.0: found 'lgg-encoder'; expected one of"),
        ({"studies": []}, "--config studies: found []; expected at least 1 entries"),
        ({"phantoms": {"coco": {"size": 8}}}, "phantoms.coco.size: found 8; expected at least 32"),
        ({"datasets": {"lgg": {"limits": {"file_bytes": 0}}}}, "limits.file_bytes: found 0"),
    ],
)
def test_a_wrong_value_says_what_is_allowed(changes, expected):
    assert expected in refused(changes)


def test_all_faults_are_listed_at_once():
    changes = {
        "scale": "papr",
        "bootstrap": {"resamples": 5},
        "overrides": {"lgg-encodrs": {}},
    }
    lines = refused(changes).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "--config scale",
        "--config bootstrap.resamples",
        "--config overrides.lgg-encodrs",
    ]
    many = {f"key{n}": n for n in range(9)}
    lines = refused(many).splitlines()
    assert len(lines) == MOST_LINES
    assert lines[-1] == "and 5 more faults of this configuration"


def test_aliases_that_mean_a_billion_values_are_refused():
    bomb = "x"
    for _ in range(10):
        bomb = [bomb] * 9
    assert "--config studies: found more than 100000 values" in refused({"studies": bomb})
    assert "--config extra: found more than" in refused({"extra": {"a": bomb}})


def test_a_fault_of_the_default_file_names_it():
    broken = merge(DEFAULT, {"pretrained": "imagnet"})
    with pytest.raises(ConfigError, match=r"config/config.yaml pretrained: found 'imagnet'"):
        settings.start(
            broken, ROOT, ROOT, lambda: [("--config", {}), ("config/config.yaml", broken)]
        )


@pytest.mark.parametrize(
    ("dataset", "option", "value", "takers"),
    [
        ("lgg", "release", "2021", "brats2020 and brats2021"),
        ("coco", "channel_order", ["t1", "t2", "t1ce", "flair"], "brats2020 and brats2021"),
        ("lgg", "geometry", "grid", "brats2020 and brats2021"),
        ("brats2021", "categories", ["tumour"], "coco"),
    ],
)
def test_an_option_of_another_data_set_is_refused(dataset, option, value, takers):
    message = refused({"datasets": {dataset: {option: value}}})
    assert f"data set {dataset} does not take this, only {takers}" in message


def test_all_missing_roots_are_listed():
    roots = {"brats2020": "absent", "brats2021": "/no/such", "coco": __file__}
    message = refused({"datasets": {name: {"root": root} for name, root in roots.items()}})
    lines = message.splitlines()
    assert lines[0].startswith(
        "--config datasets.brats2020.root: data set brats2020: found 'absent'"
    )
    assert lines[1].startswith("--config datasets.brats2021.root")
    assert lines[2].endswith("and it is a file")
    assert "config/README.md" in lines[3]
    [others] = re.findall(r"--config studies='(.*?)'", lines[3])
    assert yaml.safe_load(others) == ["lgg-two-stage", "lgg-encoders"]
    start({"studies": yaml.safe_load(others)})


def test_only_the_roots_of_the_studies_built_must_be_there():
    start({"datasets": {"lgg": {"root": "/no/such"}}, "studies": ["coco-unet"]})


def test_a_tilde_and_variables_in_a_root_are_expanded(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SCANS", str(tmp_path))
    for root in ("~/data", "$SCANS/data", "${SCANS}/data", "$HOME/data"):
        config, *_ = start({"datasets": {"lgg": {"root": root}}})
        assert config["datasets"]["lgg"]["root"] == f"{tmp_path}/data"


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("SCANS", raising=False)
    message = refused({"datasets": {"lgg": {"root": "${SCANS}/data"}}})
    assert "datasets.lgg.root: found '${SCANS}/data'; the variable SCANS is not set" in message
    message = refused({"datasets": {"lgg": {"root": "~nobody-of-this-name/data"}}})
    assert "there is no home folder of '~nobody-of-this-name' here" in message


def test_a_folder_with_a_dollar_in_its_name_is_taken_as_it_is(tmp_path):
    folder = tmp_path / "a $5 disk"
    folder.mkdir()
    config, *_ = start({"datasets": {"lgg": {"root": str(folder)}}})
    assert config["datasets"]["lgg"]["root"] == str(folder)


def test_braces_in_a_root_are_refused_with_a_remedy(tmp_path):
    folder = tmp_path / "scans {3f2a}"
    folder.mkdir()
    message = refused({"datasets": {"lgg": {"root": str(folder)}}})
    for part in ("datasets.lgg.root", "scans {3f2a}", "braces", "ln -s"):
        assert part in message


def test_relative_roots_count_from_the_checkout(tmp_path):
    changes = {"datasets": {"lgg": {"root": "config"}}}
    assert start(changes)[0]["datasets"]["lgg"]["root"] == "config"
    assert start(changes, tmp_path)[0]["datasets"]["lgg"]["root"] == str(ROOT / "config")
    named = start(changes | {"experiment": "wide"})[0]
    assert named["datasets"]["lgg"]["root"] == str(ROOT / "config")
    assert named["datasets"]["coco"]["root"] == "phantom"


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "Wide", "a b", "-x", "é"])
def test_an_experiment_whose_name_is_no_folder_is_refused(name):
    assert "--config experiment: found" in refused({"experiment": name})


def test_an_experiment_has_a_name_of_any_plain_form():
    for name, kept in {"wide": "wide", "v1.2_b-3": "v1.2_b-3", 7: "7", "2024": "2024"}.items():
        assert start({"experiment": name})[0]["experiment"] == kept


def test_an_experiment_and_a_directory_are_one_too_many():
    assert "--directory" in refused({"experiment": "wide"}, elsewhere=True)


def test_values_from_the_command_line_get_their_types():
    given = {
        "datasets": {"lgg": {"root": "2020", "groups": "4"}, "brats2021": {"release": "2023"}},
        "overrides": {"x": {"epochs": "5", "rate": "1e-3", "list": ["0.5", "a"], "none": "null"}},
        "training": {"compile": "true"},
    }
    assert settings.typed(given) == {
        "datasets": {"lgg": {"root": "2020", "groups": 4}, "brats2021": {"release": "2023"}},
        "overrides": {"x": {"epochs": 5, "rate": 0.001, "list": [0.5, "a"], "none": None}},
        "training": {"compile": True},
    }
    assert settings.typed("none") == "none"


def test_printed_commands_repeat_experiment_and_overrides():
    assert settings.repeated(DEFAULT) == ""
    config = {"experiment": "wide", "overrides": {"coco-unet": {"threshold": 0.4}, "other": {}}}
    repeated = settings.repeated(config)
    assert repeated == "--config experiment=wide 'overrides={coco-unet: {threshold: 0.4}}'"
    assert settings.repeated(config, "other") == "--config experiment=wide"
