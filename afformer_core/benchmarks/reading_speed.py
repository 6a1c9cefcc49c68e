# SPDX-License-Identifier: Apache-2.0
"""Speed of reading clips for training, decoded and from the cache."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.data.clip_reader import ClipReader
from afformer_core.data.frame_sampling import UniformSampling
from afformer_core.data.sample import Sample
from afformer_core.media.video import write_video
from afformer_core.reports.tables import Table

_SIZE = (720, 1280)
_RATE = 30.0
_SECONDS = 6
_READS = 20


def reading_table(folder: Path, frames: int, side: int) -> Table:
    """Measure the pairs per second that one process reads.

    Args:
        folder: folder for a clip and its cache.
        frames: number of frames sampled from the clip, uniformly.
        side: side in pixels to which they are resized.
    """
    path = folder / 'clip.mp4'
    write_video(path, _moving_texture(), _RATE)
    sample = Sample('clip', path, path, (side, side), (0,), (np.zeros((1, 2)),))
    reader = ClipReader(UniformSampling(frames), (side, side), folder / 'cache')
    start = time.perf_counter()
    reader.read(sample)
    decoded = time.perf_counter() - start
    start = time.perf_counter()
    for _ in range(_READS):
        for window in reader.read(sample):
            window.sum()
    cached = (time.perf_counter() - start) / _READS
    return Table.of(
        f'Reading clips, {frames} frames at {side}x{side}',
        {'pairs_per_second': 'pairs / s per process'},
        {
            'decoded, the first time': {'pairs_per_second': 1 / decoded},
            'from the cache, later': {'pairs_per_second': 1 / cached},
        },
        (
            f'A clip of {_SECONDS} s, {_SIZE[1]}x{_SIZE[0]}, {_RATE:g} frames per second, '
            f'H.264; frames are copied once.',
        ),
    )


def _moving_texture() -> Iterator[NDArray[np.uint8]]:
    """Draw frames [720, 1280, 3] of soft colours that drift."""
    coarse = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)
    texture = cv2.resize(coarse, _SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    for number in range(int(_SECONDS * _RATE)):
        yield np.asarray(np.roll(texture, 3 * number, axis=1), np.uint8)
