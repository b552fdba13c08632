import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import tifffile

from gliomake.datasets import CaseError, open_dataset
from gliomake.datasets.lgg import LGGDataset, missing_sequences
from gliomake.phantom.lgg import write_lgg

SIZE = 32
REAL = Path(__file__).parents[2] / "../shared/data/lgg/kaggle_3m"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    root = tmp_path_factory.mktemp("lgg") / "kaggle_3m"
    write_lgg(root, 3, 0, slices=6, size=SIZE)
    return root


@pytest.fixture
def root(pristine, tmp_path):
    return Path(shutil.copytree(pristine, tmp_path / "kaggle_3m"))


def first(root):
    dataset = LGGDataset(root, size=SIZE)
    return dataset, dataset.cases()[0]


def findings(dataset):
    return dataset.compare([dataset.inspect(case) for case in dataset.cases()])


def by_kind(dataset):
    return {finding.kind: finding for finding in findings(dataset)}


def test_load(pristine):
    dataset, case = first(pristine)
    volume = dataset.load(case)
    assert volume.case == volume.patient == case
    assert volume.slices.tolist() == [1, 2, 3, 4, 5, 6]
    assert volume.image.shape == (6, 3, SIZE, SIZE)
    assert volume.mask.shape == (6, 1, SIZE, SIZE)
    assert volume.image.dtype == volume.mask.dtype == np.uint8
    assert set(np.unique(volume.mask)) == {0, 1}
    assert volume.spacing is None
    stored = tifffile.imread(pristine / case / f"{case}_4.tif")
    np.testing.assert_array_equal(volume.image[3], np.moveaxis(stored, -1, 0))


def test_slices_come_in_the_order_of_their_numbers(tmp_path):
    write_lgg(tmp_path, 1, 0, slices=11, size=16)
    dataset = open_dataset("lgg", tmp_path, size=16)
    assert dataset.load(dataset.cases()[0]).slices.tolist() == list(range(1, 12))


def test_load_some_channels_in_the_order_asked(pristine):
    dataset, case = first(pristine)
    whole = dataset.load(case).image
    part = dataset.load(case, ["post-contrast", "pre-contrast"]).image
    np.testing.assert_array_equal(part, whole[:, [2, 0]])


def test_load_unknown_channel(pristine):
    dataset, case = first(pristine)
    with pytest.raises(ValueError, match="t2"):
        dataset.load(case, ["t2"])


def test_sound_set_has_nothing_to_report(pristine):
    dataset, _ = first(pristine)
    assert dataset.check_root() == []
    assert findings(dataset) == []
    for case in dataset.cases():
        report = dataset.inspect(case)
        assert report.problems == []
        volume = dataset.load(case)
        assert report.slices == [
            {"slice": n, "height": SIZE, "width": SIZE, "tumour": int(volume.mask[n - 1].sum())}
            for n in range(1, 7)
        ]
        assert report.facts["intensity"]["flair"]["max"] == volume.image[:, 1].max()
        json.dumps(asdict(report))


def resave(path, change):
    tifffile.imwrite(path, change(tifffile.imread(path)))


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1000])


def rename_padded(path):
    path.rename(path.with_name(path.name.replace("_2", "_02")))


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("_2_mask.tif", Path.unlink, r"_2\.tif: found an image without a mask"),
        ("_2.tif", Path.unlink, r"_2_mask\.tif: found a mask without an image"),
        ("_2.tif", truncate, r"_2\.tif: found an unreadable file .*restore it"),
        ("_2_mask.tif", lambda p: p.write_bytes(b""), r"_2_mask\.tif: found an unreadable file"),
        ("_2.tif", lambda p: p.write_text("not a TIFF"), r"_2\.tif: found an unreadable file"),
        (
            "_2.tif",
            lambda p: resave(p, lambda a: a[:-1]),
            r"_2\.tif: found 31x32x3 uint8, expected 32x32x3 uint8",
        ),
        (
            "_2.tif",
            lambda p: resave(p, lambda a: a[..., 0]),
            r"_2\.tif: found 32x32 uint8, expected 32x32x3 uint8",
        ),
        (
            "_2.tif",
            lambda p: resave(p, lambda a: a.astype(np.uint16)),
            r"_2\.tif: found 32x32x3 uint16, expected 32x32x3 uint8",
        ),
        (
            "_2_mask.tif",
            lambda p: resave(p, lambda a: np.stack([a] * 3, -1)),
            r"_2_mask\.tif: found 32x32x3 uint8, expected 32x32 uint8",
        ),
        (
            "_2_mask.tif",
            lambda p: resave(p, lambda a: np.tri(SIZE, dtype=np.uint8)),
            r"_2_mask\.tif: found mask values 1, expected only 0 and 255",
        ),
        (
            "_2_mask.tif",
            lambda p: resave(p, lambda a: np.arange(SIZE**2).reshape(a.shape).astype(np.uint8)),
            r"found mask values 1, 2, 3, 4, 5 \.\.\.",
        ),
        ("_2.tif", rename_padded, r"_02\.tif: found an unexpected name"),
    ],
)
def test_a_damaged_case_is_refused_and_its_file_named(root, name, damage, message):
    dataset, case = first(root)
    damage(root / case / (case + name))
    with pytest.raises(CaseError, match=message):
        dataset.load(case)
    report = dataset.inspect(case)
    assert report.slices == []
    assert report.facts == {}
    assert {problem.case for problem in report.problems} == {case}
    assert str(root / case) in report.problems[0].file
    # The others are not touched by it.
    assert dataset.inspect(dataset.cases()[1]).problems == []


def test_every_defect_of_a_case_is_listed(root):
    dataset, case = first(root)
    truncate(root / case / f"{case}_2.tif")
    truncate(root / case / f"{case}_3_mask.tif")
    (root / case / f"{case}_5.tif").unlink()
    assert [Path(problem.file).name for problem in dataset.inspect(case).problems] == [
        f"{case}_5_mask.tif",
        f"{case}_2.tif",
        f"{case}_3_mask.tif",
    ]


def test_a_set_of_another_size_is_refused(pristine):
    dataset = LGGDataset(pristine)
    with pytest.raises(CaseError, match="found 32x32x3 uint8, expected 256x256x3 uint8"):
        dataset.load(dataset.cases()[0])


@pytest.mark.parametrize("case", ["TCGA_XX_0000_20000101", "..", ""])
def test_no_such_case(pristine, case):
    dataset = LGGDataset(pristine, size=SIZE)
    with pytest.raises(CaseError, match="no such case"):
        dataset.load(case)
    assert len(dataset.inspect(case).problems) == 1


def test_an_empty_case_folder_is_refused(root):
    dataset, case = first(root)
    for path in (root / case).iterdir():
        path.unlink()
    with pytest.raises(CaseError, match="found no slices"):
        dataset.load(case)


def test_slice_gap_is_reported_not_refused(root):
    dataset, case = first(root)
    for suffix in (".tif", "_mask.tif"):
        (root / case / f"{case}_3{suffix}").unlink()
    assert dataset.load(case).slices.tolist() == [1, 2, 4, 5, 6]
    gap = by_kind(dataset)["slice-gap"]
    assert gap.cases == (case,)
    assert "3" in gap.message


def test_files_and_folders_that_are_not_read_are_named(root):
    dataset, case = first(root)
    (root / case / "Thumbs.db").write_bytes(b"x")
    for name in ("old", "__MACOSX", "lost+found", ".Trash-0"):
        (root / name).mkdir()
    dataset, case = first(root)
    found = by_kind(dataset)
    assert found["ignored-files"].files == ("Thumbs.db",)
    assert found["ignored-folder"].files == ("old",)
    assert dataset.check_root() == []


def test_slices_in_a_misnamed_folder_are_a_problem(root):
    _, case = first(root)
    (root / case).rename(root / "copy of case")
    (problem,) = LGGDataset(root, size=SIZE).check_root()
    assert problem.file == str(root / "copy of case")
    assert "12 .tif files" in problem.message


@pytest.mark.parametrize(
    ("pre", "post", "missing"),
    [
        (False, False, []),
        (True, False, ["pre-contrast"]),
        (False, True, ["post-contrast"]),
        (True, True, ["pre-contrast", "post-contrast"]),
    ],
)
def test_missing_sequences(pre, post, missing):
    image = np.random.default_rng(0).integers(0, 256, (4, 3, 5, 5)).astype(np.uint8)
    image[:, 0] = image[:, 1] if pre else image[:, 0]
    image[:, 2] = image[:, 1] if post else image[:, 2]
    assert missing_sequences(image) == missing
    image[3, [0, 2]] = image[3, 1] ^ 1
    assert missing_sequences(image) == [], "one slice that differs is a sequence that is there"


def test_a_blank_case_does_not_lack_sequences():
    assert missing_sequences(np.zeros((4, 3, 5, 5), np.uint8)) == []


def test_duplicate_slices_are_found(root):
    dataset, case = first(root)
    other = dataset.cases()[1]
    shutil.copy(root / case / f"{case}_3.tif", root / case / f"{case}_4.tif")
    shutil.copy(root / case / f"{case}_2.tif", root / other / f"{other}_5.tif")
    found = by_kind(dataset)
    assert f"{case} slice 3 = {case} slice 4" in found["duplicate-slices"].message
    assert f"{case} slice 2 = {other} slice 5" in found["duplicate-slices-across-cases"].message


@pytest.mark.parametrize("where", ["kaggle_3m", "lgg-mri-segmentation/kaggle_3m"])
def test_a_folder_above_the_set_will_do(pristine, tmp_path, where):
    shutil.copytree(pristine, tmp_path / where)
    dataset = LGGDataset(tmp_path, size=SIZE)
    assert dataset.root == tmp_path / where
    assert len(dataset.cases()) == 3
    assert findings(dataset) == []


def test_the_doubled_folder_is_read_once_and_reported(pristine, tmp_path):
    for where in ("kaggle_3m", "lgg-mri-segmentation/kaggle_3m"):
        shutil.copytree(pristine, tmp_path / where)
    dataset = LGGDataset(tmp_path, size=SIZE)
    assert dataset.root == tmp_path / "kaggle_3m"
    (finding,) = findings(dataset)
    assert finding.kind == "doubled-folder"
    assert finding.files == (
        str(tmp_path / "kaggle_3m"),
        str(tmp_path / "lgg-mri-segmentation/kaggle_3m"),
    )


@pytest.mark.parametrize("kind", ["name", "size", "bytes", "table"])
def test_two_sets_that_differ_are_an_error(pristine, tmp_path, kind):
    shutil.copytree(pristine, tmp_path / "a")
    other = Path(shutil.copytree(pristine, tmp_path / "b"))
    case = sorted(path.name for path in other.iterdir() if path.is_dir())[1]
    victim = other / case / f"{case}_1.tif"
    if kind == "name":
        victim.unlink()
    elif kind == "size":
        truncate(victim)
    elif kind == "bytes":
        resave_bytes = bytearray(victim.read_bytes())
        resave_bytes[-1] ^= 1
        victim.write_bytes(resave_bytes)
    else:
        (other / "data.csv").unlink()
    with pytest.raises(CaseError, match="two sets that differ"):
        LGGDataset(tmp_path)


def test_no_such_folder(tmp_path):
    with pytest.raises(CaseError, match="no such folder"):
        LGGDataset(tmp_path / "nowhere")


def test_no_set_in_the_folder(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    with pytest.raises(CaseError, match=r"no case folder.*TCGA_<institution>"):
        LGGDataset(tmp_path)


@pytest.mark.parametrize("dialect", ["comma", "semicolon"])
def test_metadata_in_both_dialects(tmp_path, dialect):
    write_lgg(tmp_path, 4, 0, slices=1, size=8, dialect=dialect)
    dataset = LGGDataset(tmp_path, size=8)
    metadata = dataset.metadata()
    assert list(metadata) == dataset.cases()
    lines = (tmp_path / "data.csv").read_text().splitlines()
    separator = "," if dialect == "comma" else ";"
    columns = lines[0].split(separator)[1:]
    for line in lines[1:]:
        name, *values = line.split(separator)
        (case,) = (case for case in metadata if case.startswith(name + "_"))
        assert metadata[case] == {
            "stratum": name.split("_")[1],
            "folder": case,
            **{key: value or None for key, value in zip(columns, values, strict=True)},
        }


def test_a_patient_that_the_table_lacks(root):
    table = root / "data.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:-1], "TCGA_ZZ_1111" + "," * 17]))
    dataset, _ = first(root)
    unlisted = next(case for case in dataset.cases() if case.startswith(lines[-1].split(",")[0]))
    found = by_kind(dataset)
    assert found["not-in-table"].cases == (unlisted,)
    assert found["not-in-folder"].cases == ("TCGA_ZZ_1111",)
    row = dataset.metadata()[unlisted]
    assert row["stratum"] == unlisted.split("_")[1]
    assert row["gender"] is None


def test_without_a_table_there_is_still_a_stratum(root):
    (root / "data.csv").unlink()
    dataset, case = first(root)
    assert dataset.check_root() == []
    assert "no-table" in by_kind(dataset)
    assert dataset.metadata()[case] == {"stratum": case.split("_")[1], "folder": case}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected the column Patient first"),
        ("a,b\n1,2\n", "header 'a,b'"),
        ("Patient,x\nTCGA_A_1,2,3\n", "3 values in line 2, expected 2"),
        ("Patient;x\r\nTCGA_A_1;2\r\nTCGA_A_1;3\r\n", "TCGA_A_1 again in line 3"),
    ],
)
def test_a_damaged_table(root, text, message):
    (root / "data.csv").write_text(text, newline="")
    dataset, _ = first(root)
    (problem,) = dataset.check_root()
    assert problem.file == str(root / "data.csv")
    assert message in problem.message
    assert dataset.metadata() == {
        case: {"stratum": case.split("_")[1], "folder": case} for case in dataset.cases()
    }
    assert findings(dataset) == []


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data is not beside the repository")
class TestReal:
    def test_cases_and_findings(self):
        dataset = LGGDataset(REAL)
        assert len(dataset.cases()) == 24
        assert dataset.check_root() == []
        assert len(dataset.table()) == 110
        watched = ["TCGA_DU_7013_19860523", "TCGA_FG_7634_20000128", "TCGA_HT_A616_19991226"]
        reports = [dataset.inspect(case) for case in [*watched, "TCGA_CS_4942_19970222"]]
        assert [report.facts["missing_sequences"] for report in reports] == [
            ["pre-contrast", "post-contrast"],
            ["post-contrast"],
            ["pre-contrast", "post-contrast"],
            [],
        ]
        assert [len(report.slices) for report in reports] == [49, 27, 28, 20]
        assert not any(report.problems for report in reports)
        assert not any(report.facts["doubtful_slices"] for report in reports)
        tumour = [row["tumour"] for row in reports[-1].slices]
        assert tumour == [0] * 8 + [956, 1257, 1539, 1383, 1216, 761] + [0] * 6

    def test_blanks_of_the_real_table(self):
        dataset = LGGDataset(REAL)
        row = dataset.metadata()["TCGA_CS_4942_19970222"]
        assert (row["stratum"], row["ethnicity"], row["death01"]) == ("CS", None, "1")
