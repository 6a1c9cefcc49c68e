# SPDX-License-Identifier: Apache-2.0
"""The surface of an arm, and the correction of positions near it by measured depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.camera import Calibration
from afformer_core.geometry.transform import RigidTransform

# Metres: largest step of the search and the smallest one; and the difference of depth above which
# a pixel counts as wrong, whatever it shows.
_FIRST_STEP, _LAST_STEP, _WRONG = 0.016, 0.0005, 0.03
# Largest correction, metres, and margin around the arm in the image that allows for it.
_LARGEST = 0.03
# Side in pixels of a neighbourhood. In it, the arm is nearer than what was behind it by this many
# standard deviations of the noise, and by this many metres.
_BLUR, _DEVIATIONS, _NEARER = 5, 6.0, 0.01
# Group of the geoms that rays meet.
_SURFACE = 0
_DIRECTIONS = np.concatenate([np.eye(3), -np.eye(3)])
# Number of pixels to compare, and minimum number that show the arm.
_PIXELS, _FEWEST = 3000, 60
# Metres around the tip, in the image, within which the arm is compared.
_NEAR_TIP = 0.2
# Share of the arm's pixels that must fit for a correction.
_FITTING = 0.5


class ArmSurface:
    """The surface of an arm, as rays meet it.

    Args:
        model: MuJoCo model of the arm in the frame of its base.
        joints: names of its joints, in the order of all joint positions here.
        gripper_joint: name of the joint of the gripper; all joints of the same range move alike.
            It need not exist.
    """

    def __init__(self, model: mujoco.MjModel, joints: Sequence[str], gripper_joint: str) -> None:
        self._model = copy(model)
        self._data = mujoco.MjData(self._model)
        self._columns = [int(model.joint(name).qposadr[0]) for name in joints]
        self._fingers = _alike(model, gripper_joint)
        # Shapes for collisions are coarser than those that are shown.
        shown = (model.geom_contype == 0) & (model.geom_conaffinity == 0)
        bodies = np.unique(model.geom_bodyid[shown])
        surface = shown | ~np.isin(model.geom_bodyid, bodies)
        self._model.geom_group[:] = np.where(surface, _SURFACE, 1 - _SURFACE)

    def pose(self, joints: NDArray[np.float64], gripper: float) -> None:
        """Move the arm to joint positions [N], radians, with its gripper at a position."""
        self._data.qpos[self._columns] = joints
        self._data.qpos[self._fingers] = gripper
        mujoco.mj_kinematics(self._model, self._data)

    def distances(
        self, origin: NDArray[np.float64], directions: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the distance at which rays meet the arm, [N] metres; infinite if they do not.

        Args:
            origin: [3], where all rays begin.
            directions: float64 [N, 3], of length 1.
        """
        count = len(directions)
        hit, found = np.full(count, -1, np.int32), np.zeros(count)
        groups = np.zeros(mujoco.mjNGROUP, np.uint8)
        groups[_SURFACE] = 1
        mujoco.mj_multiRay(
            self._model,
            self._data,
            np.ascontiguousarray(origin),
            np.ascontiguousarray(directions).ravel(),
            groups,
            1,
            -1,
            hit,
            found,
            None,
            count,
            mujoco.mjMAXVAL,
        )
        return np.where(hit < 0, np.inf, found)


def _alike(model: mujoco.MjModel, joint: str) -> list[int]:
    try:
        reference = model.joint(joint)
    except KeyError:
        return []
    alike = (model.jnt_range == model.jnt_range[reference.id]).all(axis=1)
    return [int(address) for address in model.jnt_qposadr[alike]]


@dataclass(frozen=True)
class Correction:
    """The shift of positions at which the depth of an arm agrees with its joints.

    Attributes:
        shift: float64 [3] metres in the frame of the base, to be added to positions near the arm.
        fitting: share of the pixels of the arm whose depth then fits, 0 to 1.
    """

    shift: NDArray[np.float64]
    fitting: float


def correct_positions(
    surface: ArmSurface,
    tip: NDArray[np.float64],
    pose: RigidTransform,
    calibration: Calibration,
    without_arm: NDArray[np.float32],
    with_arm: NDArray[np.float32],
) -> Correction | None:
    """Find the shift of positions near the tip of an arm, by which the pose of the camera is off.

    Near the tip, an error of the pose is almost a shift: at 10 cm from it, 1 degree is 2 mm.

    Args:
        surface: the arm, at the joint positions of the image.
        tip: float64 [3] metres, position of its tip in the frame of the base.
        pose: transform from the camera's optical frame to the frame of the base, as it is known.
        calibration: calibration of the camera.
        without_arm, with_arm: float32 [H, W] metres along the optical axis, NaN where unknown.

    Returns:
        the correction; None if the camera does not show enough of the arm, or if the arm does not
        fit anywhere.
    """
    arm = _changed(without_arm, with_arm)
    if not arm.any():
        return None
    margin = calibration.focal_length * _LARGEST / float(np.nanmedian(with_arm[arm]))
    pixels = _around(arm, int(margin)) & np.isfinite(with_arm)
    rows, columns = np.nonzero(pixels)
    rays = calibration.rays(np.stack([columns, rows], axis=1))
    rays = np.concatenate([rays, np.ones((len(rays), 1))], axis=1)
    lengths = np.linalg.norm(rays, axis=1)
    directions = rays / lengths[:, None] @ pose.rotation.T
    centre = pose.translation + pose.rotation @ calibration.centre
    near = np.flatnonzero(np.linalg.norm(np.cross(directions, tip - centre), axis=1) < _NEAR_TIP)
    near = near[:: max(1, round(len(near) / _PIXELS))]
    rows, columns = rows[near], columns[near]
    shown = arm[rows, columns]
    if shown.sum() < _FEWEST:
        return None
    directions, lengths = directions[near], lengths[near]
    behind = np.where(np.isnan(without_arm), np.inf, without_arm)[rows, columns]
    seen = with_arm[rows, columns]

    def errors(shift: NDArray[np.float64]) -> NDArray[np.float64]:
        depths = surface.distances(centre + shift, directions) / lengths
        return np.asarray(np.minimum(np.abs(np.minimum(depths, behind) - seen), _WRONG))

    shift = _search(lambda shift: float(errors(shift).mean()))
    fitting = float((errors(shift)[shown] < _WRONG).mean())
    if fitting < _FITTING or np.linalg.norm(shift) > _LARGEST:
        return None
    return Correction(shift, fitting)


def _changed(without_arm: NDArray[np.float32], with_arm: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the pixels [H, W] at which something has come nearer."""
    # The mean of a neighbourhood has less noise than its pixels; noise grows with the depth.
    nearer = cv2.blur(np.nan_to_num((without_arm - with_arm) / with_arm), (_BLUR, _BLUR))
    noise = 1.4826 * float(np.median(np.abs(nearer)))
    return np.asarray((nearer > _DEVIATIONS * noise) & (nearer * with_arm > _NEARER))


def _around(pixels: NDArray[np.bool_], margin: int) -> NDArray[np.bool_]:
    """Return the pixels [H, W] within a margin, in pixels, of others."""
    square = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    return cv2.dilate(pixels.astype(np.uint8), square) > 0


def _search(cost: Callable[[NDArray[np.float64]], float]) -> NDArray[np.float64]:
    """Descend to a minimum along the axes, from 0, in smaller and smaller steps."""
    at = np.zeros(3)
    least = cost(at)
    step = _FIRST_STEP
    while step >= _LAST_STEP:
        tried = [at + step * direction for direction in _DIRECTIONS]
        costs = [cost(shift) for shift in tried]
        best = int(np.argmin(costs))
        if costs[best] < least:
            at, least = tried[best], costs[best]
        else:
            step /= 2
    return at
