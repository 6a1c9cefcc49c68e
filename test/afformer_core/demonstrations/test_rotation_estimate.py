# SPDX-License-Identifier: Apache-2.0
"""The sense of rotations of a textured disc in front of a textured wall."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from afformer_core.demonstrations.rotation_estimate import estimate_rotation
from afformer_core.runtime.rotation.shown_rotation import Sense

SIZE = 160
CENTRE = (80.0, 72.0)
MIDDLE = ((CENTRE[0] + 0.5) / SIZE, (CENTRE[1] + 0.5) / SIZE)


def _texture(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0, 255, (SIZE, SIZE)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


WALL, DISC = _texture(1), _texture(2)


def _frame(degrees: float, shift: float = 0.0, drift: float = 0.0) -> np.ndarray:
    """A disc turned clockwise, moved to the right, before a wall; both move by `drift`."""
    turn = cv2.getRotationMatrix2D(CENTRE, -degrees, 1.0)
    turn[0, 2] += shift
    disc = cv2.warpAffine(DISC, turn, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.circle(mask, (round(CENTRE[0] + shift), round(CENTRE[1])), 28, 1, -1)
    grey = np.where(mask > 0, disc, WALL)
    move = np.array([[1.0, 0.0, drift], [0.0, 1.0, 0.0]])
    grey = cv2.warpAffine(grey, move, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT)
    return np.repeat(grey[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ('degrees', 'sense'), [(3.0, Sense.CLOCKWISE), (-3.0, Sense.COUNTERCLOCKWISE)]
)
def test_the_sense_of_a_disc(degrees, sense):
    rotation = estimate_rotation([_frame(degrees * k) for k in range(20)], MIDDLE)
    assert (rotation.sense, rotation.problem) == (sense, '')


def test_a_camera_that_moves_changes_nothing():
    frames = [_frame(3.0 * k, drift=0.8 * k) for k in range(20)]
    assert estimate_rotation(frames, MIDDLE).sense is Sense.CLOCKWISE


def test_a_fast_hand_that_comes_and_goes_does_not_count():
    # It comes from the right and goes down; both paths bend at the disc.
    coming = [_frame(0.0, shift=8.0 * k) for k in range(5, 0, -1)]
    turning = [_frame(-3.0 * k) for k in range(20)]
    assert estimate_rotation(coming + turning, MIDDLE).sense is Sense.COUNTERCLOCKWISE


def test_there_and_back_has_no_sense():
    angles = np.concatenate([np.arange(0, 30, 3), np.arange(30, -1, -3)])
    rotation = estimate_rotation([_frame(float(angle)) for angle in angles], MIDDLE)
    assert rotation.sense is None
    assert 'do not agree on the sense' in rotation.problem


def test_where_nothing_moves_nothing_turns():
    rotation = estimate_rotation([_frame(0.0)] * 12, MIDDLE)
    assert rotation.sense is None
    assert 'nothing turns' in rotation.problem


def test_a_rotation_elsewhere_does_not_count():
    corner = (8.5 / SIZE, 152.5 / SIZE)
    assert estimate_rotation([_frame(3.0 * k) for k in range(20)], corner).sense is None


def test_a_few_frames_are_too_few():
    rotation = estimate_rotation([_frame(3.0 * k) for k in range(7)], MIDDLE)
    assert rotation.problem == 'the demonstration has 7 frames; its rotation takes 8'
