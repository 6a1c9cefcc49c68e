# SPDX-License-Identifier: Apache-2.0
"""Agreement of the best points of successive images, a measure of the stability of a result."""

from __future__ import annotations

import math

from afformer_core.runtime import Peak


class AgreementCounter:
    """A counter of images in a row whose best points agree.

    A point agrees with the previous ones in the row if it is near their mean. Noise therefore ends
    the row, and so does a slow drift to another point.
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean = (0.0, 0.0)

    def forget(self) -> None:
        """End the row, for example after an image without the demonstrated element."""
        self._count = 0

    def add(self, peak: Peak, size: tuple[int, int], tolerance: float) -> int:
        """Add the best point of the next image.

        Args:
            peak: the point, in pixels.
            size: (height, width) in pixels of all images of the row.
            tolerance: largest distance from the mean of the row, as a share of the image's
                diagonal.

        Returns:
            number of images in the row, including this one; 1 if it begins a new row.
        """
        u, v = self._mean
        if self._count and math.dist((peak.u, peak.v), (u, v)) > tolerance * math.hypot(*size):
            self._count = 0
        self._count += 1
        share = 1 / self._count
        self._mean = (u + share * (peak.u - u), v + share * (peak.v - v))
        return self._count
