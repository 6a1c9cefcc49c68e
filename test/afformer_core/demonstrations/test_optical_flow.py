# SPDX-License-Identifier: Apache-2.0
"""Motion of the background in optical flow, and the direction of rotation that it shows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from afformer_core.demonstrations.optical_flow import (
    FrameFlow,
    background_flow,
    background_motion,
    estimate_rotation,
    follow_points,
    steadied,
)
from afformer_core.runtime.demonstration import Sense

from .turned_disc import MIDDLE, SIZE, disc_frame

# Turned by atan(0.02 / 1.01), enlarged, and shifted.
MOTION = np.array([[1.01, -0.02, 3.5], [0.02, 1.01, -1.5], [0.0, 0.0, 1.0]])


def flow_of(motion: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[:90, :160]
    return background_flow(motion, np.stack([columns, rows], axis=-1)).astype(np.float32)


def shifted(x: float, y: float) -> np.ndarray:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def test_what_moves_otherwise_counts_for_nothing():
    flow = flow_of(MOTION)
    flow[20:60, 30:100] += (6.0, 2.0)
    np.testing.assert_allclose(background_motion(flow), MOTION, atol=1e-4)


def test_a_foreground_that_is_most_of_the_image_is_left_out():
    flow = flow_of(MOTION)
    foreground = np.zeros((90, 160), bool)
    foreground[:, 40:] = True
    flow[foreground] += (6.0, 2.0)
    np.testing.assert_allclose(background_motion(flow, foreground), MOTION, atol=1e-4)


def test_a_foreground_that_leaves_next_to_nothing_is_not_left_out():
    foreground = np.ones((90, 160), bool)
    foreground[:24, :48] = False
    flow = flow_of(shifted(2.5, 1.25))
    flow[:24, :48] = 9.0
    np.testing.assert_allclose(background_motion(flow, foreground), shifted(2.5, 1.25), atol=1e-4)


def test_a_camera_that_stands_still_bears_no_small_errors():
    # 3 % of the diagonal are 5.51 pixels.
    chain = [shifted(0.0, 0.0), shifted(3.0, -4.5), shifted(1.0, 2.0)]
    np.testing.assert_array_equal(steadied(chain, (160, 90)), [np.eye(3)] * 3)


def test_a_camera_moves_if_any_frame_lies_elsewhere():
    chain = [shifted(0.0, 0.0), shifted(3.0, -4.7), shifted(0.0, 0.0)]
    np.testing.assert_array_equal(steadied(chain, (160, 90)), chain)


def test_the_same_flow_gives_the_same_motion():
    noise = np.random.default_rng(7).normal(0, 2, (90, 160, 2)).astype(np.float32)
    motions = {background_motion(noise + (1.5, 0.5)).tobytes() for _ in range(3)}
    assert len(motions) == 1


@pytest.mark.parametrize(
    ('degrees', 'sense'), [(3.0, Sense.CLOCKWISE), (-3.0, Sense.COUNTERCLOCKWISE)]
)
def test_the_sense_of_a_disc(degrees, sense):
    rotation = estimate_rotation([disc_frame(degrees * k) for k in range(20)], MIDDLE)
    assert (rotation.sense, rotation.problem) == (sense, '')


@settings(max_examples=10)
@example(7, 1.05, 15, -9)
@given(st.floats(-7, 7), st.floats(0.95, 1.05), st.floats(-15, 15), st.floats(-9, 9))
def test_what_only_the_camera_moves_stands_still(turn, zoom, x, y):
    turned = np.vstack([cv2.getRotationMatrix2D((0, 0), turn, zoom), [0, 0, 1]])
    motions = [turned, shifted(x, y), turned]
    flows = [FrameFlow(flow_of(one), flow_of(np.linalg.inv(one)), one) for one in motions]
    points = np.array([[80.0, 40.0], [95.0, 55.0], [70.0, 35.0]])
    paths, sure = follow_points(flows, points)
    assert sure.all()
    np.testing.assert_allclose(paths, [points] * 4, atol=0.01)


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
