# SPDX-License-Identifier: Apache-2.0
"""From peaks to surfaces: a peak may be off by a share of the image's shorter side."""

import numpy as np
import pytest

from afformer_core.geometry.camera import Calibration, DepthImage
from afformer_core.outputs.results import CameraFrame, SpatialView
from afformer_core.runtime import Peak
from afformer_core.stream.grounding_stream import checked_view, lift_peaks
from afformer_core.stream.settings import StreamSettings

MATRIX = np.array([[500.0, 0, 319.5], [0, 500.0, 239.5], [0, 0, 1]])
CALIBRATION = Calibration(640, 480, MATRIX, '', (), (0.0, 0.0), 'camera')


def frame(height: int = 480, width: int = 640) -> CameraFrame:
    return CameraFrame(np.zeros((height, width, 3), np.uint8), 0, 'camera')


def handle_before_a_wall() -> SpatialView:
    """Columns 310 to 329 are at 0.7 m, all others at 0.8 m."""
    values = np.full((480, 640), 0.8, np.float32)
    values[:, 310:330] = 0.7
    return SpatialView(DepthImage(values, 'camera', 0), CALIBRATION, '')


@pytest.mark.parametrize(
    ('u', 'moved_to'),
    [
        # The tolerance is 0.04 * 480, 19.2 pixels; of the longer side it were 25.6.
        (340.0, 340.0 - 19.2 * 2 / 3),
        (344.0, 344.0 - 19.2),
        (350.0, 350.0),
    ],
)
def test_the_tolerance_is_a_share_of_the_shorter_side(u: float, moved_to: float) -> None:
    peaks, surfaces = lift_peaks(
        [Peak(u, 240.0, 0.9)], frame(), handle_before_a_wall(), StreamSettings(peak_tolerance=0.04)
    )

    assert (peaks[0].u, peaks[0].v) == pytest.approx((moved_to, 240.0), abs=1e-6)
    assert surfaces[0].position is not None
    assert surfaces[0].position[2] == pytest.approx(0.7 if moved_to < u else 0.8, abs=1e-4)


def test_each_peak_has_its_own_surface_and_keeps_its_score() -> None:
    peaks, surfaces = lift_peaks(
        [Peak(100.0, 200.0, 0.6), Peak(319.5, 239.5, 0.3)],
        frame(),
        handle_before_a_wall(),
        StreamSettings(),
    )

    assert peaks == (Peak(100.0, 200.0, 0.6), Peak(319.5, 239.5, 0.3))
    positions = [one.position for one in surfaces]
    # (100 - 319.5) / 500 * 0.8 and (200 - 239.5) / 500 * 0.8.
    assert positions[0] == pytest.approx([-0.3512, -0.0632, 0.8], abs=1e-3)
    assert positions[1] == pytest.approx([0.0, 0.0, 0.7], abs=1e-3)


@pytest.mark.parametrize('missing', ['depth', 'calibration'])
def test_without_depth_or_calibration_peaks_stay_and_say_why(missing: str) -> None:
    view = handle_before_a_wall()
    depth, calibration = view.depth, view.calibration
    view = SpatialView(
        None if missing == 'depth' else depth,
        None if missing == 'calibration' else calibration,
        f'no {missing}',
    )
    peaks, surfaces = lift_peaks([Peak(340.0, 240.0, 0.9)], frame(), view, StreamSettings())

    assert peaks == (Peak(340.0, 240.0, 0.9),)
    assert [(one.position, one.problem) for one in surfaces] == [(None, f'no {missing}')]


def test_a_view_that_fits_is_left_as_it_is() -> None:
    view = handle_before_a_wall()

    assert checked_view(frame(), view) is view


def test_a_view_that_does_not_fit_loses_its_depth_and_says_why() -> None:
    view = checked_view(frame(480, 480), handle_before_a_wall())

    assert view.depth is None
    assert view.calibration is CALIBRATION
    assert '480' in view.problem
