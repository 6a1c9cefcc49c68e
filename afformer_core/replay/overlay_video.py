# SPDX-License-Identifier: Apache-2.0
"""An mp4 of overlays with the timing of the recording."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

_TICKS = 1000
# A long pause in a recording is shortened.
_LONGEST_GAP = 1.0
_FIRST_GAP = 1 / 30


class OverlayVideo:
    """A writer of H.264 that shows each image from its own time; use it in a `with` statement.

    All images are scaled to the size of the first one, without distortion.

    Args:
        path: path of the file.
    """

    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path), 'w', format='mp4')
        self._stream: av.VideoStream | None = None
        self._before = 0
        self._ticks = 0

    def __enter__(self) -> OverlayVideo:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish the file."""
        if self._stream is not None:
            self._container.mux(self._stream.encode())
        self._container.close()

    def add(self, image: NDArray[np.uint8], stamp: int) -> None:
        """Add uint8 RGB [H, W, 3] with its time in nanoseconds."""
        if self._stream is None:
            self._stream = self._open(image.shape[1], image.shape[0])
        else:
            gap = (stamp - self._before) * 1e-9
            gap = min(gap, _LONGEST_GAP) if gap > 0 else _FIRST_GAP
            self._ticks += max(1, round(gap * _TICKS))
        self._before = stamp
        fitted = _fitted(image, self._stream.width, self._stream.height)
        frame = av.VideoFrame.from_ndarray(fitted, format='rgb24')
        frame.pts, frame.time_base = self._ticks, Fraction(1, _TICKS)
        self._container.mux(self._stream.encode(frame))

    def _open(self, width: int, height: int) -> av.VideoStream:
        stream = self._container.add_stream('libx264', rate=30)
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = 'yuv420p'
        stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS)
        # adaptive quantisation makes x264's output differ from run to run
        stream.options = {
            'crf': '23',
            'preset': 'veryfast',
            'x264-params': 'no-mbtree=1:aq-mode=0',
        }
        stream.codec_context.thread_count = 1
        return stream


def _fitted(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Scale the image to fit, and centre it on black [height, width, 3]."""
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width):
        return image
    scale = min(width / columns, height / rows)
    # an odd side is padded by one, not resampled
    if scale < 1 or scale > 1.05:
        columns, rows = max(1, round(columns * scale)), max(1, round(rows * scale))
        image = np.asarray(
            cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8
        )
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - rows) // 2, (width - columns) // 2
    canvas[top : top + rows, left : left + columns] = image
    return canvas
