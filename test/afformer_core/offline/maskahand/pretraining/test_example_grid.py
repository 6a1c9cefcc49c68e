# SPDX-License-Identifier: Apache-2.0
import numpy as np

from afformer_core.offline.maskahand.pretraining.example_grid import example_grid
from afformer_core.offline.maskahand.pretraining.pretraining_dataset import PretrainingExample

LEFT = np.array([[[0.1, 0.4], [0.3, 0.4], [0.3, 0.6], [0.1, 0.6]]], np.float32)
RIGHT = 1 - LEFT


def _example(frames):
    shades = np.arange(frames, dtype=np.uint8)[:, None, None, None] * 20
    demonstration = shades + np.zeros((1, 32, 32, 3), np.uint8)
    images = np.full((2, 32, 32, 3), 90, np.uint8)
    return PretrainingExample(demonstration, images, (LEFT, RIGHT), 0)


def test_a_row_tells_what_is_shown_and_what_is_looked_for():
    grid = example_grid([_example(5)], side=40)
    first_row = [grid[20, 44 * column + 20].tolist() for column in range(4)]
    assert first_row == [[0] * 3, [40] * 3, [80] * 3, [90] * 3]
    targets = [grid[top : top + 40, 4 * 44 :].astype(int) for top in (0, 44)]
    brightest = [int(np.ptp(target, axis=2).max(axis=0).argmax()) for target in targets]
    assert brightest[0] < 20 < brightest[1]


def test_a_short_demonstration_leaves_tiles_empty():
    grid = example_grid([_example(1)], side=40)
    assert (grid[:40, 44:128] == 255).all()
