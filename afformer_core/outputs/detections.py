# SPDX-License-Identifier: Apache-2.0
"""Messages of results as detections of vision_msgs 4, for tools that read these."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.surface import SurfacePoint
from afformer_core.messages.factory import MessageFactory
from afformer_core.outputs.affordance import point_message
from afformer_core.outputs.results import StreamedGrounding
from afformer_core.runtime import Peak
from afformer_core.runtime.peaks import peak_region

_UNKNOWN = np.full(3, math.nan)


def detections_message(
    factory: MessageFactory,
    result: StreamedGrounding,
    header: Any,
    measured_header: Any,
    share: float,
) -> Any:
    """Create a vision_msgs/Detection2DArray with a detection for each point, best first.

    The box encloses the region around the point. Its only hypothesis is the best action with the
    score of the point. The pose contains the point's position and its covariance in the frame of
    the camera, without a rotation; unknown values are NaN. If the model abstained, there is no
    detection.

    Args:
        factory: creates the messages, with the types of vision_msgs.
        result: result of one image, its surfaces in the frame of the camera.
        header: header of that image.
        measured_header: header of each detection, of the image in which the result was measured.
        share: share of the heatmap's value at a point that bounds its region, above 0 to 1.
    """
    detections = []
    if result.found:
        grounding = result.grounding
        for peak, surface in zip(grounding.peaks, result.surfaces, strict=True):
            region = peak_region(grounding.heatmap, peak, share)
            hypothesis = factory.create(
                'vision_msgs/msg/ObjectHypothesis',
                class_id=grounding.action,
                score=float(peak.score),
            )
            results = [
                factory.create(
                    'vision_msgs/msg/ObjectHypothesisWithPose',
                    hypothesis=hypothesis,
                    pose=_pose(factory, surface),
                )
            ]
            detections.append(
                factory.create(
                    'vision_msgs/msg/Detection2D',
                    header=measured_header,
                    results=results,
                    bbox=_box(factory, peak, region),
                    id=result.demonstration,
                )
            )
    return factory.create('vision_msgs/msg/Detection2DArray', header=header, detections=detections)


def _pose(factory: MessageFactory, surface: SurfacePoint) -> Any:
    position = _UNKNOWN if surface.position is None else surface.position
    covariance = np.full((6, 6), math.nan)
    if surface.covariance is not None:
        covariance[:3, :3] = surface.covariance
    pose = factory.create('geometry_msgs/msg/Pose', position=point_message(factory, position))
    return factory.create(
        'geometry_msgs/msg/PoseWithCovariance', pose=pose, covariance=covariance.reshape(36)
    )


def _box(factory: MessageFactory, peak: Peak, region: NDArray[np.bool_]) -> Any:
    rows, columns = np.nonzero(region)
    if not len(rows):
        rows, columns = np.array([peak.v]), np.array([peak.u])
    ends = [(values.min(), values.max()) for values in (columns, rows)]
    (x, width), (y, height) = (((a + b) / 2, b - a + 1) for a, b in ends)
    position = factory.create('vision_msgs/msg/Point2D', x=float(x), y=float(y))
    center = factory.create('vision_msgs/msg/Pose2D', position=position)
    return factory.create(
        'vision_msgs/msg/BoundingBox2D', center=center, size_x=float(width), size_y=float(height)
    )
