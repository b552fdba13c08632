"""The releases of BraTS: names, labels, and that the one asked for is the one that is read."""

import nibabel
import numpy as np
import pytest
from brats_files import write_case

from gliomake.datasets import CaseError, open_dataset
from gliomake.datasets.brats import BratsDataset
from gliomake.datasets.brats_releases import RELEASES, releases_of

CODED = ("-t1n", "-t1c", "-t2w", "-t2f")
PLAIN = ("_t1", "_t1ce", "_t2", "_flair")

# Release, data set, a case's name, suffixes, labels, and how many voxels each class then has.
PUBLISHED = {
    "2017": ("brats2020", "HGG/Brats17_CBICA_AAB_1", PLAIN, (1, 2, 4), (1, 2, 4)),
    "2018": ("brats2020", "LGG/Brats18_2013_0_1", PLAIN, (1, 2, 4), (1, 2, 4)),
    "2019": ("brats2020", "HGG/BraTS19_TCIA01_235_1", PLAIN, (1, 2, 4), (1, 2, 4)),
    "2020": ("brats2020", "BraTS20_Training_001", PLAIN, (1, 2, 4), (1, 2, 4)),
    "2021": ("brats2021", "BraTS2021_00000", PLAIN, (1, 2, 4), (1, 2, 4)),
    "2023-GLI": ("brats2021", "BraTS-GLI-00000-000", CODED, (1, 2, 3), (1, 2, 3)),
    "2023-SSA": ("brats2021", "BraTS-SSA-00002-000", CODED, (1, 2, 3), (1, 2, 3)),
    "2023-PED": ("brats2021", "BraTS-PED-00002-000", CODED, (1, 2, 3), (1, 2, 3)),
    "2023-MEN": ("brats2021", "BraTS-MEN-00004-000", CODED, (1, 2, 3), (1, 2, 3)),
    "2023-MET": ("brats2021", "BraTS-MET-00002-000", CODED, (1, 2, 3), (1, 2, 3)),
    # The cavity (4) is no tumour.
    "2024-GLI": ("brats2021", "BraTS-GLI-02060-100", CODED, (1, 2, 3, 4), (1, 2, 3)),
    "2024-SSA": ("brats2021", "BraTS-SSA-00002-000", CODED, (1, 2, 3), (1, 2, 3)),
    # 1 ET, 2 NET and 3 CC (both NEC), 4 ED.
    "2024-PED": ("brats2021", "BraTS-PED-00002-000", CODED, (1, 2, 3, 4), (5, 4, 1)),
    "2024-MET": ("brats2021", "BraTS-MET-00002-000", CODED, (1, 2, 3), (1, 2, 3)),
}


def write(root, release):
    _, path, suffixes, labels, _ = PUBLISHED[release]
    write_case(root / path, path.rpartition("/")[2], suffixes, labels)
    return path.rpartition("/")[2]


def test_every_release_has_a_row_here_but_the_decathlon():
    assert set(PUBLISHED) == set(RELEASES) - {"decathlon"}


@pytest.mark.parametrize("release", PUBLISHED)
def test_each_release_is_read_by_its_own_names_and_labels(tmp_path, release):
    name, _, _, _, voxels = PUBLISHED[release]
    case = write(tmp_path, release)
    dataset = open_dataset(name, tmp_path, release=release)
    report, volume = dataset.inspect(case), dataset.load(case)
    assert not report.problems
    assert volume.mask.sum(axis=(0, 2, 3)).tolist() == list(voxels)  # NEC, ED, ET
    assert volume.image[0, :, 3, 3].tolist() == [100, 200, 300, 400]
    assert report.facts["release"] == release
    kinds = [finding.kind for finding in dataset.compare([report])]
    assert ("release" in kinds) == (release not in ("2020", "2021"))
    assert ("no-tumour-label" in kinds) == (release == "2024-GLI")


@pytest.mark.parametrize(
    ("name", "number"), [("brats2020", 2020), ("brats2021", 2021), ("brats2021", "2023-gli")]
)
def test_a_release_may_be_a_number_or_in_small_letters(tmp_path, name, number):
    write(tmp_path, str(number).upper())
    assert open_dataset(name, tmp_path, release=number).cases()


def test_the_grade_is_the_folder_up_to_2019(tmp_path):
    for grade, case in (("HGG", "Brats18_2013_3_1"), ("LGG", "Brats18_2013_4_1")):
        write_case(tmp_path / "MICCAI_BraTS_2018_Data_Training" / grade / case, case)
    rows = open_dataset("brats2020", tmp_path).metadata()
    assert {case: (row["stratum"], row["grade"]) for case, row in rows.items()} == {
        "Brats18_2013_3_1": ("HGG", "HGG"),
        "Brats18_2013_4_1": ("LGG", "LGG"),
    }


def test_a_grade_that_folder_and_table_give_differently_is_listed(tmp_path):
    write(tmp_path, "2019")
    (tmp_path / "name_mapping.csv").write_text(
        "Grade,BraTS_2019_subject_ID\nLGG,BraTS19_TCIA01_235_1\n"
    )
    dataset = open_dataset("brats2020", tmp_path)
    assert dataset.metadata()["BraTS19_TCIA01_235_1"]["grade"] == "LGG"
    findings = dataset.compare([dataset.inspect(case) for case in dataset.cases()])
    assert ["BraTS19_TCIA01_235_1"] in [list(f.cases) for f in findings if f.kind == "grade"]


# ---- what was asked for


@pytest.mark.parametrize(
    ("name", "release", "other"),
    [("brats2020", "2021", "brats2021"), ("brats2021", "2020", "brats2020")],
)
def test_the_other_data_set_is_refused_and_taken_on_request(tmp_path, name, release, other):
    case = write(tmp_path, release)
    with pytest.raises(
        CaseError, match=rf"1 cases of BraTS {release}.*datasets.{other}.root.*release to {release}"
    ):
        open_dataset(name, tmp_path)
    dataset = open_dataset(name, tmp_path, release=release)
    (finding,) = dataset.compare([dataset.inspect(case)])
    assert finding.kind == "release"
    assert f"BraTS {release}, where BraTS 20" in finding.message


def test_slice_files_are_of_2020(brats):
    with pytest.raises(CaseError, match=r"3 cases of BraTS 2020.*datasets.brats2020.root"):
        open_dataset("brats2021", brats / "slices")
    assert open_dataset("brats2020", brats / "slices").name == "brats2020"


def test_a_release_that_is_not_there_is_refused_with_both_names(tmp_path):
    write(tmp_path, "2021")
    with pytest.raises(CaseError, match=r"1 cases of BraTS 2021, expected BraTS 2023 GLI"):
        open_dataset("brats2021", tmp_path, release="2023-GLI")
    with pytest.raises(ValueError, match=r"release '21': expected one of auto, 2017.*decathlon"):
        open_dataset("brats2021", tmp_path, release="21")


def test_several_releases_under_one_root_are_counted_and_one_can_be_chosen(tmp_path):
    for release in ("2021", "2023-MEN", "2023-GLI"):
        write(tmp_path, release)
    write_case(tmp_path / "BraTS2021_00005", "BraTS2021_00005")
    with pytest.raises(
        CaseError, match=r"2 cases of BraTS 2021 and 1 cases of BraTS 2023 GLI or.*MEN.*2023-MEN"
    ):
        open_dataset("brats2021", tmp_path)
    dataset = open_dataset("brats2021", tmp_path, release="2021")
    assert dataset.cases() == ["BraTS2021_00000", "BraTS2021_00005"]
    found = dataset.compare([dataset.inspect(case) for case in dataset.cases()])
    assert [f.message for f in found if f.kind == "left-out"] == [
        "1 cases of BraTS 2023 GLI or BraTS 2024 GLI lie beside, and were not read",
        "1 cases of BraTS 2023 MEN lie beside, and were not read",
    ]


def test_label_4_under_names_of_2023_is_refused_and_the_release_that_has_it_is_named(tmp_path):
    case = write(tmp_path, "2024-GLI")
    (problem,) = open_dataset("brats2021", tmp_path).inspect(case).problems
    assert "found labels 4 (4 voxels), expected 0, 1, 2, 3 (BraTS 2023 GLI: " in problem.message
    assert "BraTS 2024 GLI (4 resection cavity)" in problem.message
    assert "`release: 2024-GLI`" in problem.message


def test_labels_that_no_release_of_these_names_has_are_not_explained_away(tmp_path):
    write_case(tmp_path / "BraTS-GLI-00000-000", "BraTS-GLI-00000-000", CODED, (1, 5))
    (problem,) = open_dataset("brats2021", tmp_path).inspect("BraTS-GLI-00000-000").problems
    assert "found labels 5 (5 voxels)" in problem.message
    assert "2024" not in problem.message


def test_names_that_do_not_say_what_the_labels_mean_want_a_release(tmp_path):
    write(tmp_path, "2023-PED")
    with pytest.raises(CaseError, match=r"set `release`.*2023-PED: 1 NC.*2024-PED: 1 ET, 2 NET"):
        open_dataset("brats2021", tmp_path)


def test_names_of_no_release_have_none():
    for name in ("BraTS-MEN-RT-0000-1", "BraTS2021_Training_Data", "BraTS-GLI-1-000", "BRATS_001"):
        assert releases_of(name) == ()


# ---- roots without a case that can be read


def test_a_validation_set_is_one_line(tmp_path):
    for number in range(3):
        case = f"BraTS2021_{number:05d}"
        write_case(tmp_path / "a" / case, case, labels=())
        write_case(tmp_path / "b" / f"BraTS20_Validation_00{number}", "x", labels=())
    with pytest.raises(CaseError, match="3 cases of BraTS 2021, none of them with a mask"):
        open_dataset("brats2021", tmp_path / "a")
    with pytest.raises(CaseError, match=r"3 validation cases, which have no masks"):
        open_dataset("brats2020", tmp_path / "b")


def test_validation_cases_beside_the_training_cases_are_passed_over_and_said(tmp_path):
    for root, training, validation in (
        ("2020", "BraTS20_Training_001", "BraTS20_Validation_001"),
        ("2021", "BraTS2021_00000", "BraTS2021_00001"),
    ):
        write_case(tmp_path / root / "TrainingData" / training, training)
        write_case(tmp_path / root / "ValidationData" / validation, validation, labels=())
        dataset = open_dataset(f"brats{root}", tmp_path / root)
        assert dataset.cases() == [training]
        (finding,) = dataset.compare([dataset.inspect(training)])
        assert (finding.kind, len(finding.files)) == ("no-masks", 1)


def test_a_case_without_a_mask_among_others_is_refused(tmp_path):
    write(tmp_path, "2021")
    write_case(tmp_path / "BraTS2021_00001", "BraTS2021_00001", labels=())
    problems = open_dataset("brats2021", tmp_path).inspect("BraTS2021_00001").problems
    assert ["no file for mask" in problem.message for problem in problems] == [True]


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("BraTS2021_Training_Data.tar", r"not unpacked \(BraTS2021_Training_Data.tar\).*unpack"),
        ("archive.zip", "not unpacked.*unpack"),
        ("BraTS-MEN-RT-0001-1/a_t1c.nii.gz", "MEN-RT, which have t1c.*cannot be read"),
        ("BraTS-GoAT-00000/a.nii.gz", r"unknown BraTS release \(BraTS-GoAT-00000\)"),
        ("BraTS2021_00000_t1.nii.gz", "in no case's folder.*folder with the case's name"),
    ],
)
def test_a_root_without_cases_says_what_is_there_and_what_to_do(tmp_path, file, message):
    touch(tmp_path / "download" / file)
    with pytest.raises(CaseError, match=f"no BraTS case, but 1 .*{message}"):
        open_dataset("brats2021", tmp_path)


def test_cases_behind_a_link_out_of_the_root_are_named_and_read_on_request(tmp_path):
    write(tmp_path / "elsewhere", "2021")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "data").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CaseError, match=r"links that lead out.*`links: anywhere`"):
        open_dataset("brats2021", tmp_path / "root")
    assert open_dataset("brats2021", tmp_path / "root", links="anywhere").cases()
    (tmp_path / "root" / "data").unlink()
    (tmp_path / "root" / "BraTS2021_00000").symlink_to(tmp_path / "elsewhere" / "BraTS2021_00000")
    (problem, *_) = open_dataset("brats2021", tmp_path / "root").inspect("BraTS2021_00000").problems
    assert "leads out of the data set's root" in problem.message


# ---- standardised volumes


def test_volumes_standardised_before_storing_are_normalised_like_the_others(tmp_path):
    case = write(tmp_path, "2021")
    plain = open_dataset("brats2021", tmp_path).load(case).image.astype(np.float64)
    for path in (tmp_path / case).glob("*[!g].nii.gz"):
        image = nibabel.load(path)
        values = image.get_fdata()
        scored = ((values - values.mean()) / values.std()).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(scored, image.affine), path)
    dataset = open_dataset("brats2021", tmp_path)
    moved = dataset.load(case).image
    np.testing.assert_array_equal(moved == 0, plain == 0)
    for channel in range(3):
        was, now = (image[:, channel][plain[:, channel] != 0] for image in (plain, moved))
        np.testing.assert_allclose(now / now.mean(), was / was.mean(), rtol=1e-5)
    (finding,) = dataset.compare([dataset.inspect(case)])
    assert (finding.kind, finding.cases) == ("background-moved", (case,))


def test_volumes_whose_background_cannot_be_known_are_a_finding(tmp_path):
    case = write(tmp_path, "2021")
    path = tmp_path / case / f"{case}_flair.nii.gz"
    noise = np.random.default_rng(0).normal(-1, 0.1, (8, 10, 3)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(noise, nibabel.load(path).affine), path)
    dataset = BratsDataset(tmp_path)
    (finding,) = dataset.compare([dataset.inspect(case)])
    assert (finding.kind, finding.cases) == ("no-background", (case,))
