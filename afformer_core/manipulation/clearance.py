# SPDX-License-Identifier: Apache-2.0
"""The clearance of an arm from itself, and from what a depth camera saw before it moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.camera import Calibration
from afformer_core.geometry.transform import RigidTransform

# Assumed thickness of what the camera sees, metres.
_THICKNESS = 0.1
# Slope of the rays of a cell of the map of depth; cells and metres by which the arm keeps away
# from what was seen, because the pose of the camera and its depth have errors.
_CELL, _CELLS, _ROOM = 0.01, 2, 0.015
# Largest slope of a ray in the map, and metres beyond which nothing is seen.
_WIDEST, _FARTHEST = 2.0, 100.0
# Metres around the point of an action in which the arm may touch something.
_AT_POINT = 0.09
# Radians between the positions at which a motion is checked.
_STEP = 0.06
# Maximum number of points on the surface of a shape.
_POINTS = 60
# Metres by which shapes may overlap, because those of a model touch.
_CONTACT = 1e-4


class ArmClearance:
    """What an arm must not touch on its way: itself, and what a depth camera has seen.

    Up to 10 cm behind a surface that the camera saw, its object is assumed; what the camera does
    not show is free.

    Args:
        model: MuJoCo model of the arm in the frame of its base; the shapes that collide in it are
            checked.
        joints: names of its joints, in the order of all joint positions here.

    Attributes:
        ranges: float64 [N, 2], lowest and highest position of each joint, radians.
    """

    def __init__(self, model: mujoco.MjModel, joints: Sequence[str]) -> None:
        self._model = copy(model)
        self._data = mujoco.MjData(self._model)
        self._columns = [int(model.joint(name).qposadr[0]) for name in joints]
        numbers = [model.joint(name).id for name in joints]
        unlimited = ~model.jnt_limited[numbers].astype(bool)
        self.ranges = model.jnt_range[numbers]
        self.ranges[unlimited] = [-np.pi, np.pi]
        colliding = np.flatnonzero(model.geom_contype | model.geom_conaffinity).tolist()
        moving = [geom for geom in colliding if model.body_weldid[model.geom_bodyid[geom]]]
        points = [_surface_points(model, int(geom)) for geom in moving]
        self._points = np.concatenate(points) if points else np.zeros((0, 3))
        self._geoms = np.repeat(np.array(moving, int), [len(surface) for surface in points])
        self.forget()
        self._from_base = RigidTransform(np.eye(3), np.zeros(3))

    def forget(self) -> None:
        """Forget what was seen."""
        self._map = np.full(2 * [round(2 * _WIDEST / _CELL)], _FARTHEST, np.float32)
        self._allowed: set[tuple[int, int]] = set()

    def see(
        self, depth: NDArray[np.float32], calibration: Calibration, pose: RigidTransform
    ) -> None:
        """Remember what a depth camera sees.

        Args:
            depth: float32 [H, W] metres along the optical axis, NaN where unknown.
            calibration: calibration of the camera.
            pose: transform from its optical frame to the frame of the arm's base.
        """
        known = np.where(np.isfinite(depth), depth, _FARTHEST).astype(np.float32)
        rows, columns = np.indices(depth.shape).reshape(2, -1)
        rays = calibration.rays(np.stack([columns, rows], axis=1))
        cells, inside = _cells(rays)
        self.forget()
        nearest = self._map
        np.minimum.at(nearest, tuple(cells[inside].T), cv2.medianBlur(known, 5).ravel()[inside])
        square = np.ones((2 * _CELLS + 1, 2 * _CELLS + 1))
        self._map = np.asarray(cv2.erode(nearest, square), np.float32)
        centre = pose.translation + pose.rotation @ calibration.centre
        self._from_base = RigidTransform(pose.rotation.T, -pose.rotation.T @ centre)

    def allow(self, joints: NDArray[np.float64]) -> None:
        """Allow what the arm touches, or hides from the camera, at joint positions [N], radians.

        The shapes of a model may overlap at rest, and a camera may see the arm itself.
        """
        self._allowed |= self._pose(joints)
        cells, hit = self._hits()
        shown = np.zeros(self._map.shape, np.uint8)
        shown[tuple(cells[hit].T)] = 1
        self._map[cv2.dilate(shown, np.ones((9, 9))) > 0] = _FARTHEST

    def is_free(self, joints: NDArray[np.float64]) -> bool:
        """Check whether the arm is clear at joint positions [N], radians."""
        return not self._pose(joints) - self._allowed and not self._hits()[1].any()

    def overlap(self, joints: NDArray[np.float64], point: NDArray[np.float64]) -> float:
        """Measure how much of the arm is at or behind what the camera saw.

        Args:
            joints: joint positions [N], radians.
            point: [3] metres in the frame of the base, near which the arm may touch something.

        Returns:
            a share of the points on its surface, 0 to 1; infinite if it touches itself.
        """
        if self._pose(joints) - self._allowed:
            return math.inf
        return float(self._hits(point)[1].sum() / max(1, len(self._points)))

    def is_free_motion(self, begin: NDArray[np.float64], end: NDArray[np.float64]) -> bool:
        """Check whether the arm is clear on the straight line between joint positions [N]."""
        count = max(1, int(np.ceil(np.abs(end - begin).max() / _STEP)))
        # The beginning is where the arm is.
        return all(
            self.is_free(begin + number / count * (end - begin)) for number in range(1, count + 1)
        )

    def _pose(self, joints: NDArray[np.float64]) -> set[tuple[int, int]]:
        """Move the arm; return the pairs of its bodies that overlap."""
        self._data.qpos[self._columns] = joints
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_collision(self._model, self._data)
        contacts = self._data.contact
        deep = contacts.geom[contacts.dist < -_CONTACT]
        bodies = np.sort(self._model.geom_bodyid[deep], axis=-1)
        return {(int(first), int(second)) for first, second in bodies}

    def _hits(
        self, point: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the cells of the arm's points, [N, 2], and which are in what was seen."""
        data = self._data
        rotations = data.geom_xmat[self._geoms].reshape(-1, 3, 3)
        points = data.geom_xpos[self._geoms] + np.einsum('nij,nj->ni', rotations, self._points)
        seen = points @ self._from_base.rotation.T + self._from_base.translation
        ahead = seen[:, 2] > _ROOM
        cells, inside = _cells(seen[:, :2] / np.where(ahead, seen[:, 2], 1)[:, None])
        behind = seen[:, 2] - self._map[tuple(np.where(inside[:, None], cells, 0).T)]
        hit = ahead & inside & (behind > -_ROOM) & (behind < _THICKNESS)
        if point is not None:
            hit &= np.linalg.norm(points - point, axis=1) > _AT_POINT
        return cells, np.asarray(hit)


def _cells(rays: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the cells of rays, [N, 2] row and column, and which are in the map."""
    inside = np.asarray((np.abs(rays) < _WIDEST).all(axis=1))
    cells = np.floor((np.where(inside[:, None], rays, 0) + _WIDEST) / _CELL).astype(np.int64)
    return cells[:, ::-1], inside


def _surface_points(model: mujoco.MjModel, geom: int) -> NDArray[np.float64]:
    """Return points on the surface of a shape, [N, 3] metres in its frame."""
    mesh = int(model.geom_dataid[geom])
    if mesh >= 0:
        first, count = int(model.mesh_vertadr[mesh]), int(model.mesh_vertnum[mesh])
        vertices = model.mesh_vert[first : first + count]
        return np.asarray(vertices[:: max(1, count // _POINTS)], np.float64)
    grid = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 3), axis=-1).reshape(-1, 3)
    middle, half = np.split(model.geom_aabb[geom], 2)
    return np.asarray(middle + half * grid[np.abs(grid).max(axis=1) > 0])
