# SPDX-License-Identifier: Apache-2.0
"""ViTDet-B and the released model over it, written out plainly: every bias is a tensor.

Computes from tensors by the names of detectron2 and of the authors, with nothing of the package.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

Tensors = Mapping[str, Tensor]

HEADS = 12
WINDOW = 14
GLOBAL = (2, 5, 8, 11)


def normalised(pictures: Tensor) -> Tensor:
    mean = torch.tensor([123.675, 116.28, 103.53])
    std = torch.tensor([58.395, 57.12, 57.375])
    return ((pictures.float() - mean) / std).permute(0, 3, 1, 2)


def embedded(tensors: Tensors, images: Tensor) -> Tensor:
    """[B, h, w, C]; `tensors` has pos_embed with its class token, and patch_embed."""
    weight, bias = (tensors[f'patch_embed.proj.{name}'] for name in ('weight', 'bias'))
    x = functional.conv2d(images, weight, bias, stride=16)
    positions = tensors['pos_embed'][:, 1:].transpose(1, 2).reshape(1, -1, 14, 14)
    return (x + functional.interpolate(positions, x.shape[-2:], mode='bicubic')).permute(
        0, 2, 3, 1
    )


def block(tensors: Tensors, x: Tensor, number: int) -> Tensor:
    """One block, of tensors by their names in it."""
    height, width = x.shape[1:3]
    y = norm(tensors, 'norm1', x)
    if number in GLOBAL:
        y = attention(tensors, y)
    else:
        pad = (0, 0, 0, -width % WINDOW, 0, -height % WINDOW)
        y = functional.pad(y, pad)
        for top in range(0, y.shape[1], WINDOW):
            for left in range(0, y.shape[2], WINDOW):
                there = (slice(None), slice(top, top + WINDOW), slice(left, left + WINDOW))
                y[there] = attention(tensors, y[there])
        y = y[:, :height, :width]
    x = x + y
    return x + mlp(tensors, 'mlp', norm(tensors, 'norm2', x))


def attention(tensors: Tensors, x: Tensor) -> Tensor:
    count, height, width, channels = x.shape
    places = height * width
    q, k, v = (
        part.reshape(count, places, HEADS, -1).transpose(1, 2)
        for part in linear(tensors, 'attn.qkv', x).split(channels, dim=-1)
    )
    scores = q @ k.transpose(2, 3) * (channels // HEADS) ** -0.5
    rows, columns = torch.arange(height), torch.arange(width)
    row_table = stretched(tensors['attn.rel_pos_h'], 2 * height - 1)
    column_table = stretched(tensors['attn.rel_pos_w'], 2 * width - 1)
    by_row = row_table[rows[:, None] - rows[None] + height - 1]
    by_column = column_table[columns[:, None] - columns[None] + width - 1]
    bias = (
        by_row[:, None, :, None] + by_column[None, :, None, :]
    ).reshape(places, places, -1)  # fmt: skip
    scores = scores + torch.einsum('bnqd,qkd->bnqk', q, bias)
    attended = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)
    return linear(tensors, 'attn.proj', attended)


def cross_block(tensors: Tensors, image: Tensor, video: Tensor) -> Tensor:
    """The released decoder's: [B, C, h, w] and [B, T, C, h / 2, w / 2] to [B, C, h, w]."""
    height, width = image.shape[-2:]
    frames, _, rows, columns = video.shape[1:]
    x = image.flatten(2).transpose(1, 2)
    memory = norm(tensors, 'norm_k', video.permute(0, 1, 3, 4, 2).flatten(1, 3))
    q, k, v = (
        linear(tensors, f'attn.{name}', part).unflatten(2, (HEADS, -1)).transpose(1, 2)
        for name, part in (('q_proj', norm(tensors, 'norm_q', x)), ('k_proj', memory),
                           ('v_proj', memory))
    )  # fmt: skip
    bias = torch.zeros(height, width, frames, rows, columns, q.shape[-1])
    for frame in range(frames):
        bias[:, :, frame] += tensors['attn.rel_pos_t'][frames - 1 - frame]
    for row in range(height):
        for key in range(rows):
            bias[row, :, :, key] += tensors['attn.rel_pos_h'][row - 2 * key + 2 * (rows - 1)]
    for column in range(width):
        for key in range(columns):
            offset = column - 2 * key + 2 * (columns - 1)
            bias[:, column, :, :, key] += tensors['attn.rel_pos_w'][offset]
    scores = q @ k.transpose(2, 3) * q.shape[-1] ** -0.5
    scores = scores + torch.einsum('bnqd,qkd->bnqk', q, bias.flatten(0, 1).flatten(1, 3))
    attended = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
    x = x + linear(tensors, 'attn.proj', attended)
    x = x + mlp(tensors, 'mlp', norm(tensors, 'norm2', x))
    return x.transpose(1, 2).unflatten(2, (height, width))


def channel_norm(tensors: Tensors, name: str, x: Tensor) -> Tensor:
    return norm(tensors, name, x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def norm(tensors: Tensors, name: str, x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    deviation = (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt()
    return centred / deviation * tensors[f'{name}.weight'] + tensors[f'{name}.bias']


def linear(tensors: Tensors, name: str, x: Tensor) -> Tensor:
    return x @ tensors[f'{name}.weight'].T + tensors[f'{name}.bias']


def mlp(tensors: Tensors, name: str, x: Tensor) -> Tensor:
    return linear(tensors, f'{name}.fc2', functional.gelu(linear(tensors, f'{name}.fc1', x)))


def stretched(table: Tensor, length: int) -> Tensor:
    return functional.interpolate(table.T[None], length, mode='linear')[0].T


def below(tensors: Tensors, prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def random_block(rows: int, columns: int) -> dict[str, Tensor]:
    """One block's tensors; relative positions matter in it."""
    return {
        **random_norm('norm1'),
        **random_linear('attn.qkv', 768, 2304),
        **random_linear('attn.proj', 768, 768),
        'attn.rel_pos_h': 0.3 * torch.randn(rows, 64),
        'attn.rel_pos_w': 0.3 * torch.randn(columns, 64),
        **random_norm('norm2'),
        **random_linear('mlp.fc1', 768, 3072),
        **random_linear('mlp.fc2', 3072, 768),
    }


def random_backbone(blocks: int) -> dict[str, Tensor]:
    """By detectron2's names: tables of a square image of 1024, positions of one of 224."""
    tensors = {
        'pos_embed': 0.3 * torch.randn(1, 197, 768),
        'patch_embed.proj.weight': 0.02 * torch.randn(768, 3, 16, 16),
        'patch_embed.proj.bias': 0.1 * torch.randn(768),
    }
    for number in range(blocks):
        rows = 127 if number in GLOBAL else 27
        made = random_block(rows, rows)
        tensors |= {f'blocks.{number}.{name}': tensor for name, tensor in made.items()}
    return tensors


def random_linear(name: str, inputs: int, outputs: int) -> dict[str, Tensor]:
    return {
        f'{name}.weight': 0.03 * torch.randn(outputs, inputs),
        f'{name}.bias': 0.1 * torch.randn(outputs),
    }


def random_norm(name: str, channels: int = 768) -> dict[str, Tensor]:
    return {
        f'{name}.weight': 1 + 0.2 * torch.randn(channels),
        f'{name}.bias': 0.1 * torch.randn(channels),
    }
