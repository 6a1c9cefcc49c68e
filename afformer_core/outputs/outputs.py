# SPDX-License-Identifier: Apache-2.0
"""All messages that one result is published as; the same on a robot and in a replayed bag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from afformer_core.geometry.cloud import weighted_cloud
from afformer_core.geometry.grasp import GraspCandidate, grasp_candidate
from afformer_core.geometry.surface import SurfacePoint, SurfaceSettings
from afformer_core.geometry.transform import RigidTransform
from afformer_core.messages.factory import MessageFactory
from afformer_core.messages.image_encoding import image_message
from afformer_core.outputs.affordance import (
    affordance_message,
    cloud_message,
    grasp_candidates_message,
)
from afformer_core.outputs.grounding_overlay import draw_grounding
from afformer_core.outputs.markers import marker_messages
from afformer_core.outputs.results import CameraFrame, StreamedGrounding
from afformer_core.runtime import Peak

OUTPUT_TYPES = {
    'affordance': 'afformer_ros/msg/Affordance',
    'grasp_candidates': 'geometry_msgs/msg/PoseArray',
    'affordance_cloud': 'sensor_msgs/msg/PointCloud2',
    'heatmap': 'sensor_msgs/msg/Image',
    'overlay': 'sensor_msgs/msg/Image',
    'markers': 'visualization_msgs/msg/MarkerArray',
}


@dataclass(frozen=True)
class OutputSettings:
    """Settings of how results are published.

    Attributes:
        minimum_candidate_score: below this score a peak is no grasp candidate, 0 to 1.
        overlay_opacity: of the heatmap where it is highest, 0 to 1.
        cloud_minimum_weight: share of the largest probability below which a pixel is left out of
            the cloud, 0 to 1.
        cloud_maximum_points: of the cloud, at least 1.
        surface: what counts as depth.
    """

    minimum_candidate_score: float = 0.1
    overlay_opacity: float = 0.6
    cloud_minimum_weight: float = 0.05
    cloud_maximum_points: int = 5000
    surface: SurfaceSettings = field(default_factory=SurfaceSettings)

    def __post_init__(self) -> None:
        for name in ('minimum_candidate_score', 'overlay_opacity', 'cloud_minimum_weight'):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f'{name} is {value}; expected from 0 to 1')


@dataclass(frozen=True)
class Placement:
    """The frame that positions are published in.

    Attributes:
        frame_id: of that frame.
        transform: from the camera's frame to it; None: it is the camera's, or is not known.
        problem: why the transform is not known; empty where it is. Nothing has a position then.
    """

    frame_id: str
    transform: RigidTransform | None = None
    problem: str = ''


class OutputMessages:
    """The messages of one result; each is made when it is asked for.

    All have the stamp of the image, but for cloud and markers of a result that is held: they have
    that of the image in which it was measured, so that tf places them where the camera was then.
    A result that is held has no grasp candidates of its own topic, since poses alone cannot tell
    how old they are.

    Args:
        factory: makes messages.
        settings: how results are published.
        frame: the image.
        header: header of its message, taken as it is.
        result: result of the image, in the frame of the camera.
        placement: where positions are published, at the stamp of the result.
    """

    def __init__(
        self,
        factory: MessageFactory,
        settings: OutputSettings,
        frame: CameraFrame,
        header: Any,
        result: StreamedGrounding,
        placement: Placement,
    ) -> None:
        self._factory = factory
        self._settings = settings
        self._frame = frame
        self._header = header
        self._result = result
        self._placement = placement

    def create(self, topic: str) -> Any:
        """Create the message of one of `OUTPUT_TYPES`."""
        makers: dict[str, Callable[[], Any]] = {
            'affordance': self._affordance,
            'grasp_candidates': self._grasp_candidates,
            'affordance_cloud': self._affordance_cloud,
            'heatmap': self._heatmap,
            'overlay': self._overlay,
            'markers': self._markers,
        }
        return makers[topic]()

    def _affordance(self) -> Any:
        return affordance_message(
            self._factory, self._placed, self._candidates, self._header, self._placed_header
        )

    def _markers(self) -> Any:
        return marker_messages(
            self._factory,
            self._placed,
            self._header,
            self._placed_header,
            self._frame.size,
        )

    def _heatmap(self) -> Any:
        return image_message(self._factory, self._result.grounding.heatmap, '32FC1', self._header)

    def _overlay(self) -> Any:
        image = draw_grounding(self._frame.image, self._result, self._settings.overlay_opacity)
        return image_message(self._factory, image, 'rgb8', self._header)

    def _grasp_candidates(self) -> Any:
        candidates = [one for one in self._candidates if one is not None]
        header = self._header_at(self._header.stamp)
        return grasp_candidates_message(
            self._factory, [] if self._result.held else candidates, header
        )

    def _affordance_cloud(self) -> Any:
        view, settings = self._result.view, self._settings
        cloud = np.zeros((0, 4), np.float32)
        positions_known = self._result.found and not self._placement.problem
        if view.depth is not None and view.calibration is not None and positions_known:
            cloud = weighted_cloud(
                self._result.grounding.heatmap,
                view.depth,
                view.calibration,
                settings.surface,
                settings.cloud_minimum_weight,
                settings.cloud_maximum_points,
            )
            if self._placement.transform is not None:
                cloud = self._placement.transform.cloud(cloud)
        return cloud_message(self._factory, cloud, self._placed_header)

    @cached_property
    def _candidates(self) -> tuple[GraspCandidate | None, ...]:
        """Of each peak."""
        pairs = zip(self._result.grounding.peaks, self._result.surfaces, strict=True)
        return tuple(self._candidate(*pair) for pair in pairs)

    def _candidate(self, peak: Peak, surface: SurfacePoint) -> GraspCandidate | None:
        calibration = self._result.view.calibration
        if calibration is None or not self._result.found or self._placement.problem:
            return None
        if peak.score < self._settings.minimum_candidate_score:
            return None
        found = grasp_candidate(self._result.grounding.heatmap, peak, surface, calibration)
        transform = self._placement.transform
        return found if found is None or transform is None else transform.candidate(found)

    @cached_property
    def _placed(self) -> StreamedGrounding:
        return replace(
            self._result, surfaces=tuple(self._transformed(one) for one in self._result.surfaces)
        )

    def _transformed(self, surface: SurfacePoint) -> SurfacePoint:
        if self._placement.problem and surface.position is not None:
            return SurfacePoint.unknown(self._placement.problem)
        transform = self._placement.transform
        return surface if transform is None else transform.surface(surface)

    @cached_property
    def _placed_header(self) -> Any:
        if not self._result.held:
            return self._header_at(self._header.stamp)
        seconds, nanoseconds = divmod(self._result.stamp, 10**9)
        return self._header_at(
            self._factory.create('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
        )

    def _header_at(self, stamp: Any) -> Any:
        """Return a header in the frame of the positions."""
        return self._factory.create(
            'std_msgs/msg/Header', stamp=stamp, frame_id=self._placement.frame_id
        )
