# SPDX-License-Identifier: Apache-2.0
"""Demonstration encoders: from the features of frames to one vector for the demonstration."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from afformer_core.models.earlier_methods.conv_lstm import ConvLstm
from afformer_core.models.layers.numerics import ChannelNorm, widened
from afformer_core.models.layers.softmax_attention import PADDING_SCORE

# The usual kernel size of a ConvLSTM.
_KERNEL_SIZE = 3


class DemonstrationEncoder(nn.Module, ABC):
    """An encoder of videos as vectors.

    Args:
        channels: channels C of the features and of the embedding.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm_frames = ChannelNorm(channels)

    @abstractmethod
    def forward(self, video: Tensor, existing: Tensor | None = None) -> Tensor:
        """Embed videos.

        Args:
            video: features [B, T, C, height, width].
            existing: [B, T], false at padding; None if every frame exists.

        Returns:
            embeddings [B, C].
        """

    def _normed(self, video: Tensor) -> Tensor:
        return self.norm_frames(video.flatten(0, 1)).unflatten(0, video.shape[:2])


class LstmEncoder(DemonstrationEncoder):
    """The state of an LSTM after the last frame, each frame averaged over its positions."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.lstm = ConvLstm(channels, kernel_size=1)

    def forward(self, video: Tensor, existing: Tensor | None = None) -> Tensor:
        """Embed videos (see `DemonstrationEncoder.forward`)."""
        means = self._normed(video).mean(dim=(3, 4), keepdim=True)
        return self.lstm(means, existing)[:, -1, :, 0, 0]


class ConvLstmEncoder(DemonstrationEncoder):
    """The state of a ConvLSTM after the last frame, averaged over its positions."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.conv_lstm = ConvLstm(channels, _KERNEL_SIZE)

    def forward(self, video: Tensor, existing: Tensor | None = None) -> Tensor:
        """Embed videos (see `DemonstrationEncoder.forward`)."""
        return self.conv_lstm(self._normed(video), existing)[:, -1].mean(dim=(2, 3))


class AttendedConvLstmEncoder(ConvLstmEncoder):
    """The states of a ConvLSTM after each frame, summed by temporal soft attention."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.attention = nn.Sequential(
            nn.Linear(channels, channels), nn.Tanh(), nn.Linear(channels, 1, bias=False)
        )

    def forward(self, video: Tensor, existing: Tensor | None = None) -> Tensor:
        """Embed videos (see `DemonstrationEncoder.forward`)."""
        states = self.conv_lstm(self._normed(video), existing).mean(dim=(3, 4))
        weights = self.frame_weights(states, existing)
        return (weights[:, :, None] * states).sum(dim=1)

    def frame_weights(self, states: Tensor, existing: Tensor | None = None) -> Tensor:
        """Compute the weight of each frame.

        Args:
            states: [B, T, C], hidden states averaged over their positions.
            existing: [B, T], false at padding; None if every frame exists.

        Returns:
            [B, T], of sum 1 over the frames that exist, and 0 at the others.
        """
        scores = self.attention(states)[..., 0]
        if existing is not None:
            scores = scores.masked_fill(~existing, PADDING_SCORE)
        return widened(scores).softmax(dim=1).to(states.dtype)
