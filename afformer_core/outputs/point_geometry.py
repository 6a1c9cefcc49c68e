# SPDX-License-Identifier: Apache-2.0
"""The geometry of acting at each point: grasp candidate, pre-grasp, width and motion."""

from __future__ import annotations

from dataclasses import dataclass, replace

from afformer_core.geometry.grasp import GraspCandidate, grasp_candidate, grasp_width
from afformer_core.geometry.motion import PartMotion, motion_normal, point_motion
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.outputs.placement import Placement
from afformer_core.outputs.results import OutputSettings, StreamedGrounding
from afformer_core.runtime import Peak


@dataclass(frozen=True)
class PointGeometry:
    """The geometry of acting at one point, in the frame of positions.

    Attributes:
        motion: motion of the best action.
        candidate: grasp candidate; None if there is none.
        pre_grasp: the candidate moved back along its approach; None if there is none.
        width: width of the region across x of the candidate, metres; None if unknown.
    """

    motion: PartMotion
    candidate: GraspCandidate | None = None
    pre_grasp: GraspCandidate | None = None
    width: float | None = None


def point_geometries(
    result: StreamedGrounding,
    placed: tuple[SurfacePoint, ...],
    placement: Placement,
    settings: OutputSettings,
) -> tuple[PointGeometry, ...]:
    """Compute the geometry of acting at each peak of a result.

    Args:
        result: result of one image, with surfaces in the frame of the camera.
        placed: its surfaces in the frame of positions.
        placement: frame in which positions are published.
        settings: settings of the published results.
    """
    return tuple(
        _geometry(result, peak, surface, at, placement, settings)
        for peak, surface, at in zip(result.grounding.peaks, result.surfaces, placed, strict=True)
    )


def _geometry(
    result: StreamedGrounding,
    peak: Peak,
    surface: SurfacePoint,
    placed: SurfacePoint,
    placement: Placement,
    settings: OutputSettings,
) -> PointGeometry:
    grounding, view = result.grounding, result.view
    along = _along_motion(result, peak, surface, placed, placement, settings)
    motion = point_motion(grounding.action, along, placement.vertical, grounding.rotation)
    seen = view.calibration is not None and result.found and not placement.problem
    if not seen or peak.score < settings.minimum_candidate_score:
        return PointGeometry(motion)
    assert view.calibration is not None
    found = grasp_candidate(grounding.heatmap, peak, surface, view.calibration)
    if found is None:
        return PointGeometry(motion)
    width = None
    if view.depth is not None:
        width = grasp_width(
            grounding.heatmap,
            peak,
            found,
            view.depth,
            view.calibration,
            settings.surface,
            settings.mask_share,
        )
    if placement.transform is not None:
        found = placement.transform.candidate(found)
    back = found.moved_back(settings.pre_grasp_distance)
    return PointGeometry(motion, found, back, width)


def _along_motion(
    result: StreamedGrounding,
    peak: Peak,
    surface: SurfacePoint,
    placed: SurfacePoint,
    placement: Placement,
    settings: OutputSettings,
) -> SurfacePoint:
    """Return the surface point in the frame of positions, with the normal for its motion."""
    view = result.view
    if view.depth is None or view.calibration is None or placed.position is None:
        return placed
    normal = motion_normal(surface, peak, view.depth, view.calibration, settings.surface)
    if normal is not None and placement.transform is not None:
        normal = placement.transform.vector(normal)
    return replace(placed, normal=normal)
