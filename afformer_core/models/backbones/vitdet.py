# SPDX-License-Identifier: Apache-2.0
"""ViTDet's plain backbone (Li et al., ECCV 2022): a ViT-B/16 with windowed and global attention.

Every third block attends globally, the others within windows. The blocks come from timm, with the
attention of `attention.py`, which needs no bias of queries x keys. The names match the weights of
detectron2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from timm.layers import PatchEmbed
from timm.models.vision_transformer_sam import Block
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from afformer_core.models.layers.attention import SelfAttention2d, Size
from afformer_core.models.layers.numerics import NORM_EPSILON

CHANNELS = 768
DEPTH = 12
PATCH = 16
_HEADS = 12
_WINDOW = 14
_GLOBAL_BLOCKS = (2, 5, 8, 11)
# Absolute positions are learnt on the pre-training grid, 224 / 16, and resized to the image's.
POSITIONS = 14
# The grid of one image of 1024 x 1024; a larger batch would need more memory without being faster.
_POSITIONS_AT_ONCE = 64 * 64


class VisionTransformer(nn.Module):
    """Patch embedding, positions and blocks; no norm follows the last block.

    Args:
        grid: (height, width), in patches, of the images for which the tables of relative positions
            are sized; for other sizes the tables are resampled.
        depth: number of blocks.
        channels: width of the tokens.
        heads: number of heads of each attention.
    """

    def __init__(
        self, grid: Size, depth: int = DEPTH, channels: int = CHANNELS, heads: int = _HEADS
    ) -> None:
        super().__init__()
        self.grid = grid
        self.patch_embed = PatchEmbed(
            img_size=None, patch_size=PATCH, embed_dim=channels, output_fmt='NHWC'
        )
        self.pos_embed = nn.Parameter(torch.zeros(1, POSITIONS, POSITIONS, channels))
        self.blocks = nn.ModuleList(vit_block(i, grid, channels, heads) for i in range(depth))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the last map [B, C, H / 16, W / 16] of normalised images [B, 3, H, W]."""
        positions = images.shape[-2] * images.shape[-1] // PATCH**2
        return in_parts(self._encode, images, positions)

    def _encode(self, images: Tensor) -> Tensor:
        x = self.patch_embed(images)
        x = x + self._positions((x.shape[1], x.shape[2]))
        for block in self.blocks:
            x = through(block, x)
        return x.permute(0, 3, 1, 2)

    def _positions(self, size: Size) -> Tensor:
        """Return the absolute positions of a grid, [1, height, width, C], resized if needed."""
        frozen = self._buffers.get(_positions_name(size))
        if frozen is not None:
            return frozen
        if size == (POSITIONS, POSITIONS):
            return self.pos_embed
        resized = functional.interpolate(
            self.pos_embed.permute(0, 3, 1, 2), size=size, mode='bicubic', align_corners=False
        )
        return resized.permute(0, 2, 3, 1)

    def freeze_tables(self) -> None:
        """Precompute the positions of the grid, for inference and export."""
        positions = self._positions(self.grid).detach()
        self.register_buffer(_positions_name(self.grid), positions, persistent=False)
        freeze_block_tables(self.blocks)


def vit_block(number: int, grid: Size, channels: int = CHANNELS, heads: int = _HEADS) -> Block:
    """Build a block of the backbone, [B, height, width, C] to the same shape, with random weights.

    Args:
        number: its index, which determines whether it attends within windows or globally.
        grid: (height, width) for which the tables of a global block are sized.
        channels: width of the tokens.
        heads: number of heads of the attention.
    """
    window = 0 if number in _GLOBAL_BLOCKS else _WINDOW
    norm = partial(nn.LayerNorm, eps=NORM_EPSILON)
    block = Block(channels, heads, window_size=window, norm_layer=norm)  # type: ignore[arg-type]
    attended = (window, window) if window else grid
    block.add_module('attn', SelfAttention2d(channels, heads, attended))
    for module in block.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)
    return block


def through(block: nn.Module, x: Tensor) -> Tensor:
    """Apply a block to [B, height, width, C], recomputing it for the gradients in training.

    Without recomputation, the blocks would store more than two gigabytes for an image of 1024 x
    1024.
    """
    learns = x.requires_grad or any(p.requires_grad for p in block.parameters())
    if torch.is_grad_enabled() and learns:
        again: Tensor = checkpoint(block, x, use_reentrant=False)
        return again
    return block(x)


def freeze_block_tables(blocks: nn.Module) -> None:
    """Precompute the relative positions of all blocks in a module, for inference and export."""
    for module in blocks.modules():
        if isinstance(module, SelfAttention2d):
            module.freeze_tables(module.maximum_size, module.maximum_size)


def in_parts(function: Callable[[Tensor], Tensor], images: Tensor, positions: int) -> Tensor:
    """Apply a function to a few images at a time, which bounds its memory.

    Args:
        function: function from [B, ...] to [B, ...].
        images: [N, ...].
        positions: positions of the backbone's grid in each image.
    """
    at_once = max(1, _POSITIONS_AT_ONCE // positions)
    # An exported graph accepts any number of images and cannot contain a loop over them.
    if torch.compiler.is_compiling() or len(images) <= at_once:
        return function(images)
    return torch.cat([function(part) for part in images.split(at_once)])


def _positions_name(size: Size) -> str:
    return f'positions_{size[0]}_{size[1]}'
