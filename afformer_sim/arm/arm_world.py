# SPDX-License-Identifier: Apache-2.0
"""A robot at work: one trial of the closed loop with an arm that follows joint trajectories."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_sim.arm.franka import (
    ARM_JOINTS,
    BASE_FRAME,
    FINGER_JOINTS,
    FINGER_SPEED,
    GRIPPER_CLOSED,
    GRIPPER_OPEN,
    JOINTS,
    POSTURES,
    TIP_BODY,
    TIP_GEOM,
    TIP_SITE,
    mirrored,
)
from afformer_sim.arm.joint_trajectory import JointTrajectory, TrajectoryFollower
from afformer_sim.arm.workplace import Workplace, furnish, plan_workplace, table_box
from afformer_sim.bodies.fixture import States
from afformer_sim.bodies.solid import Pose
from afformer_sim.closed_loop.dynamics import PART_FRICTION, fixture_xml, mechanisms
from afformer_sim.closed_loop.robot_observation import from_optical
from afformer_sim.closed_loop.trial import AttemptOutcome, PlannedTrial, Watch, judge

# Metres from the middle at which a finger counts as closed.
_HALF_CLOSED = (GRIPPER_OPEN + GRIPPER_CLOSED) / 2
# Seconds after closing within which the fingers grasp the element that the tip touches.
_GRASP_SECONDS = 0.3
# Distances from the tip, metres: within the first, closed fingers grasp an element; within the
# second, the tip touches the operated part of a fixed one.
_HOLD_REACH = 0.002
_HULL_REACH = 0.002
# Torque about the tip's axis beyond which an element slips between the fingers, newton metres.
_TWIST_TORQUE = 1.0
# Stiffness and damping with which a held element tilts about the tip: newton metres per radian,
# and newton metres times seconds per radian.
_TILT_STIFFNESS, _TILT_DAMPING = 0.02, 0.01


@dataclass(frozen=True)
class WorldSnapshot:
    """The state of a world for the cameras at one time.

    Attributes:
        time: seconds since the reset.
        joints: float64 [9], positions of the arm's joints and of both fingers.
        states: displacements of the elements.
    """

    time: float
    joints: NDArray[np.float64]
    states: States


class ArmWorld:
    """World of one trial, from its beginning; `step` advances it, and trajectories move the arm.

    Each joint of the arm has impedance control: a spring and a damper pull it towards the
    commanded position, and gravity is compensated. Closing the gripper grasps the element that the
    tip touches at that time or within 0.3 s. A gripper that was closed before holds nothing, so it
    can press buttons. Opening it releases the element. The tip holds an element like two soft
    fingers (the soft-finger contact of grasp planning): it transmits forces, and up to 1 N m about
    its axis, while the element tilts freely.

    Equal trials with equal commands at equal times have equal results.

    Args:
        trial: trial of the closed loop.
        workplace: workplace of an earlier world of the trial, to avoid planning it again.
        friction: friction of sliding and turning parts, newtons.

    Attributes:
        trial: the trial.
        workplace: positions of the arm and the table.
        held: index of the element that the gripper holds, or None.
        arm_contacts: elements that the arm, except its tip, has touched; -1 for a fixed part.
    """

    def __init__(
        self,
        trial: PlannedTrial,
        workplace: Workplace | None = None,
        friction: float = PART_FRICTION,
    ) -> None:
        self.trial = trial
        self.workplace = workplace or plan_workplace(trial.scene.fixture, trial.view.camera)
        self._mechanisms = mechanisms(trial.scene.fixture, trial.task)
        self._model = self._compile(friction)
        self._data = mujoco.MjData(self._model)
        self._index_elements()
        self._index_arm()
        mujoco.mj_setConst(self._model, self._data)
        limits = np.array([joint.limits for joint in JOINTS])
        speeds = np.array([joint.speed for joint in JOINTS])
        self._arm = TrajectoryFollower(ARM_JOINTS, limits, speeds)
        self._gripper = TrajectoryFollower(
            FINGER_JOINTS[:1], np.array([[0.0, GRIPPER_OPEN]]), np.array([FINGER_SPEED])
        )
        self.reset()

    def _compile(self, friction: float) -> mujoco.MjModel:
        """Compile the fixture, the arm in front of it, and the table if it stands on one."""
        xml = fixture_xml(self.trial.scene.fixture, self._mechanisms, friction)
        spec = mujoco.MjSpec.from_string(xml)
        furnish(spec, self.workplace)
        if self.trial.view.surroundings.table is not None:
            position, half = table_box(self.workplace)
            spec.worldbody.add_geom(
                name='table',
                type=mujoco.mjtGeom.mjGEOM_BOX,
                pos=position,
                size=half,
                contype=1,
                conaffinity=2,
            )
        _add_wrist(spec)
        for index in range(len(self._mechanisms)):
            spec.add_equality(
                name=f'hold_{index}',
                type=mujoco.mjtEq.mjEQ_WELD,
                objtype=mujoco.mjtObj.mjOBJ_BODY,
                name1=TIP_BODY,
                name2=f'element_{index}',
                active=False,
            )
        return spec.compile()

    def _index_elements(self) -> None:
        """Place the elements, and find their bodies and joints."""
        model, every = self._model, self._mechanisms
        bodies = {}
        for i, element in enumerate(self.trial.scene.fixture.elements):
            body = model.body(f'element_{i}').id
            bodies[body] = i
            model.body_pos[body] = element.pose.position
            model.body_quat[body] = element.pose.quaternion
        self._element_of = [bodies.get(int(body), -1) for body in model.geom_bodyid]
        moving = [i for i, mechanism in enumerate(every) if mechanism.joint is not None]
        self._moving = np.array(moving, int)
        self._values = np.array([model.joint(f'joint_{i}').qposadr[0] for i in moving], int)
        self._starts = np.array([every[i].start for i in moving])
        self._ways = np.array([every[i].goal for i in moving]) - self._starts
        # the direction of a rotation is unknown
        self._either = np.array([every[i].use.action == 'rotate' for i in moving], bool)

    def _index_arm(self) -> None:
        """Find the joints, actuators and geoms of the arm."""
        model = self._model
        names = (*ARM_JOINTS, *FINGER_JOINTS)
        positions = [int(model.joint(name).qposadr[0]) for name in names]
        self._joints, self._fingers = positions[: len(ARM_JOINTS)], positions[len(ARM_JOINTS) :]
        self._speeds = [int(model.joint(name).dofadr[0]) for name in names]
        self._actuators = [model.actuator(name).id for name in ARM_JOINTS]
        self._finger_actuators = [model.actuator(name).id for name in FINGER_JOINTS]
        # a spring and a damper towards a moving position need its velocity as well
        gains = model.actuator_gainprm[self._actuators, 0]
        self._lead = -model.actuator_biasprm[self._actuators, 2] / gains
        self._tip = int(model.geom(TIP_GEOM).id)
        roots = model.body_rootid[model.geom_bodyid]
        geoms = np.flatnonzero(roots == model.body(BASE_FRAME).id).tolist()
        self._arm_geoms = frozenset(geoms) - {self._tip}

    def reset(self) -> None:
        """Begin the trial again: elements at their start, the arm in its posture `observe`."""
        posture = self.posture('observe')
        # it also detaches the tip from all elements
        mujoco.mj_resetData(self._model, self._data)
        self._data.qpos[self._values] = self._starts
        self._data.qpos[self._joints] = self._data.ctrl[self._actuators] = posture
        self._data.qpos[self._fingers] = self._data.ctrl[self._finger_actuators] = GRIPPER_OPEN
        mujoco.mj_forward(self._model, self._data)
        self._arm.stay(posture)
        self._gripper.stay(np.array([GRIPPER_OPEN]))
        self._watch = Watch.over(len(self._mechanisms))
        self._contacts: list[int] = []
        self.arm_contacts: set[int] = set()
        self._grasp_until: float | None = None
        self._closed = False
        self.held: int | None = None

    @property
    def time(self) -> float:
        """Simulated seconds since the reset."""
        return float(self._data.time)

    def posture(self, name: str) -> NDArray[np.float64]:
        """Return one of `POSTURES`, [7], mirrored if the arm stands on the left."""
        posture = np.array(POSTURES[name])
        return posture if self.workplace.side > 0 else mirrored(posture)

    def follow(self, trajectory: JointTrajectory, begin: float | None = None) -> None:
        """Let the arm follow a trajectory; see `TrajectoryFollower.start` for both.

        Raises:
            TrajectoryError: the trajectory is rejected; the arm continues as before.
        """
        self._arm.start(trajectory, self.time, begin)

    def move_gripper(self, trajectory: JointTrajectory, begin: float | None = None) -> None:
        """Let the gripper follow a trajectory of `panda_finger_joint1`: 0.04 m open, 0 closed.

        Raises:
            TrajectoryError: the trajectory is rejected; the gripper continues as before.
        """
        self._gripper.start(trajectory, self.time, begin)

    def step(self) -> None:
        """Simulate `TIMESTEP` seconds."""
        positions, velocities = self._arm.desired(self.time)
        finger, _ = self._gripper.desired(self.time)
        self._data.ctrl[self._actuators] = positions + self._lead * velocities
        self._data.ctrl[self._finger_actuators] = float(finger[0])
        mujoco.mj_step(self._model, self._data)
        contacts = self._tip_contacts()
        self._watch.add(filter(self._counts_as_contact, contacts), self.progress())
        self._contacts = self._contacts or contacts
        self._add_arm_contacts()
        self._grasp()

    def advance(self, seconds: float) -> None:
        """Simulate for some seconds, in whole steps."""
        end = self.time + seconds - 1e-9
        while self.time < end:
            self.step()

    def snapshot(self) -> WorldSnapshot:
        """Return the current state for the cameras."""
        values, states = self.values(), {}
        for i, mechanism in enumerate(self._mechanisms):
            if mechanism.joint is not None:
                states[i] = mechanism.joint.displacement(float(values[i]))
        return WorldSnapshot(self.time, self.joint_positions(), states)

    def joint_positions(self) -> NDArray[np.float64]:
        """Return the positions of the arm's joints and of both fingers, [9]."""
        return np.array(self._data.qpos[self._joints + self._fingers])

    def joint_velocities(self) -> NDArray[np.float64]:
        """Return the velocities of the arm's joints and of both fingers, [9]."""
        return np.array(self._data.qvel[self._speeds])

    def joint_efforts(self) -> NDArray[np.float64]:
        """Return the motors' effort beyond gravity: [7] newton metres and [2] newtons."""
        return np.array(self._data.actuator_force[self._actuators + self._finger_actuators])

    def values(self) -> NDArray[np.float64]:
        """Return the joint value of each element, [N] metres or radians; 0 for a fixed element."""
        values = np.zeros(len(self._mechanisms))
        values[self._moving] = self._data.qpos[self._values]
        return values

    def progress(self) -> NDArray[np.float64]:
        """Return the share of its way to the goal that each element has gone, [N]; 0 if fixed."""
        shares = (self._data.qpos[self._values] - self._starts) / self._ways
        progress = np.zeros(len(self._mechanisms))
        progress[self._moving] = np.where(self._either, np.abs(shares), shares)
        return progress

    def tip_pose(self) -> Pose:
        """Return the pose of the tip's foremost point in the base's frame, z ahead."""
        site = self._data.site(TIP_SITE)
        return self._in_base(Pose(site.xpos.copy(), site.xmat.reshape(3, 3).copy()))

    def camera_pose(self) -> Pose:
        """Return the pose of the head camera's optical frame in the base's frame."""
        optical = from_optical(self.trial.view.camera)
        return self._in_base(Pose(optical.translation, optical.rotation))

    def outcome(self) -> AttemptOutcome:
        """Judge the trial by all events since the reset."""
        return judge(self.trial.task, self._mechanisms, self._contacts, self._watch)

    def _tip_contacts(self) -> list[int]:
        """Return the elements in contact with the tip, deepest first; -1 for a fixed part."""
        contacts = self._data.contact
        if not len(contacts.dist):
            return []
        order = np.argsort(contacts.dist)
        pairs = [set(map(int, contacts.geom[k])) for k in order]
        others = [(pair - {self._tip}).pop() for pair in pairs if self._tip in pair]
        return list(dict.fromkeys(self._element_of[geom] for geom in others))

    def _counts_as_contact(self, element: int) -> bool:
        """Check whether an element in contact moves, or has the tip on its operated part."""
        if element < 0 or self._mechanisms[element].joint is not None:
            return element >= 0
        return self._distance(self._model.geom(f'hull_{element}').id) <= _HULL_REACH

    def _distance(self, geom: int) -> float:
        """Measure the distance of a geom from the tip, if it is below 4 mm."""
        most = 2 * max(_HOLD_REACH, _HULL_REACH)
        return float(mujoco.mj_geomDistance(self._model, self._data, self._tip, geom, most, None))

    def _add_arm_contacts(self) -> None:
        pairs = (set(map(int, pair)) for pair in self._data.contact.geom)
        self.arm_contacts |= {
            self._element_of[(pair - self._arm_geoms).pop()]
            for pair in pairs
            if pair & self._arm_geoms and pair - self._arm_geoms
        }

    def _grasp(self) -> None:
        closed = float(self.joint_positions()[len(ARM_JOINTS)]) < _HALF_CLOSED
        if closed and not self._closed:
            self._grasp_until = self.time + _GRASP_SECONDS
        if not closed and self.held is not None:
            self._data.eq_active[:] = 0
            self.held = None
        self._closed = closed
        if not closed or self._grasp_until is None:
            return
        if self.time > self._grasp_until:
            self._grasp_until = None
        elif (nearest := self._nearest()) is not None:
            self._hold(nearest)
            self.held, self._grasp_until = nearest, None

    def _nearest(self) -> int | None:
        """Return the nearest element that the tip touches, or None."""
        distances = {
            geom: self._distance(geom)
            for geom, element in enumerate(self._element_of)
            if element >= 0 and self._model.geom_contype[geom]
        }
        geom = min(distances, key=lambda candidate: distances[candidate])
        return self._element_of[geom] if distances[geom] <= _HOLD_REACH else None

    def _hold(self, element: int) -> None:
        """Attach an element to the tip, as they are."""
        row = self._model.equality(f'hold_{element}').id
        tip, body = self._data.body(TIP_BODY), self._data.body(f'element_{element}')
        backward = np.empty(4)
        mujoco.mju_negQuat(backward, tip.xquat)
        data = self._model.eq_data[row]
        data[0:3] = body.xmat.reshape(3, 3).T @ (tip.xpos - body.xpos)
        data[3:6] = 0
        mujoco.mju_mulQuat(data[6:10], backward, body.xquat)
        self._data.eq_active[row] = 1

    def _in_base(self, pose: Pose) -> Pose:
        base = self.workplace.base
        rotation = base.rotation.T
        return Pose(rotation @ (pose.position - base.position), rotation @ pose.rotation)


def _add_wrist(spec: mujoco.MjSpec) -> None:
    """Let the attached element tilt about the tip, and slip about the tip's axis."""
    tip = spec.body(TIP_BODY)
    tip.add_joint(name='panda_tip_twist', axis=[0, 0, 1], frictionloss=_TWIST_TORQUE)
    for name, axis in (('panda_tip_tilt_x', [1, 0, 0]), ('panda_tip_tilt_y', [0, 1, 0])):
        tip.add_joint(
            name=name, axis=axis, stiffness=_TILT_STIFFNESS, damping=_TILT_DAMPING, armature=1e-4
        )
