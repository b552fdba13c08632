"""Diagrams of networks: read off the network itself."""

import pytest


class TestTrace:
    """The architecture is that of the network, whatever it is called."""

    @pytest.fixture
    def structure(self):
        torch = pytest.importorskip("torch")
        from gliomake.figures.trace import trace
        from gliomake.models import create_model

        def of(architecture, **options):
            with torch.device("meta"):
                return trace(create_model(architecture, 3, 1, **options), 3, 64)

        return of

    def test_documented_unet(self, structure):
        found = structure("unet", base=32)
        encoder = [stage for stage in found.stages if stage.side == "encoder"]
        decoder = [stage for stage in found.stages if stage.side == "decoder"]
        assert [stage.channels for stage in encoder] == [32, 64, 128, 256, 512]
        assert [stage.height for stage in encoder] == [64, 32, 16, 8, 4]
        assert [stage.channels for stage in decoder] == [256, 128, 64, 32]
        assert [stage.skip for stage in decoder] == [3, 2, 1, 0]
        assert [stage.joined for stage in decoder] == [(256, 256), (128, 128), (64, 64), (32, 32)]
        assert {stage.entry.kind for stage in decoder} == {"up-convolution"}
        assert (found.head.channels, found.head.detail) == (1, "1\u00d71")

    def test_bilinear_decoder(self, structure):
        found = structure("unet", base=8, up="bilinear")
        ups = [stage.entry for stage in found.stages if stage.side == "decoder"]
        assert {(up.kind, up.detail) for up in ups} == {("upsample", "bilinear")}

    def test_attention_gates(self, structure):
        found = structure("unet", base=8, attention=True)
        assert [stage.gated for stage in found.stages if stage.side == "decoder"] == [True] * 4
        assert len(found.gates) == 4
        assert not structure("unet", base=8).gates

    def test_resnet50_has_its_blocks(self, structure):
        found = structure("smp-unet", encoder="resnet50")
        encoder = [stage for stage in found.stages if stage.side == "encoder"]
        assert [stage.residual_blocks for stage in encoder] == [0, 0, 3, 4, 6, 3]
        assert [stage.channels for stage in encoder[1:]] == [64, 256, 512, 1024, 2048]

    def test_vgg16_has_its_thirteen_convolutions(self, structure):
        found = structure("smp-unet", encoder="vgg16")
        encoder = [stage for stage in found.stages if stage.side == "encoder"]
        assert [len(stage.convolutions) for stage in encoder[:5]] == [2, 2, 3, 3, 3]
        # torchvision's plain VGG16 has no batch norm, the decoder has.
        assert not any(conv.normed for stage in encoder[:5] for conv in stage.convolutions)
        assert all(conv.normed for conv in found.stages[-1].convolutions)
