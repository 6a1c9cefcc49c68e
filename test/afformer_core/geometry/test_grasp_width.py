# SPDX-License-Identifier: Apache-2.0
"""Widths of a bar of known size in front of a wall, under a heatmap that is wider."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.grasp import grasp_candidate, grasp_width
from afformer_core.geometry.surface import SurfacePoint, SurfaceSettings
from afformer_core.runtime.grounding import Peak

# At 0.6 m a pixel is 1 mm.
CALIBRATION = Calibration.from_message(
    SimpleNamespace(
        width=320, height=240, distortion_model='plumb_bob', d=[], binning_x=0, binning_y=0,
        k=[600.0, 0.0, 159.5, 0.0, 600.0, 119.5, 0.0, 0.0, 1.0], p=[0.0] * 12, r=[0.0] * 9,
        roi=SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False),
        header=SimpleNamespace(frame_id='camera'),
    ),
    rectified=False,
)  # fmt: skip
PEAK = Peak(160.0, 120.0, 0.9)
WALL = 0.63


def _bar(angle, thick, near=0.6):
    """A bar 120 pixels long through the peak, and a heatmap along it that is wider."""
    values, heatmap = np.full((240, 320), WALL, np.float32), np.zeros((240, 320), np.float32)
    for target, value, broad in ((values, near, thick), (heatmap, 1.0, 1.6 * thick)):
        corners = cv2.boxPoints(((PEAK.u, PEAK.v), (120, broad), angle))
        cv2.fillPoly(target, [np.round(corners * 16).astype(np.int32)], value, shift=4)
    return DepthImage(values, 'camera', 0), cv2.GaussianBlur(heatmap, (0, 0), 2)


def _measure(depth, heatmap, share=0.5, distance=0.6):
    position = CALIBRATION.points([[PEAK.u, PEAK.v]], [distance])[0]
    surface = SurfacePoint(position, np.eye(3) * 1e-6, np.array([0.0, 0.0, -1.0]), '')
    candidate = grasp_candidate(heatmap, PEAK, surface, CALIBRATION)
    settings = SurfaceSettings()
    return grasp_width(heatmap, PEAK, candidate, depth, CALIBRATION, settings, share)


@pytest.mark.parametrize('angle', [0, 30, 90])
@pytest.mark.parametrize('thick', [10, 20])
def test_the_width_of_a_bar_is_across_it(angle, thick):
    assert _measure(*_bar(angle, thick)) == pytest.approx(thick / 1000, abs=0.002)


def test_the_depth_may_be_smaller_than_the_image():
    depth, heatmap = _bar(0, 20)
    small = DepthImage(np.ascontiguousarray(depth.values[::2, ::2]), 'camera', 0)
    assert _measure(small, heatmap) == pytest.approx(0.02, abs=0.003)


def test_on_a_flat_surface_the_heatmap_bounds_the_width():
    depth, heatmap = _bar(0, 20, near=WALL)
    # 32 pixels of 1.05 mm
    assert _measure(depth, heatmap, distance=WALL) == pytest.approx(0.0336, abs=0.003)


def test_a_hole_at_the_peak_is_bridged():
    depth, heatmap = _bar(0, 20)
    depth.values[120, 160] = np.nan
    assert _measure(depth, heatmap) == pytest.approx(0.02, abs=0.002)


def test_without_depth_there_is_no_width():
    _, heatmap = _bar(0, 20)
    assert (
        _measure(DepthImage(np.full((240, 320), np.nan, np.float32), 'camera', 0), heatmap) is None
    )
