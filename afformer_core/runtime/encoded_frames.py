# SPDX-License-Identifier: Apache-2.0
"""The frames that stand for a demonstration, encoded: all that the model needs of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.runtime.session import FloatArray, UInt8Array


@dataclass(frozen=True)
class EncodedFrames:
    """Frames of one demonstration, in order.

    Attributes:
        images: uint8 RGB [T, h, w, 3] at the model's input size, T at least 1.
        features: float32 [T, C, rows, columns] of them.
    """

    images: UInt8Array
    features: FloatArray

    def __post_init__(self) -> None:
        images, features = self.images, self.features
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise ValueError(
                f'frames are {images.dtype} {images.shape}; they must be uint8 [T, h, w, 3]'
            )
        if features.dtype != np.float32 or features.ndim != 4:
            raise ValueError(
                f'features are {features.dtype} {features.shape}; they must be float32 '
                '[T, C, h, w]'
            )
        if not 1 <= len(images) == len(features):
            raise ValueError(
                f'there are {len(images)} frames and features of {len(features)}; there must be '
                'as many of both, at least one'
            )

    def __len__(self) -> int:
        return len(self.images)

    @classmethod
    def stack(cls, frames: Sequence[tuple[UInt8Array, FloatArray]]) -> EncodedFrames:
        """From an image [h, w, 3] and features [C, rows, columns] of each frame, at least one."""
        images, features = (
            np.ascontiguousarray(np.stack(items)) for items in zip(*frames, strict=True)
        )
        return cls(images, features)
