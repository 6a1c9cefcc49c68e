# SPDX-License-Identifier: Apache-2.0
"""Simulation of an arm that operates a fixture, by MuJoCo's dynamics."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_sim.arm.franka import (
    ARM_JOINTS,
    BASE_FRAME,
    FINGER_JOINTS,
    TIP_BODY,
    TIP_GEOM,
    TIP_SITE,
)
from afformer_sim.arm.workplace import Workplace, furnish, table_box
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.pose import Pose
from afformer_sim.bodies.states import States
from afformer_sim.closed_loop.dynamics import PART_FRICTION, fixture_xml
from afformer_sim.closed_loop.mechanism import Mechanism
from afformer_sim.closed_loop.operated_fixture import OperatedFixture

# Distance from the tip within which closed fingers grasp an element, metres.
_HOLD_REACH = 0.002
# Torque about the tip's axis beyond which an element slips between the fingers, newton metres.
_TWIST_TORQUE = 1.0
# Stiffness and damping with which a held element tilts about the tip: newton metres per radian,
# and newton metres times seconds per radian.
_TILT_STIFFNESS, _TILT_DAMPING = 0.02, 0.01


class ArmSimulation(OperatedFixture):
    """Simulation of one fixture, and of an arm in front of it.

    Each joint of the arm has impedance control: a spring and a damper pull it towards the
    commanded position, and gravity is compensated. The tip holds an element like two soft fingers
    (the soft-finger contact of grasp planning): it transmits forces, and up to 1 N m about its
    axis, while the element tilts freely.

    Args:
        fixture: fixture that is operated.
        mechanisms: mechanism of each element.
        workplace: positions of the arm and the table.
        table: True if the fixture stands on a table.
        friction: friction of sliding and turning parts, newtons.
    """

    def __init__(
        self,
        fixture: Fixture,
        mechanisms: tuple[Mechanism, ...],
        workplace: Workplace,
        *,
        table: bool,
        friction: float = PART_FRICTION,
    ) -> None:
        spec = mujoco.MjSpec.from_string(fixture_xml(fixture, mechanisms, friction=friction))
        furnish(spec, workplace)
        if table:
            position, half = table_box(workplace)
            spec.worldbody.add_geom(
                name='table',
                type=mujoco.mjtGeom.mjGEOM_BOX,
                pos=position,
                size=half,
                contype=1,
                conaffinity=2,
            )
        _add_wrist(spec)
        for index in range(len(mechanisms)):
            spec.add_equality(
                name=f'hold_{index}',
                type=mujoco.mjtEq.mjEQ_WELD,
                objtype=mujoco.mjtObj.mjOBJ_BODY,
                name1=TIP_BODY,
                name2=f'element_{index}',
                active=False,
            )
        model = spec.compile()
        super().__init__(fixture, mechanisms, model, TIP_GEOM)
        names = (*ARM_JOINTS, *FINGER_JOINTS)
        positions = [int(model.joint(name).qposadr[0]) for name in names]
        self._joints, self._fingers = positions[: len(ARM_JOINTS)], positions[len(ARM_JOINTS) :]
        self._speeds = [int(model.joint(name).dofadr[0]) for name in names]
        self._actuators = [model.actuator(name).id for name in ARM_JOINTS]
        self._finger_actuators = [model.actuator(name).id for name in FINGER_JOINTS]
        # a spring and a damper towards a moving position need its velocity as well
        gains = model.actuator_gainprm[self._actuators, 0]
        self._lead = -model.actuator_biasprm[self._actuators, 2] / gains
        arm = _descendants(model, model.body(BASE_FRAME).id)
        self._arm_geoms = frozenset(np.flatnonzero(np.isin(model.geom_bodyid, arm)).tolist()) - {
            self._tip
        }

    @property
    def time(self) -> float:
        """Simulated time since the reset, seconds."""
        return float(self._data.time)

    def reset(self, arm: NDArray[np.float64], finger: float) -> None:
        """Move all elements to their start, and bring the arm to rest at joint positions, [7]."""
        self._restore()
        self._data.qpos[self._joints] = self._data.ctrl[self._actuators] = arm
        self._data.qpos[self._fingers] = self._data.ctrl[self._finger_actuators] = finger
        mujoco.mj_forward(self._model, self._data)

    def step(
        self, positions: NDArray[np.float64], velocities: NDArray[np.float64], finger: float
    ) -> None:
        """Simulate `TIMESTEP` seconds.

        Args:
            positions, velocities: [7] each, commands for the arm's joints.
            finger: command for both fingers, metres from the middle.
        """
        self._data.ctrl[self._actuators] = positions + self._lead * velocities
        self._data.ctrl[self._finger_actuators] = finger
        mujoco.mj_step(self._model, self._data)

    def joint_positions(self) -> NDArray[np.float64]:
        """Return the positions of the arm's joints and of both fingers, [9]."""
        return np.array(self._data.qpos[self._joints + self._fingers])

    def joint_velocities(self) -> NDArray[np.float64]:
        """Return the velocities of the arm's joints and of both fingers, [9]."""
        return np.array(self._data.qvel[self._speeds])

    def joint_efforts(self) -> NDArray[np.float64]:
        """Return the motors' effort beyond gravity: [7] newton metres and [2] newtons."""
        return np.array(self._data.actuator_force[self._actuators + self._finger_actuators])

    def tip(self) -> Pose:
        """Return the pose of the tip's foremost point in the fixture's frame, z ahead."""
        site = self._data.site(TIP_SITE)
        return Pose(site.xpos.copy(), site.xmat.reshape(3, 3).copy())

    def values(self) -> NDArray[np.float64]:
        """Return the joint value of each element, [N] metres or radians; 0 for a fixed element."""
        values = np.zeros(len(self.mechanisms))
        values[self._moving] = self._data.qpos[self._values]
        return values

    def states(self) -> States:
        """Return the displacements of the elements that move."""
        values = self.values()
        states = {}
        for i, mechanism in enumerate(self.mechanisms):
            if mechanism.joint is not None:
                states[i] = mechanism.joint.displacement(float(values[i]))
        return states

    def arm_contacts(self) -> set[int]:
        """Return the elements in contact with the arm, except its tip; -1 for a fixed part."""
        pairs = (set(map(int, pair)) for pair in self._data.contact.geom)
        return {
            self._element_of[(pair - self._arm_geoms).pop()]
            for pair in pairs
            if pair & self._arm_geoms and pair - self._arm_geoms
        }

    def hold(self) -> int | None:
        """Attach the tip to the nearest element that it touches; return the element, or None."""
        element = self._nearest()
        if element is None:
            return None
        self._weld(
            f'hold_{element}', TIP_BODY, element, self._data.body(TIP_BODY).xpos, np.zeros(3)
        )
        return element

    def _nearest(self) -> int | None:
        distances = {
            geom: mujoco.mj_geomDistance(
                self._model, self._data, self._tip, geom, 2 * _HOLD_REACH, None
            )
            for geom, element in enumerate(self._element_of)
            if element >= 0 and self._model.geom_contype[geom]
        }
        geom = min(distances, key=lambda candidate: distances[candidate])
        return self._element_of[geom] if distances[geom] <= _HOLD_REACH else None


def _add_wrist(spec: mujoco.MjSpec) -> None:
    """Let the attached element tilt about the tip, and slip about the tip's axis."""
    tip = spec.body(TIP_BODY)
    tip.add_joint(name='panda_tip_twist', axis=[0, 0, 1], frictionloss=_TWIST_TORQUE)
    for name, axis in (('panda_tip_tilt_x', [1, 0, 0]), ('panda_tip_tilt_y', [0, 1, 0])):
        tip.add_joint(
            name=name, axis=axis, stiffness=_TILT_STIFFNESS, damping=_TILT_DAMPING, armature=1e-4
        )


def _descendants(model: mujoco.MjModel, root: int) -> list[int]:
    """Return a body and all bodies attached to it."""
    found = [root]
    for body in range(root + 1, model.nbody):
        if int(model.body_parentid[body]) in found:
            found.append(body)
    return found
