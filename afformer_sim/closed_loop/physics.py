# SPDX-License-Identifier: Apache-2.0
"""Simulation of a fixture and a fingertip by MuJoCo's dynamics."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.pose import Pose, facing
from afformer_sim.closed_loop.dynamics import (
    AXES,
    DAMPING,
    FINGER_MASS,
    STIFFNESS,
    TIP_RADIUS,
    fixture_xml,
)
from afformer_sim.closed_loop.mechanism import Mechanism
from afformer_sim.closed_loop.operated_fixture import OperatedFixture

# Stiffness of a gripper across a guided motion, newtons per metre.
_SOFT = 50.0
# Stiffness of the wrist, newton metres per radian.
_STIFF_WRIST = 10.0
_SOFT_WRIST = 0.02


class Physics(OperatedFixture):
    """Simulation of one fixture, which can be operated any number of times.

    The finger's frame has its origin at the published point and z along the published normal; the
    middle of its tip is `TIP_RADIUS` before the point when all four of `AXES` are 0.

    Args:
        fixture: fixture that is operated.
        mechanisms: mechanism of each element.
    """

    def __init__(self, fixture: Fixture, mechanisms: tuple[Mechanism, ...]) -> None:
        xml = fixture_xml(fixture, mechanisms, finger=True)
        super().__init__(fixture, mechanisms, mujoco.MjModel.from_xml_string(xml), 'tip')
        self._actuators = [self._model.actuator(axis).id for axis in AXES]
        self._finger = [int(self._model.joint(axis).qposadr[0]) for axis in AXES]

    def reset(
        self, point: np.ndarray, normal: np.ndarray, robot: np.ndarray, distance: float
    ) -> None:
        """Move all elements to their start, and the finger to a position before a point.

        Args:
            point: [3] metres.
            normal: [3], unit length.
            robot: [3] metres, position of the robot.
            distance: metres from the point along the normal to the tip.
        """
        self._toward = (robot - point) * [1.0, 0.0, 1.0]
        if not self._toward.any():
            self._toward = np.array([0.0, 0.0, 1.0])
        upward = np.array([0.0, 1.0, 0.0]) if abs(normal[1]) < 0.9 else np.array([0.0, 0.0, -1.0])
        self._frame = Pose(point + TIP_RADIUS * normal, facing(normal, upward))
        self._set_pose('finger', self._frame)
        self._restore()
        self._data.qpos[self._finger[2]] = distance
        self._data.ctrl[self._actuators[2]] = distance
        self.set_stiffness()
        mujoco.mj_forward(self._model, self._data)

    def step(self, targets: np.ndarray) -> None:
        """Simulate `TIMESTEP` seconds with the finger pulled to `targets`, [4] along `AXES`."""
        self._data.ctrl[self._actuators] = targets
        mujoco.mj_step(self._model, self._data)

    def finger(self) -> np.ndarray:
        """Return the position of the finger: [4] along `AXES`, metres and radians."""
        position: np.ndarray = self._data.qpos[self._finger].copy()
        return position

    def upward(self) -> np.ndarray:
        """Return the world's upward direction in the finger's frame, [3]."""
        return np.asarray(self._frame.rotation[1])

    def toward(self) -> np.ndarray:
        """Return the horizontal unit vector towards the robot in the finger's frame, [3]."""
        turned = self._toward @ self._frame.rotation
        return np.asarray(turned / np.linalg.norm(turned))

    def set_stiffness(self, soft: tuple[str, ...] = (), *, wrist: bool = False) -> None:
        """Make the finger soft along some of `AXES`, and stiff along the others.

        Args:
            soft: names of the soft axes.
            wrist: True if it may tilt too, like a universal joint, which still transmits a
                rotation.
        """
        for tilt in ('tilt_x', 'tilt_y'):
            joint = self._model.joint(tilt).id
            self._model.jnt_stiffness[joint] = _SOFT_WRIST if wrist else _STIFF_WRIST
        for axis, actuator in zip(AXES, self._actuators, strict=True):
            stiffness = _SOFT if axis in soft else STIFFNESS[axis]
            damping = 2 * math.sqrt(_SOFT * FINGER_MASS) if axis in soft else DAMPING[axis]
            self._model.actuator_gainprm[actuator, 0] = stiffness
            self._model.actuator_biasprm[actuator, 1:3] = -stiffness, -damping

    def attach(self, element: int, *, rigid: bool) -> None:
        """Attach the fingertip to an element: as pliers if `rigid`, else as a suction cup."""
        finger, body = self._data.body('finger'), self._data.body(f'element_{element}')
        tip = finger.xpos - TIP_RADIUS * self._frame.rotation[:, 2]
        on_finger = np.array([0.0, 0.0, -TIP_RADIUS])
        if rigid:
            self._weld(f'grip_{element}', 'finger', element, tip, on_finger)
            return
        equality = self._model.equality(f'suck_{element}').id
        data = self._model.eq_data[equality]
        data[0:3] = on_finger
        data[3:6] = body.xmat.reshape(3, 3).T @ (tip - body.xpos)
        self._data.eq_active[equality] = 1
