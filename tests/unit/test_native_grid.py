"""Scores on the scans' own grid, and data sets of masks alone."""

import numpy as np
import pandas as pd
import pytest
from brought_scans import DEPTH, STUDY, Scans, index, pictures
from own_files import CLASSES, SHAPE, case, labels, save
from skimage.transform import resize

from gliomake.brought import open_source
from gliomake.brought.cases import evaluated_cases, list_cases
from gliomake.datasets import CaseError, open_dataset
from gliomake.prepare.index import write_index_group
from gliomake.scoring import native as native_grid
from gliomake.scoring.grids import to_size
from gliomake.scoring.native import NativeRun, measure_native, native_parts


@pytest.fixture
def scans(tmp_path):
    return Scans(tmp_path)


@pytest.mark.parametrize("size", [(7, 9), (3, 2), (1, 1), (4, 5), (31, 5)])
def test_probabilities_are_brought_to_a_grid_bilinearly(size):
    values = np.random.default_rng(0).uniform(size=(2, 4, 5)).astype(np.float32)
    expected = [resize(each, size, order=1, mode="edge", anti_aliasing=False) for each in values]
    np.testing.assert_allclose(to_size(values, size), expected, atol=2e-6)


def native(scans, pattern="{case}.nii.gz", classes=STUDY, labels=None):
    """A run in which every case is tested."""
    files = {name: scans.truth.parent / f"{name}.tsv" for name in ("cases", "slices", "all-f0")}
    for name, table in (("cases", scans.cases), ("slices", scans.slices)):
        table.to_csv(files[name], sep="\t", index=False)
    split = scans.slices[["patient", "slice"]].assign(subset="test")
    split.to_csv(files["all-f0"], sep="\t", index=False)
    return NativeRun(
        dataset="own",
        root=str(scans.truth),
        options={"reader": "nifti", **scans.options},
        cases=str(files["cases"]),
        slices=str(files["slices"]),
        split=str(files["all-f0"]),
        classes=classes,
        threshold=0.5,
        folder=str(scans.folder),
        pattern=pattern,
        labels=labels or {},
    )


def test_counts_by_hand(scans):
    # Truth: core in (1,1,1) and (2,1,1), oedema in (2:4,3,2). B is right, C is missing.
    mine = labels()
    mine[1, 1, 1], mine[5, 4, 1], mine[2, 3, 2] = 0, 1, 0
    scans.write("A.nii.gz", mine)
    scans.write("B.nii.gz", labels())
    measured = measure_native(native(scans))
    counts = measured.counts.groupby(["patient", "class"])[["tp", "fp", "fn", "tn"]].sum()
    voxels = int(np.prod(SHAPE))
    assert counts.loc[("A", "core")].tolist() == [1, 1, 1, voxels - 3]
    assert counts.loc[("A", "oedema")].tolist() == [1, 0, 1, voxels - 2]
    assert counts.loc[("B", "core")].tolist() == [2, 0, 0, voxels - 2]
    assert counts.loc[("C", "core")].tolist() == [0, 0, 2, voxels - 2]
    distances = measured.distances.set_index(["patient", "class"])
    assert distances.loc[("B", "core"), "hd95"] == 0
    assert bool(distances.loc[("C", "core"), "missed"])


def test_processes_do_not_change_what_is_measured(scans):
    scans.write("A.nii.gz", labels())
    run = native(scans)
    one, two = measure_native(run), measure_native(run, threads=2)
    pd.testing.assert_frame_equal(one.counts, two.counts)
    pd.testing.assert_frame_equal(one.distances, two.distances)


def test_folders_are_listed_once_whatever_the_number_of_patients(scans, monkeypatch):
    """Listed anew for each piece of work, they would take the square of that number."""
    scans.write("A.nii.gz", labels())
    opened = []
    plain = native_grid.open_source
    monkeypatch.setattr(native_grid, "PATIENTS", 1)
    monkeypatch.setattr(
        native_grid, "open_source", lambda *a, **more: opened.append(a) or plain(*a, **more)
    )
    run = native(scans)
    before = measure_native(run).counts
    assert len(opened) == 1
    # Another measurement looks at the folders again.
    scans.write("B.nii.gz", labels())
    after = measure_native(run).counts
    assert len(opened) == 2 and after["tp"].sum() > before["tp"].sum()


def test_a_patient_s_scans_of_two_grids_have_no_distance(tmp_path):
    truth = tmp_path / "truth"
    case(truth, "P1_a", 0)
    case(truth, "P1_b", 5)
    save(labels((8, 5, 4)), truth / "P1_b" / "P1_b_seg.nii.gz")
    for number, channel in enumerate(("t2", "adc")):
        save(np.arange(160).reshape(8, 5, 4).astype(np.int16) + number,
             truth / "P1_b" / f"P1_b_{channel}.nii.gz")  # fmt: skip
    options = {"channels": {"t2": "t2", "adc": "adc"}, "classes": CLASSES, "patient": "^(P1)"}
    dataset = open_dataset("own", truth, reader="nifti", **options)
    cases, slices = index(dataset)
    listed = list_cases(cases, slices)
    assert [len(each.numbers) for each in listed] == [4, 4] and listed[1].numbers[0] == 1000
    folder = tmp_path / "predicted"
    save(labels(), folder / "P1_a.nii.gz")
    save(labels((8, 5, 4)), folder / "P1_b.nii.gz")
    source = open_source(
        folder, "{case}.nii.gz", classes=STUDY, labels={}, dataset=dataset, cases=cases
    )
    rows = slices[["patient", "slice"]].assign(subset="test")
    parts = list(native_parts(dataset, source, listed, rows, STUDY, 0.5))
    assert [part.truth.shape[2:] for part in parts] == [(6, 5), (8, 5)]
    assert all(np.isnan(part.spacing).all() for part in parts)
    assert all(np.array_equal(part.truth, part.probability) for part in parts)


def test_only_cases_of_the_split_are_read(scans):
    rows = pd.DataFrame({"patient": ["B"], "slice": [2], "subset": ["val"]})
    cases = evaluated_cases(list_cases(scans.cases, scans.slices), rows)
    assert [each.case for each in cases] == ["B"]
    scans.write("B.nii.gz", labels())
    (part,) = native_parts(scans.dataset, scans.open(), cases, rows, STUDY, 0.5)
    assert part.number == [2] and part.subset == ["val"] and part.truth.shape[0] == 1


@pytest.mark.parametrize("code", ["LPS", "RAS"])
def test_a_data_set_of_masks_alone(tmp_path, code):
    for name in "AB":
        save(labels(), tmp_path / f"{name}.nii.gz", code)
    options = {"reader": "nifti", "channels": {}, "classes": CLASSES, "mask": "{case}.nii.gz"}
    dataset = open_dataset("own", tmp_path, **options)
    assert dataset.cases() == ["A", "B"]
    volume = dataset.load("A")
    assert volume.image.shape == (DEPTH, 0, *SHAPE[:2])
    assert volume.mask.sum() == (labels() > 0).sum()
    report = dataset.inspect("A")
    assert not report.problems and report.facts["intensity"] == {}
    assert [finding.kind for finding in dataset.compare([report])] == []
    write_index_group(dataset, ["A", "B"], tmp_path / "group.json", [])


def test_pictures_of_masks_alone(tmp_path):
    pictures(tmp_path)
    options = {"channels": {}, "classes": CLASSES, "mask": "{case}/{case}_{slice}.png"}
    dataset = open_dataset("own", tmp_path, reader="images", **options)
    volume = dataset.load("A")
    assert volume.image.shape == (DEPTH, 0, *SHAPE[:2]) and volume.slices.tolist() == [0, 1, 2, 3]
    assert not dataset.inspect("A").problems


def test_no_mask_says_what_was_looked_for(tmp_path):
    options = {"channels": {}, "classes": CLASSES, "mask": "{case}.nii.gz"}
    with pytest.raises(CaseError, match=r"no file that fits '\{case\}\.nii\.gz'"):
        open_dataset("own", tmp_path, reader="nifti", **options)


def test_no_distances_are_measured_where_none_are_asked_for(scans):
    scans.write("A.nii.gz", labels())
    run = native(scans)
    whole, quick = measure_native(run), measure_native(run, distances=False)
    assert len(whole.distances) and not len(quick.distances)
    pd.testing.assert_frame_equal(whole.counts, quick.counts)
