# SPDX-License-Identifier: Apache-2.0
"""Optical flow: the motion of the background, and the direction of rotation that it shows.

Every point of a turning hand, and of the object that it turns, moves along an arc. From any
viewpoint, the arcs of one rotation bend the same way: an arc and its chord enclose an area whose
sign is the direction. The areas of the points near the contact are added up, both directly and
relative to their common motion, while the hand is slow. A fast hand is approaching or leaving, and
turns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.motion import ActionKind, action_kind
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import (
    UNKNOWN_ROTATION,
    EncodedFrames,
    Sense,
    ShownRotation,
)

FloatPoints = NDArray[np.float64]

# Spacing of the grid of fitted points, and maximum error of points of the background, pixels.
_GRID, _TOLERANCE = 8, 0.7
# Minimum number of points for which those on hands are left out.
_LEAST_BACKGROUND = 40
# Minimum motion of the image's centre if the camera moves, as a share of the diagonal; the errors
# of many fits add up to less.
_MOVING = 0.03
# Maximum number of frames, and the share of them in each window.
MOST_FRAMES = 32
_WINDOW = 0.25
_LEAST_FRAMES = 8
# Longer side of the frames from which the flow is computed, pixels.
SIDE = 256
# Shares of that side: radius around the contact, and spacing of the points in it.
_RADIUS, _SPACING = 0.2, 1 / 64
# Pixels per frame below which a point is still, and below which a hand is slow; a hand is also
# slow below the given share of its 90th percentile of speed.
_STILL, _SLOW, _SLOW_SHARE = 0.5, 2.0, 0.4
# Minimum path of a point, as a share of the path of the fastest points.
_MOVING_SHARE = 0.3
_LEAST_POINTS = 6
# With this agreement, the direction of 84 % of 80 simulated rotations was estimated, and 94 % of
# these estimates were right.
_LEAST_AGREEMENT = 0.4
# Maximum error of a point after tracking forwards and backwards, pixels.
_LOOP_TOLERANCE = 1.0


def background_motion(
    flow: NDArray[np.float32], foreground: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Fit a similarity to the flow of the background.

    The result is deterministic, because RANSAC in OpenCV starts with a fixed seed.

    Args:
        flow: float32 [h, w, 2], motion of each pixel to the next frame.
        foreground: bool [h, w], pixels known not to be background; None: none. They are left out
            unless they fill nearly the whole image.

    Returns:
        [3, 3], which maps a point (x, y, 1) of the background to the next frame; the identity if
        no fit is possible.
    """
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[_GRID // 2 : height : _GRID, _GRID // 2 : width : _GRID]
    if foreground is not None:
        background = ~foreground[rows, columns]
        if background.sum() >= _LEAST_BACKGROUND:
            rows, columns = rows[background], columns[background]
    start = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)
    end = start + flow[rows, columns].reshape(-1, 2)
    fitted, _ = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=_TOLERANCE)
    motion = np.eye(3)
    if fitted is not None:
        motion[:2] = fitted
    return motion


def moved(motion: NDArray[np.float64], points: NDArray[Any]) -> FloatPoints:
    """Move points [..., 2] by a motion [3, 3]."""
    return np.asarray(points @ motion[:2, :2].T + motion[:2, 2], np.float64)


def background_flow(motion: NDArray[np.float64], points: NDArray[Any]) -> FloatPoints:
    """Compute how a motion [3, 3] shifts points [..., 2]."""
    return np.asarray(moved(motion, points) - points, np.float64)


def steadied(
    to_first: Sequence[NDArray[np.float64]], size: tuple[int, int]
) -> list[NDArray[np.float64]]:
    """Return the motions to the first frame, or the identity for all if the camera stands still.

    Small errors of the motions accumulate from frame to frame, which a fixed camera avoids.

    Args:
        to_first: [3, 3] each, which maps a point of a frame's background to the first frame.
        size: (width, height) of the frames.
    """
    middle = np.array(size) / 2
    shifts = [np.linalg.norm(moved(motion, middle) - middle) for motion in to_first]
    if max(shifts) > _MOVING * np.hypot(*size):
        return list(to_first)
    return [np.eye(3) for _ in to_first]


def shown_rotation(
    grounder: ArrayGrounder, encoded: EncodedFrames, frames: Sequence[NDArray[np.uint8]]
) -> ShownRotation:
    """Estimate the direction of a demonstration's rotation around its contact.

    Args:
        grounder: model; nothing is estimated if none of its actions is a rotation.
        encoded: used frames of the demonstration.
        frames: uint8 RGB [H, W, 3] of its active part, see `estimate_rotation`.
    """
    kinds = {action_kind(name) for name in grounder.configuration.action_names}
    if ActionKind.TURN not in kinds:
        return UNKNOWN_ROTATION
    contact, (height, width) = grounder.contact(encoded), encoded.size
    return estimate_rotation(frames, ((contact.u + 0.5) / width, (contact.v + 0.5) / height))


def estimate_rotation(
    frames: Sequence[NDArray[np.uint8]], contact: tuple[float, float]
) -> ShownRotation:
    """Estimate the direction of rotation that a demonstration shows.

    Args:
        frames: uint8 RGB [H, W, 3] of the active part, in order and evenly spaced, of one size.
        contact: (column, row) of the contact in the first frame, as shares of its width and
            height, 0 to 1.
    """
    if len(frames) < _LEAST_FRAMES:
        return ShownRotation.unknown(
            f'the demonstration has {len(frames)} frames; its rotation takes {_LEAST_FRAMES}'
        )
    greys = [_shrunk(frame) for frame in frames]
    height, width = greys[0].shape
    points = _disc(np.array([contact[0] * width, contact[1] * height]) - 0.5, (height, width))
    flows = frame_flows(greys)
    slow = _slow(flows, points)
    count = max(2, round(_WINDOW * len(frames)))
    areas = [
        _areas(flows[start : start + count], points)
        for start in range(len(flows) - count + 1)
        if slow[start : start + count].all()
    ]
    if not np.any(areas):
        return ShownRotation.unknown('nothing turns where the demonstration touches something')
    agreement = float(
        np.mean([_agreement(areas_of_turn) for areas_of_turn in np.transpose(areas)])
    )
    if abs(agreement) < _LEAST_AGREEMENT:
        return ShownRotation.unknown(
            'the frames of the demonstration do not agree on the sense of its rotation'
        )
    return ShownRotation(Sense.CLOCKWISE if agreement > 0 else Sense.COUNTERCLOCKWISE, '')


def _shrunk(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    scale = SIDE / max(grey.shape)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8)


def _disc(centre: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """Return points [N, 2] on a grid around a pixel, inside the image."""
    side = max(size)
    radius = _RADIUS * side
    along = np.arange(-radius, radius + 1, max(1.0, _SPACING * side))
    offsets = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    points = offsets[(offsets**2).sum(axis=1) <= radius**2] + centre
    inside = (points >= 0) & (points <= np.array([size[1], size[0]]) - 1)
    return np.asarray(points[inside.all(axis=1)])


def _slow(flows: Sequence[FrameFlow], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Check for each step between frames whether motion near the contact is slow."""
    speeds = np.array([_common_speed(flow, points) for flow in flows])
    smooth = np.convolve(np.pad(speeds, 1, 'edge'), (0.25, 0.5, 0.25), 'valid')
    return np.asarray(smooth < max(_SLOW, _SLOW_SHARE * np.percentile(smooth, 90)))


def _common_speed(flow: FrameFlow, points: NDArray[np.float64]) -> float:
    velocities, sure = flow.velocities(points)
    speeds = np.linalg.norm(velocities, axis=1)
    if not len(speeds):
        return 0.0
    moving = sure & (speeds > max(_STILL, _MOVING_SHARE * np.percentile(speeds, 95)))
    if moving.sum() < _LEAST_POINTS:
        return 0.0
    return float(np.linalg.norm(velocities[moving].mean(axis=0)))


def _areas(flows: Sequence[FrameFlow], points: NDArray[np.float64]) -> tuple[float, float]:
    """Sum the areas between arcs and chords, directly and relative to the common motion.

    Returns:
        square pixels, above 0 for clockwise arcs.
    """
    paths, sure = follow_points(flows, points)
    paths = paths[:, sure]
    lengths = np.linalg.norm(np.diff(paths, axis=0), axis=2).sum(axis=0)
    if not len(lengths):
        return 0.0, 0.0
    paths = paths[:, lengths > max(1.0, _MOVING_SHARE * np.percentile(lengths, 90))]
    if paths.shape[1] < _LEAST_POINTS:
        return 0.0, 0.0
    return _area(paths), _area(paths - paths.mean(axis=1, keepdims=True))


def _area(paths: NDArray[np.float64]) -> float:
    steps, offsets = np.diff(paths, axis=0), (paths - paths[0])[:-1]
    return float((offsets[..., 0] * steps[..., 1] - offsets[..., 1] * steps[..., 0]).sum() / 2)


def _agreement(areas: NDArray[np.float64]) -> float:
    """Return the sum of areas as a share of the sum of their sizes, -1 to 1."""
    total = float(np.abs(areas).sum())
    return float(areas.sum()) / total if total > 0 else 0.0


@dataclass(frozen=True)
class FrameFlow:
    """Flow from one frame to the next.

    Attributes:
        forward, backward: float32 [h, w, 2], motion of each pixel to the next frame, and back.
        camera: float64 [3, 3], motion of the background, which maps its points to the next frame.
    """

    forward: NDArray[np.float32]
    backward: NDArray[np.float32]
    camera: NDArray[np.float64]

    def velocities(self, points: FloatPoints) -> tuple[FloatPoints, NDArray[np.bool_]]:
        """Compute the motion of points [N, 2] against the background, and its reliability."""
        steps, sure = self._steps(points)
        return steps - background_flow(self.camera, points), sure

    def follow(self, points: FloatPoints) -> tuple[FloatPoints, NDArray[np.bool_]]:
        """Compute the positions of points [N, 2] in the next frame, and their reliability."""
        steps, sure = self._steps(points)
        return points + steps, sure

    def _steps(self, points: FloatPoints) -> tuple[FloatPoints, NDArray[np.bool_]]:
        steps = _sampled(self.forward, points)
        loop = steps + _sampled(self.backward, points + steps)
        return steps, np.linalg.norm(loop, axis=1) < _LOOP_TOLERANCE


def frame_flows(frames: Sequence[NDArray[np.uint8]]) -> list[FrameFlow]:
    """Compute the flow from each frame to the next.

    Args:
        frames: uint8 grey [h, w] each, in order.
    """
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = []
    for before, after in pairwise(frames):
        forward, backward = (
            np.asarray(flow.calc(*pair, np.zeros((*before.shape, 2), np.float32)), np.float32)
            for pair in ((before, after), (after, before))
        )
        found.append(FrameFlow(forward, backward, background_motion(forward)))
    return found


def follow_points(
    flows: Sequence[FrameFlow], points: FloatPoints
) -> tuple[FloatPoints, NDArray[np.bool_]]:
    """Track points through several frames, without the motion of the camera.

    Args:
        flows: flows of T successive frames.
        points: [N, 2] (column, row) in the first frame.

    Returns:
        [T + 1, N, 2], positions as seen by a fixed camera; and bool [N], whether every step of a
        point is reliable.
    """
    path, sure = [points], np.ones(len(points), bool)
    here, to_first = points, np.eye(3)
    for flow in flows:
        here, step_sure = flow.follow(here)
        sure &= step_sure
        to_first = to_first @ np.linalg.inv(flow.camera)
        path.append(moved(to_first, here))
    return np.stack(path), sure


def _sampled(field: NDArray[np.float32], points: FloatPoints) -> FloatPoints:
    columns, rows = (
        np.ascontiguousarray(points[:, axis : axis + 1], np.float32) for axis in (0, 1)
    )
    values = cv2.remap(
        field, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )  # fmt: skip
    return np.asarray(values[:, 0], np.float64)
