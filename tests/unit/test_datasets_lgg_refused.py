"""LGG sets as users have them: linked, locked, renamed, converted, with masks that are none."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from gliomake.datasets import CaseError, open_dataset
from gliomake.datasets.base import Volume
from gliomake.datasets.lgg_truth import doubtful_slices
from gliomake.datasets.root import AccessError
from gliomake.phantom.lgg import write_lgg

SIZE = 32
WIDE = "".join(chr(ord(letter) + 0xFEE0) for letter in "TCGA")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    root = tmp_path_factory.mktemp("lgg") / "kaggle_3m"
    write_lgg(root, 3, 0, slices=8, size=SIZE)
    return root


@pytest.fixture
def root(pristine, tmp_path):
    return Path(shutil.copytree(pristine, tmp_path / "kaggle_3m"))


def opened(root, **options):
    return open_dataset("lgg", root, size=SIZE, **options)


def problems(dataset):
    found = [problem for case in dataset.cases() for problem in dataset.inspect(case).problems]
    return [*dataset.check_root(), *found]


def by_kind(dataset):
    reports = [dataset.inspect(case) for case in dataset.cases()]
    assert not any(report.problems for report in reports)
    return {finding.kind: finding for finding in dataset.compare(reports)}


def rename_all(root, folder=str, file=str):
    for case in [path for path in root.iterdir() if path.is_dir()]:
        for path in list(case.iterdir()):
            path.rename(case / file(path.name))
        case.rename(root / folder(case.name))


def redraw(root, draw):
    """Draw each mask anew from the mask and its image."""
    for path in root.glob("*/*_mask.tif"):
        image = tifffile.imread(path.with_name(path.name.replace("_mask", "")))
        drawn = draw(tifffile.imread(path), image).astype(np.uint8)
        tifffile.imwrite(path, drawn, photometric="rgb" if drawn.ndim == 3 else "minisblack")


# ---- files that are none, that lie elsewhere, that the machine cannot read


def test_hidden_twins_of_every_file_are_ignored(root):
    for path in [path for path in root.rglob("*") if path.is_file()]:
        (path.parent / f"._{path.name}").write_bytes(bytes(64))
    for folder in [root, *root.glob("TCGA*")]:
        (folder / ".DS_Store").write_bytes(b"Bud1")
    (root / "._TCGA_CS_0000_19990101").mkdir()
    dataset = opened(root)
    assert problems(dataset) == []
    assert by_kind(dataset) == {}


@pytest.mark.parametrize("what", ["pipe", "folder", "link", "dangling", "loop"])
def test_what_is_no_file_is_refused(root, tmp_path, what):
    (tmp_path / "secret").write_bytes(b"x")
    dataset = opened(root)
    case = dataset.cases()[0]
    path = root / case / f"{case}_2.tif"
    path.unlink()
    message = {
        "pipe": "a device, pipe or socket",
        "folder": "a folder",
        "link": "a link that leads out of the data set's root.*links: anywhere",
        "dangling": "a link to nowhere, which is not there",
        "loop": "Too many levels of symbolic links",
    }[what]
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to({"link": tmp_path / "secret", "dangling": "nowhere"}.get(what, path.name))
    with pytest.raises(CaseError, match=message):
        dataset.load(case)
    assert [Path(problem.file) for problem in problems(dataset)] == [path]


def test_a_case_folder_that_leads_out_is_one_problem(root, tmp_path):
    case = opened(root).cases()[0]
    (root / case).rename(tmp_path / case)
    (root / case).symlink_to(tmp_path / case)
    (problem,) = problems(opened(root))
    assert problem.file == str(root / case)
    assert "links: anywhere" in problem.message
    assert opened(root, links="anywhere").load(case).slices.tolist() == list(range(1, 9))


def test_a_set_behind_a_link_out_of_the_root_is_explained(root, tmp_path):
    (tmp_path / "above").mkdir()
    (tmp_path / "above" / "kaggle_3m").symlink_to(root)
    with pytest.raises(CaseError, match=r"kaggle_3m, a link that leads out.*links: anywhere"):
        opened(tmp_path / "above")
    assert len(opened(tmp_path / "above", links="anywhere").cases()) == 3
    assert len(opened(tmp_path / "above" / "kaggle_3m").cases()) == 3


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.EAGAIN, errno.ESTALE])
@pytest.mark.parametrize("name", ["_2.tif", "_2_mask.tif", "data.csv"])
def test_what_the_machine_cannot_read_is_no_damage(root, monkeypatch, code, name):
    dataset = opened(root)
    case = dataset.cases()[0]
    true_open = os.open

    def refuse(path, *args, **kwargs):
        if Path(path).name in (case + name, name):
            raise OSError(code, os.strerror(code), str(path))
        return true_open(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    for call in [dataset.check_root, lambda: dataset.inspect(case), lambda: dataset.load(case)]:
        if (call == dataset.check_root) == (name == "data.csv"):
            with pytest.raises(AccessError, match=os.strerror(code)):
                call()


def test_a_folder_that_cannot_be_listed_is_passed_over(root, monkeypatch):
    (root / "private").mkdir()
    true_list = os.listdir

    def refuse(path):
        if Path(path).name == "private":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return true_list(path)

    monkeypatch.setattr(os, "listdir", refuse)
    dataset = opened(root)
    assert problems(dataset) == []
    assert by_kind(dataset)["passed-over"].files == (str(root / "private"),)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"slice_pixels": SIZE * SIZE - 1}, r"1024 pixels.*at most 1023 \(limits.slice_pixels\)"),
        ({"file_bytes": 1000}, r"bytes, expected at most 1000 \(limits.file_bytes\)"),
    ],
)
def test_limits_of_the_configuration_hold(pristine, limits, message):
    dataset = opened(pristine, limits=limits)
    with pytest.raises(CaseError, match=message):
        dataset.load(dataset.cases()[0])


def test_a_file_far_larger_than_its_slice_is_not_read(root, monkeypatch):
    dataset = opened(root)
    case = dataset.cases()[0]
    path = root / case / f"{case}_2.tif"
    os.truncate(path, 1 << 30)
    true_open = os.open

    def unwanted(opened_path, *args, **kwargs):
        assert opened_path != path
        return true_open(opened_path, *args, **kwargs)

    monkeypatch.setattr(os, "open", unwanted)
    with pytest.raises(CaseError, match="1073741824 bytes, expected at most 786432 for a slice"):
        dataset.load(case)


# ---- names


@pytest.mark.parametrize(
    ("folder", "file", "message"),
    [
        (str.lower, str, "3 folders of another spelling, such as 'tcga_"),
        (str.lower, str.lower, "3 folders of another spelling"),
        (lambda name: name.replace("_", "-"), str, "3 folders of another spelling, such as 'TCGA-"),
        (lambda name: name.rpartition("_")[0], str, "3 folders of another spelling"),
        (lambda name: name + " (1)", str, r"3 folders of another spelling, such as '.* \(1\)'"),
        (lambda name: name.replace("TCGA", WIDE), str, "3 folders of another spelling"),
        (str, lambda name: name + "f", r"'TCGA_.*\.tiff' and no slice of the download's names"),
        (str, lambda name: name.replace(".tif", ".TIF"), r"_1\.TIF' and no slice.*names in the d"),
        (str, lambda name: name.replace(".tif", ".png"), r"_1\.png' .*take the original TIFFs"),
        (str, lambda name: name.replace("_", "-"), "and no slice of the download's names"),
    ],
)
def test_a_set_spelt_otherwise_throughout_is_one_line(root, folder, file, message):
    rename_all(root, folder, file)
    with pytest.raises(CaseError, match=message) as refused:
        opened(root.parent)
    assert "\n" not in str(refused.value)


def test_the_root_is_one_patient_or_an_archive(root, tmp_path):
    case = opened(root).cases()[0]
    with pytest.raises(CaseError, match=r"slices of one patient.*point the root at the folder a"):
        opened(root / case)
    (tmp_path / "fetched").mkdir()
    (tmp_path / "fetched" / "archive.zip").write_bytes(b"PK")
    with pytest.raises(CaseError, match=r"archive\.zip, not unpacked.*unpack it"):
        opened(tmp_path / "fetched")


@pytest.mark.parametrize("suffix", [".png", ".TIF"])
def test_one_misspelt_folder_is_a_problem_whatever_its_pictures(root, suffix):
    case = opened(root).cases()[0]
    for path in list((root / case).iterdir()):
        path.rename(path.with_suffix(suffix))
    (root / case).rename(root / case.lower())
    (problem,) = problems(opened(root))
    assert problem.file == str(root / case.lower())
    assert f"16 {suffix} files" in problem.message


def test_numbers_of_nine_digits_are_a_finding_and_take_no_memory(root):
    case = opened(root).cases()[0]
    for suffix in (".tif", "_mask.tif"):
        (root / case / f"{case}_8{suffix}").rename(root / case / f"{case}_300000000{suffix}")
    dataset = opened(root)
    assert dataset.load(case).slices.tolist() == [1, 2, 3, 4, 5, 6, 7, 300_000_000]
    message = by_kind(dataset)["slice-gap"].message
    assert message == "slice numbers 8 to 299999999 are not there (299999992 in all)"


def test_a_number_of_ten_digits_is_no_number(root):
    dataset = opened(root)
    case = dataset.cases()[0]
    (root / case / f"{case}_8.tif").rename(root / case / f"{case}_3000000000.tif")
    with pytest.raises(CaseError, match=r"_3000000000\.tif: found an unexpected name"):
        dataset.load(case)


def test_a_fault_of_every_file_is_one_problem_of_its_case(root):
    rename_all(root, file=lambda name: name.replace("_mask.tif", "_mask.png"))
    found = problems(opened(root))
    assert len(found) == 3
    assert all("image without a mask" in problem.message for problem in found)
    assert all("so have 7 more files of this case" in problem.message for problem in found)


# ---- masks


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda mask, image: mask // 255, "mask values 1, .*write 255 where the tumour is"),
        (lambda mask, image: mask // 255 * 2, "mask values 2, .*write 255 where the tumour is"),
        (
            lambda mask, image: np.maximum(mask, np.roll(mask, 1, axis=0) // 2),
            "mask values 127.*blurred its edge",
        ),
        (lambda mask, image: image[..., 1], "a channel of the image as mask"),
        (lambda mask, image: image, "found 32x32x3 uint8, expected 32x32 uint8"),
        (lambda mask, image: mask[1:], "found 31x32 uint8, expected 32x32 uint8"),
    ],
)
def test_a_mask_of_other_values_is_refused_with_the_remedy_that_helps(root, draw, message):
    redraw(root, draw)
    dataset = opened(root)
    with pytest.raises(CaseError, match=message):
        dataset.load(dataset.cases()[0])


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.int8])
def test_a_mask_of_another_type_is_refused(root, dtype):
    dataset = opened(root)
    case = dataset.cases()[0]
    path = root / case / f"{case}_4_mask.tif"
    mask = (tifffile.imread(path) // 255).astype(dtype)
    tifffile.imwrite(path, mask, photometric="minisblack")
    with pytest.raises(CaseError, match=f"found 32x32 {np.dtype(dtype)}, .*plain TIFF.*8 bits"):
        dataset.load(case)


def head(image):
    return image.max(axis=-1) > 10


@pytest.mark.parametrize(
    ("draw", "kinds"),
    [
        (lambda mask, image: 255 - mask, {"mostly-tumour", "tumour-outside-head"}),
        (lambda mask, image: 255 + 0 * mask, {"mostly-tumour", "tumour-outside-head"}),
        (lambda mask, image: 255 * head(image), {"mostly-tumour"}),
        (lambda mask, image: 255 * head(image) - mask, {"mostly-tumour"}),
        (lambda mask, image: 255 * ~head(image), {"mostly-tumour", "tumour-outside-head"}),
        (lambda mask, image: np.roll(mask, SIZE // 2, axis=1), {"tumour-outside-head"}),
        (lambda mask, image: mask, set()),
        (lambda mask, image: 0 * mask, set()),
    ],
)
def test_a_truth_that_contradicts_its_image_is_a_finding(root, draw, kinds):
    redraw(root, draw)
    dataset = opened(root)
    found = by_kind(dataset)
    assert kinds <= found.keys()
    assert found.keys() <= kinds | {"repeated-mask"}
    for kind in kinds:
        assert found[kind].cases == tuple(dataset.cases())
        assert dataset.cases()[0] in found[kind].message


def test_a_mask_that_is_its_image_is_a_finding(root):
    case = opened(root).cases()[0]
    path = root / case / f"{case}_4"
    mask = tifffile.imread(f"{path}_mask.tif")
    assert mask.any()
    image = np.stack([mask // 2, mask, mask // 3], axis=-1)
    tifffile.imwrite(f"{path}.tif", image, photometric="rgb")
    finding = by_kind(opened(root))["mask-is-image"]
    assert finding.message == f"the mask equals a channel of its image: {case} slice 4"


def test_doubtful_slices_by_hand():
    # Six slices of 4x4: a head of 8 pixels above, dark below; what the mask is stands beside.
    image = np.zeros((6, 3, 4, 4), np.uint8)
    image[:, :, :2] = 100
    mask = np.zeros((6, 1, 4, 4), np.uint8)
    mask[1, 0, 0] = 1  # half of the head: not more
    mask[2, 0, :2, :3] = 1  # 6 of the 8 pixels
    mask[3, 0, 1:3, 0] = 1  # one of two pixels in the dark
    mask[4, 0, :, 0] = 1
    image[4] = 0  # no head at all
    mask[5, 0, 1, 1] = 1
    image[5, 2] = 255 * mask[5, 0]
    volume = Volume("a", "a", np.array([1, 2, 3, 4, 7, 9]), image, mask, None)
    assert doubtful_slices(volume) == {
        "mostly-tumour": [3],
        "tumour-outside-head": [4, 7],
        "mask-is-image": [9],
    }


def test_the_same_mask_on_every_slice_by_hand():
    image = np.full((4, 3, 4, 4), 100, np.uint8)
    mask = np.zeros((4, 1, 4, 4), np.uint8)
    mask[1:, 0, 1, 1] = 1
    volume = Volume("a", "a", np.arange(1, 5), image, mask, None)
    assert doubtful_slices(volume) == {"repeated-mask": [2, 3, 4]}
    mask[3, 0, 1, 1] = 0
    assert doubtful_slices(volume) == {}, "two alike may be chance"
    mask[3, 0, 2, 2] = 1
    assert doubtful_slices(volume) == {}
