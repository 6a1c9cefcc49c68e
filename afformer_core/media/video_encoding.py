# SPDX-License-Identifier: Apache-2.0
"""Encoding of frames as H.264."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from afformer_core.errors import VideoError


def encode_video(path: Path, frames: Iterable[np.ndarray], rate: float, quality: int) -> None:
    """Write an mp4 as the frames arrive; after an error, the written part remains.

    Args:
        path: path of the file.
        frames: uint8 [H, W, 3] RGB each, all of one size with even sides, at least one.
        rate: frames per second.
        quality: constant rate factor, 0 (lossless) to 51 (worst).

    Raises:
        VideoError: there is no frame, or one has another type or size.
    """
    with av.open(str(path), 'w', format='mp4') as container:
        stream: av.VideoStream | None = None
        for image in frames:
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                raise VideoError(
                    f'a frame is {image.dtype} {image.shape}; expected uint8 (height, width, 3)'
                )
            height, width = image.shape[:2]
            if stream is None:
                if height % 2 or width % 2:
                    raise VideoError(f'a frame is {width}x{height}; expected even sides for H.264')
                exact = Fraction(rate).limit_denominator(1000)
                stream = container.add_stream('libx264', rate=exact)
                stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
                # Adaptive quantisation would make x264's output differ from run to run.
                stream.options = {
                    'crf': str(quality),
                    'preset': 'veryfast',
                    'x264-params': 'no-mbtree=1:aq-mode=0',
                }
                stream.codec_context.thread_count = 1
            elif (width, height) != (stream.width, stream.height):
                raise VideoError(
                    f'a frame is {width}x{height}; expected {stream.width}x{stream.height} as '
                    'the frames before it'
                )
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        if stream is None:
            raise VideoError(f'the number of frames of {path.name} is 0; expected at least 1')
        container.mux(stream.encode())
