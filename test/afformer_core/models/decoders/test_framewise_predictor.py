# SPDX-License-Identifier: Apache-2.0
"""Actions that are read from the frames of the video."""

import pytest
import torch
from torch import Tensor

from afformer_core.models.decoders.framewise_predictor import FramewiseActioner
from afformer_core.models.decoders.memory import VideoMemory


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
