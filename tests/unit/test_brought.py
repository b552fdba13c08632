"""Predictions brought along: each format, each fault of it, scores on the scans' own grid."""

import json

import nibabel
import numpy as np
import pandas as pd
import pytest
from coco_files import BOX, ELL, SIZE, Maker
from own_files import CLASSES, SHAPE, case, labels, save
from PIL import Image
from skimage.transform import resize

from gliomake.brought import SourceError, open_source
from gliomake.brought.cases import evaluated_cases, list_cases
from gliomake.datasets import CaseError, open_dataset
from gliomake.files.predictions import write_predictions
from gliomake.prepare.index import write_index_group
from gliomake.scoring.grids import to_size
from gliomake.scoring.native import NativeRun, measure_native, native_parts

DEPTH = SHAPE[2]
STUDY = ("core", "oedema")


def index(dataset):
    """The two tables of an index, as the workflow makes them."""
    reports = [dataset.inspect(name) for name in dataset.cases()]
    described = dataset.metadata()
    assert not [problem for report in reports for problem in report.problems]
    slices = pd.DataFrame(
        [{"patient": report.patient, **row} for report in reports for row in report.slices]
    )
    cases = pd.DataFrame(
        [
            {
                "case": report.case,
                "patient": report.patient,
                "first_slice": min(row["slice"] for row in report.slices),
                "slices": len(report.slices),
                **described[report.case],
            }
            for report in reports
        ]
    )
    return cases, slices


class Scans:
    """Three patients with masks, and a folder for predictions."""

    def __init__(self, tmp_path, code="LPS", **options):
        self.truth, self.folder = tmp_path / "truth", tmp_path / "predicted"
        for seed, name in enumerate("ABC"):
            case(self.truth, name, seed, code)
        self.code = code
        self.options = {"channels": {"t2": "t2", "adc": "adc"}, "classes": CLASSES, **options}
        self.dataset = open_dataset("own", self.truth, reader="nifti", **self.options)
        self.cases, self.slices = index(self.dataset)
        self.folder.mkdir()

    def write(self, name, array, code=None, **more):
        save(np.asarray(array), self.folder / name, code or self.code, **more)

    def open(self, pattern="{case}.nii.gz", classes=STUDY, labels=None):
        return open_source(
            self.folder, pattern, classes=classes, labels=labels or {}, dataset=self.dataset,
            cases=self.cases,
        )  # fmt: skip

    def case(self, name="A"):
        return {each.case: each for each in list_cases(self.cases, self.slices)}[name]

    def truth_of(self, name="A"):
        return self.dataset.load(name).mask


@pytest.fixture
def scans(tmp_path):
    return Scans(tmp_path)


@pytest.mark.parametrize("code", ["LPS", "RAS", "PIR"])
def test_a_label_map_is_read_as_the_truth_is(tmp_path, code):
    scans = Scans(tmp_path, code)
    scans.write("A.nii.gz", labels())
    found = scans.open().read(scans.case())
    assert found.probability.dtype == np.uint8 and found.missing == 0
    np.testing.assert_array_equal(found.probability, scans.truth_of())
    assert found.files == ("A.nii.gz",)


def test_labels_of_its_own_are_counted_by_them(scans):
    scans.write("A.nii.gz", labels() * 10)
    mine = {"core": [10, 30], "oedema": [20]}
    found = scans.open(labels=mine).read(scans.case())
    np.testing.assert_array_equal(found.probability, scans.truth_of())


def test_one_class_of_another_name_is_any_label(scans):
    scans.write("A.nii.gz", labels())
    found = scans.open(classes=("tumour",)).read(scans.case())
    np.testing.assert_array_equal(found.probability[:, 0], scans.truth_of().max(axis=1))


def test_what_is_missing_is_empty_and_counted(scans):
    scans.write("A.nii.gz", labels())
    source = scans.open()
    assert source.cases() == {"A"}
    found = source.read(scans.case("B"))
    assert not found.probability.any() and found.missing == DEPTH and found.files == ()


def test_labels_stored_as_floats_are_labels(scans):
    scans.write("A.nii.gz", labels().astype(np.float32) * np.float32(1.0001))
    found = scans.open().read(scans.case())
    np.testing.assert_array_equal(found.probability, scans.truth_of())
    assert "from whole numbers" in found.note


def shares(classes=2, background=False):
    """Probabilities of a case, classes last; with the background they add up to 1."""
    values = np.random.default_rng(0).uniform(0.01, 1, (*SHAPE, classes + background))
    return (values / values.sum(axis=-1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("background", [False, True])
def test_probabilities_in_four_dimensions(scans, background):
    values = shares(background=background)
    save_4d(scans, values)
    found = scans.open().read(scans.case())
    assert found.probability.dtype == np.float32
    expected = values[..., int(background) :].transpose(2, 3, 0, 1)
    np.testing.assert_allclose(found.probability, expected, atol=1e-6)


def save_4d(scans, values, name="A.nii.gz", affine=None):
    stored = nibabel.load(scans.truth / "A" / "A_seg.nii.gz")
    affine = stored.affine if affine is None else affine
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_zooms((*stored.header.get_zooms()[:3], 1))
    nibabel.save(image, scans.folder / name)


def test_a_file_of_probabilities_a_class(scans):
    values = shares()
    for index_, name in enumerate(STUDY):
        scans.write(f"A_{name}.nii.gz", values[..., index_])
    source = scans.open("{case}_{class}.nii.gz")
    found = source.read(scans.case())
    np.testing.assert_allclose(found.probability, values.transpose(2, 3, 0, 1), atol=1e-6)
    assert found.files == ("A_core.nii.gz", "A_oedema.nii.gz")
    (scans.folder / "A_oedema.nii.gz").unlink()
    with pytest.raises(CaseError, match="no file of class oedema beside it"):
        scans.open("{case}_{class}.nii.gz").read(scans.case())


def test_one_map_of_probabilities_of_a_single_class(scans):
    values = shares()[..., 0]
    scans.write("A.nii.gz", values)
    found = scans.open(classes=("tumour",)).read(scans.case())
    np.testing.assert_allclose(found.probability[:, 0], values.transpose(2, 0, 1), atol=1e-6)


def test_overlapping_classes_are_remarked(scans):
    save_4d(scans, np.full((*SHAPE, 2), 0.9, np.float32))
    assert "add up to 1.8" in scans.open().read(scans.case()).note


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s: s.write("A.nii.gz", labels() * 2), "labels 4"),
        (lambda s: s.write("A.nii.gz", labels()[:-1]), "shape"),
        (lambda s: s.write("A.nii.gz", labels(), edges=(0.9, 0.8, 4.0)), "as in"),
        (lambda s: s.write("A.nii.gz", labels(), code="RAS"), "axes in another order"),
        (lambda s: s.write("A.nii.gz", labels() * np.float32(0.4)), "no whole numbers"),
        (lambda s: save_4d(s, shares(background=True) * 0.9), "in 120 voxels not to 1"),
        (lambda s: save_4d(s, shares() * 3), "probabilities from 0 to 1"),
        (lambda s: save_4d(s, shares() - 1), "values from -"),
        (lambda s: save_4d(s, shares(5)), "5 probabilities a voxel"),
        (lambda s: save_4d(s, shares()[:-1]), "shape"),
        (lambda s: save_4d(s, shares() * np.nan), "NaN"),
        (lambda s: save_4d(s, shares(), affine=np.diag([2.0, 2, 2, 1])), "affine"),
        (lambda s: (s.folder / "A.nii.gz").write_bytes(b"\x1f\x8b damaged"), "damaged"),
        (lambda s: (s.folder / "A.nii.gz").write_bytes(b""), "found"),
    ],
)  # fmt: skip
def test_a_spoilt_file_is_named(scans, spoil, words):
    spoil(scans)
    with pytest.raises(CaseError, match=words) as told:
        scans.open().read(scans.case())
    assert "A.nii.gz" in str(told.value)


def test_two_files_of_a_case_are_refused(scans):
    scans.write("A.nii.gz", labels())
    scans.write("A.nii", labels())
    with pytest.raises(CaseError, match=r"A\.nii and A\.nii\.gz for one case"):
        scans.open("{case}.nii*").read(scans.case())


def test_a_prediction_too_many_is_named(scans):
    scans.write("A.nii.gz", labels())
    scans.write("D.nii.gz", labels())
    with pytest.raises(SourceError, match=r"1 cases that the data set does not have: D \(D\.nii"):
        scans.open().cases()


def test_folders_without_a_common_case(scans):
    scans.write("X1.nii.gz", labels())
    with pytest.raises(SourceError, match="no prediction of any of its cases"):
        scans.open().cases()


def test_an_empty_folder_says_what_was_looked_for(scans):
    with pytest.raises(CaseError, match=r"no file that fits '\{case\}\.nii\.gz'"):
        scans.open()


def test_labels_that_nobody_explains_are_asked_for(tmp_path):
    scans = Scans(tmp_path)
    scans.write("A.nii.gz", labels())
    source = scans.open()
    source._dataset = type("Other", (), {"name": "other", "classes": STUDY})()
    with pytest.raises(SourceError, match=r"say it in `predictions\.labels`"):
        source.read(scans.case())


# Pictures


LABELS = labels()


def pictures(folder, name="A", values=LABELS, numbers=range(DEPTH), suffix=".png"):
    (folder / name).mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.fromarray(values[:, :, number]).save(folder / name / f"{name}_{number}{suffix}")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_pictures_of_slices(scans, suffix):
    pictures(scans.folder, suffix=suffix)
    found = scans.open("{case}/{case}_{slice}" + suffix).read(scans.case())
    np.testing.assert_array_equal(found.probability, scans.truth_of())
    assert found.missing == 0 and len(found.files) == DEPTH


def test_a_missing_slice_is_empty_and_counted(scans):
    pictures(scans.folder, numbers=[0, 1, 3])
    found = scans.open("{case}/{case}_{slice}.png").read(scans.case())
    assert found.missing == 1 and not found.probability[2].any()
    np.testing.assert_array_equal(found.probability[1], scans.truth_of()[1])


def test_a_picture_of_a_slice_that_is_not_there(scans):
    pictures(scans.folder)
    pictures(scans.folder, numbers=[0])
    (scans.folder / "A" / "A_0.png").rename(scans.folder / "A" / "A_17.png")
    with pytest.raises(CaseError, match="slices 17, which the truth does not have"):
        scans.open("{case}/{case}_{slice}.png").read(scans.case())


def test_a_picture_of_another_size(scans):
    pictures(scans.folder, values=labels()[:-1])
    with pytest.raises(CaseError, match=r"a picture of \(5, 5\) pixels.*A_0\.png|A_0\.png.*5, 5"):
        scans.open("{case}/{case}_{slice}.png").read(scans.case())


def test_pictures_a_class(scans):
    truth = scans.truth_of()
    for column, name in enumerate(STUDY):
        for number in range(DEPTH):
            image = Image.fromarray(truth[number, column] * 255)
            image.save(scans.folder / f"A_{number}_{name}.png")
    found = scans.open("{case}_{slice}_{class}.png").read(scans.case())
    np.testing.assert_array_equal(found.probability, truth)


# COCO results


class Results:
    """A COCO set and a results file for it."""

    def __init__(self, tmp_path):
        maker = Maker(tmp_path / "coco")
        self.dataset = maker.open()
        self.cases, self.slices = index(self.dataset)
        self.folder = tmp_path

    def open(self, items, name="results_test.json", pattern="results_{folder}.json"):
        (self.folder / name).write_text(json.dumps(items))
        return open_source(
            self.folder, pattern, classes=("tumour",), labels={}, dataset=self.dataset,
            cases=self.cases,
        )  # fmt: skip

    def case(self, name="test/a.png"):
        return {each.case: each for each in list_cases(self.cases, self.slices)}[name]


def result(segmentation, score=None, image=7):
    scored = {} if score is None else {"score": score}
    return {"image_id": image, "category_id": 3, "segmentation": segmentation, **scored}


def test_instances_are_drawn_with_their_largest_score(tmp_path):
    results = Results(tmp_path)
    rle = {"size": list(SIZE), "counts": [0, SIZE[0], SIZE[0] * (SIZE[1] - 1)]}
    source = results.open([result(BOX, 0.3), result(ELL, 0.75), result(rle)])
    found = source.read(results.case()).probability[0, 0]
    assert found.shape == SIZE
    assert (found[:, 0] == 1).all()
    assert found[5, 8] == np.float32(0.3) and found[2, 2] == 0.75 and found[19, 29] == 0
    assert source.cases() == {"test/a.png", "test/b.png"}
    assert source.read(results.case("valid/a.png")).missing == 1
    assert source.read(results.case("test/b.png")).missing == 0


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([result(BOX, image=99)], "1 instances of 1 images that the data set does not have"),
        ([result(BOX, 97)], "score 97; expected 0 to 1"),
        ([{"image_id": 7}], "entry 0 has not all of"),
        ({"annotations": []}, "found a dict; expected COCO's results, a list"),
    ],
)
def test_a_spoilt_results_file_is_named(tmp_path, items, words):
    with pytest.raises(SourceError, match=words) as told:
        Results(tmp_path).open(items)
    assert "results_test.json" in str(told.value)


def test_ids_of_several_folders_ask_for_a_file_a_folder(tmp_path):
    with pytest.raises(SourceError, match=r"give a file a folder, with \{folder\}"):
        Results(tmp_path).open([], "results.json", "results.json")


def test_a_segmentation_that_cannot_be_drawn_is_named(tmp_path):
    results = Results(tmp_path)
    source = results.open([result([[1, 2, 3]])])
    with pytest.raises(CaseError, match=r"results_test\.json.*polygon"):
        source.read(results.case())


# Our own


def stored(scans, names=STUDY, patients="A", size=(3, 4)):
    values = np.random.default_rng(1).uniform(size=(DEPTH * len(patients), len(names), *size))
    write_predictions(
        scans.folder / "predictions.h5",
        [values],
        patient=[name for name in patients for _ in range(DEPTH)],
        slice=list(range(DEPTH)) * len(patients),
        subset=["test"] * len(values),
        spacing=np.ones((len(values), 3)),
        attributes={"study": "s", "model": "m", "run": "r", "classes": names, "threshold": 0.5},
    )
    return values.astype(np.float16).astype(np.float32)


def test_our_own_predictions_are_brought_to_the_scan(scans):
    values = stored(scans, names=("oedema", "core"))
    found = scans.open("predictions.h5").read(scans.case())
    np.testing.assert_allclose(found.probability, to_size(values[:, ::-1], SHAPE[:2]), atol=1e-6)
    assert scans.open("predictions.h5").cases() == {"A"}
    assert scans.open("predictions.h5").read(scans.case("B")).missing == DEPTH


def test_our_own_predictions_of_others(scans):
    stored(scans, patients="AX")
    with pytest.raises(SourceError, match=r"slices of 1 patients .* \(X\)"):
        scans.open("predictions.h5").cases()
    stored(scans, names=("core", "other"))
    with pytest.raises(SourceError, match="expected oedema as well"):
        scans.open("predictions.h5")


# The scans' own grid


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


# Masks alone


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
