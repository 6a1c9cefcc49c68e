# SPDX-License-Identifier: Apache-2.0
"""The plain backbone against timm's and detectron2's ways of computing."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from timm.models.vision_transformer_sam import VisionTransformerSAM
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from afformer_core.models.backbones.vitdet import VisionTransformer, in_parts

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
