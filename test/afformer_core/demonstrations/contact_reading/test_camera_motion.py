# SPDX-License-Identifier: Apache-2.0
"""The background's motion from its flow."""

from __future__ import annotations

import numpy as np

from afformer_core.demonstrations.contact_reading.camera_motion import (
    background_flow,
    background_motion,
    moved,
    steadied,
)

# Turned by atan(0.02 / 1.01), enlarged, and shifted.
MOTION = np.array([[1.01, -0.02, 3.5], [0.02, 1.01, -1.5], [0.0, 0.0, 1.0]])


def flow_of(motion: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[:90, :160]
    return background_flow(motion, np.stack([columns, rows], axis=-1)).astype(np.float32)


def shifted(x: float, y: float) -> np.ndarray:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def test_points_move_by_a_motion():
    points = np.array([[10.0, 20.0], [100.0, 5.0]])
    np.testing.assert_allclose(moved(MOTION, points), [[13.2, 18.9], [104.4, 5.55]])


def test_the_motion_of_the_whole_image():
    np.testing.assert_allclose(background_motion(flow_of(MOTION)), MOTION, atol=1e-4)


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
