"""What backbones promise: shapes, padding, order, causality, and weights that can be normalised."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from detectors.chunks import ROWS, in_chunks
from detectors.models.backbones import BACKBONES, make_backbone
from detectors.models.backbones.base import Backbone
from detectors.threads import use_one_thread
from detectors.training.spectral import normalise, settle

STEPS, CHANNELS, WIDTH = 32, 16, 24


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    use_one_thread()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(params=BACKBONES)
def backbone(request: pytest.FixtureRequest, seeded: None) -> Backbone:
    return make_backbone(request.param, STEPS, CHANNELS, WIDTH).eval()


def windows(count: int, length: int = STEPS) -> Tensor:
    drawn = torch.randn(count, STEPS, CHANNELS)
    drawn[:, :, -1] = 1
    drawn[:, : STEPS - length] = 0
    return drawn


def without_last(window: Tensor) -> Tensor:
    """Hide the last step, as it is hidden from models that are to expect it."""
    hidden = window.clone()
    hidden[:, -1] = 0
    return hidden


def test_a_window_becomes_a_summary_and_described_steps(backbone: Backbone) -> None:
    assert backbone(windows(5)).shape == (5, WIDTH)
    assert backbone.steps(windows(5)).shape == (5, STEPS, WIDTH)


def test_every_step_and_channel_matters(backbone: Backbone) -> None:
    window = windows(64).requires_grad_()
    backbone(window).square().sum().backward()
    assert window.grad is not None
    # The mask of a step decides whether it is read, not how.
    assert (window.grad.abs().sum(dim=0)[:, :-1] > 0).all()


def test_every_parameter_learns(backbone: Backbone) -> None:
    (backbone(windows(64)).square().sum() + backbone(windows(64, 7)).square().sum()).backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_order_matters(backbone: Backbone) -> None:
    window = windows(8)
    assert not torch.allclose(backbone(window), backbone(window.flip(1)), atol=1e-4)


@pytest.mark.parametrize("length", [1, 2, 5, STEPS])
def test_the_past_is_all_but_the_last_event(backbone: Backbone, length: int) -> None:
    window = windows(50, length)
    torch.testing.assert_close(backbone.past(window), backbone(without_last(window)))
    other = window.clone()
    other[:, -1, :-1] += 3
    assert torch.equal(backbone.past(other), backbone.past(window))


def test_windows_do_not_mix(backbone: Backbone) -> None:
    many = windows(6)
    others = torch.cat([many[:1], windows(5)])
    torch.testing.assert_close(backbone(many)[0], backbone(others)[0])
    torch.testing.assert_close(backbone.steps(many)[0], backbone.steps(others)[0])


@pytest.mark.parametrize("length", [0, 1, 2, 31])
def test_short_windows_are_read(backbone: Backbone, length: int) -> None:
    for window in (windows(50, length), without_last(windows(50, length))):
        assert torch.isfinite(backbone(window)).all()
        assert torch.isfinite(backbone.steps(window)).all()
    if length:
        assert backbone(windows(50, length)).std(dim=0).max() > 1e-3


@pytest.mark.parametrize("name", ["lstm", "bilstm", "attention"])
@pytest.mark.parametrize("length", [1, 5, 20])
@pytest.mark.parametrize("hide", [without_last, torch.clone])
def test_padding_changes_nothing(name: str, length: int, hide: Callable[[Tensor], Tensor]) -> None:
    backbone = make_backbone(name, STEPS, CHANNELS, WIDTH).eval()
    padded = hide(windows(20, length))
    unpadded = padded[:, -length:]
    torch.testing.assert_close(backbone(padded), backbone(unpadded))
    torch.testing.assert_close(backbone.steps(padded)[:, -length:], backbone.steps(unpadded))


@pytest.mark.parametrize("name", ["lstm", "attention"])
@pytest.mark.parametrize("at", [0, 9, 30])
def test_a_later_event_changes_no_earlier_output(name: str, at: int) -> None:
    backbone = make_backbone(name, STEPS, CHANNELS, WIDTH).eval()
    assert backbone.causal
    before, after = windows(20), windows(20)
    after[:, : at + 1] = before[:, : at + 1]
    told, told_later = backbone.steps(before), backbone.steps(after)
    torch.testing.assert_close(told[:, : at + 1], told_later[:, : at + 1])
    assert not torch.allclose(told[:, at + 1], told_later[:, at + 1], atol=1e-4)


@pytest.mark.parametrize("name", ["tcn", "bilstm"])
def test_what_is_not_causal_says_so(name: str) -> None:
    backbone = make_backbone(name, STEPS, CHANNELS, WIDTH).eval()
    before, after = windows(20), windows(20)
    after[:, :-1] = before[:, :-1]
    assert not torch.allclose(backbone.steps(before)[:, 0], backbone.steps(after)[:, 0])
    assert not backbone.causal


@pytest.mark.parametrize("name", ["lstm", "attention"])
def test_the_last_step_is_the_summary_of_what_is_causal(name: str) -> None:
    backbone = make_backbone(name, STEPS, CHANNELS, WIDTH).eval()
    window = windows(9, 12)
    torch.testing.assert_close(backbone.steps(window)[:, -1], backbone(window))


def test_a_row_has_the_same_bits_in_any_batch(backbone: Backbone) -> None:
    rng = np.random.default_rng(0)
    rows = windows(2 * ROWS + 37).numpy()
    rows[np.arange(STEPS) < rng.integers(0, STEPS, (len(rows), 1))] = 0
    order = rng.permutation(len(rows))
    for compute in (backbone, backbone.past, backbone.steps):
        whole = in_chunks(compute, rows)[order]
        for cut in (slice(0, 1), slice(3, 90), slice(70, None), slice(None)):
            assert in_chunks(compute, rows[order][cut]).tobytes() == whole[cut].tobytes()


def test_weights_can_be_normalised_and_settled(backbone: Backbone) -> None:
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.mul_(3)
    names = set(backbone.state_dict())
    normalise(backbone, but=torch.nn.Linear(1, 1))
    for _ in range(50):
        backbone.train()(windows(4))
    window = windows(5)
    before = backbone.eval()(window)
    settle(backbone)
    torch.testing.assert_close(backbone(window), before)
    assert set(backbone.state_dict()) == names
    matrices = [layer.weight for layer in backbone.modules() if isinstance(layer, torch.nn.Linear)]
    assert matrices
    for matrix in matrices:
        assert torch.linalg.matrix_norm(matrix, 2).item() == pytest.approx(1, abs=0.05)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no backbone 'rnn': choose one of tcn, lstm, bilstm, attention"):
        make_backbone("rnn", STEPS, CHANNELS, WIDTH)


def test_a_window_that_strides_do_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="no multiple of the stride"):
        make_backbone("tcn", 30, CHANNELS, WIDTH)


@pytest.mark.parametrize(("name", "told"), [("bilstm", "two directions"), ("attention", "4 heads")])
def test_a_width_that_cannot_be_shared_is_refused(name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make_backbone(name, STEPS, CHANNELS, 25)
