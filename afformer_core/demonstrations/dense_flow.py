# SPDX-License-Identifier: Apache-2.0
"""Optical flow between the frames of a demonstration, and the tracking of points with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.camera_motion import (
    FloatPoints,
    background_flow,
    background_motion,
    moved,
)

# Maximum error of a point after tracking forwards and backwards, pixels.
_LOOP_TOLERANCE = 1.0


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
