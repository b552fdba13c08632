"""Pretrained weights: fetched once, checked, converted, loaded strictly."""

import hashlib
import re

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from gliomake.models import create_model, weights
from gliomake.models.weights import (
    ENCODER_WEIGHTS,
    EncoderWeights,
    WeightsError,
    fetch_weights,
    load_encoder_weights,
)

SMALL = {"encoder": "resnet18", "width": 0.1}


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Publish a small network under a file:// address, classifier head and all."""
    torch.manual_seed(5)
    encoder = create_model("smp-unet", 3, 1, **SMALL).encoder.state_dict()
    original = tmp_path / "published" / "resnet18-abc.pth"
    original.parent.mkdir()
    head = {"fc.weight": torch.ones(2, 3), "classifier.0.bias": torch.ones(2)}
    torch.save(encoder | head, original)
    entry = EncoderWeights(original.as_uri(), hashlib.sha256(original.read_bytes()).hexdigest())
    monkeypatch.setitem(weights.ENCODER_WEIGHTS, "resnet18", entry)
    return original, encoder


@pytest.fixture
def destination(tmp_path):
    return tmp_path / "weights" / "resnet18.safetensors"


def folder(destination):
    return sorted(path.name for path in destination.parent.iterdir())


def test_download_converts_and_drops_the_head(published, destination):
    original, encoder = published
    fetch_weights("resnet18", destination)
    found = load_file(destination)
    assert set(found) == set(encoder)
    assert all(torch.equal(found[key], encoder[key]) for key in encoder)
    with safe_open(destination, "pt") as file:
        digest = hashlib.sha256(original.read_bytes()).hexdigest()
        assert file.metadata() == {"source": f"{original.as_uri()} sha256:{digest}"}
    assert folder(destination) == ["resnet18-abc.pth", "resnet18.safetensors"]


def test_the_file_is_downloaded_once(published, destination):
    original, _ = published
    fetch_weights("resnet18", destination)
    first = destination.read_bytes()
    original.unlink()
    for _ in range(5):
        destination.unlink()
        fetch_weights("resnet18", destination)
        assert destination.read_bytes() == first


def test_no_network_says_what_to_put_where_and_takes_it_from_there(published, destination):
    original, encoder = published
    content = original.read_bytes()
    original.unlink()
    place = destination.parent / original.name
    with pytest.raises(WeightsError) as error:
        fetch_weights("resnet18", destination)
    for part in (
        original.as_uri(),
        hashlib.sha256(content).hexdigest(),
        str(place),
        "pretrained: none",
    ):
        assert part in str(error.value)
    assert folder(destination) == []
    place.write_bytes(content)
    fetch_weights("resnet18", destination)
    assert set(load_file(destination)) == set(encoder)


def test_a_source_elsewhere_is_taken(published, destination, tmp_path):
    original, _ = published
    moved = original.rename(tmp_path / "elsewhere.pth")
    fetch_weights("resnet18", destination, source=moved)
    assert folder(destination) == ["resnet18.safetensors"]
    with pytest.raises(WeightsError, match=r"gone\.pth is missing"):
        fetch_weights("resnet18", destination, source=tmp_path / "gone.pth")


def test_a_download_with_another_checksum_is_refused_and_removed(published, destination):
    original, _ = published
    original.write_bytes(original.read_bytes()[:-1] + b"x")
    found = hashlib.sha256(original.read_bytes()).hexdigest()
    expected = weights.ENCODER_WEIGHTS["resnet18"].sha256
    with pytest.raises(WeightsError, match=f"sha256 {found}, expected {expected}"):
        fetch_weights("resnet18", destination)
    assert folder(destination) == []


def test_a_wrong_file_put_there_by_hand_is_refused_unread(published, destination):
    original, _ = published
    destination.parent.mkdir()
    place = destination.parent / original.name
    place.write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(WeightsError, match=re.escape(f"{place} has sha256")):
        fetch_weights("resnet18", destination)
    assert folder(destination) == [original.name], "the user's file is left to the user"


def test_unknown_name(destination):
    with pytest.raises(WeightsError, match=r"'alexnet'; there are resnet50, vgg16, vgg19"):
        fetch_weights("alexnet", destination)


def test_checksums_begin_with_the_eight_digits_in_the_address():
    """torchvision's names carry the first eight digits of the sha256."""
    for entry in ENCODER_WEIGHTS.values():
        assert re.search(r"-([0-9a-f]{8})\.pth$", entry.url)[1] == entry.sha256[:8]
        assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)


def test_loading_fills_the_encoder_alone(published, destination):
    _, encoder = published
    fetch_weights("resnet18", destination)
    torch.manual_seed(6)
    model = create_model("smp-unet", 3, 1, **SMALL)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    load_encoder_weights(model, destination)
    for key, value in model.state_dict().items():
        if key.startswith("encoder."):
            assert torch.equal(value, encoder[key.removeprefix("encoder.")])
        else:
            assert torch.equal(value, before[key])


def test_batch_norm_counters_may_be_missing(published, tmp_path):
    _, encoder = published
    path = tmp_path / "old.safetensors"
    save_file({k: v for k, v in encoder.items() if not k.endswith("num_batches_tracked")}, path)
    model = create_model("smp-unet", 3, 1, **SMALL)
    load_encoder_weights(model, path)
    assert torch.equal(model.encoder.conv1.weight, encoder["conv1.weight"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("bn1.bias"), "missing bn1.bias"),
        (lambda state: state.update(extra=torch.ones(1)), "unexpected extra"),
        (
            lambda state: state.update({"conv1.weight": torch.ones(64, 1, 7, 7)}),
            r"conv1.weight is \(64, 1, 7, 7\), the model's is \(64, 3, 7, 7\)",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named_and_nothing_is_loaded(
    published, tmp_path, change, message
):
    _, encoder = published
    state = dict(encoder)
    change(state)
    path = tmp_path / "other.safetensors"
    save_file(state, path)
    torch.manual_seed(7)
    model = create_model("smp-unet", 3, 1, **SMALL)
    before = model.encoder.layer1[0].conv1.weight.clone()
    with pytest.raises(WeightsError, match=message):
        load_encoder_weights(model, path)
    assert torch.equal(model.encoder.layer1[0].conv1.weight, before)


def test_a_model_without_encoder_is_refused(tmp_path):
    model = create_model("unet", 3, 1, base=2, depth=1)
    with pytest.raises(WeightsError, match="UNet has no encoder"):
        load_encoder_weights(model, tmp_path / "any.safetensors")


@pytest.mark.parametrize(
    ("architecture", "name"),
    [("smp-unet", "resnet50"), ("vgg19-unet", "vgg19"), ("resnet50-classifier", "resnet50")],
)
def test_the_names_are_torchvision_s(architecture, name):
    """What torchvision publishes must fit the encoder, but for the head."""
    import torchvision

    with torch.device("meta"):
        published = getattr(torchvision.models, name)().state_dict()
    encoder = create_model(architecture, 3, 1).encoder.state_dict()
    kept = {k: v.shape for k, v in published.items() if not k.startswith(("fc.", "classifier."))}
    assert kept == {key: value.shape for key, value in encoder.items()}
