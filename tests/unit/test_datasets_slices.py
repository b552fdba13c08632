"""Pictures of slices as any page can describe them."""

import numpy as np
import pytest
from PIL import Image

from gliomake.datasets import CaseError, open_dataset

SIZE = (7, 5)
FILES, MASK = "{case}/{case}_{slice}.png", "{case}/{case}_{slice}_mask.png"
LABELS = {"core": [1], "rim": [2, 3]}


def grey(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, SIZE).astype(np.uint8)


def mask() -> np.ndarray:
    found = np.zeros(SIZE, np.uint8)
    found[1, 1], found[2, 2:4], found[3, 3] = 1, 2, 3
    return found


def save(array, path, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def slices(folder, name="p1", numbers=(3, 11), seed=0) -> None:
    for number in numbers:
        save(grey(seed + number), folder / name / f"{name}_{number}.png")
        save(mask(), folder / name / f"{name}_{number}_mask.png")


def opened(root, **more):
    options = {"channels": {"t1": "t1"}, "classes": LABELS, "files": FILES, "mask": MASK} | more
    return open_dataset("mine", root, reader="images", **options)


def refused(root, name="p1", **more) -> str:
    """What the one problem of a case says; it has a remedy."""
    (problem,) = opened(root, **more).inspect(name).problems
    assert problem.case == name and "; " in problem.message
    return problem.message


def test_slices_have_their_numbers_and_masks_their_classes(tmp_path):
    slices(tmp_path)
    dataset = opened(tmp_path)
    loaded = dataset.load("p1")
    assert loaded.slices.tolist() == [3, 11] and loaded.spacing is None
    np.testing.assert_array_equal(loaded.image[1, 0], grey(11))
    np.testing.assert_array_equal(loaded.mask[0, 1], np.isin(mask(), (2, 3)))
    report = dataset.inspect("p1")
    assert not report.problems
    assert [(row["core"], row["rim"]) for row in report.slices] == [(1, 3), (1, 3)]


def test_one_picture_of_three_colours_has_three_channels(tmp_path):
    colours = np.stack([grey(n) for n in range(3)], axis=-1)
    save(colours, tmp_path / "images" / "a.tif")
    save(255 * (mask() > 0).astype(np.uint8), tmp_path / "masks" / "a.png")
    dataset = opened(
        tmp_path,
        channels={"pre": "pre", "flair": "flair", "post": "post"},
        classes={"tumour": []},
        files="images/{case}.tif",
        mask="masks/{case}.png",
    )
    loaded = dataset.load("a", ["post", "flair"])
    np.testing.assert_array_equal(loaded.image[0], colours.transpose(2, 0, 1)[[2, 1]])
    assert loaded.mask.sum() == 4


def test_a_file_a_channel(tmp_path):
    for number, channel in enumerate(("t1", "t1ce")):
        save(grey(number), tmp_path / channel / "a.png")
    save(mask(), tmp_path / "mask" / "a.png")
    channels = {"t1": "t1", "t1ce": "t1ce"}
    more = {"channels": channels, "files": "{channel}/{case}.png", "mask": "mask/{case}.png"}
    loaded = opened(tmp_path, **more).load("a", ["t1ce"])
    np.testing.assert_array_equal(loaded.image[0, 0], grey(1))
    (tmp_path / "t1" / "a.png").unlink()
    assert "no file for channel t1 beside it" in refused(tmp_path, "a", **more)


def test_a_palette_is_labels_in_a_mask(tmp_path):
    slices(tmp_path, numbers=(1,))
    picture = Image.fromarray(mask(), "P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.save(tmp_path / "p1" / "p1_1_mask.png")
    assert opened(tmp_path).load("p1").mask.sum(axis=(0, 2, 3)).tolist() == [1, 3]


def test_pictures_of_one_patient_are_numbered_apart(tmp_path):
    for name in ("p1_a", "p1_b", "p2_a"):
        save(grey(len(name)), tmp_path / "images" / f"{name}.png")
        save(mask(), tmp_path / "masks" / f"{name}.png")
    dataset = opened(
        tmp_path, files="images/{case}.png", mask="masks/{case}.png", patient="^(p[0-9])"
    )
    found = [dataset.load(case) for case in dataset.cases()]
    assert [(v.patient, v.slices.tolist()) for v in found] == [
        *(("p1", [0]), ("p1", [1000])),
        ("p2", [0]),
    ]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda f: (f / "p1_3_mask.png").unlink(), "no file for mask of slice 3 beside it"),
        (lambda f: (f / "p1_3.png").unlink(), "a mask without images"),
        (lambda f: save(mask() * 50, f / "p1_3_mask.png"), "labels 50 (1 voxels), 100"),
        (lambda f: save(mask()[:4], f / "p1_3_mask.png"), "a picture of (4, 5) pixels"),
        (lambda f: save(grey(1)[:4], f / "p1_11.png"), "a picture of (4, 5) pixels"),
        (
            lambda f: save(np.stack([mask()] * 3, -1), f / "p1_3_mask.png"),
            "a PNG mask of mode RGB",
        ),
        (lambda f: save(mask(), f / "p1_3_mask.png", format="JPEG"), "a JPEG mask packed with"),
        (lambda f: (f / "p1_3.png").write_bytes(b"\x89PNG\r\n\x1a\n"), "a damaged image"),
        (lambda f: save(grey(1).astype(np.uint16), f / "p1_3.png"), "a PNG of 16 bits a channel"),
    ],
)
def test_what_cannot_be_taken_as_it_is_is_refused_by_name(tmp_path, edit, words):
    slices(tmp_path)
    edit(tmp_path / "p1")
    assert words in refused(tmp_path)


def test_two_files_for_one_slice(tmp_path):
    slices(tmp_path)
    save(grey(1), tmp_path / "p1" / "p1_03.png")
    assert "p1_03.png and p1_3.png for image of slice 3" in refused(tmp_path)


def test_two_channels_in_one_picture_are_an_error(tmp_path):
    slices(tmp_path)
    with pytest.raises(CaseError, match=r"2 channels in one picture \(t1, t2\)"):
        opened(tmp_path, channels={"t1": "t1", "t2": "t2"})


def test_the_same_slice_twice_is_a_finding(tmp_path):
    slices(tmp_path)
    save(grey(3), tmp_path / "p1" / "p1_11.png")
    dataset = opened(tmp_path)
    [finding] = dataset.compare([dataset.inspect("p1")])
    assert finding.kind == "duplicate-slices"
