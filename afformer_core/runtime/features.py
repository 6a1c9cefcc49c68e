# SPDX-License-Identifier: Apache-2.0
"""Features of images and of frames in the networks of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.arrays import FloatArray

Stages = tuple[FloatArray, ...]
"""Backbone stages of a matching network, coarse to fine: each float32 [C, h, w] of an image, or
[T, C, h, w] of T frames."""


@dataclass(frozen=True)
class ImageFeatures:
    """Features of one image or frame.

    Attributes:
        decoder: float32 [C, h, w], from the encoder of the decoder's network.
        stages: stages of the matching network; empty without one.
    """

    decoder: FloatArray
    stages: Stages = ()


@dataclass(frozen=True)
class FrameFeatures:
    """Features of the T frames of a demonstration, in order, T at least 1.

    Attributes:
        decoder: float32 [T, C, h, w], from the encoder of the decoder's network.
        stages: stages of the matching network; empty without one.

    Raises:
        ValueError: a type or shape is wrong, or the lengths differ.
    """

    decoder: FloatArray
    stages: Stages = ()

    def __post_init__(self) -> None:
        for features in (self.decoder, *self.stages):
            if features.dtype != np.float32 or features.ndim != 4:
                raise ValueError(
                    f'features are {features.dtype} {features.shape}; expected float32 '
                    '[T, C, h, w]'
                )
        lengths = {len(features) for features in (self.decoder, *self.stages)}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                f'features of {sorted(lengths)} frames are given; expected the same number in '
                'each network, at least one'
            )

    def __len__(self) -> int:
        return len(self.decoder)

    def __getitem__(self, index: int) -> ImageFeatures:
        """Return the features of one frame."""
        return ImageFeatures(self.decoder[index], tuple(stage[index] for stage in self.stages))

    def select(self, indices: Sequence[int]) -> FrameFeatures:
        """Return the features of some frames, at least one, in the given order."""
        kept = list(indices)
        return FrameFeatures(self.decoder[kept], tuple(stage[kept] for stage in self.stages))

    @classmethod
    def stack(cls, frames: Sequence[ImageFeatures]) -> FrameFeatures:
        """Stack the features of frames, at least one, into contiguous arrays."""
        stages = zip(*(frame.stages for frame in frames), strict=True)
        return cls(
            np.ascontiguousarray(np.stack([frame.decoder for frame in frames])),
            tuple(np.ascontiguousarray(np.stack(stage)) for stage in stages),
        )
