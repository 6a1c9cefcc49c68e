# SPDX-License-Identifier: Apache-2.0
"""Generated videos with an encoding like that of real ones, to measure the speed of reading."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

CODECS = ('libx264', 'libx265')
# Bits per second of 1920x1080 at 30 frames per second, typical of videos on the web.
_BITS = {'libx264': 6_000_000, 'libx265': 4_000_000}
_SIZE, _RATE = (1920, 1080), 30
_NOISES = 5


def write_moving_scene(
    path: Path, codec: str, seconds: float = 10.0, size: tuple[int, int] = _SIZE
) -> Path:
    """Write a video of a textured scene in front of a moving camera, with the noise of a sensor.

    Args:
        path: mp4 file in an existing folder.
        codec: one of `CODECS`, with the default use of B-frames.
        seconds: length.
        size: (width, height), even numbers.

    Returns:
        the path.
    """
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=_RATE)
        stream.width, stream.height, stream.pix_fmt = *size, 'yuv420p'
        stream.bit_rate = round(_BITS[codec] * size[0] * size[1] / (_SIZE[0] * _SIZE[1]))
        stream.options = {'preset': 'veryfast', 'x265-params': 'log-level=error'}
        for image in _frames(round(seconds * _RATE), size):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, 'rgb24')))
        container.mux(stream.encode())
    return path


def _frames(count: int, size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    width, height = size
    larger = (2 * width, 2 * height)
    coarse = cv2.resize(rng.integers(0, 256, (18, 32, 3), np.uint8), larger)
    fine = cv2.resize(rng.integers(0, 64, (270, 480, 3), np.uint8), larger)
    scene = cv2.addWeighted(coarse, 0.75, fine, 1.0, 0.0)
    noises = [rng.integers(0, 8, (height, width, 3), np.uint8) for _ in range(_NOISES)]
    for number in range(count):
        angle = number / _RATE
        left = round((1 + np.sin(angle)) / 2 * width)
        top = round((1 + np.cos(1.3 * angle)) / 2 * height)
        seen = scene[top : top + height, left : left + width]
        yield np.asarray(cv2.add(seen, noises[number % _NOISES]), np.uint8)
