# SPDX-License-Identifier: Apache-2.0
"""Results for planners: the geometry of acting at each point, and messages of affordances.

The geometry is grasp candidate, pre-grasp, width and motion. Other messages are those of points,
poses, grasp candidates and clouds, and detections of vision_msgs 4 for tools that read these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.approach import UNKNOWN_APPROACH, Approach, approach_to
from afformer_core.geometry.grasp import GraspCandidate, along_part, grasp_candidate
from afformer_core.geometry.motion import PartMotion, motion_normal, point_motion
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.messages.factory import MessageFactory
from afformer_core.outputs.results import OutputSettings, Placement, StreamedGrounding
from afformer_core.runtime import Peak
from afformer_core.runtime.peaks import peak_region

_UNKNOWN = (math.nan, math.nan, math.nan)
_UNKNOWN_TURN = (math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class PointGeometry:
    """The geometry of acting at one point, in the frame of positions.

    Attributes:
        motion: motion of the best action.
        approach: direction in which a tool moves onto the point.
        candidate: grasp candidate; None if there is none.
        pre_grasp: the candidate moved back along its approach; None if there is none.
        width: width of the part across x of the candidate, metres; None if unknown.
    """

    motion: PartMotion
    approach: Approach = UNKNOWN_APPROACH
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
    transform, ray = placement.transform, surface.position
    if transform is not None and ray is not None:
        ray = transform.vector(ray)
    approach = approach_to(placed, grounding.action, motion, ray)
    seen = view.calibration is not None and result.found and not placement.problem
    if not seen or peak.score < settings.minimum_candidate_score:
        return PointGeometry(motion, approach)
    assert view.calibration is not None
    ahead = approach.direction
    if surface.position is None or ahead is None or not approach.from_surface:
        return PointGeometry(motion, approach)
    if transform is not None:
        ahead = transform.inverse().vector(ahead)
    found = grasp_candidate(surface.position, ahead, peak.score)
    width = None
    if view.depth is not None:
        found, width = along_part(found, peak, view.depth, view.calibration, settings)
    if transform is not None:
        found = transform.candidate(found)
    back = found.moved_back(settings.pre_grasp_distance)
    return PointGeometry(motion, approach, found, back, width)


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
    normal = motion_normal(surface, peak, view.depth, view.calibration, settings)
    if normal is not None and placement.transform is not None:
        normal = placement.transform.vector(normal)
    return replace(placed, normal=normal)


def affordance_message(
    factory: MessageFactory,
    result: StreamedGrounding,
    geometries: Sequence[PointGeometry],
    header: Any,
    position_header: Any,
) -> Any:
    """Create an afformer_ros/Affordance; without points if the model abstained.

    Unknown values are NaN.

    Args:
        factory: creates the message.
        result: result of one image.
        geometries: geometry of acting at each peak.
        header: header of that image, used unchanged.
        position_header: frame and stamp in which surfaces and geometries are given.
    """
    actions = [
        factory.create('afformer_ros/msg/ActionScore', name=name, score=float(score))
        for name, score in result.grounding.action_scores.items()
    ]
    points = []
    if result.found:
        parts = zip(result.grounding.peaks, result.surfaces, geometries, strict=True)
        points = [_point(factory, *part) for part in parts]
    return factory.create(
        'afformer_ros/msg/Affordance',
        header=header,
        demonstration=result.demonstration,
        found=bool(result.found),
        presence=_number(result.presence),
        presence_threshold=_number(result.presence_threshold),
        certainty=_number(result.grounding.certainty),
        certainty_threshold=_number(result.grounding.certainty_threshold),
        unsure=result.grounding.unsure,
        confidence=float(result.confidence),
        feature_similarity=float(result.feature_similarity),
        continuity=float(result.continuity),
        age=float(result.age),
        agreeing_images=int(result.agreeing_images),
        action=result.grounding.action,
        action_threshold=_number(result.grounding.action_threshold),
        actions=actions,
        points=points,
        position_frame=position_header.frame_id,
        position_stamp=position_header.stamp,
    )


def point_message(factory: MessageFactory, position: Sequence[float] | NDArray[Any]) -> Any:
    """Create a geometry_msgs/Point from three coordinates."""
    x, y, z = (float(value) for value in position)
    return factory.create('geometry_msgs/msg/Point', x=x, y=y, z=z)


def pose_message(factory: MessageFactory, candidate: GraspCandidate | None) -> Any:
    """Create a geometry_msgs/Pose from a grasp candidate; for None, every number is NaN."""
    position = _UNKNOWN if candidate is None else candidate.position
    turn = _UNKNOWN_TURN if candidate is None else candidate.orientation
    x, y, z, w = (float(value) for value in turn)
    orientation = factory.create('geometry_msgs/msg/Quaternion', x=x, y=y, z=z, w=w)
    return factory.create(
        'geometry_msgs/msg/Pose',
        position=point_message(factory, position),
        orientation=orientation,
    )


def _point(
    factory: MessageFactory, peak: Peak, surface: SurfacePoint, geometry: PointGeometry
) -> Any:
    position = _UNKNOWN if surface.position is None else surface.position
    covariance = np.full(9, math.nan) if surface.covariance is None else surface.covariance
    motion = geometry.motion
    return factory.create(
        'afformer_ros/msg/AffordancePoint',
        u=float(peak.u),
        v=float(peak.v),
        score=float(peak.score),
        position_valid=surface.position is not None,
        position=point_message(factory, position),
        position_covariance=np.asarray(covariance, np.float64).reshape(9),
        position_problem=surface.problem,
        normal_valid=surface.normal is not None,
        normal=_vector_message(factory, surface.normal),
        approach_source=int(geometry.approach.source),
        approach=_vector_message(factory, geometry.approach.direction),
        grasp_candidate_valid=geometry.candidate is not None,
        grasp_candidate=pose_message(factory, geometry.candidate),
        pre_grasp=pose_message(factory, geometry.pre_grasp),
        grasp_axis_known=geometry.candidate is not None and geometry.candidate.axis_known,
        grasp_width=_number(geometry.width),
        motion_valid=motion.direction is not None,
        motion_type=int(motion.type),
        motion=_vector_message(factory, motion.direction),
        motion_problem=motion.problem,
    )


def _vector_message(factory: MessageFactory, vector: NDArray[np.float64] | None) -> Any:
    x, y, z = _UNKNOWN if vector is None else (float(value) for value in vector)
    return factory.create('geometry_msgs/msg/Vector3', x=x, y=y, z=z)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def grasp_candidates_message(
    factory: MessageFactory, candidates: Sequence[GraspCandidate], header: Any
) -> Any:
    """Create a geometry_msgs/PoseArray: z along the approach, x along the part.

    Args:
        factory: creates the message.
        candidates: candidates in the order in which they are published, best first.
        header: header with the frame in which they are given.
    """
    poses = [pose_message(factory, candidate) for candidate in candidates]
    return factory.create('geometry_msgs/msg/PoseArray', header=header, poses=poses)


_FIELDS = ('x', 'y', 'z', 'weight')
_FLOAT32 = 7  # PointField.FLOAT32
_ITEM_SIZE = 4


def cloud_message(factory: MessageFactory, cloud: NDArray[np.float32], header: Any) -> Any:
    """Create a sensor_msgs/PointCloud2 of one row, with fields x, y, z and weight.

    Args:
        factory: creates the message.
        cloud: float32 [N, 4]: x, y, z in metres and the weight, finite; N may be 0.
        header: header with the frame in which the points are given.

    Raises:
        ValueError: the type or shape of the cloud is wrong.
    """
    if cloud.dtype != np.float32 or cloud.ndim != 2 or cloud.shape[1] != len(_FIELDS):
        raise ValueError(
            f'the cloud is {cloud.dtype} of shape {cloud.shape}; expected float32 [N, 4]'
        )
    point_step = _ITEM_SIZE * len(_FIELDS)
    fields = [
        factory.create(
            'sensor_msgs/msg/PointField',
            name=name,
            offset=_ITEM_SIZE * number,
            datatype=_FLOAT32,
            count=1,
        )
        for number, name in enumerate(_FIELDS)
    ]
    return factory.create(
        'sensor_msgs/msg/PointCloud2',
        header=header,
        height=1,
        width=len(cloud),
        fields=fields,
        is_bigendian=False,
        point_step=point_step,
        row_step=point_step * len(cloud),
        data=np.ascontiguousarray(cloud, '<f4').reshape(-1).view(np.uint8),
        is_dense=True,
    )


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
