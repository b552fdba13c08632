"""BraTS: files under another name, of another case, in a folder, from a Mac."""

import os

import pytest
from brats_files import write_case

from gliomake.datasets import CaseError, open_dataset
from gliomake.datasets.brats import BratsDataset
from gliomake.datasets.brats_files import find_file
from gliomake.datasets.brats_releases import RELEASES
from gliomake.datasets.root import AccessError, DataRoot

CASE = "BraTS2021_00000"
OTHER = "BraTS2021_00001"


@pytest.fixture
def folder(tmp_path):
    """The folder of the first of two cases."""
    for case in (CASE, OTHER):
        write_case(tmp_path / case, case)
    return tmp_path / CASE


def inspect(folder):
    dataset = open_dataset("brats2021", folder.parent)
    report = dataset.inspect(CASE)
    return report, dataset.compare([report])


def rename(folder, old, new):
    (folder / f"{CASE}_{old}.nii.gz").rename(folder / new)


@pytest.mark.parametrize(
    ("modality", "name"),
    [
        ("t1", f"{CASE}_T1.nii.gz"),
        ("t1", f"{CASE}-t1n.nii.gz"),
        ("t1ce", f"{CASE}_T1CE.nii.gz"),
        ("t1ce", f"{CASE}_t1gd.nii.gz"),
        ("t2", f"{CASE.upper()}_t2w.nii.gz"),
        ("flair", f"{CASE}_FLAIR.nii.gz"),
        ("flair", "flair.nii.gz"),
        ("seg", f"{CASE}_SEG.nii.gz"),
        ("seg", "W39_1998.09.19_Segm.nii.gz"),
    ],
)
def test_another_spelling_is_read_and_listed(folder, modality, name):
    expected = open_dataset("brats2021", folder.parent).load(CASE)
    rename(folder, modality, name)
    report, findings = inspect(folder)
    assert not report.problems
    assert report.facts["other_names"] == {modality: name}
    assert [(f.kind, f.cases, f.files) for f in findings] == [("other-names", (CASE,), (name,))]
    volume = open_dataset("brats2021", folder.parent).load(CASE)
    assert (volume.image == expected.image).all()
    assert (volume.mask == expected.mask).all()


@pytest.mark.parametrize("end", [".NII.GZ", ".nii.GZ", ".NII"])
def test_extensions_in_capitals_are_found(folder, end):
    rename(folder, "t1ce", f"{CASE}_T1Gd{end}")
    found = find_file(DataRoot(folder.parent), folder, CASE, RELEASES["2021"], "t1ce")
    assert found.path.name == found.name == f"{CASE}_T1Gd{end}"


def test_published_names_are_no_finding(folder):
    report, findings = inspect(folder)
    assert "other_names" not in report.facts
    assert findings == []


@pytest.mark.parametrize("name", [f"{CASE}_t1gd.nii.gz", f"{CASE}_T1CE.nii.gz", "t1c.nii"])
def test_two_files_for_one_modality_are_refused(folder, name):
    (folder / name).write_bytes(b"x")
    (problem,) = inspect(folder)[0].problems
    assert f"{CASE}_t1ce.nii.gz" in problem.message
    assert name in problem.message
    assert "for modality t1ce, expected one file" in problem.message


@pytest.mark.parametrize("name", [f"{OTHER}_t2.nii.gz", f"{OTHER}_segm.nii.gz", "brain_t2.nii.gz"])
def test_a_file_of_another_case_is_not_taken(folder, name):
    modality = "seg" if "seg" in name else "t2"
    rename(folder, modality, name)
    (problem,) = inspect(folder)[0].problems
    assert f"no file for {'mask' if modality == 'seg' else 'modality t2'}" in problem.message
    assert "(the folder holds " in problem.message
    assert name in problem.message


def into_folder(folder, modality, name, place=None):
    """Put a file under another name into a folder that stands in its place."""
    inner = folder / (place or f"{CASE}_{modality}.nii")
    rename(folder, modality, "aside")
    inner.mkdir()
    (folder / "aside").rename(inner / name)
    return inner


@pytest.mark.parametrize("place", [f"{CASE}_flair.nii", f"{CASE}_flair.nii.gz", "FLAIR.nii"])
@pytest.mark.parametrize(
    "name", ["00000057_brain_flair.nii.gz", f"{CASE}_flair.nii.gz", "v.nii.gz"]
)
def test_a_folder_in_a_files_place_is_read_where_it_holds_one_file(folder, place, name):
    inner = into_folder(folder, "flair", name, place)
    (inner / "._x.nii").write_bytes(b"x")  # a Mac's
    report, findings = inspect(folder)
    assert not report.problems
    assert report.facts["other_names"] == {"flair": f"{place}/{name}"}
    assert [f.kind for f in findings] == ["other-names"]


@pytest.mark.parametrize(
    ("name", "others", "listed"),
    [
        ("a.nii.gz", ["b.nii.gz"], "a.nii.gz, b.nii.gz"),
        ("00000057_brain_t1.nii.gz", [], "00000057_brain_t1.nii.gz"),
        (f"{OTHER}_flair.nii.gz", [], f"{OTHER}_flair.nii.gz"),
        ("flair.txt", [], "flair.txt"),
    ],
)
def test_a_folder_in_a_files_place_that_leaves_a_doubt_is_refused(folder, name, others, listed):
    inner = into_folder(folder, "flair", name)
    for other in others:
        (inner / other).write_bytes(b"x")
    (problem,) = inspect(folder)[0].problems
    assert f"a folder where the file should be, and in it {listed}," in problem.message


def test_an_empty_folder_in_a_files_place_is_refused(folder):
    inner = into_folder(folder, "seg", "x.nii.gz")
    (inner / "x.nii.gz").unlink()
    (problem,) = inspect(folder)[0].problems
    assert "and in it nothing" in problem.message


def test_case_folders_nested_once_more_are_read(tmp_path):
    write_case(tmp_path / CASE / CASE, CASE)
    dataset = open_dataset("brats2021", tmp_path)
    assert dataset.load(CASE).patient == CASE
    assert dataset.metadata()[CASE]["folder"] == f"{CASE}/{CASE}"
    assert dataset.check_root() == []


def test_a_case_within_itself_is_there_twice(tmp_path):
    write_case(tmp_path / CASE, CASE)
    write_case(tmp_path / CASE / CASE, CASE)
    (problem,) = open_dataset("brats2021", tmp_path).check_root()
    assert "a second folder of the case" in problem.message


def test_twins_from_a_mac_are_no_data(folder):
    for path in list(folder.iterdir()):
        (folder / f"._{path.name}").write_bytes(b"x")
    (folder.parent / f"._{CASE}").mkdir()
    (folder.parent / "__MACOSX" / CASE).mkdir(parents=True)
    report, findings = inspect(folder)
    assert not report.problems
    assert findings == []


def test_a_folder_that_may_not_be_opened_is_passed_over_and_listed(folder, monkeypatch):
    (folder.parent / "closed").mkdir()
    close(monkeypatch, "closed")
    report, findings = inspect(folder)
    assert not report.problems
    assert [(f.kind, len(f.files)) for f in findings] == [("passed-over", 1)]


def test_a_case_folder_that_may_not_be_opened_is_no_damage(folder, monkeypatch):
    dataset = open_dataset("brats2021", folder.parent)
    close(monkeypatch, CASE)
    for use in (dataset.inspect, dataset.load):
        with pytest.raises(AccessError, match=CASE):
            use(CASE)


def test_a_root_whose_only_folder_may_not_be_opened_is_no_missing_data(tmp_path, monkeypatch):
    (tmp_path / "MICCAI").mkdir()
    close(monkeypatch, "MICCAI")
    with pytest.raises(AccessError, match=r"MICCAI.*chmod"):
        open_dataset("brats2021", tmp_path)


def close(monkeypatch, name):
    entries = DataRoot.entries

    def refuse(root, folder=None):
        if folder is not None and folder.name == name:
            raise AccessError(folder, "Permission denied")
        return entries(root, folder)

    monkeypatch.setattr(DataRoot, "entries", refuse)


def test_a_pipe_as_a_volume_is_refused(folder):
    (folder / f"{CASE}_t2.nii.gz").unlink()
    os.mkfifo(folder / f"{CASE}_t2.nii.gz")
    with pytest.raises(CaseError, match="a device, pipe or socket"):
        BratsDataset(folder.parent).load(CASE, ["t2"])
