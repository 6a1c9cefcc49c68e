# SPDX-License-Identifier: Apache-2.0
"""Where another scene begins."""

import numpy as np
import pytest

from afformer_core.stream.tracking import SceneCutDetector


def _image(value):
    return np.full((64, 64, 3), value, np.uint8)


def test_the_first_image_is_no_cut():
    assert SceneCutDetector().change(_image(255)) == 0.0


def test_the_change_is_a_share_of_the_range():
    detector = SceneCutDetector()
    detector.change(_image(51))
    assert detector.change(_image(102)) == pytest.approx(0.2)


def test_a_hand_before_the_camera_changes_a_part():
    detector = SceneCutDetector()
    detector.change(_image(100))
    image = _image(100)
    image[20:50, 20:50] = 200
    assert detector.change(image) < 0.1
