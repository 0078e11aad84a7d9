import pytest
import torch

from detectors.models.backbones import BACKBONES, make_backbone

STEPS, CHANNELS, WIDTH = 32, 16, 24


class BackboneContract:
    """What every backbone does; a subclass names it."""

    name: str

    def test_a_window_becomes_a_summary(self) -> None:
        backbone = make_backbone(self.name, STEPS, CHANNELS, WIDTH)
        assert backbone(torch.zeros(5, STEPS, CHANNELS)).shape == (5, WIDTH)

    def test_every_step_and_channel_matters(self) -> None:
        torch.manual_seed(0)
        backbone = make_backbone(self.name, STEPS, CHANNELS, WIDTH)
        window = torch.randn(64, STEPS, CHANNELS, requires_grad=True)
        backbone(window).sum().backward()
        assert window.grad is not None
        assert (window.grad.abs().sum(dim=0) > 0).all()

    def test_order_matters(self) -> None:
        torch.manual_seed(0)
        backbone = make_backbone(self.name, STEPS, CHANNELS, WIDTH)
        window = torch.randn(8, STEPS, CHANNELS)
        assert not torch.allclose(backbone(window), backbone(window.flip(1)))

    def test_windows_do_not_mix(self) -> None:
        torch.manual_seed(0)
        backbone = make_backbone(self.name, STEPS, CHANNELS, WIDTH)
        windows = torch.randn(6, STEPS, CHANNELS)
        others = torch.cat([windows[:1], torch.randn(5, STEPS, CHANNELS)])
        torch.testing.assert_close(backbone(windows)[0], backbone(others)[0])


class TestTemporalConvolution(BackboneContract):
    name = "tcn"


def test_every_backbone_is_tested() -> None:
    assert {each.name for each in BackboneContract.__subclasses__()} == set(BACKBONES)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no backbone 'rnn': choose one of tcn"):
        make_backbone("rnn", STEPS, CHANNELS, WIDTH)


def test_a_window_that_strides_do_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="no multiple of the stride"):
        make_backbone("tcn", 30, CHANNELS, WIDTH)
