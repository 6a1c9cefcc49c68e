# SPDX-License-Identifier: Apache-2.0
"""Bags with the images of several topics, a film, a LeRobot dataset, and the mining of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from afformer_core.media.video import write_video
from afformer_core.offline.maskahand.mining.index import HandIndex, MinedVideo, read_index
from afformer_core.offline.maskahand.mining.mining import Mining, MiningSettings
from afformer_core.offline.maskahand.sources import find_sources
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS

STEP = 100_000_000
# Of a LeRobot dataset.
CAMERA = 'observation.images.front'
DEPTH = 'observation.images.depth'
# Seconds of the episodes, of which the first two share a file.
PARTS = ((0, 0.0, 4.0), (0, 4.0, 7.5), (1, 0.0, 3.0))
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


@pytest.fixture(scope='session')
def lerobot_dataset(red: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three episodes: with a contact at 2 to 3 s, at 1 to 2 s, and without."""
    folder = tmp_path_factory.mktemp('lerobot')
    frames = [*red.film(4, 10, [(2, 3)]), *red.film(3.5, 10, [(1, 2)])]
    for number, film in enumerate((frames, red.film(3, 10, []))):
        path = folder / 'videos' / CAMERA / 'chunk-000' / f'file-{number:03}.mp4'
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, film, 10)
    features = {
        CAMERA: {'dtype': 'video', 'info': {'video.is_depth_map': False}},
        DEPTH: {'dtype': 'video', 'info': {'video.is_depth_map': True}},
        'action': {'dtype': 'float32'},
    }
    template = 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4'
    info = {'codebase_version': 'v3.0', 'features': features, 'video_path': template}
    episodes = folder / 'meta' / 'episodes' / 'chunk-000'
    episodes.mkdir(parents=True)
    (folder / 'meta' / 'info.json').write_text(json.dumps(info))
    rows = [
        {
            'episode_index': number,
            f'videos/{CAMERA}/chunk_index': 0,
            f'videos/{CAMERA}/file_index': file,
            f'videos/{CAMERA}/from_timestamp': begin,
            f'videos/{CAMERA}/to_timestamp': end,
        }
        for number, (file, begin, end) in enumerate(PARTS)
    ]
    pq.write_table(pa.Table.from_pylist(rows), episodes / 'file-000.parquet')
    return folder


SETTINGS = MiningSettings(clip_frames=8, stride=4, part_frames=20)


def mine(
    red: ModuleType,
    output: Path,
    *paths: str,
    engine: ParallelEngine = ONE_PROCESS,
    settings: MiningSettings = SETTINGS,
    folder_rate: float | None = None,
) -> HandIndex:
    found = find_sources([Path(path) for path in paths], folder_rate)
    mining = Mining(found, red.RedHands, output, settings)
    list(mining.detect(engine))
    mining.write_index()
    return read_index(output / 'index.json')


def seen(video: MinedVideo) -> tuple[object, ...]:
    return video.times, video.hands, video.clips
