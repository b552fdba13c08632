"""Figures of raw data: which case and slice they show, and under which names."""

import h5py
import numpy as np
import pytest
from brats_files import rewrite
from figure_inputs import FigureInputs, study_inputs

from gliomake.figures import draw_figure, make_figure
from gliomake.figures.cases import most_classes, nearest, nearest_case
from gliomake.figures.intensities import middle_correlation
from gliomake.study.kinds import KINDS

OF_RAW_DATA = [name for name, kind in KINDS.items() if "root" in kind.needs]


def test_title_says_which_slice_stands_in():
    spec = study_inputs("brats2020-multiclass").spec(
        "figures", {"kind": "modalities", "case": 238, "slice": 67}
    )
    title = draw_figure(spec).get_suptitle()
    assert title.startswith("BraTS20_Training_00")
    assert title.endswith("(stands in for volume 238, slice 67)")


@pytest.mark.parametrize("kind", OF_RAW_DATA)
def test_channels_of_slice_files_are_named_by_the_configured_order(
    brats, brats_slices, tmp_path, kind
):
    for path in brats_slices.glob("*.h5"):
        with h5py.File(path, "r+") as file:
            file["image"][...] = file["image"][()][..., [3, 0, 1, 2]]
    order = {"channel_order": ["flair", "t1", "t1ce", "t2"]}
    pages = []
    for root, options in ((brats / "slices", {}), (brats_slices, order)):
        folder = tmp_path / f"figure-{len(options)}"
        folder.mkdir()
        made = FigureInputs(folder, "brats2020-multiclass", root=root, dataset_options=options)
        make_figure(made.spec("figures", {"kind": kind}), folder / "a.svg", folder / "a.png")
        pages.append((folder / "a.svg").read_bytes())
    assert pages[0] == pages[1]


@pytest.mark.parametrize("kind", OF_RAW_DATA)
def test_a_refused_case_is_not_shown(brats_case, tmp_path, kind):
    flair = brats_case / f"{brats_case.name}_flair.nii.gz"
    flair.write_bytes(flair.read_bytes()[:-100])
    (tmp_path / "figure").mkdir()
    made = FigureInputs(tmp_path / "figure", "brats2020-multiclass", root=brats_case.parent)
    figure = draw_figure(made.spec("figures", {"kind": kind}))
    if kind == "intensity-ranges":
        assert len(figure.axes[0].collections) == 2  # patients
    else:
        assert "BraTS20_Training_002" in figure.get_suptitle()


def test_a_missing_class_leaves_the_others_to_be_seen(brats_case, tmp_path):
    rewrite(
        brats_case / f"{brats_case.name}_seg.nii.gz",
        lambda labels: np.where(labels == 4, 1, labels),
    )
    (tmp_path / "figure").mkdir()
    made = FigureInputs(tmp_path / "figure", "brats2020-multiclass", root=brats_case.parent)
    figure = draw_figure(made.spec("figures", {"kind": "mask-channels"}))
    seen = {axes.get_title(): axes.images[0].get_array().any() for axes in figure.axes[1:4]}
    assert seen == {"NEC/NET": True, "ED": True, "ET": False}


def test_nearest_case_and_slice():
    cases = [f"BraTS20_Training_{number:03d}" for number in (1, 2, 12)]
    assert nearest_case(cases, 238) == cases[2]
    assert nearest_case(cases, 7) == cases[1]  # 2 and 12 are as near: the lower name
    assert nearest(np.array([10, 20, 40]), 67) == 2


def test_the_slice_shown_has_the_classes_that_there_are():
    areas = np.zeros((6, 3), int)
    assert most_classes(_squares(areas)) == 3
    areas[1], areas[2], areas[4] = (5, 3, 0), (4, 4, 0), (9, 0, 0)  # no slice holds the third
    assert most_classes(_squares(areas)) == 2
    areas[5] = (1, 1, 1)
    assert most_classes(_squares(areas)) == 5


def _squares(areas):
    """A mask (slice, class, 3, 3) with so many pixels."""
    return (np.arange(9) < areas[..., None]).reshape(*areas.shape, 3, 3).astype(np.uint8)


def test_correlation_leaves_background_and_outer_slices_out():
    rng = np.random.default_rng(0)
    image = rng.uniform(1, 2, (9, 2, 4, 4))
    image[3:6, 1] = 3 - image[3:6, 0]
    image[:3], image[6:] = 7, 7
    image[4, 0, 0, 0] = 0
    np.testing.assert_allclose(middle_correlation(image), [[1, -1], [-1, 1]])
    with pytest.raises(ValueError, match="no voxel with all modalities"):
        middle_correlation(np.zeros((9, 2, 4, 4)))
