# SPDX-License-Identifier: Apache-2.0
"""The ViTDet-B models, the paper's form and the released one, and their graphs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from timm.models.vision_transformer_sam import VisionTransformerSAM
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from afformer_core.models import AfformerConfiguration, afformer_vitdet_b, released_vitdet_b
from afformer_core.models.afformer import Afformer
from afformer_core.models.backbones import vitdet_encoder as vitdet
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.models.backbones.vitdet import VisionTransformer, in_parts
from afformer_core.models.backbones.vitdet_encoder import (
    PlainVitBackbone,
    SeparateLastBlockEncoder,
    SimpleFeaturePyramid,
)
from afformer_core.offline.training.initial_weights import adopt_weights
from afformer_core.runtime.weights import save_model

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


CHANNELS, HEADS, DEPTH = 32, 2, 3


def small(grid: tuple[int, int]) -> VisionTransformer:
    """Two blocks of windows and a global one, whose positions matter."""
    torch.manual_seed(0)
    made = VisionTransformer(grid, DEPTH, CHANNELS, HEADS).eval().requires_grad_(False)
    for name, parameter in made.named_parameters():
        if 'rel_pos' in name or 'pos_embed' in name:
            nn.init.normal_(parameter, std=0.5)
    return made


def as_timm(ours: VisionTransformer) -> VisionTransformerSAM:
    """timm's whole model with the same weights."""
    size = (16 * ours.grid[0], 16 * ours.grid[1])
    theirs = VisionTransformerSAM(
        img_size=size,
        embed_dim=CHANNELS,
        depth=DEPTH,
        num_heads=HEADS,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=14,
        global_attn_indexes=(2, 5, 8, 11),
    )
    tensors = {**ours.state_dict(), 'pos_embed': ours._positions(ours.grid)}
    theirs.load_state_dict(tensors, strict=False)
    return theirs.eval().requires_grad_(False)


@pytest.mark.parametrize('grid', [(4, 8), (16, 12), (28, 14)])
@torch.no_grad()
def test_equals_timm(grid: tuple[int, int]) -> None:
    ours = small(grid)
    theirs = as_timm(ours)
    images = torch.randn(2, 3, 16 * grid[0], 16 * grid[1])

    x = theirs.patch_embed(images) + theirs.pos_embed
    expected = theirs.blocks(x).permute(0, 3, 1, 2)

    torch.testing.assert_close(ours(images), expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_another_size_is_resampled() -> None:
    ours = small((8, 8))
    theirs = as_timm(ours)
    images = torch.randn(1, 3, 64, 192)

    expected = theirs.blocks(theirs.patch_embed(images) + ours._positions((4, 12)))

    torch.testing.assert_close(ours(images), expected.permute(0, 3, 1, 2), atol=1e-5, rtol=0)


class Largest(TorchDispatchMode):
    """Numbers in the largest tensor that an operator gives."""

    numbers = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        out = func(*args, **(kwargs or {}))
        made = [leaf.numel() for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
        self.numbers = max(self.numbers, *made, 0)
        return out


@torch.no_grad()
def test_nothing_of_queries_times_keys_exists() -> None:
    ours = small((40, 40))
    positions = 40 * 40
    images = torch.randn(1, 3, 640, 640)

    with Largest() as largest:
        ours(images)
    assert largest.numbers < positions**2
    with Largest() as largest:
        as_timm(ours).blocks[2].attn(torch.randn(1, 40, 40, CHANNELS))
    assert largest.numbers >= HEADS * positions**2


def test_images_are_encoded_a_few_at_a_time() -> None:
    seen = []

    def double(random_images: Tensor) -> Tensor:
        seen.append(len(random_images))
        return 2 * random_images

    random_images = torch.rand(5, 3)
    assert torch.equal(in_parts(double, random_images, 2048), 2 * random_images)
    assert seen == [2, 2, 1]
    seen.clear()
    in_parts(double, random_images, 64)
    in_parts(double, random_images[:2], 10_000)
    assert seen == [5, 1, 1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ('configuration', 'precision'),
    [(PAPER, 'fp32'), (released_vitdet_b(ACTIONS, (64, 128)), 'fp16')],
    ids=['paper', 'released'],
)
def test_graphs_give_what_torch_gives(
    configuration: AfformerConfiguration,
    precision: str,
    scratch: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip('onnxscript')
    from afformer_core.runtime.export.export import export_graphs

    monkeypatch.setattr(vitdet, 'VisionTransformer', lambda grid, _=12: VisionTransformer(grid, 1))
    # Of fewer blocks and frames, so that it takes seconds.
    save_model(scratch, random_model(replace(configuration, maximum_frames=3)), {})

    # The export raises where they differ by more than the precision allows.
    assert export_graphs(scratch, precision).heatmap < {'fp32': 2e-5, 'fp16': 0.02}[precision]
