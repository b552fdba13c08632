"""The reader of NIfTI volumes that any page can use."""

import numpy as np
import pytest
from own_files import CHANNELS, CLASSES, EDGES, SHAPE, case, labels, nnunet, save, volume

from gliomake.datasets import CaseError, open_dataset

VERSION_2 = {
    "channel_names": {"0": "T2", "1": "ADC"},
    "labels": {"background": 0, "core": [1, 3], "oedema": 2},
}
VERSION_1 = {
    "modality": {"0": "t2", "1": "adc"},
    "labels": {"0": "background", "1": "necrosis", "2": "oedema", "3": "enhancing"},
}


def opened(root, **more):
    options = {"channels": CHANNELS, "classes": CLASSES} | more
    return open_dataset("mine", root, reader="nifti", **options)


def refused(root, name: str, **more) -> str:
    """What the one problem of a case says; it has a remedy."""
    (problem,) = opened(root, **more).inspect(name).problems
    assert problem.case == name and "; " in problem.message
    return problem.message


def test_a_folder_a_case_is_understood_without_a_pattern(tmp_path):
    for seed, name in enumerate(("p1", "p2")):
        case(tmp_path, name, seed)
    dataset = opened(tmp_path)
    assert (dataset.name, dataset.cases()) == ("mine", ["p1", "p2"])
    loaded = dataset.load("p2", ["adc"])
    np.testing.assert_array_equal(loaded.image[:, 0], volume(2).transpose(2, 0, 1))
    np.testing.assert_array_equal(loaded.mask[:, 0], np.isin(labels(), (1, 3)).transpose(2, 0, 1))
    np.testing.assert_array_equal(loaded.mask[:, 1], (labels() == 2).transpose(2, 0, 1))
    assert loaded.patient == "p2"
    report = dataset.inspect("p1")
    assert not report.problems and report.slices[1]["core"] == 2
    assert report.facts["labels"] == {"0": 116, "1": 1, "2": 2, "3": 1}


@pytest.mark.parametrize("code", ["LPS", "RAS", "LAS", "PIR", "SRA"])
def test_slices_are_axial_and_edges_go_with_them_however_a_volume_lies(tmp_path, code):
    case(tmp_path, "p1", code=code)
    loaded = opened(tmp_path).load("p1")
    np.testing.assert_array_equal(loaded.image[:, 0], volume(0).transpose(2, 0, 1))
    np.testing.assert_array_equal(loaded.mask[:, 1], (labels() == 2).transpose(2, 0, 1))
    assert loaded.spacing == pytest.approx(EDGES)


def test_a_volume_is_taken_as_stored_on_request(tmp_path):
    case(tmp_path, "p1", code="PIR")
    loaded = opened(tmp_path, orientation="stored").load("p1")
    assert loaded.image.shape == (SHAPE[0], 2, SHAPE[1], SHAPE[2])
    assert loaded.spacing == pytest.approx((EDGES[1], EDGES[2], EDGES[0]))


@pytest.mark.parametrize("depth", ["", "Dataset007_Mine"])
def test_the_raw_layout_of_nnunet_is_understood_without_a_pattern(tmp_path, depth):
    nnunet(tmp_path / depth, VERSION_2)
    dataset = opened(tmp_path, classes={"core": [], "oedema": []})
    assert dataset.cases() == ["A", "B"]
    loaded = dataset.load("B", ["adc", "t2"])
    np.testing.assert_array_equal(loaded.image[:, 0], volume(11).transpose(2, 0, 1))
    assert loaded.mask.sum(axis=(0, 2, 3)).tolist() == [2, 2]


def test_labels_by_number_and_modalities_are_version_1_of_nnunet(tmp_path):
    nnunet(tmp_path, VERSION_1)
    dataset = opened(tmp_path, classes={"enhancing": [], "core": [1, 3], "oedema": [2]})
    assert dataset.load("A").mask.sum(axis=(0, 2, 3)).tolist() == [1, 2, 2]


def test_channels_by_their_numbers_need_no_description(tmp_path):
    nnunet(tmp_path, None)
    numbers = {"t2": "0000", "adc": "0001"}
    loaded = opened(tmp_path, channels=numbers).load("A", ["adc"])
    np.testing.assert_array_equal(loaded.image[:, 0], volume(1).transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("description", "more", "words"),
    [
        (VERSION_2, {"channels": {"t1": "t1"}}, "channels T2, ADC, and none called 't1'"),
        (VERSION_2, {"classes": {"cyst": []}}, "labels background, core, oedema, and none called"),
        (VERSION_2, {"classes": {"core": [1], "oedema": [2]}}, "label 1, 3 for core"),
        ({"labels": 3}, {}, "no channel_names and labels in it"),
        (None, {}, "what the channels 0000, 0001, ... are"),
    ],
)
def test_a_description_that_contradicts_the_page_is_one_error(tmp_path, description, more, words):
    nnunet(tmp_path, description)
    with pytest.raises(CaseError, match=r"dataset\.json") as error:
        opened(tmp_path, **more)
    assert words in str(error.value)


def test_a_pattern_says_which_file_is_what(tmp_path):
    for visit in (1, 2):
        for channel in ("T2w", "ADC"):
            save(volume(visit), tmp_path / f"sub-01/ses-{visit}/anat/x_{channel}.nii")
        save(labels(), tmp_path / f"masks/sub-01_ses-{visit}.nii.gz")
    dataset = opened(
        tmp_path,
        channels={"t2": "T2w", "adc": "ADC"},
        files="{patient}/{case}/anat/*_{channel}.nii",
        mask="masks/{patient}_{case}.nii.gz",
    )
    assert dataset.cases() == ["sub-01_ses-1", "sub-01_ses-2"]
    first, second = map(dataset.load, dataset.cases())
    assert first.patient == second.patient == "sub-01"
    assert not set(first.slices) & set(second.slices)


def test_the_patient_and_the_stratum_are_in_the_name_of_the_case(tmp_path):
    for name in ("hgg_007_a", "hgg_007_b", "lgg_1_a"):
        case(tmp_path, name)
    dataset = opened(tmp_path, patient=r"_(\d+)_", strata=r"^(\w+?)_")
    assert [dataset.load(name).patient for name in dataset.cases()] == ["007", "007", "1"]
    assert [row["stratum"] for row in dataset.metadata().values()] == ["hgg", "hgg", "lgg"]


def test_a_case_that_the_expression_of_patients_does_not_fit(tmp_path):
    case(tmp_path, "p1")
    assert "the expression `patient: x(.)` does not fit" in refused(tmp_path, "p1", patient="x(.)")


def test_strata_come_from_a_table(tmp_path):
    case(tmp_path, "p1")
    case(tmp_path, "p2")
    (tmp_path / "cases.csv").write_text("Case;age;Grade\np1;50;high\n")
    dataset = opened(tmp_path, strata={"table": "cases.csv", "column": "grade"})
    assert [row["stratum"] for row in dataset.metadata().values()] == ["high", ""]
    assert [f.cases for f in dataset.compare([]) if f.kind == "not-in-table"] == [("p2",)]
    assert dataset.check_root() == []


def test_a_table_of_strata_that_cannot_be_read_is_a_problem_of_the_set(tmp_path):
    case(tmp_path, "p1")
    (tmp_path / "cases.csv").write_text("name,grade\np1,high\n")
    for table, words in (("cases.csv", "no case and no patient"), ("no.csv", "no such file")):
        dataset = opened(tmp_path, strata={"table": table, "column": "grade"})
        assert words in dataset.check_root()[0].message


def test_a_label_that_no_class_has_is_refused_by_name(tmp_path):
    mask = labels()
    mask[0, 0, 0] = 7
    case(tmp_path, "p1", mask=mask)
    message = refused(tmp_path, "p1")
    assert "labels 7 (1 voxels), expected 0: background; 1, 3: core; 2: oedema" in message
    assert "ignore_labels" in message
    assert opened(tmp_path, ignore_labels=[7]).load("p1").mask.sum() == 4


def test_the_name_of_an_unknown_label_is_that_of_the_description(tmp_path):
    nnunet(tmp_path, VERSION_1)
    message = refused(tmp_path, "A", classes={"core": [1], "oedema": [2]})
    assert "labels 3 'enhancing' (1 voxels)" in message


def test_one_class_without_labels_is_every_label(tmp_path):
    case(tmp_path, "p1")
    dataset = opened(tmp_path, classes={"tumour": []}, ignore_labels=[3])
    assert dataset.load("p1").mask.sum() == 3


def test_several_classes_without_labels_are_an_error(tmp_path):
    case(tmp_path, "p1")
    with pytest.raises(CaseError, match=r"no labels for oedema.*oedema: \{labels: \[1\]\}"):
        opened(tmp_path, classes={"core": [1, 3], "oedema": []})


def test_a_channel_that_a_case_lacks_is_named(tmp_path):
    case(tmp_path, "p1")
    (tmp_path / "p1" / "p1_adc.nii.gz").unlink()
    message = refused(tmp_path, "p1")
    assert "no file for channel adc (the case has p1_t2.nii.gz, p1_seg.nii.gz)" in message


def test_two_files_for_one_channel_are_named(tmp_path):
    case(tmp_path, "p1")
    save(volume(1), tmp_path / "p1" / "p1_adc.nii")
    assert "p1_adc.nii and p1_adc.nii.gz for channel adc" in refused(tmp_path, "p1")


def test_a_mask_without_images_and_images_without_a_mask(tmp_path):
    case(tmp_path, "p1")
    case(tmp_path, "p2")
    for channel in CHANNELS:
        (tmp_path / "p1" / f"p1_{channel}.nii.gz").unlink()
    (tmp_path / "p2" / "p2_seg.nii.gz").unlink()
    assert "a mask without images" in opened(tmp_path).inspect("p1").problems[0].message
    assert "no file for mask" in refused(tmp_path, "p2")


def test_a_pattern_that_nothing_fits_says_what_lies_there(tmp_path):
    case(tmp_path, "p1")
    with pytest.raises(CaseError) as error:
        opened(tmp_path, files="{case}/{channel}.nii", mask="{case}/mask.nii")
    for part in ("no file that fits '{case}/{channel}.nii'", "p1/p1_adc.nii.gz", "`files`"):
        assert part in str(error.value)


def test_a_mask_on_another_grid_is_refused(tmp_path):
    case(tmp_path, "p1")
    save(labels(), tmp_path / "p1" / "p1_seg.nii.gz", edges=(1, 1, 5))
    assert "spacing" in refused(tmp_path, "p1")


def test_the_same_volume_twice_is_a_finding(tmp_path):
    for name in ("p1", "p2"):
        case(tmp_path, name)
    dataset = opened(tmp_path)
    reports = [dataset.inspect(name) for name in dataset.cases()]
    assert "duplicate-cases" in {finding.kind for finding in dataset.compare(reports)}
