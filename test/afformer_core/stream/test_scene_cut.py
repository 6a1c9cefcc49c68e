# SPDX-License-Identifier: Apache-2.0
"""Where another scene begins."""

import numpy as np

from afformer_core.stream.tracking import SceneCutDetector


def _image(value):
    return np.full((64, 64, 3), value, np.uint8)


def test_a_hand_before_the_camera_changes_a_part():
    detector = SceneCutDetector()
    detector.change(_image(100))
    image = _image(100)
    image[20:50, 20:50] = 200
    assert detector.change(image) < 0.1
