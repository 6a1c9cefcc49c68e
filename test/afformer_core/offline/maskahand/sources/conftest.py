# SPDX-License-Identifier: Apache-2.0
"""Bags with the images of several topics, and a film."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from afformer_core.media.video import write_video

STEP = 100_000_000
TYPES = get_typestore(Stores.ROS2_HUMBLE)


def header() -> Any:
    # A camera whose clock was never set.
    return TYPES.types['std_msgs/msg/Header'](TYPES.types['builtin_interfaces/msg/Time'](0, 0), '')


def raw_image(level: int, encoding: str = 'rgb8') -> Any:
    channels = {'rgb8': 3, '16UC1': 2, '32FC1': 4}[encoding]
    data = np.full(6 * 8 * channels, level, np.uint8)
    kind = TYPES.types['sensor_msgs/msg/Image']
    return kind(header(), 6, 8, encoding, 0, 8 * channels, data)


def compressed_image(level: int, name: str = 'jpeg') -> Any:
    data = cv2.imencode('.png', np.full((6, 8, 3), level, np.uint8))[1].ravel()
    return TYPES.types['sensor_msgs/msg/CompressedImage'](header(), name, data)


@pytest.fixture(scope='session')
def write_bag() -> Callable[..., Path]:
    """Writes a bag of ten messages in a second of each topic, made by number and name.

    The clock is set forward by some nanoseconds before the sixth.
    """

    def write(
        folder: Path,
        topics: dict[str, Callable[[int], Any]],
        storage: StoragePlugin = StoragePlugin.MCAP,
        start: int = 1_700_000_000 * 10**9,
        pause: int = 0,
    ) -> Path:
        with Writer(folder, version=9, storage_plugin=storage) as writer:
            for offset, (topic, make) in enumerate(topics.items()):
                kind = make(0).__msgtype__
                connection = writer.add_connection(topic, kind, typestore=TYPES)
                for number in range(10):
                    data = TYPES.serialize_cdr(make(number), kind)
                    time = start + number * STEP + offset * STEP // 3
                    writer.write(connection, time + (pause if number >= 5 else 0), data)
        return folder

    return write


@pytest.fixture(scope='session')
def raw() -> Callable[..., Any]:
    return raw_image


@pytest.fixture(scope='session')
def compressed() -> Callable[..., Any]:
    return compressed_image


@pytest.fixture(scope='session')
def film(red: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 12 s with contacts at 2 to 3 s and 8 to 9 s."""
    path = tmp_path_factory.mktemp('film') / 'film.mp4'
    write_video(path, red.film(12, 10, [(2, 3), (8, 9)]), 10)
    return path
