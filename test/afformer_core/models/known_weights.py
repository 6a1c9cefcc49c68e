# SPDX-License-Identifier: Apache-2.0
"""ViTDet-B and the released model over it, written out plainly: biases are added to scores.

Computes from tensors by the names of detectron2 and of the authors, with nothing of the package.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

Tensors = Mapping[str, Tensor]

WINDOW = 14
GLOBAL = (2, 5, 8, 11)


def normalised(random_images: Tensor) -> Tensor:
    mean = torch.tensor([123.675, 116.28, 103.53])
    std = torch.tensor([58.395, 57.12, 57.375])
    return ((random_images.float() - mean) / std).permute(0, 3, 1, 2)


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
    """Self-attention within each of [B, h, w, C]."""
    size = (x.shape[1], x.shape[2])
    q, k, v = linear(tensors, 'attn.qkv', x).flatten(1, 2).chunk(3, dim=-1)
    tables = below(tensors, 'attn.')
    attended = [attend(tables, *each, size, (1, *size)) for each in zip(q, k, v, strict=True)]
    return linear(tensors, 'attn.proj', torch.stack(attended).view_as(x))


def attend(
    tables: Tensors,
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    size: tuple[int, int],
    key_size: tuple[int, int, int],
) -> Tensor:
    """Attention with a bias for each pair of rows, of columns and, if it has a table, of times.

    Args:
        tables: `rel_pos_h`, `rel_pos_w` and, for a video, `rel_pos_t`.
        queries: [h * w, C].
        keys, values: [T * H * W, C].
        size: (h, w).
        key_size: (T, H, W).
    """
    times, rows, columns = key_size
    by_row = tables['rel_pos_h'], size[0], rows
    by_column = tables['rel_pos_w'], size[1], columns
    attended = []
    width = tables['rel_pos_h'].shape[1]
    for q, k, v in zip(*(x.split(width, dim=1) for x in (queries, keys, values)), strict=True):
        scores = (q @ k.T * width**-0.5).view(*size, *key_size)
        positions = q.view(*size, width)
        bias = torch.einsum('hwc,hHc->hwH', positions, offsets(*by_row))
        scores += bias[:, :, None, :, None]
        bias = torch.einsum('hwc,wWc->hwW', positions, offsets(*by_column))
        scores += bias[:, :, None, None, :]
        if 'rel_pos_t' in tables:
            # The newest frame is nearest to the image.
            bias = positions @ tables['rel_pos_t'][:times].flip(0).T
            scores += bias[..., None, None]
        attended.append(scores.view(len(q), len(k)).softmax(dim=1) @ v)
    return torch.cat(attended, dim=1)


def offsets(table: Tensor, queries: int, keys: int) -> Tensor:
    """[queries, keys, D]: the finer of both axes counts offsets, from the last key on."""
    query_step, key_step = max(1, keys // queries), max(1, queries // keys)
    stretched_table = stretched(table, 2 * max(queries, keys) - 1)
    numbers = [
        [query * query_step + (keys - 1 - key) * key_step for key in range(keys)]
        for query in range(queries)
    ]
    return stretched_table[torch.tensor(numbers)]


def cross_block(tensors: Tensors, image: Tensor, video: Tensor) -> Tensor:
    """The released decoder's: [1, C, h, w] and [1, T, C, H, W] to [1, C, h, w]."""
    frames, _, rows, columns = video.shape[1:]
    x = image[0].flatten(1).T
    memory = norm(tensors, 'norm_k', video[0].permute(0, 2, 3, 1).flatten(0, 2))
    q = linear(tensors, 'attn.q_proj', norm(tensors, 'norm_q', x))
    k, v = (linear(tensors, f'attn.{name}', memory) for name in ('k_proj', 'v_proj'))
    size, key_size = (image.shape[2], image.shape[3]), (frames, rows, columns)
    attended = attend(below(tensors, 'attn.'), q, k, v, size, key_size)
    x = x + linear(tensors, 'attn.proj', attended)
    x = x + mlp(tensors, 'mlp', norm(tensors, 'norm2', x))
    return x.T.reshape(image.shape)


def heads(tensors: Tensors, decoded: Tensor) -> tuple[Tensor, Tensor]:
    """[1, C, h, w] to heatmap logits [1, A, 4 * h, 4 * w] and action logits [1, A]."""

    def enlarged(x: Tensor, name: str) -> Tensor:
        weight, bias = tensors[f'{name}.weight'], tensors[f'{name}.bias']
        return functional.conv_transpose2d(x, weight, bias, stride=2)

    half = channel_norm(tensors, 'upsampler.1', enlarged(decoded, 'upsampler.0'))
    heatmaps = enlarged(functional.gelu(half), 'upsampler.3')
    reduced = functional.conv2d(decoded, tensors['actioner.0.weight'])
    seen = functional.gelu(channel_norm(tensors, 'actioner.1', reduced)).mean((2, 3))
    return heatmaps, linear(tensors, 'actioner.5', seen)


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


def random_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Tensors of a model over a ViTDet-B by its names, as they are published.

    Relative positions matter. Those of the backbone are tables of a square image of 1024; absolute
    ones are of 224 x 224 pixels and a class token.
    """
    torch.manual_seed(0)
    tensors = {}
    for name, tensor in model.state_dict().items():
        if name.endswith('pos_embed'):
            tensors[name] = 0.3 * torch.randn(1, 197, 768)
        elif 'rel_pos' in name:
            resized = 'decoder' not in name and len(tensor) != 2 * WINDOW - 1
            tensors[name] = 0.3 * torch.randn(127 if resized else len(tensor), 64)
        elif tensor.ndim == 1:
            tensors[name] = name.endswith('weight') + 0.2 * torch.randn(tensor.shape)
        else:
            scale = 0.2 if 'upsampler' in name else tensor[0].numel() ** -0.5
            tensors[name] = scale * torch.randn(tensor.shape)
    return tensors
