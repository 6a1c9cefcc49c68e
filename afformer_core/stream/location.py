# SPDX-License-Identifier: Apache-2.0
"""From the peaks of an image to surfaces in space."""

from __future__ import annotations

from collections.abc import Sequence

from afformer_core.geometry.alignment import alignment_problem
from afformer_core.geometry.surface import SurfacePoint, SurfaceSettings, measure_surfaces
from afformer_core.runtime import Peak
from afformer_core.stream.results import CameraFrame, SpatialView


def locate(
    peaks: Sequence[Peak], frame: CameraFrame, view: SpatialView, settings: SurfaceSettings
) -> tuple[SurfacePoint, ...]:
    """The surface at each peak; without a position, and with the reason, where it is not sure."""
    depth, calibration = view.depth, view.calibration
    if depth is None or calibration is None:
        return tuple(SurfacePoint.unknown(view.problem) for _ in peaks)
    places = [(peak.u, peak.v) for peak in peaks]
    return measure_surfaces(depth, calibration, frame.size, places, settings)


def checked_view(frame: CameraFrame, view: SpatialView) -> SpatialView:
    """The view, or one without depth where it does not fit the image."""
    if view.depth is None or view.calibration is None:
        return view
    problem = alignment_problem(frame.size, frame.frame_id, view.depth, view.calibration)
    return SpatialView(None, view.calibration, problem) if problem else view
