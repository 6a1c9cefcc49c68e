# SPDX-License-Identifier: Apache-2.0
"""Motion of the surroundings of a fingertip, from literal flow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from afformer_core.demonstrations.contact_reading.demonstration_reader import (
    FrameMotion,
    measure_comotion,
)
from afformer_core.demonstrations.contact_reading.hand_paths import fingertip, hand_mask

from .dragged_square import OPEN_HAND, WALL

GREY = cv2.cvtColor(WALL, cv2.COLOR_RGB2GRAY)
HAND = np.array([100.0, 80.0]) + 22.0 * OPEN_HAND
MASK = hand_mask([HAND], GREY.shape)
CAMERA = np.array([[1.0, 0.0, -2.0], [0.0, 1.0, 1.5], [0.0, 0.0, 1.0]])
ROWS, COLUMNS = np.mgrid[: GREY.shape[0], : GREY.shape[1]]
NEAR = np.hypot(COLUMNS - fingertip(HAND)[0], ROWS - fingertip(HAND)[1]) < 30


def flow_of(hand: tuple[float, float], above: tuple[float, float]) -> np.ndarray:
    """Flow of a camera, of the hand, and of what is near and above a line through its tips."""
    flow = np.zeros((*GREY.shape, 2), np.float32)
    flow[NEAR & (ROWS < 80)] = above
    flow[MASK] = hand
    return flow + np.array([-2.0, 1.5], np.float32)


def comotion(flow: np.ndarray, grey: np.ndarray = GREY) -> float:
    return measure_comotion(FrameMotion(grey, flow, CAMERA), HAND, MASK)


def test_the_share_that_moves_like_the_hand():
    noise = np.random.default_rng(5).integers(0, 255, GREY.shape).astype(np.uint8)
    share = comotion(flow_of((3.0, -4.0), (3.5, -3.0)), noise)
    # of the 842 pixels on no hand within its 22.1 pixels of the tip, 420 are above the line
    assert share == pytest.approx(420 / 842, abs=0.005)


@pytest.mark.parametrize(
    ('above', 'alike'), [((3.0, -2.1), True), ((3.0, -1.9), False), ((-3.0, 4.0), False)]
)
def test_what_differs_by_two_fifths_of_the_speed_moves_like_the_hand(above, alike):
    assert (comotion(flow_of((3.0, -4.0), above)) > 0.3) is alike


def test_what_the_camera_moves_stands_still():
    assert comotion(flow_of((3.0, -4.0), (0.0, 0.0))) == 0.0


def test_of_a_hand_that_stands_still_it_is_unknown():
    assert np.isnan(comotion(flow_of((0.3, -0.3), (0.3, -0.3))))


def test_of_a_wall_without_texture_it_is_unknown():
    flow = flow_of((3.0, -4.0), (3.0, -4.0))
    assert np.isnan(comotion(flow, np.full_like(GREY, 120)))


def test_of_a_hand_out_of_the_image_it_is_unknown():
    motion = FrameMotion(GREY, flow_of((3.0, -4.0), (3.0, -4.0)), CAMERA)
    assert np.isnan(measure_comotion(motion, HAND + (500.0, 0.0), MASK))
