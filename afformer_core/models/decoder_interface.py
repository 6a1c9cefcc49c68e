# SPDX-License-Identifier: Apache-2.0
"""What every decoder offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from afformer_core.models.attention import Size
from afformer_core.models.memory import VideoMemory


class Decoder(nn.Module, ABC):
    """Decodes image levels against memorized videos."""

    @abstractmethod
    def memorize(self, video: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """All that later images need of videos.

        Args:
            video: features [B, T, C, height, width]; anything finite beyond a video's length.
            lengths: [B] integers 1 to T, or None when every frame exists.
        """

    @abstractmethod
    def forward(self, levels: Sequence[Tensor], memory: VideoMemory) -> Tensor:
        """Decode.

        Args:
            levels: image features, coarse to fine, each [B * K, C, height, width]; the K images
                of a video stand together.
            memory: from `memorize`, of B videos.

        Returns:
            [B * K, C, height, width] at the finest level.
        """

    @abstractmethod
    def freeze_tables(self, image_sizes: Sequence[Size], video_sizes: Sequence[Size]) -> None:
        """Keep what depends on the sizes of the grids alone, for inference and export."""
