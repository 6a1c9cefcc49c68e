# SPDX-License-Identifier: Apache-2.0
"""The camera of most tests."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.geometry.camera import Calibration


@pytest.fixture(scope='session')
def calibration() -> Calibration:
    """Of 640 x 480 pixels, without distortion."""
    matrix = np.array([[600.0, 0, 319.5], [0, 600.0, 239.5], [0, 0, 1]])
    return Calibration(640, 480, matrix, '', (), (0.0, 0.0), 'camera')
