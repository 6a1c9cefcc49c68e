# SPDX-License-Identifier: Apache-2.0
"""Scenes of the demo, and the camera that moves in front of an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import VideoError
from afformer_core.media.images import read_image, write_image
from afformer_core.media.video import VideoReader, read_video, write_video
from afformer_ros.demo.scenes import CAMERA_FRAMES, example_scenes, given_scene, moving_camera


def write_files(folder: Path, count: int, rate: float) -> tuple[Path, Path]:
    """A portrait video whose frames get brighter, and a large image."""
    video, image = folder / 'given' / 'turn it.mp4', folder / 'given' / 'tap.png'
    video.parent.mkdir()
    levels = np.linspace(10, 240, count)
    frames = (np.full((1280, 720, 3), level, np.uint8) for level in levels)
    write_video(video, frames, rate)
    write_image(image, np.full((1500, 2000, 3), 90, np.uint8))
    return video, image


def test_large_files_are_shrunk_and_keep_their_duration(tmp_path: Path) -> None:
    video, image = write_files(tmp_path, 31, 48.0)

    scene = given_scene(tmp_path, video, image)

    with VideoReader(scene.demonstration) as reader:
        assert reader.rate == pytest.approx(12.0)
    frames = read_video(scene.demonstration)
    # Every fourth of 31 frames.
    assert frames.shape == (8, 640, 360, 3)
    assert frames.mean((1, 2, 3)) == pytest.approx(np.linspace(10, 240, 31)[::4], abs=4)
    assert read_image(scene.image).shape == (480, 640, 3)
    assert scene.scale == pytest.approx((3.125, 3.125))
    assert (scene.name, scene.title) == ('turn_it', 'turn it.mp4 in tap.png')


def test_a_long_video_is_refused_with_its_duration(tmp_path: Path) -> None:
    video, image = write_files(tmp_path, 9, 0.25)
    with pytest.raises(VideoError, match=r'turn it\.mp4 lasts 36 s; expected at most 30 s'):
        given_scene(tmp_path, video, image)


def test_the_scenes_begin_with_real_hands(tmp_path: Path) -> None:
    scenes = list(example_scenes(tmp_path))
    assert [(scene.title, scene.action) for scene in scenes] == [
        ('1. Press a button on a breadboard', 'push'),
        ('2. Turn the knob of a keypad', 'rotate'),
        ('3. Pull a drawer', 'pull'),
    ]
    assert len(read_video(scenes[2].camera)) == 18


@pytest.mark.parametrize('size', [(480, 360), (360, 640)])
def test_the_camera_moves_and_shows_hardly_anything_beyond_the_image(
    size: tuple[int, int],
) -> None:
    width, height = size
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1.0]])

    shown = np.stack([corners @ np.linalg.inv(matrix).T for matrix in moving_camera(size)])

    shares = shown[..., :2] / size
    assert shares.shape == (CAMERA_FRAMES, 4, 2)
    assert shares.min() > -0.02
    assert shares.max() < 1.02
    assert np.ptp(shares[:, 0], axis=0).min() > 0.05
