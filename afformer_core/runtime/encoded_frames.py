# SPDX-License-Identifier: Apache-2.0
"""Frames of a demonstration with their features, as they are memorized."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.media.polygons import Point
from afformer_core.runtime.rotation.shown_rotation import UNKNOWN_ROTATION, ShownRotation


@dataclass(frozen=True)
class EncodedFrames:
    """Frames of one demonstration, in order, with their features.

    Attributes:
        images: uint8 RGB [T, h, w, 3] at the model's input size, T at least 1.
        features: their features, float32 [T, C, rows, columns].
        rotation: sense in which the demonstration turns something.
        contact: what it operates, where somebody marked that: (x, y) in the first frame, as shares
            of its width and height, 0 to 1. None: it is read, or the model finds it.
        contact_map: what was read of the demonstration's contact (see `ContactReading`): its
            log-probability over the first frame, float32 [rows, columns] of any size. None: the
            model finds the contact.

    Raises:
        ValueError: a type or shape is another, the lengths differ, or the contact lies outside.
    """

    images: UInt8Array
    features: FloatArray
    rotation: ShownRotation = UNKNOWN_ROTATION
    contact: Point | None = None
    contact_map: FloatArray | None = None

    def __post_init__(self) -> None:
        read = self.contact_map
        if read is not None and (
            read.dtype != np.float32 or read.ndim != 2 or not np.isfinite(read).any()
        ):
            raise ValueError(
                f'the contact map is {read.dtype} {read.shape}; expected float32 [rows, columns] '
                'with a finite value'
            )
        if self.contact is not None and not all(0 <= share <= 1 for share in self.contact):
            raise ValueError(
                f'the contact is marked at {self.contact}; expected shares of width and height '
                'from 0 to 1'
            )
        images, features = self.images, self.features
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise ValueError(
                f'frames are {images.dtype} {images.shape}; expected uint8 [T, h, w, 3]'
            )
        if features.dtype != np.float32 or features.ndim != 4:
            raise ValueError(
                f'features are {features.dtype} {features.shape}; expected float32 [T, C, h, w]'
            )
        if not 1 <= len(images) == len(features):
            raise ValueError(
                f'there are {len(images)} frames and features of {len(features)}; expected as '
                'many of both, at least one'
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames."""
        return int(self.images.shape[1]), int(self.images.shape[2])

    @classmethod
    def stack(cls, frames: Sequence[tuple[UInt8Array, FloatArray]]) -> EncodedFrames:
        """Stack an image [h, w, 3] and features [C, rows, columns] of each frame, at least one."""
        images, features = (
            np.ascontiguousarray(np.stack(items)) for items in zip(*frames, strict=True)
        )
        return cls(images, features)
