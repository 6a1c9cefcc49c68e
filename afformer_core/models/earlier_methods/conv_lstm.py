# SPDX-License-Identifier: Apache-2.0
"""A convolutional LSTM over the frames of demonstrations."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from afformer_core.models.layers.numerics import widened


class ConvLstm(nn.Module):
    """An LSTM whose states are maps and whose products are convolutions (Shi et al., 2015).

    It has no peephole connections. With a kernel and maps of one position, it is an ordinary LSTM.
    Its states stay in fp32, regardless of the precision of its convolutions.

    Args:
        channels: channels C of the maps and of the states.
        kernel_size: size of both kernels; odd.
    """

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__()
        padding = kernel_size // 2
        self.input = nn.Conv2d(channels, 4 * channels, kernel_size, padding=padding)
        self.recurrent = nn.Conv2d(
            channels, 4 * channels, kernel_size, padding=padding, bias=False
        )
        # A forget gate that is initially open preserves early frames until training uses them.
        assert self.input.bias is not None
        nn.init.ones_(self.input.bias.detach()[channels : 2 * channels])

    def forward(self, video: Tensor, existing: Tensor | None = None) -> Tensor:
        """Compute the hidden state after each frame.

        Args:
            video: [B, T, C, height, width], padded at the end.
            existing: [B, T], false at padding, which leaves the hidden state as it is; None if
                every frame exists.

        Returns:
            [B, T, C, height, width]; the last state is the one after the last existing frame.
        """
        inputs = self.input(video.flatten(0, 1)).unflatten(0, video.shape[:2])
        hidden = cell = torch.zeros_like(widened(video[:, 0]))
        states = []
        for time in range(video.shape[1]):
            recurrent = self.recurrent(hidden.to(self.recurrent.weight.dtype))
            following, cell = _step(widened(inputs[:, time] + recurrent), cell)
            if existing is None:
                hidden = following
            else:
                hidden = torch.where(existing[:, time, None, None, None], following, hidden)
            states.append(hidden)
        return torch.stack(states, dim=1).to(video.dtype)


def _step(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Compute hidden state and cell after a frame.

    Args:
        gates: [B, 4 C, ...]: input, forget, cell, output.
        cell: the cell before the frame.
    """
    entry, forget, candidate, output = gates.chunk(4, dim=1)
    cell = forget.sigmoid() * cell + entry.sigmoid() * candidate.tanh()
    return output.sigmoid() * cell.tanh(), cell
