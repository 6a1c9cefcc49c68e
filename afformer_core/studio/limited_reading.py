# SPDX-License-Identifier: Apache-2.0
"""Reading of demonstrations and images within the limits of a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.bag_frames import is_bag
from afformer_core.demonstrations.media import MediaFrames, read_demonstration, split_topic
from afformer_core.errors import ImageError
from afformer_core.media.images import read_image
from afformer_core.studio.limits import (
    Limits,
    ReadingLimit,
    require_small_image,
    require_small_video,
)


def read_limited_demonstration(
    path: Path, maximum_frames: int, limits: Limits, name: str
) -> MediaFrames:
    """Read a demonstration.

    Args:
        path: path of a video, a folder of images or a bag; `BAG#TOPIC` names a topic of a bag.
        maximum_frames: largest number of frames that the model keeps.
        limits: the limits.
        name: its name for people.

    Raises:
        DemonstrationError: the bag has no such topic.
        VideoError, BagError, ImageError: it cannot be read, or exceeds a limit.
    """
    file, topic = split_topic(path)
    if file.is_file() and not topic and not is_bag(file):
        require_small_video(file, limits, name)
    return read_demonstration(path, maximum_frames, ReadingLimit(limits, name))


def read_limited_image(path: Path, limits: Limits, name: str) -> NDArray[np.uint8]:
    """Read an image, uint8 RGB [H, W, 3].

    Raises:
        ImageError: it cannot be read, or exceeds a limit.
    """
    require_small_image(path, limits, name)
    try:
        return read_image(path)
    except ImageError as error:
        raise ImageError(f'{name} is damaged. Copy it again') from error
