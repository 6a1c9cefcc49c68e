# SPDX-License-Identifier: Apache-2.0
"""Duration of a video file's stream, and orientation of its decoded frames."""

from __future__ import annotations

import av
import av.container
import numpy as np


def shown_seconds(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """How long a video lasts, as its file says; None where it does not."""
    known = []
    if container.duration is not None:
        known.append(container.duration / av.time_base)
    # Sound may be longer than the video, and an edit list shows less than there is.
    if stream.duration is not None and stream.time_base is not None:
        known.append(float(stream.duration * stream.time_base))
    return min(known, default=None)


def upright(frame: av.VideoFrame) -> np.ndarray:
    """A decoded frame as players show it: uint8 [H, W, 3] RGB.

    Phones store apart how they were held.
    """
    image = frame.to_ndarray(format='rgb24')
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image
