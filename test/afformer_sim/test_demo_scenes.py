# SPDX-License-Identifier: Apache-2.0
"""Scenes of the demo and of the studio, and the camera that moves in front of an image."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from afformer_core.example_pairs.pair_folder import read_pairs, rendered_pairs
from afformer_sim.demo_scenes.scene import CAMERA_FRAMES, moving_camera


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


@pytest.mark.slow
def test_the_scenes_are_rendered_into_a_folder_and_listed(tmp_path: Path) -> None:
    command = [sys.executable, '-m', 'afformer_sim.demo_scenes', str(tmp_path)]
    subprocess.run(command, check=True)

    pairs = read_pairs(tmp_path)
    assert [(pair.title, pair.video.name, pair.image.name) for pair in pairs] == [
        ('Hold the handle of a cup', 'cup_handle.mp4', 'cup.jpg'),
        ('Touch a spoon', 'spoon.mp4', 'cup.jpg'),
        ('Pull a drawer', 'drawers_pull.mp4', 'drawers_pull.jpg'),
    ]
    assert all(pair.video.is_file() and pair.image.is_file() for pair in pairs)
    shipped = [(pair.title, pair.video.name) for pair in rendered_pairs()]
    assert shipped == [(pair.title, pair.video.name) for pair in pairs]
