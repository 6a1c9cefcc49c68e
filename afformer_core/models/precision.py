# SPDX-License-Identifier: Apache-2.0
"""Half precision where it is safe, set in the network so that all backends agree."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from afformer_core.models.afformer import Afformer
from afformer_core.models.layers.numerics import ChannelNorm
from afformer_core.models.matching.network import MatchingNetwork

# Beyond this number of keys, fused fp16 attention sums equal weights wrongly (65,504 is the
# largest number of fp16).
MOST_FP16_KEYS = 65_504

DTYPES = {'fp32': torch.float32, 'fp16': torch.float16, 'bf16': torch.bfloat16}


class InFloat32(nn.Module):
    """A module that computes in fp32 within a network of lower precision.

    Args:
        module: a module with one input and one output.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        """Convert the input to fp32, apply the module, and convert back to the input's type."""
        result: Tensor = self.module(x.float())
        return result.to(x.dtype)


def convert_precision(model: Afformer | MatchingNetwork, precision: str) -> None:
    """Convert encoder and decoder to a precision, in place.

    Convolutions, linear layers and attention use this precision; attention accumulates in fp32.
    Norms, whose sums of squares overflow in fp16, heads, whose logits
    overflow, and the contact head of a matching network stay in fp32.

    Args:
        model: a network whose batch norms are fused and whose tables are frozen.
        precision: 'fp32', 'fp16' or 'bf16'.

    Raises:
        ValueError: the precision is unknown, or the model has more keys than fp16 attention can
            hold.
    """
    if precision not in DTYPES:
        raise ValueError(f'precision is {precision!r}; expected one of {", ".join(DTYPES)}')
    if precision == 'fp32':
        return
    parts: list[nn.Module] = [*model.encoders]
    if isinstance(model, Afformer):
        frames = model.configuration.maximum_frames
        keys = max(shape[1] for shape, _ in model.configuration.memory_shapes(frames))
        if precision == 'fp16' and keys > MOST_FP16_KEYS:
            raise ValueError(
                f'the model attends to {keys} keys of {frames} frames; expected at most '
                f'{MOST_FP16_KEYS} in fp16. Choose bf16 or fp32, or fewer frames'
            )
        parts.append(model.decoder)
    for part in parts:
        part.to(DTYPES[precision])
        _keep_norms(part)


def _keep_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.LayerNorm | nn.GroupNorm | ChannelNorm):
            setattr(module, name, InFloat32(child.float()))
        else:
            _keep_norms(child)
