# SPDX-License-Identifier: Apache-2.0
"""The sense of rotations of a textured disc in front of a textured wall."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.demonstrations.rotation_estimate import estimate_rotation
from afformer_core.runtime.demonstration import Sense

from .turned_disc import MIDDLE, SIZE, disc_frame


@pytest.mark.parametrize(
    ('degrees', 'sense'), [(3.0, Sense.CLOCKWISE), (-3.0, Sense.COUNTERCLOCKWISE)]
)
def test_the_sense_of_a_disc(degrees, sense):
    rotation = estimate_rotation([disc_frame(degrees * k) for k in range(20)], MIDDLE)
    assert (rotation.sense, rotation.problem) == (sense, '')


def test_a_camera_that_moves_changes_nothing():
    frames = [disc_frame(3.0 * k, drift=0.8 * k) for k in range(20)]
    assert estimate_rotation(frames, MIDDLE).sense is Sense.CLOCKWISE


def test_a_fast_hand_that_comes_and_goes_does_not_count():
    # It comes from the right and goes down; both paths bend at the disc.
    coming = [disc_frame(0.0, shift=8.0 * k) for k in range(5, 0, -1)]
    turning = [disc_frame(-3.0 * k) for k in range(20)]
    assert estimate_rotation(coming + turning, MIDDLE).sense is Sense.COUNTERCLOCKWISE


def test_there_and_back_has_no_sense():
    angles = np.concatenate([np.arange(0, 30, 3), np.arange(30, -1, -3)])
    rotation = estimate_rotation([disc_frame(float(angle)) for angle in angles], MIDDLE)
    assert rotation.sense is None
    assert 'do not agree on the sense' in rotation.problem


def test_where_nothing_moves_nothing_turns():
    rotation = estimate_rotation([disc_frame(0.0)] * 12, MIDDLE)
    assert rotation.sense is None
    assert 'nothing turns' in rotation.problem


def test_a_rotation_elsewhere_does_not_count():
    corner = (8.5 / SIZE, 152.5 / SIZE)
    assert estimate_rotation([disc_frame(3.0 * k) for k in range(20)], corner).sense is None


def test_a_few_frames_are_too_few():
    rotation = estimate_rotation([disc_frame(3.0 * k) for k in range(7)], MIDDLE)
    assert rotation.problem == 'the demonstration has 7 frames; its rotation takes 8'
