# SPDX-License-Identifier: Apache-2.0
"""The released ResNet-50 model written out plainly, over torchvision's own pyramid.

Computes from tensors by the names of the authors, with nothing of the package.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet50
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import FrozenBatchNorm2d

from .plain_vitdet import Tensors, attend, below, linear, mlp, norm


class ReleasedEncoder(nn.Module):
    """What the released encoder keeps under which names, with random weights.

    Its batch norms are frozen; the coarsest output of its pyramid, p5, is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('image_mean', torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer('image_std', torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        body = resnet50(norm_layer=FrozenBatchNorm2d)
        pyramid = _resnet_fpn_extractor(body, 5, norm_layer=FrozenBatchNorm2d)
        pyramid.fpn.layer_blocks[3] = nn.Identity()
        pyramid.fpn.extra_blocks = None
        for module in pyramid.modules():
            if isinstance(module, FrozenBatchNorm2d):
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 2.0)
        self.backbone_with_fpn = pyramid

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Levels p4, p3, p2 of uint8 [B, H, W, 3]."""
        pixels = images.permute(0, 3, 1, 2) / 255
        levels = self.backbone_with_fpn((pixels - self.image_mean) / self.image_std)
        return levels['2'], levels['1'], levels['0']


def decoded(tensors: Tensors, levels: Sequence[Tensor], video: Tensor) -> Tensor:
    """Levels p4, p3, p2 [1, C, h, w] and p3 of frames [T, C, H, W] to [1, C, h, w] of p2."""
    videos = temporal_pyramid(tensors, video)
    block_tensors = below(tensors, 'self2d_cross3d_block.')
    coarser: Tensor | None = None
    for number, (image, frames) in enumerate(zip(levels, videos, strict=True)):
        if coarser is not None:
            image = image + functional.interpolate(coarser, scale_factor=2, mode='nearest')
        x = image[0].flatten(1).T + tensors[f'image_level_embeds.{number}']
        x = block(block_tensors, x, (image.shape[2], image.shape[3]), frames)
        coarser = x.T.reshape(image.shape)
    assert coarser is not None
    return coarser


def temporal_pyramid(tensors: Tensors, video: Tensor) -> list[Tensor]:
    """[T, C, H, W] to the same of T, T / 2 and T / 4 frames, rounded up."""

    def halved(x: Tensor, name: str) -> Tensor:
        weight = tensors[f'{name}.weight']
        return functional.conv3d(x, weight, stride=(2, 1, 1), padding=(1, 0, 0))

    whole = video.transpose(0, 1)[None]
    half = halved(whole, 'v3ds.0')
    scale = {name: tensors[name].flatten() for name in ('v3ds.1.weight', 'v3ds.1.bias')}
    active = functional.gelu(norm(scale, 'v3ds.1', half.movedim(1, 4)).movedim(4, 1))
    return [each[0].transpose(0, 1) for each in (whole, half, halved(active, 'v3ds.3'))]


def block(tensors: Tensors, x: Tensor, size: tuple[int, int], video: Tensor) -> Tensor:
    """Self-attention, cross-attention and MLP; [h * w, C] and [T, C, H, W] to [h * w, C]."""
    q, k, v = linear(tensors, 'self_attn.qkv', norm(tensors, 'norm_self_q', x)).chunk(3, dim=1)
    attended = attend(below(tensors, 'self_attn.'), q, k, v, size, (1, *size))
    x = x + linear(tensors, 'self_attn.proj', attended)
    frames, _, rows, columns = video.shape
    memory = norm(tensors, 'norm_cross_k', video.permute(0, 2, 3, 1).flatten(0, 2))
    q = linear(tensors, 'cross_attn.q_proj', norm(tensors, 'norm_cross_q', x))
    k, v = (linear(tensors, f'cross_attn.{name}', memory) for name in ('k_proj', 'v_proj'))
    tables = below(tensors, 'cross_attn.')
    attended = attend(tables, q, k, v, size, (frames, rows, columns))
    x = x + linear(tensors, 'cross_attn.proj', attended)
    return x + mlp(tensors, 'mlp', norm(tensors, 'norm_mlp', x))
