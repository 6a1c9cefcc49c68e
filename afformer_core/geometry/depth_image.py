# SPDX-License-Identifier: Apache-2.0
"""Depth images as cameras give them, and their metres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import ImageError

_METRES_PER_MILLIMETRE = np.float32(0.001)


@dataclass(frozen=True)
class DepthImage:
    """The depth of every pixel.

    Attributes:
        measured: along the optical axis: float32 [H, W] metres, NaN where unknown, or uint16
            [H, W] millimetres, 0 where unknown.
        frame_id: coordinate frame of the camera that the depth is seen from.
        stamp: time of exposure, nanoseconds.
    """

    measured: NDArray[Any]
    frame_id: str
    stamp: int

    def __post_init__(self) -> None:
        measured = self.measured
        if (
            measured.ndim != 2
            or 0 in measured.shape
            or measured.dtype not in (np.float32, np.uint16)
        ):
            raise ImageError(
                f'a depth image has the shape {measured.shape} and the type {measured.dtype}; it '
                'must be float32 [H, W] in metres or uint16 [H, W] in millimetres'
            )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        height, width = self.measured.shape
        return height, width

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """float32 [H, W], metres along the optical axis, NaN where unknown."""
        return _metres(self.measured)

    def at(self, pixels: NDArray[np.int64]) -> NDArray[np.float32]:
        """The same of some pixels, by their index in row-major order, without all others."""
        return _metres(self.measured.ravel().take(pixels))


def _metres(measured: NDArray[Any]) -> NDArray[np.float32]:
    if measured.dtype == np.float32:
        return measured
    metres = measured.astype(np.float32)
    metres *= _METRES_PER_MILLIMETRE
    with np.errstate(invalid='ignore'):
        # NaN where it is 0, in a third of the time that choosing those pixels takes.
        metres += 0 / metres
    return metres
