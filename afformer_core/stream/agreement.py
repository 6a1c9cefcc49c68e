# SPDX-License-Identifier: Apache-2.0
"""Agreement of the best points of successive images, which tells how steady a result is."""

from __future__ import annotations

import math

from afformer_core.runtime import Peak


class AgreementCounter:
    """Counts images in a row whose best points agree.

    A point agrees with those before it in the row where it is near their mean, so that neither
    noise nor a row of small steps to another point counts as agreement.
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean = (0.0, 0.0)

    def forget(self) -> None:
        """End the row, as an image without the demonstrated element does."""
        self._count = 0

    def add(self, peak: Peak, size: tuple[int, int], tolerance: float) -> int:
        """Take the best point of the next image.

        Args:
            peak: the point, in pixels.
            size: (height, width) of the image in pixels, that of all images of the row.
            tolerance: largest distance from the mean of the row, as a share of the image's
                diagonal.

        Returns:
            images of the row, this one included; 1 where it begins a new one.
        """
        u, v = self._mean
        if self._count and math.dist((peak.u, peak.v), (u, v)) > tolerance * math.hypot(*size):
            self._count = 0
        self._count += 1
        share = 1 / self._count
        self._mean = (u + share * (peak.u - u), v + share * (peak.v - v))
        return self._count
