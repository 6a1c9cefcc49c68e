# SPDX-License-Identifier: Apache-2.0
"""Candidates for the contact in the recorded frame, and taps at them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from afformer_core.demonstrations.media import contact_candidates, tapped
from afformer_core.runtime import Peak

# Its diagonal is 500 pixels, 1.5 % of which are 7.5.
FRAME = np.zeros((300, 400, 3), np.uint8)


def test_candidates_are_pixels_of_the_recorded_frame() -> None:
    memorized: Any = SimpleNamespace(
        frame_size=(120, 200), contacts=(Peak(50.5, 20.3, 0.61), Peak(199.4, -0.4, 0.17))
    )
    assert contact_candidates(memorized, FRAME) == (
        Peak(101.5, 51.5, 0.61),
        Peak(399.0, 0.0, 0.17),
    )


@pytest.mark.parametrize(
    ('pixel', 'marked'),
    [
        ((92.5, 40.0), (100.0, 40.0)),
        ((91.5, 40.0), (91.5, 40.0)),
        ((104.0, 49.0), (110.0, 52.0)),
    ],
)
def test_a_tap_takes_the_nearest_candidate_in_reach(
    pixel: tuple[float, float], marked: tuple[float, float]
) -> None:
    assert tapped(pixel, [(100.0, 40.0), (110.0, 52.0)], FRAME) == marked


def test_a_tap_without_candidates_is_free() -> None:
    assert tapped((7.0, 5.0), [], FRAME) == (7.0, 5.0)
