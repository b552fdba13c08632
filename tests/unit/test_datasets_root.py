"""What may be read under a data set's root, and in which words the rest is refused."""

import os
import pickle
from pathlib import Path

import pytest
import yaml

from gliomake.datasets.base import CaseError
from gliomake.datasets.root import AccessError, DataRoot, Limits

SCHEMA = Path(__file__).parents[2] / "workflow" / "schemas" / "dataset.schema.yaml"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    return DataRoot.open(tmp_path / "root")


def test_the_schema_tells_the_limits_that_hold():
    told = yaml.safe_load(SCHEMA.read_text())["properties"]["limits"]
    assert {key: entry["default"] for key, entry in told["properties"].items()} == vars(Limits())


def test_a_limit_that_is_none_is_named():
    with pytest.raises(ValueError, match=r"voxels.*expected.*volume_voxels"):
        Limits.of({"voxels": 5})


def test_hidden_files_and_those_of_operating_systems_are_no_data(root):
    for name in ("._a.tif", ".DS_Store", "a.tif"):
        (root.path / name).touch()
    for name in ("__MACOSX", "lost+found", "case"):
        (root.path / name).mkdir()
    assert [path.name for path in root.entries()] == ["a.tif", "case"]


def test_a_link_out_of_the_root_is_refused_and_named(root, tmp_path):
    (tmp_path / "secret").write_bytes(b"x")
    link = root.path / "a.tif"
    link.symlink_to(tmp_path / "secret")
    with pytest.raises(CaseError, match=r"leads out of the data set's root.*links: anywhere"):
        root.read_bytes(link, "case")
    assert DataRoot.open(root.path, links="anywhere").read_bytes(link, "case") == b"x"


def test_a_link_within_the_root_and_a_root_that_is_a_link_are_read(root, tmp_path):
    (root.path / "a").write_bytes(b"x")
    (root.path / "b").symlink_to("a")
    (tmp_path / "link").symlink_to(root.path)
    assert DataRoot.open(tmp_path / "link").read_bytes(tmp_path / "link" / "b", "") == b"x"


def test_a_dangling_link_a_loop_a_pipe_and_a_folder_are_refused(root):
    (root.path / "dangling").symlink_to("nowhere")
    (root.path / "loop").symlink_to("loop")
    os.mkfifo(root.path / "pipe")
    (root.path / "folder").mkdir()
    for name, said in {
        "dangling": "a link to nowhere, which is not there",
        "loop": "symbolic links",
        "pipe": "a device, pipe or socket",
        "folder": "a folder",
        "absent": "no such file",
        "nul\0": "null",
    }.items():
        with pytest.raises(CaseError, match=said):
            root.read_bytes(root.path / name, "case")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(root):
    with (root.path / "a").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(CaseError, match=r"1099511627776 bytes.*limits.file_bytes"):
        root.read_bytes(root.path / "a", "case")


def test_what_the_machine_could_not_read_is_no_damage(root, monkeypatch):
    (root.path / "a").write_bytes(b"x")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(AccessError, match=r"no damage.*chmod") as caught:
        root.read_bytes(root.path / "a", "case")
    assert not isinstance(caught.value, CaseError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_folder_that_may_not_be_listed_is_passed_over_and_noted(root, monkeypatch):
    (root.path / "closed").mkdir()
    (root.path / "open").mkdir()
    real = os.listdir

    def listdir(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    assert [folder.name for folder, _, _ in root.walk(2)] == ["root", "open"]
    assert root.passed_over == [str(root.path / "closed")]


def test_links_that_lead_round_end(root):
    (root.path / "a").mkdir()
    (root.path / "a" / "up").symlink_to("..")
    assert len(list(root.walk(9))) == 2


def test_the_first_bytes_alone(tmp_path):
    (tmp_path / "a").write_bytes(b"abcdef")
    root = DataRoot.open(tmp_path)
    assert root.read_bytes(tmp_path / "a", "") == b"abcdef"
    assert root.read_bytes(tmp_path / "a", "", 2) == b"ab"
    assert root.read_bytes(tmp_path / "a", "", 100) == b"abcdef"
