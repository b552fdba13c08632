"""Files in, files out: pictures and volumes, each mask in its scan's own format and geometry."""

import json

import nibabel
import numpy as np
import pytest
import tifffile
from infer_models import AFFINES, make_model, save_volume, slice_image, stored_as, volume
from PIL import Image

from gliomake.cli import main
from gliomake.datasets.base import CaseError
from gliomake.infer.describe import read_description
from gliomake.infer.inputs import read_scans
from gliomake.infer.model import load_model
from gliomake.infer.predict import predict_scans
from gliomake.infer.scan import Scan


@pytest.fixture(scope="module")
def lgg(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("lgg") / "results", seed=3)


@pytest.fixture(scope="module")
def flair(tmp_path_factory):
    """A model of one modality, trained on volumes."""
    return make_model(
        tmp_path_factory.mktemp("flair") / "results", channels=["flair"], seed=2,
        recipe={"intensity": "zscore"}, spacing=(1, 1, 1), dataset="brats2021",
    )  # fmt: skip


@pytest.fixture(scope="module")
def regions(tmp_path_factory):
    """Two modalities and three classes, of which the second is everywhere."""
    return make_model(
        tmp_path_factory.mktemp("regions") / "results", channels=["flair", "t1ce"],
        classes=["NEC", "ED", "ET"], recipe={"intensity": "minmax"}, spacing=(1, 1, 1),
        dataset="brats2020", bias=[-9, 9, -9],
    )  # fmt: skip


def facts(out, name):
    return json.loads((out / f"{name}.json").read_text())


@pytest.mark.parametrize("suffix", ["tif", "png", "jpg"])
def test_a_picture_gives_a_mask_an_overlay_and_the_facts(lgg, tmp_path, suffix, capsys):
    path, out = tmp_path / f"case_7.{suffix}", tmp_path / "out"
    if suffix == "tif":
        tifffile.imwrite(path, slice_image(), photometric="rgb")
    else:
        Image.fromarray(slice_image()).save(path)
    assert main(["predict", str(lgg), str(path), "--out", str(out), "--probabilities"]) == 0
    mask = out / f"case_7_mask.{'png' if suffix == 'jpg' else suffix}"
    pixels = np.asarray(Image.open(mask))
    model = load_model(lgg)
    (expected,) = predict_scans(model, read_scans([path], model.about))
    np.testing.assert_array_equal(pixels, expected.mask[0, 0] * 255)
    assert Image.open(out / "case_7_overlay.png").size == (64, 64)
    found = facts(out, "case_7")
    assert found["tumour"]["pixels"] == (pixels > 0).sum() > 0
    assert found["tumour"]["largest_area_mm2"] is None
    assert found["model"]["name"] == "s/unet/patient-f0-s0" and found["files"].keys() == {path.name}
    stored = np.load(out / "case_7_probability.npz")["probability"]
    np.testing.assert_array_equal(stored, expected.probability)
    printed = capsys.readouterr()
    assert f"case_7: {found['tumour']['pixels']} pixels of tumour" in printed.out
    assert "For research only" in printed.out and "synthetic images" in printed.err


@pytest.mark.parametrize("orientation", AFFINES)
def test_a_volume_of_any_orientation_gets_the_same_mask_on_its_own_grid(
    flair, tmp_path, orientation
):
    save_volume(tmp_path / "upright.nii", volume())
    path = save_volume(tmp_path / "scan.nii.gz", volume(), orientation)
    out = tmp_path / "out"
    assert main(["predict", str(flair), str(path), "--out", str(out)]) == 0
    model = load_model(flair)
    (upright,) = predict_scans(model, read_scans([tmp_path / "upright.nii"], model.about))
    lps = upright.mask[:, 0].transpose(1, 2, 0)
    mask, scan = nibabel.load(out / "scan_mask.nii.gz"), nibabel.load(path)
    assert 0 < lps.mean() < 1, "a mask that shows how it lies"
    np.testing.assert_array_equal(np.asarray(mask.dataobj), stored_as(lps, orientation))
    np.testing.assert_array_equal(mask.affine, scan.affine)
    assert mask.header["sform_code"] == scan.header["sform_code"]
    assert mask.header["descrip"] == scan.header["descrip"]
    assert mask.get_data_dtype() == np.uint8
    found = facts(out, "scan")
    assert found["tumour"]["volume_mm3"] == pytest.approx(lps.sum() * 1.0 * 1.5 * 2.0)
    assert found["tumour"]["largest_area_mm2"] == pytest.approx(lps.sum((0, 1)).max() * 1.5)
    warned = f"voxel axes run {orientation}" in " ".join(found["warnings"])
    assert warned == (orientation != "LPS")


def test_modalities_are_found_by_name(regions, tmp_path):
    case = tmp_path / "BraTS20_Training_001"
    case.mkdir()
    for name in ("flair", "t1ce", "t2"):
        save_volume(case / f"BraTS20_Training_001_{name}.nii.gz", volume(seed=len(name)))
    out = tmp_path / "out"
    assert main(["predict", str(regions), str(case), "--out", str(out)]) == 0
    labels = np.asarray(nibabel.load(out / "BraTS20_Training_001_mask.nii.gz").dataobj)
    assert np.unique(labels).tolist() == [2], "the label of oedema in BraTS"
    assert facts(out, "BraTS20_Training_001")["classes"]["ET"]["pixels"] == 0
    about = read_description(regions)
    given = {name: case / f"BraTS20_Training_001_{name}.nii.gz" for name in ("t1ce", "flair")}
    by_hand, found = read_scans([], about, given), read_scans([case], about)
    np.testing.assert_array_equal(by_hand[0].image, found[0].image)
    assert found[0].channels == ("flair", "t1ce")


def test_labels_and_colours_are_those_of_the_data_set(tmp_path, capsys):
    labels = {"core": [7], "oedema": [3, 4]}
    folder = make_model(
        tmp_path / "results", channels=["flair"], classes=["oedema", "core"], labels=labels,
        colours={"oedema": "#102030", "core": "#D55E00"}, recipe={"intensity": "minmax"},
        spacing=(1, 1, 1), bias=[9.0, -9.0], dataset="own",
    )  # fmt: skip
    scan = save_volume(tmp_path / "scan.nii.gz", volume())
    out = tmp_path / "out"
    assert main(["predict", str(folder), str(scan), "--out", str(out)]) == 0
    assert np.unique(np.asarray(nibabel.load(out / "scan_mask.nii.gz").dataobj)).tolist() == [3]
    found = facts(out, "scan")["classes"]
    assert (found["oedema"]["label"], found["core"]["label"]) == (3, 7)
    drawn = np.asarray(Image.open(next(out.glob("scan*overlay*.png"))).convert("RGB"))
    assert (drawn == (0x10, 0x20, 0x30)).all(axis=-1).any(), "the outline has the class's colour"
    # A truth is read by the same labels.
    truth = ["--truth", str(out / "scan_mask.nii.gz"), "--out", str(tmp_path / "again")]
    assert main(["predict", str(folder), str(scan), *truth]) == 0
    assert facts(tmp_path / "again", "scan")["against_truth"]["oedema"]["dice"] == 1


def test_a_truth_is_scored(lgg, tmp_path):
    folder, out = tmp_path / "case", tmp_path / "out"
    folder.mkdir()
    Image.fromarray(slice_image()).save(folder / "a_1.png")
    model = load_model(lgg)
    (found,) = predict_scans(model, read_scans([folder / "a_1.png"], model.about))
    truth = found.mask[0, 0].copy()
    rows, columns = np.nonzero(truth)
    truth[rows[::2], columns[::2]] = False
    Image.fromarray(truth.astype(np.uint8) * 255).save(folder / "a_1_mask.png")
    arguments = ["predict", str(lgg), str(folder), "--truth", str(folder), "--out", str(out)]
    assert main(arguments) == 0
    scores = facts(out, "a_1")["against_truth"]["tumour"]
    both, predicted = int(truth.sum()), int(found.mask.sum())
    assert (scores["tp"], scores["fp"], scores["fn"]) == (both, predicted - both, 0)
    assert scores["dice"] == pytest.approx(2 * both / (both + predicted))
    assert scores["iou"] == pytest.approx(both / predicted)
    assert not (out / "a_1_mask.json").exists(), "a mask is no scan"


def test_a_truth_of_another_size_is_refused(lgg, tmp_path, capsys):
    Image.fromarray(slice_image()).save(tmp_path / "a.png")
    Image.fromarray(np.zeros((32, 64), np.uint8)).save(tmp_path / "t.png")
    arguments = ["predict", str(lgg), str(tmp_path / "a.png"), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--truth", str(tmp_path / "t.png")]) == 1
    assert "a truth of 32x64 pixels and 1 slices, expected 64x64 and 1" in capsys.readouterr().err
    assert main([*arguments, "--truth", str(tmp_path / "a.png")]) == 1
    assert "a mask of two values, 0 and another" in capsys.readouterr().err


def test_a_truth_volume_elsewhere_is_refused(flair, tmp_path, capsys):
    path = save_volume(tmp_path / "scan.nii", volume())
    seg = save_volume(tmp_path / "scan_seg.nii", (volume((48, 40, 4)) > 90).astype(np.int16))
    arguments = [
        "predict",
        str(flair),
        str(path),
        "--truth",
        str(seg),
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(arguments) == 1
    assert "shape (48, 40, 4), expected shape (48, 40, 5)" in capsys.readouterr().err


def test_wrong_modalities_are_refused_with_what_to_write(regions, flair, tmp_path):
    path = save_volume(tmp_path / "scan.nii", volume())
    about = read_description(regions)
    with pytest.raises(CaseError, match=r"--modality flair=<file> --modality t1ce=<file>"):
        read_scans([path], about)
    with pytest.raises(CaseError, match="found the modalities t1, expected flair, t1ce"):
        read_scans([], about, {"t1": path})
    other = save_volume(tmp_path / "other.nii", volume((48, 40, 4)))
    with pytest.raises(CaseError, match=r"found shape \(48, 40, 4\)"):
        read_scans([], about, {"flair": path, "t1ce": other})
    case = tmp_path / "case"
    case.mkdir()
    save_volume(case / "x_flair.nii", volume())
    with pytest.raises(CaseError, match="no file, or several, for t1ce"):
        read_scans([case], about)


def test_a_picture_for_a_model_of_volumes_is_refused(flair, tmp_path):
    Image.fromarray(slice_image()).save(tmp_path / "a.png")
    with pytest.raises(CaseError, match=r"found a picture, expected NIfTI files with flair"):
        read_scans([tmp_path / "a.png"], read_description(flair))


def test_sixteen_bits_for_a_model_of_bytes_are_refused(lgg, tmp_path):
    files = {
        name: save_volume(tmp_path / f"{name}.nii", volume())
        for name in ("pre-contrast", "flair", "post-contrast")
    }
    model = load_model(lgg)
    with pytest.raises(CaseError, match=r"values of the type int16, expected bytes from 0 to 255"):
        list(predict_scans(model, read_scans([], model.about, files)))


def test_a_grey_picture_for_three_channels_is_refused(lgg, tmp_path):
    Image.fromarray(slice_image()[..., 0]).save(tmp_path / "a.png")
    with pytest.raises(CaseError, match="found a grey picture, expected one whose red, green"):
        read_scans([tmp_path / "a.png"], read_description(lgg))


def test_broken_files_are_refused_and_the_others_written(lgg, tmp_path, capsys):
    good, out = tmp_path / "good.png", tmp_path / "out"
    Image.fromarray(slice_image()).save(good)
    whole = good.read_bytes()
    bad = {"cut.png": whole[: len(whole) // 2], "text.tif": b"no picture", "empty.jpg": b"",
           "noise.nii.gz": b"\x1f\x8b" + bytes(50)}  # fmt: skip
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    paths = [str(tmp_path / name) for name in (*bad, "absent.png", "good.png")]
    assert main(["predict", str(lgg), *paths, "--out", str(out)]) == 1
    errors = capsys.readouterr().err
    for name in (*bad, "absent.png"):
        assert any(name in line for line in errors.splitlines() if line.startswith("rejected: "))
    assert "Traceback" not in errors
    assert {path.name for path in out.iterdir()} == {
        "good_mask.png", "good_overlay.png", "good.json",
    }  # fmt: skip


def test_a_wrong_command_line_is_one_line(lgg, tmp_path, capsys):
    assert main(["predict", str(tmp_path / "nowhere"), "x.png"]) == 1
    assert main(["predict", str(lgg)]) == 1
    errors = capsys.readouterr().err
    assert "no such folder" in errors and "no scan was given" in errors
    with pytest.raises(SystemExit):
        main(["predict", str(lgg), "--modality", "flair"])
    assert "expected <channel>=<file>" in capsys.readouterr().err


def test_the_shown_channel_is_flair_where_there_is_one():
    image = np.arange(2 * 3).reshape(1, 3, 1, 2)
    scan = Scan("a", image, ("pre-contrast", "flair", "post-contrast"), ".png")
    np.testing.assert_array_equal(scan.shown()[0], [[2, 3]])
    assert Scan("a", image, ("x", "y", "z"), ".png").shown()[0, 0, 0] == 0
