# SPDX-License-Identifier: Apache-2.0
"""Images in a row whose best points agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from afformer_core.outputs.results import CameraFrame, SpatialView
from afformer_core.runtime import Peak
from afformer_core.stream.grounding_stream import GroundingStream
from afformer_core.stream.settings import StreamSettings
from afformer_core.stream.tracking import AgreementCounter

# Its diagonal is 500 pixels.
SIZE = (300, 400)
SETTINGS = StreamSettings(smoothing_time=0.0, hold_time=0.0)


def count(points, tolerance=0.02):
    counter = AgreementCounter()
    return [counter.add(Peak(u, v, 0.9), SIZE, tolerance) for u, v in points]


def test_near_points_agree():
    assert count([(100, 100), (109, 100), (100, 104)]) == [1, 2, 3]


def test_a_point_farther_than_the_tolerance_begins_a_new_row():
    assert count([(100, 100), (110.1, 100), (110, 100)]) == [1, 1, 2]


def test_small_steps_to_another_point_do_not_agree():
    assert count([(100 + 8 * step, 100) for step in range(4)]) == [1, 2, 1, 2]


def test_the_tolerance_is_a_share_of_the_diagonal():
    assert count([(100, 100), (149, 100)], tolerance=0.1) == [1, 2]
    assert count([(100, 100), (151, 100)], tolerance=0.1) == [1, 1]


class Camera:
    """Feeds a stream with images of 640 x 480, ten a second."""

    def __init__(self):
        self.stream = GroundingStream()
        self.time = 0

    def see(self, prediction, demonstration='press', settings=SETTINGS):
        self.time += 100_000_000
        frame = CameraFrame(np.zeros((480, 640, 3), np.uint8), self.time, 'camera')
        view = SpatialView(None, None, 'no depth is received')
        result = self.stream.ground(frame, prediction, demonstration, view, settings)
        return result.agreeing_images


def test_an_image_without_the_element_agrees_with_none(predict):
    camera = Camera()
    assert [camera.see(predict(20, 20)) for _ in range(3)] == [1, 2, 3]
    assert camera.see(predict(20, 20, feature_similarity=0.1)) == 0
    assert camera.see(predict(20, 20)) == 1


def test_a_result_that_is_held_agrees_with_none(predict):
    camera, settings = Camera(), replace(SETTINGS, hold_time=1.0)
    assert camera.see(predict(20, 20), settings=settings) == 1
    assert camera.see(predict(20, 20, feature_similarity=0.1), settings=settings) == 0


def test_another_demonstration_begins_a_new_row(predict):
    camera = Camera()
    assert [camera.see(predict(20, 20)) for _ in range(2)] == [1, 2]
    assert camera.see(predict(20, 20), demonstration='pull') == 1
