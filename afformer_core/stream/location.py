# SPDX-License-Identifier: Apache-2.0
"""Surfaces in space at the peaks of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from afformer_core.geometry.alignment import alignment_problem
from afformer_core.geometry.prominent_surface import prominent_surfaces
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.runtime import Peak
from afformer_core.stream.results import CameraFrame, SpatialView
from afformer_core.stream.settings import StreamSettings


def locate(
    peaks: Sequence[Peak], frame: CameraFrame, view: SpatialView, settings: StreamSettings
) -> tuple[tuple[Peak, ...], tuple[SurfacePoint, ...]]:
    """The surfaces that peaks mean, and the peaks moved to the pixels that show those.

    Args:
        peaks: of a heatmap.
        frame: the image that they are in.
        view: depth and calibration that belong to it.
        settings: of them, how far a peak may be off, and how surfaces are measured.

    Returns:
        the peaks, moved by no more than `settings.peak_tolerance`; and the surface at each,
        without a position, and with the reason, where it is not sure.
    """
    depth, calibration = view.depth, view.calibration
    if depth is None or calibration is None:
        return tuple(peaks), tuple(SurfacePoint.unknown(view.problem) for _ in peaks)
    placed = prominent_surfaces(
        depth,
        calibration,
        frame.size,
        [(peak.u, peak.v) for peak in peaks],
        settings.peak_tolerance * min(frame.size),
        settings.surface,
    )
    moved = tuple(
        replace(peak, u=one.pixel[0], v=one.pixel[1])
        for peak, one in zip(peaks, placed, strict=True)
    )
    return moved, tuple(one.surface for one in placed)


def checked_view(frame: CameraFrame, view: SpatialView) -> SpatialView:
    """The view, or one without depth where it does not fit the image."""
    if view.depth is None or view.calibration is None:
        return view
    problem = alignment_problem(frame.size, frame.frame_id, view.depth, view.calibration)
    return SpatialView(None, view.calibration, problem) if problem else view
