# SPDX-License-Identifier: Apache-2.0
"""Scenes of the demo and of the studio, and the camera that moves in front of an image."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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

    listed = json.loads((tmp_path / 'scenes.json').read_text())
    assert [(one['video'], one['image']) for one in listed] == [
        ('cup_handle.mp4', 'cup.png'),
        ('spoon.mp4', 'cup.png'),
        ('drawers_pull.mp4', 'drawers_pull.png'),
    ]
    assert all((tmp_path / one[file]).is_file() for one in listed for file in ('video', 'image'))
