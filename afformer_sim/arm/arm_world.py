# SPDX-License-Identifier: Apache-2.0
"""A robot at work: one trial of the closed loop with an arm that follows joint trajectories."""

from __future__ import annotations

import math
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_sim.arm.franka import (
    ARM_JOINTS,
    BASE_FRAME,
    FINGER_FORCE,
    FINGER_JOINTS,
    FINGER_SPEED,
    FIRM,
    GRIPPER_OPEN,
    HAND_BODY,
    JOINTS,
    POSTURES,
    TIP_FRICTION,
    TIP_GEOMS,
    TIP_REACH,
    TIP_SITE,
    mirrored,
)
from afformer_sim.arm.joint_trajectory import (
    JointTrajectory,
    TrajectoryError,
    TrajectoryFollower,
)
from afformer_sim.arm.workplace import Workplace, furnish, plan_workplace, table_box
from afformer_sim.bodies.fixture import States
from afformer_sim.bodies.solid import Pose
from afformer_sim.closed_loop.dynamics import PART_FRICTION, fixture_xml, mechanisms
from afformer_sim.closed_loop.trial import AttemptOutcome, PlannedTrial, Watch, judge

# Seconds after the end of a motion of the gripper within which it grasps an element, and newtons
# with which each fingertip must press on it.
_GRASP_SECONDS, _LEAST_FORCE = 1.0, 1.0
# Cosine of the largest angle between a contact's normal and the motion of the fingers, at which
# friction still keeps the part from sliding out.
_WITHIN_FRICTION = 1 / math.hypot(1, TIP_FRICTION)
# Metres from the operated part of a fixed element within which a fingertip touches it.
_HULL_REACH = 0.002
# Body to which an element is attached, and the axes about which it turns in the hand's frame.
_GRASP, _AXES = 'panda_grasp', {'y': [0, 1, 0], 'x': [1, 0, 0], 'z': [0, 0, 1]}
# Torque across the motion of the fingers beyond which an element slips, newton metres; stiffness
# and damping about that motion: newton metres per radian, and newton metres times seconds per
# radian.
_TWIST_TORQUE, _TILT_STIFFNESS, _TILT_DAMPING = 1.0, 0.02, 0.01
# With MuJoCo's default impedance, the element creeps under torques below that.
_DRY = [0.9999, 0.9999, 0.001, 0.5, 2]


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
    commanded position, and gravity is compensated. The fingers move alike, and stop at what is
    between them. Until 1 s after a motion of the gripper, they grasp a movable element on which
    both fingertips press from opposite sides, with normals within the cone of friction about the
    motion of the fingers. They hold it until they no longer press, or until it is pulled with more
    than the friction of both fingertips.

    Two soft fingers (the soft-finger contact of grasp planning) hold an element: they transmit
    forces, and up to 1 N m about axes across the motion of the fingers, where friction has the
    width of the part as a lever. About that motion, two small contacts resist little, so that the
    element tilts freely. Meanwhile the contacts of the fingertips transmit only normal forces.

    Equal trials with equal commands at equal times have equal results.

    Args:
        trial: trial of the closed loop.
        workplace: workplace of an earlier world of the trial, to avoid planning it again.
        friction: friction of sliding and turning parts, newtons.
        stiffness_scale: factor of the stiffness of the arm's impedance control, whose square root
            is that of the damping, 0.1 to 30; an arm under position control has about 10.

    Attributes:
        trial: the trial.
        workplace: positions of the arm and the table.
        held: index of the element that the gripper holds, or None.
        arm_contacts: elements that the arm, except its tips, has touched; -1 for a fixed part.
    """

    def __init__(
        self,
        trial: PlannedTrial,
        workplace: Workplace | None = None,
        friction: float = PART_FRICTION,
        stiffness_scale: float = 1.0,
    ) -> None:
        self.trial = trial
        self.workplace = workplace or plan_workplace(trial.scene.fixture, trial.view.camera)
        self._mechanisms = mechanisms(trial.scene.fixture, trial.task)
        self._model = self._compile(friction)
        self._data = mujoco.MjData(self._model)
        self._index_elements()
        self._index_arm(stiffness_scale)
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
                name1=_GRASP,
                name2=f'element_{index}',
                active=False,
                **FIRM,
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

    def _index_arm(self, stiffness_scale: float) -> None:
        """Find the joints, actuators and geoms of the arm, and set its stiffness."""
        model = self._model
        names = (*ARM_JOINTS, *FINGER_JOINTS)
        positions = [int(model.joint(name).qposadr[0]) for name in names]
        self._joints, self._fingers = positions[: len(ARM_JOINTS)], positions[len(ARM_JOINTS) :]
        self._speeds = [int(model.joint(name).dofadr[0]) for name in names]
        self._actuators = [model.actuator(name).id for name in ARM_JOINTS]
        self._finger_actuators = [model.actuator(name).id for name in FINGER_JOINTS]
        model.actuator_gainprm[self._actuators, 0] *= stiffness_scale
        model.actuator_biasprm[self._actuators, 1] *= stiffness_scale
        model.actuator_biasprm[self._actuators, 2] *= math.sqrt(stiffness_scale)
        # a spring and a damper towards a moving position need its velocity as well
        gains = model.actuator_gainprm[self._actuators, 0]
        self._lead = -model.actuator_biasprm[self._actuators, 2] / gains
        self._tips = [int(model.geom(name).id) for name in TIP_GEOMS]
        self._turns = [int(model.joint(f'{_GRASP}_{name}').qposadr[0]) for name in _AXES]
        roots = model.body_rootid[model.geom_bodyid]
        geoms = np.flatnonzero(roots == model.body(BASE_FRAME).id).tolist()
        self._arm_geoms = frozenset(geoms) - {*self._tips}

    def reset(self) -> None:
        """Begin the trial again: elements at their start, the arm in its posture `observe`."""
        posture = self.posture('observe')
        mujoco.mj_resetData(self._model, self._data)
        self._release()
        self._limit_effort(FINGER_FORCE)
        self._data.qpos[self._values] = self._starts
        self._data.qpos[self._joints] = self._data.ctrl[self._actuators] = posture
        self._data.qpos[self._fingers] = self._data.ctrl[self._finger_actuators] = GRIPPER_OPEN
        mujoco.mj_forward(self._model, self._data)
        self._arm.stay(posture)
        self._gripper.stay(np.array([GRIPPER_OPEN]))
        self._watch = Watch(*np.zeros((4, len(self._mechanisms))))
        self._contacts: list[int] = []
        self.arm_contacts: set[int] = set()
        self._grasp_until = 0.0

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

        The effort of its last point limits the force of each finger, newtons; without efforts, it
        is 70 N.

        Raises:
            TrajectoryError: the trajectory is rejected, or the effort is not above 0 and at most
                70 N; the gripper continues as before.
        """
        efforts = trajectory.efforts
        effort = FINGER_FORCE if efforts is None else float(efforts[-1, 0])
        if not 0 < effort <= FINGER_FORCE:
            raise TrajectoryError(
                f'effort of the gripper is {effort:g} N; expected above 0 and at most '
                f'{FINGER_FORCE:g}'
            )
        self._gripper.start(trajectory, self.time, begin)
        self._limit_effort(effort)
        start = self.time if begin is None else begin
        self._grasp_until = start + float(trajectory.times[-1]) + _GRASP_SECONDS

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
        pose = Pose(site.xpos.copy(), site.xmat.reshape(3, 3).copy())
        return self.workplace.base.inverse() @ pose

    def camera_pose(self) -> Pose:
        """Return the pose of the head camera's optical frame in the base's frame."""
        return self.workplace.base.inverse() @ self.trial.view.camera.optical

    def outcome(self) -> AttemptOutcome:
        """Judge the trial by all events since the reset."""
        return judge(self.trial.task, self._mechanisms, self._contacts, self._watch)

    def _tip_contacts(self) -> list[int]:
        """Return the elements in contact with a fingertip, deepest first; -1 for a fixed part."""
        contacts, tips = self._data.contact, self._tips
        if not len(contacts.dist):
            return []
        pairs = contacts.geom[np.argsort(contacts.dist)].tolist()
        others = [b if a in tips else a for a, b in pairs if a in tips or b in tips]
        return list(dict.fromkeys(self._element_of[geom] for geom in others))

    def _counts_as_contact(self, element: int) -> bool:
        """Check whether an element in contact moves, or has a fingertip on its operated part."""
        if element < 0 or self._mechanisms[element].joint is not None:
            return element >= 0
        model, data, hull = self._model, self._data, self._model.geom(f'hull_{element}').id
        return any(
            mujoco.mj_geomDistance(model, data, tip, hull, 2 * _HULL_REACH, None) <= _HULL_REACH
            for tip in self._tips
        )

    def _add_arm_contacts(self) -> None:
        pairs = map(set, self._data.contact.geom.tolist())
        self.arm_contacts |= {
            self._element_of[(pair - self._arm_geoms).pop()]
            for pair in pairs
            if pair & self._arm_geoms and pair - self._arm_geoms
        }

    def _limit_effort(self, effort: float) -> None:
        self._model.actuator_forcerange[self._finger_actuators] = [-effort, effort]

    def _grasp(self) -> None:
        """Grasp an element, or let one go."""
        force = -float(self._data.actuator_force[self._finger_actuators[0]])
        if self.held is not None:
            # fingers that open have no friction
            if self._pull() > 2 * TIP_FRICTION * force:
                self._release()
        elif self.time <= self._grasp_until and force >= _LEAST_FORCE:
            found = self._between()
            if found is not None:
                self._hold(*found)

    def _between(self) -> tuple[int, NDArray[np.float64]] | None:
        """Return the element that is between the fingertips, and the middle of the contacts."""
        contacts, across = self._data.contact, self._data.body(HAND_BODY).xmat[1::3]
        points: tuple[dict[int, NDArray[np.float64]], ...] = ({}, {})
        for geoms, frame, point in zip(contacts.geom, contacts.frame, contacts.pos, strict=True):
            for tip, inward, found in zip(self._tips, (-across, across), points, strict=True):
                if tip in geoms:
                    # a contact's normal points from its first geom to its second
                    first = geoms[0] == tip
                    element = self._element_of[geoms[1] if first else geoms[0]]
                    if (frame[:3] if first else -frame[:3]) @ inward >= _WITHIN_FRICTION:
                        found[element] = point
        for element in {*points[0]} & {*points[1]} & {*self._moving.tolist()}:
            return element, (points[0][element] + points[1][element]) / 2
        return None

    def _pull(self) -> float:
        """Return the force between the hand and the element that it holds, newtons."""
        # the only active weld has the last six rows of the equalities: three forces and torques
        last = self._data.ne
        return math.hypot(*self._data.efc_force[last - 6 : last - 3].tolist())

    def _release(self) -> None:
        for index in range(len(self._mechanisms)):
            self._data.eq_active[self._model.equality(f'hold_{index}').id] = 0
        self._model.body_pos[self._model.body(_GRASP).id] = [0, 0, TIP_REACH]
        self._model.geom_condim[self._tips] = 3
        self.held: int | None = None

    def _hold(self, element: int, middle: NDArray[np.float64]) -> None:
        """Attach an element, as it is, so that it turns about a point, [3]."""
        model, data = self._model, self._data
        hand, grasp, body = (data.body(name) for name in (HAND_BODY, _GRASP, f'element_{element}'))
        model.body_pos[grasp.id] = hand.xmat.reshape(3, 3).T @ (middle - hand.xpos)
        data.qpos[self._turns] = 0
        mujoco.mj_kinematics(model, data)
        row = model.equality(f'hold_{element}').id
        backward = np.empty(4)
        mujoco.mju_negQuat(backward, grasp.xquat)
        relative = model.eq_data[row]
        relative[0:3] = body.xmat.reshape(3, 3).T @ (grasp.xpos - body.xpos)
        relative[3:6] = 0
        mujoco.mju_mulQuat(relative[6:10], backward, body.xquat)
        data.eq_active[row] = 1
        model.geom_condim[self._tips] = 1
        self.held = element


def _add_wrist(spec: mujoco.MjSpec) -> None:
    """Add the body to which an element is attached: it turns as it would between soft fingers."""
    grasp = spec.body(HAND_BODY).add_body(
        name=_GRASP, pos=[0, 0, TIP_REACH], gravcomp=1, mass=0.02, inertia=[1e-5] * 3
    )
    grasp.explicitinertial = True
    for name, axis in _AXES.items():
        resistance = (
            {'stiffness': _TILT_STIFFNESS, 'damping': _TILT_DAMPING}
            if name == 'y'
            else {'frictionloss': _TWIST_TORQUE, 'solimp_friction': _DRY}
        )
        grasp.add_joint(name=f'{_GRASP}_{name}', axis=axis, armature=1e-4, **resistance)
