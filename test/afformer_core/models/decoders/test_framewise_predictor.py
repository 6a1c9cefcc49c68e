# SPDX-License-Identifier: Apache-2.0
"""Actions that are read from the frames of the video."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.models.decoders.framewise_predictor import FramewiseActioner
from afformer_core.models.decoders.memory import VideoMemory

SMALL = replace(afformer_small(('push', 'pull', 'hold'), (64, 64)), maximum_frames=4)


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


def test_the_whole_model_reads_the_frames() -> None:
    torch.manual_seed(0)
    model = Afformer(SMALL).eval()
    frames = torch.randint(0, 256, (1, 3, 64, 64, 3), dtype=torch.uint8)
    image = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        _, actions = model(image, frames)
        _, same = model(image, frames.repeat_interleave(1, dim=1))
        _, backwards = model(image, frames.flip(1))

    torch.testing.assert_close(same, actions)
    assert not torch.equal(backwards, actions)


def test_frames_need_a_decoder_that_keeps_their_positions() -> None:
    with pytest.raises(ValueError, match=r'action_pooling .* for the decoders .*deconvolution'):
        replace(SMALL, decoder='deconvolution', image_levels=('p4',), temporal_strides=(1,))
