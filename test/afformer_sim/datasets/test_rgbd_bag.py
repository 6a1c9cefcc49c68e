# SPDX-License-Identifier: Apache-2.0
"""Contents of an RGB-D bag, read back."""

from __future__ import annotations

import filecmp
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from afformer_core.cli.main import main
from afformer_core.errors import DatasetError
from afformer_core.media.polygons import contains
from afformer_sim.datasets.rgbd_bag import RgbdBagSettings, write_rgbd_bag

SETTINGS = RgbdBagSettings(seed=11, size=(160, 120), seconds=0.2, demonstration_frames=4)


def read(folder: Path) -> tuple[dict[str, list[Any]], list[int]]:
    """Messages by topic, and the times of all in the order of the bag."""
    messages: dict[str, list[Any]] = defaultdict(list)
    times = []
    with AnyReader([folder]) as reader:
        for connection, time, data in reader.messages():
            messages[connection.topic].append(reader.deserialize(data, connection.msgtype))
            times.append(time)
    return messages, times


def stamps(messages: list[Any]) -> np.ndarray:
    return np.array([m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for m in messages])


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('rgbd') / 'bag'
    assert list(write_rgbd_bag(folder, SETTINGS)) == [1, 2, 3, 4, 5, 6]
    return folder


@pytest.fixture(scope='module')
def messages(folder: Path) -> dict[str, list[Any]]:
    return read(folder / 'bag')[0]


@pytest.fixture(scope='module')
def images(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads((folder / 'annotations.json').read_text())['images'])


def test_topics_and_encodings(messages: dict[str, list[Any]]) -> None:
    assert {topic: len(each) for topic, each in messages.items()} == {
        '/demonstration': 4,
        '/camera/image': 6,
        '/camera/camera_info': 6,
        '/camera/depth': 6,
    }
    encodings = {topic: getattr(each[0], 'encoding', '') for topic, each in messages.items()}
    assert encodings['/demonstration'] == encodings['/camera/image'] == 'rgb8'
    assert encodings['/camera/depth'] == '16UC1'
    camera = [messages[f'/camera/{name}'][0] for name in ('image', 'depth', 'camera_info')]
    assert {m.header.frame_id for m in camera} == {'camera_optical_frame'}
    assert {(m.width, m.height) for m in camera} == {(160, 120)}


def test_the_recording_is_in_order_and_depth_comes_a_little_late(
    folder: Path, messages: dict[str, list[Any]]
) -> None:
    times = read(folder / 'bag')[1]
    assert times == sorted(times)
    image, depth = stamps(messages['/camera/image']), stamps(messages['/camera/depth'])
    np.testing.assert_array_equal(image, stamps(messages['/camera/camera_info']))
    assert (np.abs(np.diff(image) - 1e9 / 30) < 2e6).all()
    assert ((depth - image >= 1_000_000) & (depth - image <= 3_000_000)).all()


def test_the_camera_is_at_arms_length(messages: dict[str, list[Any]]) -> None:
    depth = messages['/camera/depth'][0]
    metres = depth.data.view('<u2').reshape(120, 160) / 1000
    assert 0.5 <= np.median(metres[40:80, 60:100]) <= 1.0
    assert (metres == 0).mean() == pytest.approx(0.05, abs=0.02)


def test_annotations_agree_with_calibration_and_depth(
    messages: dict[str, list[Any]], images: list[dict[str, Any]]
) -> None:
    assert [one['stamp'] for one in images] == stamps(messages['/camera/image']).tolist()
    for one, info in zip(images, messages['/camera/camera_info'], strict=True):
        projected = info.k.reshape(3, 3) @ one['position']
        u, v = projected[:2] / projected[2]
        assert contains(np.array(one['outline']), (u, v))
        assert np.linalg.norm(one['normal']) == pytest.approx(1, abs=1e-5)
        assert one['normal'][2] < -0.7
        assert all(contains(np.array(one['outline']), tuple(point)) for point in one['points'])


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    list(write_rgbd_bag(tmp_path / 'again', SETTINGS))
    for name in ('bag/bag.mcap', 'bag/metadata.yaml', 'annotations.json'):
        assert filecmp.cmp(folder / name, tmp_path / 'again' / name, shallow=False), name


def test_an_existing_folder_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='exists; choose another folder'):
        list(write_rgbd_bag(tmp_path, SETTINGS))
    interrupted = write_rgbd_bag(tmp_path / 'out', SETTINGS)
    next(interrupted)
    interrupted.close()
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_a_bag(tmp_path: Path) -> None:
    out = str(tmp_path / 'panel')
    arguments = ['simulate', out, '--rgbd-bag', '--seconds', '0.1', '--size', '64x48']
    assert main(arguments) == 0
    assert len(read(tmp_path / 'panel' / 'bag')[0]['/camera/depth']) == 3
