# SPDX-License-Identifier: Apache-2.0
"""Weights as they are stored: in floating point, or large ones in eight bits with scales."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

# Suffix of the tensor with the scale of each row of a quantized one.
_SCALE = '.scale'
_LARGEST = 127
# Smaller tensors, such as norms, stay in fp16.
_FEWEST_VALUES = 4096


def stored(weights: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Convert weights to the type that they are stored in.

    Args:
        weights: by name.
        dtype: a floating-point type, or int8: then each row of a large tensor, such as the weights
            of one output channel, is a multiple of its scale, of which the largest is 127, and all
            else is fp16.
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
            tensors[name + _SCALE] = scales
    return tensors


def restored(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert stored tensors back to weights; those in floating point stay as they are."""
    weights = {}
    for name, tensor in tensors.items():
        scales = tensors.get(name + _SCALE)
        if scales is not None:
            rows = scales.float().view(-1, *[1] * (tensor.dim() - 1))
            weights[name] = tensor.float() * rows
        elif not (name.endswith(_SCALE) and name.removesuffix(_SCALE) in tensors):
            weights[name] = tensor
    return weights
