"""The web page without a browser: what it finds, what it answers, and what it refuses."""

import io
import json
import tempfile

import nibabel
import numpy as np
import pytest
from infer_models import LGG, make_model, save_volume, slice_image, stored_as, volume
from PIL import Image

from gliomake.cli import main
from gliomake.datasets.base import Volume
from gliomake.datasets.root import Limits
from gliomake.files.predictions import write_predictions
from gliomake.files.shards import write_shard
from gliomake.infer.app import LOOPBACK, options
from gliomake.infer.app.answer import Upload, UploadError, answer_uploads, safe_name
from gliomake.infer.app.find import find_examples, find_models, find_shards, load_example
from gliomake.infer.app.view import PLANES, View
from gliomake.infer.model import load_model


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A model of pictures with test slices, and one of volumes."""
    root = tmp_path_factory.mktemp("app") / "results"
    folder = make_model(root, "unet", seed=3)
    make_model(
        root, "volumes", channels=["flair"], recipe={"intensity": "zscore"}, spacing=(1, 1, 1),
        dataset="brats2021", seed=2,
    )  # fmt: skip
    image = np.stack([np.moveaxis(slice_image((32, 32), seed), -1, 0) for seed in range(4)])
    mask = np.zeros((4, 1, 32, 32), np.uint8)
    mask[1, 0, :4, :4], mask[2, 0, :8, :8] = 1, 1
    recipe = json.loads((folder / "model.json").read_text())["recipe"]
    shards = root / "shards" / "lgg-12345678"
    write_shard(
        shards / "000.h5", [Volume("a", "a", np.arange(4), image, mask, None)],
        dataset="lgg", recipe=recipe,
    )  # fmt: skip
    write_shard(
        root / "shards" / "lgg-00000000" / "000.h5",
        [Volume("a", "a", np.arange(4), image, mask, None)],
        dataset="lgg", recipe={**recipe, "slices": "tumour"},
    )  # fmt: skip
    write_predictions(
        folder / "predictions.h5", [np.zeros((4, 1, 32, 32))], patient=["a"] * 4,
        slice=[0, 1, 2, 3], subset=["val", "test", "test", "test"], spacing=np.full((4, 3), np.nan),
        attributes={"study": "s", "model": "unet", "run": "patient-f0-s0", "classes": ["tumour"],
                    "threshold": 0.5},
    )  # fmt: skip
    return root


def png(pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_models_and_examples_are_found(results):
    models = find_models(results)
    assert list(models) == ["s/unet/patient-f0-s0", "s/volumes/patient-f0-s0"]
    folder = models["s/unet/patient-f0-s0"]
    model = load_model(folder)
    shards = find_shards(results, model.about)
    assert [path.parent.name for path in shards] == ["lgg-12345678"], "of the same recipe"
    examples = find_examples(folder, shards)
    assert [(each.number, each.label) for each in examples] == [
        (2, "a, slice 2: tumour"), (1, "a, slice 1: tumour"), (3, "a, slice 3: no tumour"),
    ]  # fmt: skip
    scan, truth = load_example(examples[0], model.about, shards)
    assert truth.sum() == 64 and scan.channels == tuple(LGG)
    assert find_examples(models["s/volumes/patient-f0-s0"], []) == []


def test_a_model_that_cannot_be_read_is_not_offered(results, tmp_path):
    folder = make_model(tmp_path / "results")
    (folder / "model.json").write_text("{}")
    assert find_models(tmp_path / "results") == {}


def test_a_picture_is_answered_in_memory(results):
    model = load_model(results / "s" / "unet")
    answer = answer_uploads([Upload("a scan.png", png(slice_image()))], model)
    assert answer.mask_name == "a-scan_mask.png"
    mask = np.asarray(Image.open(io.BytesIO(answer.mask_data)))
    assert (mask > 0).sum() == answer.facts["tumour"]["pixels"] > 0
    assert json.loads(answer.json_data)["files"].keys() == {"a-scan.png"}
    truth = Upload("m.png", png((mask > 0).astype(np.uint8) * 255))
    scored = answer_uploads([Upload("a.png", png(slice_image()))], model, truth)
    assert scored.facts["against_truth"]["tumour"]["dice"] == 1


def test_a_volume_leaves_nothing_behind(results, tmp_path, monkeypatch):
    private = tmp_path / "private"
    private.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(private))
    path = save_volume(tmp_path / "x.nii.gz", volume(), "RAS")
    model = load_model(results / "s" / "volumes")
    answer = answer_uploads([Upload("x.nii.gz", path.read_bytes())], model)
    assert list(private.iterdir()) == []
    (tmp_path / answer.mask_name).write_bytes(answer.mask_data)
    mask = np.asarray(nibabel.load(tmp_path / answer.mask_name).dataobj)
    expected = answer.prediction.mask[:, 0].transpose(1, 2, 0)
    np.testing.assert_array_equal(mask, stored_as(expected, "RAS"))


def test_three_planes_show_the_same_voxel(results, tmp_path):
    array = volume()
    array[30, 12, 3] = 2000
    path = save_volume(tmp_path / "x.nii.gz", array)
    model = load_model(results / "s" / "volumes")
    answer = answer_uploads([Upload("x.nii.gz", path.read_bytes())], model)
    shown = answer.prediction.scan.shown()
    views = {plane: View(answer, plane) for plane in PLANES}
    assert [view.length for view in views.values()] == [5, 40, 48]
    assert views["axial"].cut(shown, 3)[12, 30] == 2000
    assert views["coronal"].cut(shown, 12)[4 - 3, 30] == 2000, "the head is up"
    assert views["sagittal"].cut(shown, 30)[4 - 3, 12] == 2000
    # Voxels of 1 x 1.5 x 2 mm are shown as wide and as high as they are.
    for plane, ratio in (("axial", 60 / 48), ("coronal", 10 / 48), ("sagittal", 10 / 60)):
        height, width, _ = views[plane].image(2).shape
        assert height / width == pytest.approx(ratio, rel=0.05)


def test_opacity_and_truth_change_the_overlay(results):
    model = load_model(results / "s" / "unet")
    mask = np.zeros((64, 64), np.uint8)
    mask[5:30, 5:30] = 255
    answer = answer_uploads(
        [Upload("a.png", png(slice_image()))], model, Upload("m.png", png(mask))
    )
    view = View(answer)
    pictures = [view.overlay(0, opacity) for opacity in (0.0, 0.5, 1.0)]
    assert len({picture.tobytes() for picture in pictures}) == 3
    outline = view.overlay(0, 0.0)
    factor = outline.shape[0] / 64
    np.testing.assert_array_equal(outline[int(5 * factor), int(15 * factor)], (86, 180, 233))


@pytest.mark.parametrize(
    ("model", "uploads", "message"),
    [
        ("unet", [("cut.png", b"\x89PNG\r\n")], "a damaged image"),
        ("unet", [("a.png", b"1"), ("b.nii", b"2")], "expected either"),
        ("volumes", [("a_t1.nii", b"1"), ("b_t2.nii", b"2")], "says none of the modalities flair"),
        ("volumes", [("a.nii.gz", b"\x1f\x8b")], "truncated or damaged gzip file"),
        ("unet", [], "no file was given"),
    ],
)
def test_bad_uploads_get_words(results, model, uploads, message):
    with pytest.raises(UploadError, match=message) as caught:
        answer_uploads([Upload(*each) for each in uploads], load_model(results / "s" / model))
    assert tempfile.gettempdir() not in str(caught.value)


def test_of_several_pictures_the_last_is_answered_and_said_so(results):
    model = load_model(results / "s" / "unet")
    pictures = [png(slice_image(seed=seed)) for seed in (1, 2)]
    alone = answer_uploads([Upload("b.png", pictures[1])], model)
    both = answer_uploads([Upload("a.png", pictures[0]), Upload("b.png", pictures[1])], model)
    np.testing.assert_array_equal(both.prediction.probability, alone.prediction.probability)
    assert "2 pictures were given; this is the last one, b.png" in both.prediction.warnings
    assert not alone.prediction.warnings


def test_an_upload_over_the_limit_is_refused(results):
    model = load_model(results / "s" / "unet")
    few = Limits(file_bytes=2**20)
    with pytest.raises(UploadError, match=r"x.png: 2 MiB, expected at most 1"):
        answer_uploads([Upload("x.png", bytes(2**21))], model, limits=few)
    small = Limits(slice_pixels=1000)
    with pytest.raises(UploadError, match="an image of 64 x 64 pixels, expected at most 1000"):
        answer_uploads([Upload("x.png", png(slice_image()))], model, limits=small)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a b\tc;rm -rf.tif", "a-b-c-rm--rf.tif"),
        ("\u202egnp.exe", "gnp.exe"),
        ("x" * 300 + ".tif", "x" * 76 + ".tif"),
        (".nii.gz", "nii.gz"),
        ("///", "scan"),
    ],
)
def test_a_name_from_outside_is_never_a_path(results, name, expected):
    assert safe_name(name) == expected
    model = load_model(results / "s" / "unet")
    upload = Upload(name + ".png", png(slice_image()))
    answer = answer_uploads([upload], model)
    assert not {"/", "\\", "\0"} & set(answer.mask_name)


def test_it_listens_on_loopback_and_calls_nobody(tmp_path, capsys):
    assert "--server.address=127.0.0.1" in options("127.0.0.1", 8501)
    assert "--browser.gatherUsageStats=false" in options(LOOPBACK[0], 1)
    assert main(["app", "--results", str(tmp_path / "nowhere")]) == 1
    assert "build the demo first" in capsys.readouterr().err


def test_an_example_has_the_bits_of_the_workflow(results):
    """A test slice goes to the network as it lies in the shard."""
    model = load_model(results / "s" / "unet")
    shards = find_shards(results, model.about)
    examples = find_examples(results / "s" / "unet" / "patient-f0-s0", shards)
    scan, _ = load_example(examples[0], model.about, shards)
    stored = np.stack([np.moveaxis(slice_image((32, 32), 2), -1, 0)])
    np.testing.assert_array_equal(scan.image, stored)
    assert scan.prepared
