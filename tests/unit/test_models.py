"""The registry of networks: shapes, gradients, frozen blocks, sizes against the documents."""

import pytest
import torch
from torch import nn

from gliomake.models import count_parameters, create_model
from gliomake.models.classifier import ResNet50Classifier
from gliomake.models.encoders import ENCODERS, encoder_blocks, make_encoder
from gliomake.models.residual import ResidualBlock
from gliomake.models.unet import AttentionGate, ConvBlock, UNet
from gliomake.study.architectures import ARCHITECTURES

# Every architecture, and every option that changes what is built, at a width that tests can bear.
SMALL = {
    "unet": ("unet", {"base": 4, "depth": 3}),
    "unet-plain": ("unet", {"base": 4, "depth": 2, "norm": "none"}),
    "unet-bilinear": ("unet", {"base": 4, "depth": 4, "up": "bilinear"}),
    "unet-attention": ("unet", {"base": 4, "depth": 3, "attention": True, "dropout": 0.1}),
    "resunet": ("resunet", {"base": 4}),
    "vgg19-unet": ("vgg19-unet", {"width": 0.1}),
    "vgg19-unet-frozen": ("vgg19-unet", {"width": 0.1, "freeze": 1}),
    "smp-vgg16": ("smp-unet", {"encoder": "vgg16", "width": 0.1}),
    "smp-resnet50": ("smp-unet", {"encoder": "resnet50", "width": 0.1}),
    "smp-resnet50-frozen": ("smp-unet", {"encoder": "resnet50", "width": 0.1, "freeze": 2}),
    "resnet50-classifier": ("resnet50-classifier", {"width": 0.1}),
}


def build(name: str, in_channels: int = 3, classes: int = 1, seed: int = 0) -> nn.Module:
    architecture, options = SMALL[name]
    torch.manual_seed(seed)
    return create_model(architecture, in_channels, classes, **options)


def images(count: int = 2, channels: int = 3, height: int = 64, width: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, channels, height, width, generator=generator)


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [m for m in module.modules() if isinstance(m, nn.Conv2d)]


def test_the_sweep_covers_the_registry():
    assert {architecture for architecture, _ in SMALL.values()} == set(ARCHITECTURES)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 96)])
def test_logits_have_the_shape_of_the_masks(name, height, width):
    classifier = name.endswith("classifier")
    classes = 1 if classifier else 3
    model = build(name, in_channels=2, classes=classes).eval()
    logits = model(images(2, 2, height, width))
    assert logits.shape == ((2, 2) if classifier else (2, classes, height, width))
    assert logits.dtype == torch.float32
    assert logits.min() < 0 or logits.max() > 1, "probabilities, not logits"


@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_every_trainable_parameter_and_no_frozen_one(name):
    model = build(name).train()
    target = torch.linspace(-1, 1, 64)
    logits = model(images())
    (logits * target[: logits.shape[-1]]).square().sum().backward()
    for parameter_name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.any(), parameter_name
        else:
            assert parameter.grad is None, parameter_name
    total, trainable = count_parameters(model)
    assert (trainable < total) == name.endswith("frozen")


@pytest.mark.parametrize("name", SMALL)
def test_a_slice_is_scored_without_regard_to_its_batch(name):
    # In float64: how float32 rounds in batches of another size is the processor's affair.
    model = build(name).eval().double()
    batch = images(3).double()
    with torch.no_grad():
        together, alone = model(batch), model(batch[1:2])
    torch.testing.assert_close(together[1:2], alone, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", SMALL)
def test_the_seed_decides_the_weights(name):
    first, again, other = (build(name, seed=seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_frozen_blocks_keep_weights_and_statistics_through_a_training_step():
    model = build("smp-resnet50-frozen")
    frozen = ("encoder.conv1.", "encoder.bn1.", "encoder.layer1.")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.eval()
    model.train()
    optimiser = torch.optim.Adam(p for p in model.parameters() if p.requires_grad)
    model(images()).square().mean().backward()
    optimiser.step()
    after = model.state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert not [key for key in changed if key.startswith(frozen)]
    assert "encoder.layer2.0.bn1.running_mean" in changed
    assert "encoder.layer2.0.conv1.weight" in changed
    assert model.encoder.layer2.training and not model.encoder.layer1[0].bn1.training


def test_blocks_of_the_encoders():
    assert [len(convolutions(nn.ModuleList(b))) for b in encoder_blocks(make_encoder("vgg16"))] == [
        *(2, 2, 3, 3, 3)
    ]
    stem, *stages = encoder_blocks(make_encoder("resnet50", width=0.1))
    assert [type(module).__name__ for module in stem] == ["Conv2d", "BatchNorm2d"]
    assert [len(stage) for (stage,) in stages] == [3, 4, 6, 3]


# Parameters of the plain U-Net by hand. A block of two 3x3 convolutions without bias and with two
# batch norms has 9 (i o + o o) + 4 o, a transposed 2x2 convolution 4 i o + o, the head i o + o.
def unet_size(channels: int, classes: int, base: int, depth: int, up: str) -> int:
    def block(i, o):
        return 9 * (i * o + o * o) + 4 * o

    widths = [base * 2**level for level in range(depth + 1)]
    size = sum(block(i, o) for i, o in zip([channels, *widths], widths, strict=False))
    for wide, narrow in zip(widths[:0:-1], widths[-2::-1], strict=True):
        if up == "transpose":
            size += 4 * wide * narrow + narrow + block(2 * narrow, narrow)
        else:
            size += block(wide + narrow, narrow)
    return size + base * classes + classes


@pytest.mark.parametrize(
    ("channels", "classes", "base", "depth", "up"),
    [(3, 1, 64, 4, "transpose"), (1, 1, 32, 4, "transpose"), (1, 1, 64, 4, "bilinear")],
)
def test_unet_size(channels, classes, base, depth, up):
    model = create_model("unet", channels, classes, base=base, depth=depth, up=up)
    assert count_parameters(model)[0] == unet_size(channels, classes, base, depth, up)


def test_unet_of_the_lgg_studies():
    """31,037,633 is the size of the widespread PyTorch U-Net with these numbers."""
    model = create_model("unet", 3, 1)
    assert count_parameters(model) == (31_037_633, 31_037_633)
    wide = [c for c in convolutions(model) if c.kernel_size == (3, 3)]
    assert len(wide) == 18, "lgg-two-stage: 18 convolutional layers in nine phases"
    assert [level(torch.zeros(1, c, 16, 16)).shape[1] for level, c in _levels(model)] == [
        *(64, 128, 256, 512, 1024)
    ]


def _levels(model: UNet) -> list[tuple[nn.Module, int]]:
    return list(zip(model.levels, [3, 64, 128, 256, 512], strict=True))


def test_resunet_of_the_two_stage_study():
    model = create_model("resunet", 3, 1)
    blocks = [m for m in model.modules() if isinstance(m, ResidualBlock)]
    widths = [block.shortcut[0].out_channels for block in blocks]
    assert widths == [16, 32, 64, 128, 256, 128, 64, 32, 16]
    # upsample 1 joins the 256 from below with the 128 of stage 4, upsample 4 the 32 with 16
    assert [block.shortcut[0].in_channels for block in blocks[5:]] == [384, 192, 96, 48]


def test_vgg19_unet_of_the_two_stage_study():
    model = create_model("vgg19-unet", 3, 1)
    encoder, decoder = model.encoder, model.decoder
    plain = [c for c in convolutions(decoder) if c.kernel_size == (3, 3)]
    transposed = [m for m in decoder.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert (len(convolutions(encoder)), len(transposed), len(plain)) == (16, 4, 8)
    assert 16 + 4 + 8 == 28, "the document: 28 layers"
    assert count_parameters(encoder)[0] == 20_024_384, "the document: about 20 million"
    # each step: a transposed convolution i -> o, and a block that takes the skip's o channels too
    steps = [(512, 512), (512, 256), (256, 128), (128, 64)]
    by_hand = sum((4 * i * o + o) + (9 * (2 * o * o + o * o) + 4 * o) for i, o in steps) + 64 + 1
    assert count_parameters(model)[0] == 20_024_384 + by_hand == 31_166_273
    joined = [step.block[0][0].in_channels for step in decoder.steps]
    assert joined == [1024, 512, 256, 128], "the document: 1024 channels at 32x32, 64 at the end"
    assert {type(m) for m in decoder.modules()} >= {nn.Dropout, nn.BatchNorm2d}
    with torch.no_grad():
        shapes = [tuple(f.shape[1:]) for f in encoder(torch.zeros(1, 3, 64, 64))]
    assert shapes == [(64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8), (512, 4, 4)]


def test_classifier_of_the_two_stage_study():
    model = ResNet50Classifier(3, 1)
    resnet50_without_top = 25_557_032 - (2048 * 1000 + 1000)
    dense = (2048 * 256 + 256) + (256 * 256 + 256) + (256 * 2 + 2)
    assert count_parameters(model)[0] == resnet50_without_top + dense
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.3, 0.3]


@pytest.mark.slow  # importing segmentation_models_pytorch
@pytest.mark.parametrize("encoder", ["resnet18", "vgg11"])
@pytest.mark.parametrize("channels", [3, 1])
def test_smp_unet_is_the_one_of_segmentation_models_pytorch(encoder, channels):
    import segmentation_models_pytorch as smp

    oracle = smp.Unet(encoder, encoder_weights=None, in_channels=channels, classes=2).eval()
    model = create_model("smp-unet", channels, 2, encoder=encoder).eval()
    model.load_state_dict(oracle.state_dict(), strict=True)
    with torch.no_grad():
        image = images(1, channels)
        assert torch.equal(model(image), oracle(image))


@pytest.mark.parametrize("name", ENCODERS)
def test_thinned_encoders_announce_their_channels(name):
    encoder = make_encoder(name, in_channels=2, width=0.25)
    with torch.no_grad():
        features = encoder(images(1, 2))
    assert [f.shape[1] for f in features] == list(encoder.out_channels)
    assert count_parameters(encoder)[0] < 2_000_000


def test_vgg_weights_are_drawn_as_torchvision_draws_them():
    torch.manual_seed(0)
    conv = convolutions(make_encoder("vgg11"))[3]  # 256 filters of 3x3, fan-out 2304
    assert conv.weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)
    assert not conv.bias.any()


def test_residual_block_by_hand():
    """With zero convolutions the shortcut alone is left, rectified."""
    block = ResidualBlock(1, 1, norm="none")
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    nn.init.ones_(block.shortcut[0].weight)
    x = torch.tensor([[[[-2.0, 3.0], [0.5, -1.0]]]])
    assert torch.equal(block(x), torch.relu(x))


def test_attention_gate_by_hand():
    gate = AttentionGate(skip_channels=2, gate_channels=1)
    for parameter in gate.parameters():
        nn.init.zeros_(parameter)
    skip, signal = torch.ones(1, 2, 4, 4), torch.ones(1, 1, 2, 2)
    assert torch.equal(gate(skip, signal), skip / 2)  # sigmoid(0)
    nn.init.ones_(gate.gate.weight)
    nn.init.constant_(gate.psi.weight, 2.0)
    # psi . relu(0 + 1) = 2 for the one inner channel
    expected = torch.sigmoid(torch.tensor(2.0))
    torch.testing.assert_close(gate(skip, signal), expected * skip)


def test_dropout_acts_in_training_alone():
    torch.manual_seed(0)
    model = create_model("unet", 1, 1, base=2, depth=1, norm="none", dropout=0.5)
    image = images(1, 1, 8, 8)
    assert not torch.equal(model.train()(image), model(image))
    assert torch.equal(model.eval()(image), model(image))


def test_plain_blocks_have_biases_and_no_norm():
    block = ConvBlock(2, 3, norm="none")
    assert [name for name, _ in block.named_parameters()] == [
        *("0.0.weight", "0.0.bias", "2.0.weight", "2.0.bias")
    ]


@pytest.mark.parametrize(
    ("architecture", "classes", "options", "message"),
    [
        ("u-net", 1, {}, "'u-net' is unknown; there are unet, resunet"),
        ("unet", 1, {"width": 2}, "no option 'width'; its options are base, depth"),
        ("unet", 0, {}, "at least one channel and one class"),
        ("unet", 1, {"base": 0}, "base and depth must be at least 1"),
        ("unet", 1, {"up": "nearest"}, "up must be 'transpose' or 'bilinear', got 'nearest'"),
        ("unet", 1, {"norm": "group"}, "norm must be 'batch' or 'none', got 'group'"),
        ("unet", 1, {"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ("smp-unet", 1, {"encoder": "resnet51"}, "encoder 'resnet51' is unknown"),
        ("smp-unet", 1, {"encoder": "resnet18", "width": 0}, r"width must be in \(0, 1\], got 0"),
        ("smp-unet", 1, {"encoder": "resnet18", "freeze": 6}, "freeze must be 0 to the 5"),
        ("resnet50-classifier", 3, {}, "got 3 classes"),
    ],
)
def test_bad_options(architecture, classes, options, message):
    with pytest.raises(ValueError, match=message):
        create_model(architecture, 3, classes, **options)


@pytest.mark.parametrize("name", ["unet", "vgg19-unet", "smp-vgg16"])
def test_images_of_a_wrong_size_are_named(name):
    with pytest.raises(ValueError, match="image is 60x64 pixels, this network needs multiples of"):
        build(name)(images(1, 3, 60, 64))
