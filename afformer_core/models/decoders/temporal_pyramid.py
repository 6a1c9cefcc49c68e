# SPDX-License-Identifier: Apache-2.0
"""Videos at T, T/2 and T/4 frames (C3D in equation 9 of the paper)."""

from __future__ import annotations

from torch import Tensor, nn

from afformer_core.models.decoders.memory import silence
from afformer_core.models.layers.channel_norm import ChannelNorm


class TemporalPyramid(nn.Sequential):
    """Convolutions over time, each to half as many frames, with a norm and a GELU between two.

    A kernel spans three frames and one position, as in the released model; the paper, which calls
    it spatial-temporal with "a kernel size of 3", may mean three positions by three as well.

    Args:
        channels: width C of the features.
        longest_stride: stride of the coarsest level; a power of two.
    """

    def __init__(self, channels: int, longest_stride: int) -> None:
        layers: list[nn.Module] = []
        for level in range(longest_stride.bit_length() - 1):
            if level > 0:
                layers += [ChannelNorm(channels, trailing=3), nn.GELU()]
            layers.append(
                nn.Conv3d(channels, channels, (3, 1, 1), (2, 1, 1), (1, 0, 0), bias=False)
            )
        super().__init__(*layers)

    def levels(
        self, video: Tensor, lengths: Tensor | None, longest_stride: int
    ) -> dict[int, tuple[Tensor, Tensor | None]]:
        """Shorten videos to half, a quarter and so on of their frames.

        Args:
            video: [B, C, T, height, width]; finite also beyond a video's length.
            lengths: [B] integers 1 to T, or None when every frame exists.
            longest_stride: stride to stop at.

        Returns:
            by stride 1, 2, 4 and so on, the video [B, C, T / stride (rounded up), height, width]
            and its lengths; zero beyond these.
        """
        stride, video = 1, silence(video, lengths)
        levels = {stride: (video, lengths)}
        for layer in self:
            if stride == longest_stride:
                break
            video = layer(video)
            if isinstance(layer, nn.Conv3d):
                stride, lengths = 2 * stride, None if lengths is None else (lengths + 1) // 2
            video = silence(video, lengths)
            if isinstance(layer, nn.Conv3d):
                levels[stride] = video, lengths
        return levels
