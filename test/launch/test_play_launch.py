# SPDX-License-Identifier: Apache-2.0
"""The launch file publishes an image file under the names and types it was given."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image

pytest.importorskip(
    'launch_ros',
    reason='launch_ros is not installed; PyPI has no wheel of it',
    exc_type=ImportError,
)


def test_an_image_file_becomes_a_topic(launch, observer, tmp_path: Path) -> None:
    path = tmp_path / 'blue.png'
    cv2.imwrite(str(path), np.full((48, 64, 3), (255, 0, 0), np.uint8))
    received: list[Image] = []
    subscription = observer.create_subscription(Image, '/robot/camera', received.append, 10)
    launch(
        'play.launch.py',
        f'path:={path}',
        'namespace:=robot',
        'image_topic:=camera',
        'rate:=5',
        'loop:=true',
        'frame_id:=optical',
    )
    observer.wait('an image', lambda: received)
    observer.destroy_subscription(subscription)

    image = received[0]
    assert (image.width, image.height, image.encoding) == (64, 48, 'rgb8')
    assert image.header.frame_id == 'optical'
    assert bytes(image.data[:3]) == bytes([0, 0, 255])
