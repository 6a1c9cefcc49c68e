# SPDX-License-Identifier: Apache-2.0
"""Depth images in metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import ImageError


@dataclass(frozen=True)
class DepthImage:
    """The depth of every pixel.

    Attributes:
        values: float32 [H, W], metres along the optical axis, NaN where unknown.
        frame_id: coordinate frame of the camera that the depth is seen from.
        stamp: time of exposure, nanoseconds.
    """

    values: NDArray[np.float32]
    frame_id: str
    stamp: int

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or 0 in self.values.shape or self.values.dtype != np.float32:
            raise ImageError(
                f'a depth image has the shape {self.values.shape} and the type '
                f'{self.values.dtype}; it must be float32 [H, W] in metres'
            )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        height, width = self.values.shape
        return height, width
