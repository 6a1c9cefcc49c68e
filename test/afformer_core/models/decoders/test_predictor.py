# SPDX-License-Identifier: Apache-2.0
"""Where the heads read the action."""

import pytest
import torch
from torch import Tensor, nn

from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.decoders.predictor import (
    FocusedPredictor,
    FramewiseActioner,
    Predictor,
    Upsampler,
)


class FixedHeatmap(nn.Module):
    """Points at the position of row 1, column 2 of a 4x4 grid, at four times its size."""

    def forward(self, decoded: Tensor) -> Tensor:
        logits = torch.full((len(decoded), 1, 16, 16), -50.0)
        logits[:, :, 5, 9] = 50.0
        return logits


def actions(predictor: Predictor, decoded: Tensor) -> Tensor:
    predictor.upsampler = FixedHeatmap()
    with torch.no_grad():
        return predictor(decoded, (16, 16), VideoMemory((), (), (), ()))[1]


def test_focused_actions_are_read_where_the_heatmap_points() -> None:
    torch.manual_seed(0)
    predictor = FocusedPredictor(8, 1, 3)
    decoded = torch.randn(1, 8, 4, 4)
    elsewhere, there = decoded.clone(), decoded.clone()
    elsewhere[:, :, 3, 0] += 1
    there[:, :, 1, 2] += torch.arange(8)

    assert torch.allclose(actions(predictor, elsewhere), actions(predictor, decoded))
    assert not torch.allclose(actions(predictor, there), actions(predictor, decoded))


def test_mean_and_focused_agree_on_even_features() -> None:
    torch.manual_seed(0)
    mean, focused = Predictor(8, 1, 3), FocusedPredictor(8, 1, 3)
    focused.load_state_dict(mean.state_dict())
    decoded = torch.randn(1, 8, 1, 1).expand(1, 8, 4, 4)

    torch.testing.assert_close(actions(focused, decoded), actions(mean, decoded))


@pytest.fixture
def actioner() -> FramewiseActioner:
    torch.manual_seed(0)
    return FramewiseActioner(8, 2, 3).eval()


def memory(values: Tensor, padding: Tensor | None = None) -> VideoMemory:
    """Of two heads of 4 channels and frames of 2 x 2 positions; keys that ask for nothing."""
    keys = torch.zeros(len(values), 2, values.shape[2], 4 + 2 + 2)
    return VideoMemory((keys,), (values,), (padding,), ((2, 2),))


def test_the_order_of_the_frames_matters(actioner: FramewiseActioner) -> None:
    focus, values = torch.randn(1, 8), torch.randn(1, 2, 3 * 4, 4)
    backwards = values.unflatten(2, (3, 4)).flip(2).flatten(2, 3)

    forward = actioner(focus, memory(values))

    assert forward.shape == (1, 3)
    assert not torch.allclose(actioner(focus, memory(backwards)), forward, atol=1e-3)


def test_where_in_a_frame_something_is_seen_matters(actioner: FramewiseActioner) -> None:
    """The same features at another position: what is attended to has moved."""
    keys = torch.zeros(1, 2, 4, 8)
    keys[:, :, 0, :4] = 30 * torch.randn(4)
    values = torch.ones(1, 2, 4, 4)
    focus = torch.randn(1, 8)

    here = actioner(focus, VideoMemory((keys,), (values,), (None,), ((2, 2),)))
    there = actioner(focus, VideoMemory((keys.flip(2),), (values,), (None,), ((2, 2),)))

    assert not torch.allclose(here, there, atol=1e-4)


def test_frames_that_do_not_exist_change_nothing(actioner: FramewiseActioner) -> None:
    focus, values = torch.randn(2, 8), torch.randn(2, 2, 3 * 4, 4)
    padding = torch.zeros(2, 3 * 4, dtype=torch.bool)
    padding[1, 2 * 4 :] = True

    padded = actioner(focus, memory(values, padding))

    shorter = actioner(focus[1:], memory(values[1:, :, : 2 * 4]))
    torch.testing.assert_close(padded[1:], shorter)
    torch.testing.assert_close(padded[:1], actioner(focus[:1], memory(values[:1])))


@pytest.fixture
def upsampler() -> Upsampler:
    """Of random weights, of the norm too."""
    torch.manual_seed(0)
    upsampler = Upsampler(channels=8, heatmaps=3).double()
    for parameter in upsampler.parameters():
        nn.init.normal_(parameter)
    return upsampler


def by_convolution(upsampler: Upsampler, decoded: Tensor) -> Tensor:
    return nn.Sequential(*upsampler)(decoded)


def test_equals_the_deconvolutions_with_their_gradients(upsampler: Upsampler) -> None:
    results = []
    for draw in (upsampler, lambda decoded: by_convolution(upsampler, decoded)):
        upsampler.zero_grad()
        decoded = torch.randn(2, 8, 5, 7, generator=torch.Generator().manual_seed(1)).double()
        decoded.requires_grad_()
        heatmaps = draw(decoded)
        heatmaps.sin().sum().backward()
        results.append((heatmaps, decoded.grad, *(p.grad for p in upsampler.parameters())))

    assert results[0][0].shape == (2, 3, 20, 28)
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)
