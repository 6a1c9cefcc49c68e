# SPDX-License-Identifier: Apache-2.0
"""The paper's ablations and the naive baseline: every variant of the architecture."""

from dataclasses import replace

import pytest
import torch

from afformer_core.models import AfformerConfiguration, afformer_r50, afformer_small
from afformer_core.models.backbones.encoder import pack_levels, unpack_levels

from ..conftest import random_model
from .known_weights import random_images

SMALL = replace(afformer_small(('press', 'hold'), (64, 96)), maximum_frames=5)
THREE = replace(SMALL, image_levels=('p4', 'p3', 'p2'), temporal_strides=(1, 2, 4))
COARSE = replace(SMALL, image_levels=('p4',), temporal_strides=(1,))
VARIANTS = {
    'r50': afformer_r50(('press', 'hold', 'push'), (64, 96)),
    'small': SMALL,
    'heatmap for each action': replace(
        SMALL, heatmap_per_action=True, action_pooling='mean', action_activation='sigmoid'
    ),
    'actions read at the heatmap': replace(SMALL, action_pooling='heatmap'),
    'three levels': THREE,
    'finest level alone': replace(SMALL, image_levels=('p2',), temporal_strides=(1,)),
    'coarsest level alone': replace(COARSE, image_levels=('p5',), video_levels=('p5',)),
    'no temporal pyramid': replace(SMALL, temporal_strides=(1, 1)),
    'half of the frames twice': replace(THREE, temporal_strides=(1, 2, 2)),
    'two video levels of an image level': replace(
        SMALL, image_levels=('p3', 'p3'), video_levels=('p4', 'p3'), temporal_strides=(1, 1)
    ),
    'growing video': replace(THREE, video_levels=('p4', 'p3', 'p2')),
    'separate encoder': replace(SMALL, video_encoder='separate'),
    'separate projection': replace(SMALL, video_projection='separate'),
    'shared projection': replace(THREE, input_projection='shared'),
    'separate projections that levels share': replace(
        THREE, input_projection='shared', video_projection='separate'
    ),
    'separate projections of finer levels of the video': replace(
        SMALL, image_levels=('p5', 'p4'), video_levels=('p4', 'p3'), video_projection='separate'
    ),
    'a block for each step': replace(THREE, decoder_blocks='per_step'),
    'residual of the image': replace(THREE, residual='image'),
    'means of squares': replace(SMALL, spatial_strides=(1, 2)),
    'cross-attention alone': replace(COARSE, decoder='cross_attention', image_levels=('p2',)),
    'coarse cross-attention': replace(COARSE, decoder='cross_attention'),
    'deconvolution': replace(COARSE, decoder='deconvolution', action_pooling='heatmap'),
    **{
        decoder: replace(COARSE, decoder=decoder, action_pooling='heatmap')
        for decoder in ('lstm', 'conv_lstm', 'attended_conv_lstm')
    },
    'image_only': replace(
        COARSE, decoder='image_only', video_levels=('p4',), action_pooling='heatmap'
    ),
}
variants = pytest.mark.parametrize('configuration', VARIANTS.values(), ids=VARIANTS.keys())


@variants
def test_batch_of_different_lengths_equals_each_alone(
    configuration: AfformerConfiguration,
) -> None:
    model = random_model(configuration)
    images, frames = random_images(2, 64, 96, 3), random_images(2, 5, 64, 96, 3)

    heatmaps, actions = model(images, frames, torch.tensor([5, 3]))

    heatmap, action = model(images[1:], frames[1:, :3])
    assert heatmaps.shape == (2, configuration.heatmaps, *configuration.heatmap_size)
    assert actions.shape == (2, len(configuration.action_names))
    torch.testing.assert_close(heatmaps[1], heatmap[0], atol=2e-5, rtol=0)
    torch.testing.assert_close(actions[1], action[0], atol=2e-5, rtol=0)


@variants
def test_every_parameter_learns(configuration: AfformerConfiguration) -> None:
    model = random_model(configuration).requires_grad_(True)
    heatmaps, actions = model(random_images(1, 64, 96, 3), random_images(1, 5, 64, 96, 3))
    (heatmaps.square().sum() + actions.square().sum()).backward()

    silent = [
        name for name, each in model.named_parameters() if each.grad is None or not each.grad.any()
    ]
    assert silent == []


@variants
@pytest.mark.parametrize('frames', [1, 5])
def test_the_configuration_knows_the_shapes(
    configuration: AfformerConfiguration, frames: int
) -> None:
    model = random_model(configuration)
    features = model.encode_frames(random_images(frames, 64, 96, 3))
    memory = model.memorize(features[None])

    expected = (frames, configuration.feature_channels, *configuration.feature_size)
    assert features.shape == expected
    shapes = [(keys.shape[1:], values.shape[1:]) for keys, values in zip(
        memory.keys, memory.values, strict=True
    )]  # fmt: skip
    assert tuple(shapes) == configuration.memory_shapes(frames)
    assert memory.sizes == configuration.memory_sizes


@variants
def test_frozen_tables_change_nothing(configuration: AfformerConfiguration) -> None:
    model = random_model(configuration)
    images, frames = random_images(1, 64, 96, 3), random_images(1, 5, 64, 96, 3)
    before = model(images, frames)[0]
    model.freeze_tables()

    torch.testing.assert_close(model(images, frames)[0], before)


def test_packed_levels_come_back_as_they_were() -> None:
    levels = [torch.rand(2, 3, side, side) for side in (2, 4, 8)]
    packed = pack_levels(levels)

    assert packed.shape == (2, 3 + 12 + 48, 2, 2)
    found = unpack_levels(packed[:, None], [1, 2, 4], [3, 3, 3])
    for level, expected in zip(found, levels, strict=True):
        assert torch.equal(level[:, 0], expected)
