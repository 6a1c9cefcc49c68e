# SPDX-License-Identifier: Apache-2.0
"""Contact sheet of a replay."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.media.images import encode_jpeg
from afformer_core.runtime.frame_sampler import FrameSampler

_COUNT = 12
_WIDTH = 420
_JPEG_QUALITY = 85


@dataclass(frozen=True)
class SheetImage:
    """A small overlay as JPEG, with the stamp of its image in nanoseconds."""

    stamp: int
    jpeg: bytes


class ContactSheet:
    """A few overlays, evenly spaced over a replay of any length."""

    def __init__(self) -> None:
        self._sampler: FrameSampler[SheetImage] = FrameSampler(_COUNT)

    @property
    def images(self) -> list[SheetImage]:
        """The chosen images, in order."""
        return self._sampler.selection()

    def offer(self, overlay: NDArray[np.uint8], stamp: int) -> None:
        """Offer the next overlay, uint8 RGB [H, W, 3]."""
        if not self._sampler.wants_next():
            self._sampler.skip()
            return
        scale = min(1.0, _WIDTH / overlay.shape[1])
        small = cv2.resize(overlay, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        jpeg = encode_jpeg(np.asarray(small, np.uint8), _JPEG_QUALITY)
        self._sampler.add(SheetImage(stamp, jpeg))
