# SPDX-License-Identifier: Apache-2.0
"""Duration of a video file's stream, and orientation of its decoded frames."""

from __future__ import annotations

import av
import av.container
import numpy as np


def shown_seconds(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """Return the duration of a video in seconds, as stored in its file; None where it is not."""
    known = []
    if container.duration is not None:
        known.append(container.duration / av.time_base)
    # Sound may last longer than the video, and an edit list shows less than the file holds.
    if stream.duration is not None and stream.time_base is not None:
        known.append(float(stream.duration * stream.time_base))
    return min(known, default=None)


def upright(frame: av.VideoFrame) -> np.ndarray:
    """Convert a decoded frame to an image as players show it: uint8 [H, W, 3] RGB.

    Phones store the orientation of the camera apart from the pixels.
    """
    image = frame.to_ndarray(format='rgb24')
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image
