# SPDX-License-Identifier: Apache-2.0
"""The timeline of a demonstration: some of its frames, and those that the model keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.rotation_estimate import MOST_FRAMES
from afformer_core.media.video_frames import uniform_indices
from afformer_core.offline.evaluation.report.tiles import fit

_SIDE = 320


@dataclass(frozen=True)
class TimelineFrame:
    """One frame of a timeline.

    Attributes:
        index: its number in the source, from 0.
        seconds: its time after the first frame of the source; None if that has no time.
        kept: whether the model keeps it.
        image: uint8 RGB [h, w, 3], small.
    """

    index: int
    seconds: float | None
    kept: bool
    image: NDArray[np.uint8]


def timeline_of(
    media: MediaFrames, maximum_frames: int, begin: float = 0.0
) -> tuple[TimelineFrame, ...]:
    """List the displayed frames of a demonstration, in order.

    Args:
        media: the demonstration, read by `read_demonstration` with that maximum.
        maximum_frames: largest number of frames that the model keeps.
        begin: time of its first frame in seconds, if it is a part of a video.
    """
    images = dict(_numbered(media.motion_frames, media.frame_count, MOST_FRAMES))
    kept = dict(_numbered(media.frames, media.frame_count, maximum_frames))
    images.update(kept)
    step = media.duration / max(1, media.frame_count - 1)
    return tuple(
        TimelineFrame(
            index,
            begin + index * step if media.duration else None,
            index in kept,
            fit(image, _SIDE),
        )
        for index, image in sorted(images.items())
    )


def _numbered(
    frames: Sequence[NDArray[np.uint8]], count: int, maximum: int
) -> list[tuple[int, NDArray[np.uint8]]]:
    if not frames:
        return []
    return list(zip(uniform_indices(count, maximum), frames, strict=True))
