# SPDX-License-Identifier: Apache-2.0
"""The stored form of weights: floating point, or eight bits with scales for large tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

SCALE = '.scale'
"""Suffix of the tensor with the scales of the rows of a quantized tensor."""
_LARGEST = 127
# Smaller tensors, such as norms, stay in fp16.
_FEWEST_VALUES = 4096


def stored(weights: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Convert weights to the type in which they are stored.

    Args:
        weights: weights by name.
        dtype: a floating-point type, or int8. With int8, each row of a large tensor, such as the
            weights of one output channel, consists of integers up to 127 times a scale, and
            everything else is fp16.
    """
    tensors: dict[str, Tensor] = {}
    for name, weight in weights.items():
        tensor = weight.detach().cpu()
        if not tensor.is_floating_point():
            tensors[name] = tensor.contiguous()
        elif dtype != torch.int8:
            tensors[name] = tensor.to(dtype).contiguous()
        elif tensor.dim() < 2 or tensor.numel() < _FEWEST_VALUES:
            tensors[name] = tensor.to(torch.float16).contiguous()
        else:
            rows = tensor.float().flatten(1)
            scales = rows.abs().amax(dim=1).clamp(min=torch.finfo(torch.float32).tiny) / _LARGEST
            quantized = (rows / scales[:, None]).round().to(torch.int8)
            tensors[name] = quantized.view_as(tensor).contiguous()
            tensors[name + SCALE] = scales
    return tensors


def restored(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert stored tensors back to weights; floating-point tensors are unchanged."""
    weights = {}
    for name, tensor in tensors.items():
        scales = tensors.get(name + SCALE)
        if scales is not None:
            rows = scales.float().view(-1, *[1] * (tensor.dim() - 1))
            weights[name] = tensor.float() * rows
        elif not (name.endswith(SCALE) and name.removesuffix(SCALE) in tensors):
            weights[name] = tensor
    return weights
