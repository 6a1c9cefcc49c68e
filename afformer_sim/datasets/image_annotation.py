# SPDX-License-Identifier: Apache-2.0
"""The annotation of an image of a simulated bag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ImageAnnotation:
    """The target of an image.

    Attributes:
        stamp: stamp of the image, nanoseconds.
        points: float64 [N, 2], where to interact, (x, y) in pixels of the image.
        outline: float64 [K, 2] polygon around the part to touch.
        position: float64 [3], point to touch, metres in the camera's optical frame.
        normal: float64 [3] unit vector out of the surface there.
    """

    stamp: int
    points: NDArray[np.float64]
    outline: NDArray[np.float64]
    position: NDArray[np.float64]
    normal: NDArray[np.float64]

    def to_json(self) -> dict[str, Any]:
        """Return the entry of a file, rounded to a relevant precision."""
        return {
            'stamp': self.stamp,
            'points': np.round(self.points, 2).tolist(),
            'outline': np.round(self.outline, 2).tolist(),
            'position': np.round(self.position, 6).tolist(),
            'normal': np.round(self.normal, 6).tolist(),
        }
