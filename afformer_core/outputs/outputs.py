# SPDX-License-Identifier: Apache-2.0
"""All messages of one result and its overlay, the same on a robot and in a replayed bag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.drawing.overlay import (
    OverlayStyle,
    certainty_caption,
    draw_overlay,
    presence_caption,
)
from afformer_core.geometry.camera import weighted_cloud
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.messages.factory import MessageFactory
from afformer_core.messages.image_encoding import image_message
from afformer_core.outputs.affordance import (
    PointGeometry,
    affordance_message,
    cloud_message,
    detections_message,
    grasp_candidates_message,
    point_geometries,
)
from afformer_core.outputs.markers import marker_messages
from afformer_core.outputs.results import CameraFrame, OutputSettings, Placement, StreamedGrounding
from afformer_core.runtime.peaks import marked_region

OUTPUT_TYPES = {
    'affordance': 'afformer_ros/msg/Affordance',
    'grasp_candidates': 'geometry_msgs/msg/PoseArray',
    'affordance_cloud': 'sensor_msgs/msg/PointCloud2',
    'heatmap': 'sensor_msgs/msg/Image',
    'mask': 'sensor_msgs/msg/Image',
    'overlay': 'sensor_msgs/msg/Image',
    'markers': 'visualization_msgs/msg/MarkerArray',
}
# Published if the package of the type is installed.
OPTIONAL_OUTPUT_TYPES = {'detections': 'vision_msgs/msg/Detection2DArray'}


class OutputMessages:
    """The messages of one result, each created on demand.

    All messages have the stamp of the image, with one exception: cloud, markers and detections of
    a held result have the stamp of the image in which it was measured, so that tf places them
    relative to the camera pose of that time. The topic of grasp candidates is empty for a held
    result, because poses carry no age.

    Args:
        factory: creates messages.
        settings: settings of the published results.
        frame: the image.
        header: header of its message, used unchanged.
        result: result of the image, in the frame of the camera.
        placement: frame in which positions are published, at the stamp of the result.
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

    def placed(self, placement: Placement) -> OutputMessages:
        """Return the messages of the same result, with positions in another frame."""
        return OutputMessages(
            self._factory, self._settings, self._frame, self._header, self._result, placement
        )

    def create(self, topic: str) -> Any:
        """Create the message of one of `OUTPUT_TYPES` or `OPTIONAL_OUTPUT_TYPES`."""
        makers: dict[str, Callable[[], Any]] = {
            'affordance': self._affordance,
            'grasp_candidates': self._grasp_candidates,
            'affordance_cloud': self._affordance_cloud,
            'heatmap': self._heatmap,
            'mask': self._mask,
            'overlay': self._overlay,
            'markers': self._markers,
            'detections': self._detections,
        }
        return makers[topic]()

    def _affordance(self) -> Any:
        return affordance_message(
            self._factory, self._placed, self._geometries, self._header, self._placed_header
        )

    def _markers(self) -> Any:
        return marker_messages(
            self._factory,
            self._placed,
            [geometry.motion for geometry in self._geometries],
            self._measured_header,
            self._placed_header,
            self._frame.size,
        )

    def _detections(self) -> Any:
        share = self._settings.mask_share
        return detections_message(
            self._factory, self._result, self._header, self._measured_header, share
        )

    def _heatmap(self) -> Any:
        return image_message(self._factory, self._result.grounding.heatmap, '32FC1', self._header)

    def _mask(self) -> Any:
        grounding = self._result.grounding
        region = np.zeros(self._frame.size, np.uint8)
        if self._result.found:
            marked = marked_region(grounding.heatmap, grounding.peaks, self._settings.mask_share)
            region[marked] = 255
        return image_message(self._factory, region, 'mono8', self._header)

    def _overlay(self) -> Any:
        image = draw_grounding(self._frame.image, self._result, self._settings.overlay_opacity)
        return image_message(self._factory, image, 'rgb8', self._header)

    def _grasp_candidates(self) -> Any:
        found = [geometry.candidate for geometry in self._geometries]
        candidates = [candidate for candidate in found if candidate is not None]
        header = self._header_at(self._header.stamp)
        # Poses carry neither an age nor a certainty.
        if self._result.held or self._result.grounding.unsure:
            candidates = []
        return grasp_candidates_message(self._factory, candidates, header)

    def _affordance_cloud(self) -> Any:
        view, settings = self._result.view, self._settings
        cloud = np.zeros((0, 4), np.float32)
        positions_known = self._result.found and not self._placement.problem
        if view.depth is not None and view.calibration is not None and positions_known:
            cloud = weighted_cloud(
                self._result.grounding.heatmap,
                view.depth,
                view.calibration,
                settings,
                settings.cloud_minimum_weight,
                settings.cloud_maximum_points,
            )
            if self._placement.transform is not None:
                cloud = self._placement.transform.cloud(cloud)
        return cloud_message(self._factory, cloud, self._placed_header)

    @cached_property
    def _geometries(self) -> tuple[PointGeometry, ...]:
        """Geometry of acting at each peak."""
        return point_geometries(
            self._result, self._placed.surfaces, self._placement, self._settings
        )

    @cached_property
    def _placed(self) -> StreamedGrounding:
        return replace(
            self._result,
            surfaces=tuple(self._transformed(surface) for surface in self._result.surfaces),
        )

    def _transformed(self, surface: SurfacePoint) -> SurfacePoint:
        if self._placement.problem and surface.position is not None:
            return SurfacePoint.unknown(self._placement.problem)
        transform = self._placement.transform
        return surface if transform is None else transform.surface(surface)

    @cached_property
    def _measured_header(self) -> Any:
        """Header of the image in which the result was measured, an earlier one if it is held."""
        if not self._result.held:
            return self._header
        seconds, nanoseconds = divmod(self._result.stamp, 10**9)
        stamp = self._factory.create(
            'builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds
        )
        return self._factory.create(
            'std_msgs/msg/Header', stamp=stamp, frame_id=self._header.frame_id
        )

    @cached_property
    def _placed_header(self) -> Any:
        """The same header in the frame of the positions."""
        return self._header_at(self._measured_header.stamp)

    def _header_at(self, stamp: Any) -> Any:
        return self._factory.create(
            'std_msgs/msg/Header', stamp=stamp, frame_id=self._placement.frame_id
        )


def draw_grounding(
    image: NDArray[np.uint8], result: StreamedGrounding, opacity: float
) -> NDArray[np.uint8]:
    """Draw a result of a stream over its image.

    Args:
        image: uint8 RGB [H, W, 3].
        result: result for that image, with its surfaces in the frame of the camera.
        opacity: opacity of the heatmap at its maximum, 0 to 1.

    Returns:
        uint8 RGB [H, W, 3], a new array.
    """
    heatmap, peaks = result.grounding.heatmap, result.grounding.peaks
    if not result.found:
        return draw_overlay(
            image, heatmap, (), caption(result), opacity, style=OverlayStyle.ABSTAINED
        )
    distances = [
        None if surface.position is None else float(surface.position[2])
        for surface in result.surfaces
    ]
    style = OverlayStyle.HELD if result.held else OverlayStyle.CURRENT
    unsure = result.grounding.unsure
    return draw_overlay(
        image, heatmap, peaks, caption(result), opacity, distances, style, unsure=unsure
    )


def caption(result: StreamedGrounding) -> str:
    """Describe the result in one line."""
    if not result.found:
        return f'not found ({_shortage(result) or _presence(result)})'
    measures = _measures(result)
    answer = result.grounding.answer
    if result.held:
        held = f'held for {result.age:.1f} s ({measures})'
        return f'{answer}, {held}' if answer else held
    return f'{answer}, {measures}' if answer else measures


def _measures(result: StreamedGrounding) -> str:
    certainty = certainty_caption(result.grounding.certainty, result.grounding.certainty_threshold)
    return f'{_presence(result)}, {certainty}' if certainty else _presence(result)


def _presence(result: StreamedGrounding) -> str:
    return presence_caption(result.presence, result.confidence, result.feature_similarity)


def _shortage(result: StreamedGrounding) -> str:
    """Describe the score that is too low for a calibrated model to find anything; '' otherwise."""
    presence, threshold = result.presence, result.presence_threshold
    if presence is None or threshold is None:
        return ''
    if presence < threshold:
        return f'presence {presence:.2f}, at least {threshold:.2f} is needed'
    return f'presence {presence:.2f}, but continuity {result.continuity:.2f}'
