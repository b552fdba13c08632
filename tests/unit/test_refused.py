"""What is known of refused cases is forgotten once anything around them changes, and only then."""

import os
import shutil
import time

import pytest

from gliomake.prepare.refused import files_state, state_token, write_record

CASE = "CASE_1"


@pytest.fixture
def root(tmp_path):
    """Two cases; of the first the mask was refused."""
    root = tmp_path / "set"
    for case in (CASE, "CASE_2"):
        (root / case).mkdir(parents=True)
        for name in ("image", "mask", "._image"):
            (root / case / name).write_bytes(b"1234")
    (root / "labels").mkdir()
    (root / "labels" / f"{CASE}.nii").write_bytes(b"1234")
    (root / "data.csv").write_text("Patient\n")
    return root


def start(root, tmp_path, listing="L"):
    """What the workflow asks when it starts."""
    return state_token(tmp_path / "000.json", str(root), listing)


def look(root, tmp_path, token, refused=True, started=None):
    """What the job keeps when it is done."""
    named = [(CASE, str(root / CASE / "mask"))] if refused else []
    started = time.time() if started is None else started
    write_record(tmp_path / "000.json", str(root), token, named, started)


def restore_with_old_time(root):
    """As `cp -p`, `rsync -t` and tar do: another content of the same size and time."""
    mask = root / CASE / "mask"
    before = mask.stat()
    mask.write_bytes(b"5678")
    os.utime(mask, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_by_another_file(root):
    mask, other = root / CASE / "mask", root / "other"
    shutil.copy2(mask, other)
    other.replace(mask)


CHANGES = {
    "its mode": lambda root: (root / CASE / "mask").chmod(0o600),
    "its content alone": restore_with_old_time,
    "its inode": replace_by_another_file,
    "its size": lambda root: (root / CASE / "mask").write_bytes(b"12345"),
    "its folder's mode": lambda root: (root / CASE).chmod(0o700),
    "a hidden file goes": lambda root: (root / CASE / "._image").unlink(),
    "a hidden file comes": lambda root: (root / CASE / ".lock").touch(),
    "its image's mode": lambda root: (root / CASE / "image").chmod(0o600),
    "it goes": lambda root: (root / CASE / "mask").unlink(),
    "the case goes": lambda root: shutil.rmtree(root / CASE),
    "its part in another folder": lambda root: (root / "labels" / f"{CASE}.nii").chmod(0o600),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_refused_case_is_looked_at_again_after_a_change(root, tmp_path, change):
    look(root, tmp_path, start(root, tmp_path))
    before = start(root, tmp_path)
    assert before == "L"
    CHANGES[change](root)
    token = start(root, tmp_path)
    assert token != before
    look(root, tmp_path, token)
    assert start(root, tmp_path) == token, "once, not at each start"


def test_other_cases_may_change(root, tmp_path):
    look(root, tmp_path, "L")
    (root / "CASE_2" / "mask").chmod(0o600)
    (root / "CASE_2" / "._image").unlink()
    assert start(root, tmp_path) == "L"


def test_a_link_that_leads_elsewhere_is_a_change(root, tmp_path):
    mask = root / CASE / "mask"
    for name in ("one", "two"):
        shutil.copy2(root / "data.csv", tmp_path / name)
    mask.unlink()
    mask.symlink_to(tmp_path / "link")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    look(root, tmp_path, "L")
    assert start(root, tmp_path) == "L"
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to(tmp_path / "two")
    again = start(root, tmp_path)
    assert again != "L"
    look(root, tmp_path, again)
    (tmp_path / "two").chmod(0o600)
    assert start(root, tmp_path) != again


def test_a_table_of_the_whole_set_is_looked_at_again(root, tmp_path):
    table = [("", str(root / "data.csv"))]
    write_record(tmp_path / "000.json", str(root), "L", table, time.time())
    (root / CASE / "image").chmod(0o600)
    assert start(root, tmp_path) == "L"
    (root / "data.csv").chmod(0o600)
    assert start(root, tmp_path) != "L"


def test_a_corrected_group_keeps_the_token_under_which_it_was_accepted(root, tmp_path):
    look(root, tmp_path, "L")
    CHANGES["its mode"](root)
    token = start(root, tmp_path)
    look(root, tmp_path, token, refused=False)
    CHANGES["a hidden file goes"](root)
    assert start(root, tmp_path) == token


def test_a_changed_listing_is_a_change(root, tmp_path):
    assert start(root, tmp_path) == "L"
    look(root, tmp_path, "L", refused=False)
    assert start(root, tmp_path, "M") == "M"
    look(root, tmp_path, "L")
    assert start(root, tmp_path, "M").startswith("M-")


def test_what_changed_while_it_was_read_is_looked_at_once_more(root, tmp_path):
    look(root, tmp_path, "L", started=time.time() - 3600)
    token = start(root, tmp_path)
    assert token != "L"
    look(root, tmp_path, token)
    assert start(root, tmp_path) == token


@pytest.mark.parametrize("content", ["", "[", "[]", "{}", '{"token": "L", "refused": [1]}', "\0"])
def test_a_damaged_record_says_nothing(root, tmp_path, content):
    (tmp_path / "000.json").write_text(content)
    assert start(root, tmp_path) == "L"


def test_a_start_writes_nothing(root, tmp_path):
    look(root, tmp_path, "L")
    kept = sorted(tmp_path.rglob("*")), (tmp_path / "000.json").read_bytes()
    CHANGES["its mode"](root)
    start(root, tmp_path)
    assert (sorted(tmp_path.rglob("*")), (tmp_path / "000.json").read_bytes()) == kept


def test_the_spelling_of_the_root_is_no_change(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    states = {
        files_state(spelt, [(CASE, f"{spelt}/{CASE}/mask")])[0]
        for spelt in ("set", "./set", "set/", "set/../set")
    }
    assert len(states) == 1


def test_names_that_are_no_paths_and_no_text(root):
    (root / os.fsdecode(b"CASE_1_\xe9")).touch()
    (root / "CASE_1_round").symlink_to(root / "CASE_1_round")
    for file in ("", "data.csv", "\0", "x" * 5000, str(root / "gone" / "mask")):
        assert len(files_state(str(root), [(CASE, file), ("", file)])[0]) == 64
