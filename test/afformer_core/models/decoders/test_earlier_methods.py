# SPDX-License-Identifier: Apache-2.0
"""Earlier methods learn what they can, and nothing else."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.models.decoders.earlier_methods import ConvLstm, DemonstrationEncoder
from afformer_core.models.decoders.memory import Decoder

from ..known_weights import random_images

SMALL = replace(
    afformer_small(('press', 'hold'), (64, 64)), maximum_frames=4, image_levels=('p4',),
    temporal_strides=(1,), action_pooling='heatmap',
)  # fmt: skip
DEMO2VEC = ('lstm', 'conv_lstm', 'attended_conv_lstm')


def model_of(decoder: str) -> Afformer:
    torch.manual_seed(0)
    levels = ('p4',) if decoder == 'image_only' else ('p3',)
    return Afformer(replace(SMALL, decoder=decoder, video_levels=levels)).eval()


class Embedding(nn.Module):
    """What a decoder keeps of a demonstration."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, features: Tensor) -> Tensor:
        return self.decoder.memorize(features).values[0]


def test_what_needs_no_demonstration_ignores_it() -> None:
    image = random_images(1, 64, 64, 3).expand(2, -1, -1, -1)

    heatmaps, actions = model_of('image_only')(image, random_images(2, 4, 64, 64, 3))

    assert torch.equal(heatmaps[0], heatmaps[1])
    assert torch.equal(actions[0], actions[1])


@pytest.mark.parametrize('decoder', DEMO2VEC)
def test_one_graph_memorizes_any_number_of_frames(decoder: str) -> None:
    memorize = Embedding(model_of(decoder).decoder)
    time = {1: torch.export.Dim('T', min=1, max=4)}
    graph = torch.export.export(
        memorize, (torch.randn(1, 4, 96, 8, 8),), dynamic_shapes=(time,), strict=False
    ).module()

    for frames in (1, 3, 4):
        features = torch.randn(1, frames, 96, 8, 8)
        torch.testing.assert_close(graph(features), memorize(features), atol=1e-5, rtol=0)


def test_over_maps_of_one_pixel_it_is_an_lstm() -> None:
    torch.manual_seed(0)
    conv_lstm, lstm = ConvLstm(3, kernel_size=1), torch.nn.LSTM(3, 3, batch_first=True)
    lstm.load_state_dict(
        {
            'weight_ih_l0': conv_lstm.input.weight[:, :, 0, 0],
            'weight_hh_l0': conv_lstm.recurrent.weight[:, :, 0, 0],
            'bias_ih_l0': conv_lstm.input.bias,
            'bias_hh_l0': torch.zeros(12),
        }
    )
    # At first it forgets little.
    assert conv_lstm.input.bias[3:6].tolist() == [1, 1, 1]
    video = torch.randn(2, 5, 3)

    states = conv_lstm(video[..., None, None])

    torch.testing.assert_close(states[..., 0, 0], lstm(video)[0])


def test_a_state_spreads_by_a_pixel_with_each_frame_that_exists() -> None:
    torch.manual_seed(0)
    conv_lstm = ConvLstm(2, kernel_size=3)
    dark = torch.zeros(1, 4, 2, 1, 7)
    lit = dark.clone()
    lit[0, 0, :, 0, 0] = 1
    missing = torch.tensor([[False, False, False, True]])

    changed = (conv_lstm(lit, missing) - conv_lstm(dark, missing)).abs().amax(dim=(0, 2, 3)) > 0

    assert changed.sum(dim=1).tolist() == [2, 3, 4, 4]


@pytest.mark.parametrize(
    ('kind', 'sees'), [('lstm', False), ('conv_lstm', True), ('attended_conv_lstm', True)]
)
def test_the_order_of_frames_matters_and_what_stands_beside_what(kind: str, sees: bool) -> None:
    torch.manual_seed(0)
    video, embed = torch.randn(1, 4, 8, 3, 5), DemonstrationEncoder(8, kind)

    # The first frame stays, so that more than that one is read.
    backwards = video[:, [0, 3, 2, 1]]
    assert (embed(video) - embed(backwards)).abs().max() > 1e-3
    assert ((embed(video) - embed(video.flip(4))).abs().max() > 1e-4) == sees


def test_the_embedding_is_the_existing_state_that_attention_chooses() -> None:
    torch.manual_seed(0)
    video, encoder = torch.randn(1, 4, 8, 3, 5), DemonstrationEncoder(8, 'attended_conv_lstm')
    states = encoder.conv_lstm(encoder.norm_frames(video[0])[None]).mean(dim=(3, 4))
    # So large a score that the other frames have no share.
    encoder.attention[-1].weight.data.mul_(1e6)
    scores = encoder.attention(states)[0, :, 0]

    torch.testing.assert_close(encoder(video), states[:, scores.argmax()])
    missing = torch.tensor([[False, False, True, True]])
    torch.testing.assert_close(encoder(video, missing), states[:, scores[:2].argmax()])
