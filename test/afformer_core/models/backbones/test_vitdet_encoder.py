# SPDX-License-Identifier: Apache-2.0
"""The ViTDet-B models: the paper's form and the released one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from afformer_core.models import AfformerConfiguration, afformer_vitdet_b, released_vitdet_b
from afformer_core.models.afformer import Afformer
from afformer_core.models.backbones import vitdet_encoder as vitdet
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.models.backbones.vitdet import VisionTransformer
from afformer_core.models.backbones.vitdet_encoder import (
    PlainVitBackbone,
    SeparateLastBlockEncoder,
    SimpleFeaturePyramid,
)
from afformer_core.offline.training.initial_weights import adopt_weights

from ...conftest import random_model
from ..known_weights import random_images

ACTIONS = ('hold', 'touch', 'rotate', 'push', 'pull', 'pick up', 'put down')
BLOCK = 4 * 768 + 3 * 768**2 + 3 * 768 + 768**2 + 768 + 2 * 4 * 768**2 + 5 * 768
WINDOW, GLOBAL = BLOCK + 2 * 27 * 64, BLOCK + 2 * 127 * 64
EMBEDDING = 14 * 14 * 768 + 768 * 3 * 16 * 16 + 768
PYRAMID = 2 * (768 * 256 + 9 * 256 * 256 + 4 * 256)


@pytest.mark.parametrize(
    ('configuration', 'encoder', 'decoder', 'predictor'),
    [
        (afformer_vitdet_b(ACTIONS), 4 * GLOBAL + PYRAMID, 1_484_992, 165_896),
        (released_vitdet_b(ACTIONS), 5 * GLOBAL + 9 * 768 * 768, 7_108_672, 1_489_934),
    ],
    ids=['paper', 'released'],
)
def test_parameters_and_shapes(
    configuration: AfformerConfiguration, encoder: int, decoder: int, predictor: int
) -> None:
    with torch.device('meta'):
        model = Afformer(configuration)
        frames = torch.zeros(3, 1024, 1024, 3, dtype=torch.uint8)
        memory = model.memorize(features := model.encode_frames(frames)[None])
        heatmaps, actions = model.ground(frames[:1], memory)

    counts = [
        sum(one.numel() for one in part.parameters())
        for part in (model.encoder, model.decoder, model.predictor)
    ]
    assert counts == [EMBEDDING + 8 * WINDOW + encoder, decoder, predictor]
    assert features.shape == (1, 3, configuration.channels, 32, 32)
    assert heatmaps.shape == (1, configuration.heatmaps, 256, 256)
    assert actions.shape == (1, 7)
    found = [(x.shape[1:], y.shape[1:]) for x, y in zip(memory.keys, memory.values, strict=True)]
    assert tuple(found) == configuration.memory_shapes(3)


def small_encoder(configuration: AfformerConfiguration, kind: type[Encoder]) -> Encoder:
    """Of one block, narrow: what an encoder does with whatever backbone it has."""
    torch.manual_seed(0)
    body = VisionTransformer((4, 8), 1)
    backbone = PlainVitBackbone(body, SimpleFeaturePyramid(768, 256, ('p4', 'p5', 'p6')))
    encoder = (
        SeparateLastBlockEncoder(backbone, configuration)
        if kind is SeparateLastBlockEncoder
        else Encoder(
            backbone,
            configuration.image_levels,
            configuration.frame_levels,
            (0.5,) * 3,
            (0.25,) * 3,
        )
    )
    return encoder.eval().requires_grad_(False)


PAPER = afformer_vitdet_b(ACTIONS, (64, 128))
SEPARATE = replace(PAPER, video_encoder='separate_last_block')


@pytest.mark.parametrize(
    ('configuration', 'kind'), [(PAPER, Encoder), (SEPARATE, SeparateLastBlockEncoder)]
)
def test_images_and_features_at_once(
    configuration: AfformerConfiguration, kind: type[Encoder]
) -> None:
    encoder = small_encoder(configuration, kind)
    images = random_images(2, 64, 128, 3)

    levels, features = encoder.encode_images_and_features(images)

    assert [level.shape for level in levels] == [(2, 256, 1, 2), (2, 256, 2, 4), (2, 256, 4, 8)]
    for level, expected in zip(levels, encoder.encode_images(images), strict=True):
        torch.testing.assert_close(level, expected)
    torch.testing.assert_close(features, encoder.encode_frames(images))
    assert torch.equal(features, levels[1]) == (kind is Encoder)


def test_tables_of_the_last_blocks_are_frozen_too() -> None:
    encoder = small_encoder(SEPARATE, SeparateLastBlockEncoder)
    images = random_images(1, 64, 128, 3)
    before = encoder.encode_images_and_features(images)
    encoder.freeze_tables()
    assert isinstance(encoder, SeparateLastBlockEncoder)
    assert 'table_0_4_8_4_8_1' in dict(encoder.image_block.attn.named_buffers())

    levels, features = encoder.encode_images_and_features(images)
    torch.testing.assert_close(features, before[1])
    torch.testing.assert_close(levels[0], before[0][0])


def test_another_input_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitdet, 'VisionTransformer', lambda grid, _=12: VisionTransformer(grid, 1))
    model = random_model(SEPARATE)
    resized = Afformer(replace(SEPARATE, input_size=(128, 192))).eval().requires_grad_(False)
    adopt_weights(resized, model, 'the smaller one')
    images = random_images(1, 128, 192, 3)

    found, found_features = resized.encoder.encode_images_and_features(images)

    # What was made for another size resamples its tables as it goes.
    expected, expected_features = model.encoder.encode_images_and_features(images)
    torch.testing.assert_close(found_features, expected_features)
    for level, expected_level in zip(found, expected, strict=True):
        torch.testing.assert_close(level, expected_level)
    assert resized.state_dict()['encoder.image_block.attn.rel_pos_w'].shape == (23, 64)


def test_the_coarsest_level_is_every_second_position_of_the_next() -> None:
    pyramid = SimpleFeaturePyramid(8, 4, ('p4', 'p5', 'p6'))
    features = torch.randn(1, 8, 8, 4)

    p6, p5, p4 = pyramid(features, ('p6', 'p5', 'p4'))

    assert (p4.shape, p5.shape) == ((1, 4, 8, 4), (1, 4, 4, 2))
    assert torch.equal(p6, p5[:, :, ::2, ::2])
    # What is never asked for is not made.
    alone = SimpleFeaturePyramid(8, 4, ('p6',)).state_dict()
    assert {name.split('.')[0] for name in alone} == {'p5'}
