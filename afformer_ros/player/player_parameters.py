# SPDX-License-Identifier: Apache-2.0
"""The parameters of the node `player`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from afformer_ros.parameter_fields import parameter

IMAGE_RATE = 10.0
_fixed = partial(parameter, change='never')


@dataclass(frozen=True)
class PlayerParameters:
    """Parameters of the player; each text is the ROS description."""

    path: str = _fixed('', 'Video, image or folder of images to publish')
    rate: float = _fixed(
        0.0,
        f'Frames per second. 0: the times of the video, or {IMAGE_RATE:.0f} for images',
        limits=(0.0, 1000.0),
    )
    start_delay: float = _fixed(
        0.0, 'Seconds to wait before the first frame', limits=(0.0, 3600.0)
    )
    loop: bool = _fixed(False, 'Whether the player starts again after the last frame')
    wait_for_subscribers: int = _fixed(
        0, 'Number of subscribers to wait for before the first frame', limits=(0, 1000)
    )
    frame_id: str = _fixed('camera', 'Coordinate frame in the headers of the images')
    transport: str = _fixed(
        'raw',
        'Type of the messages: raw (sensor_msgs/Image) or compressed (CompressedImage, JPEG)',
        choices=('raw', 'compressed'),
    )
    reliability: str = _fixed(
        'reliable',
        'Reliability offered to subscribers',
        choices=('reliable', 'best_effort'),
    )
