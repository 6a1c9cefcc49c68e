# SPDX-License-Identifier: Apache-2.0
"""Positions of the arm, the table and the spectator before a fixture, and what the arm reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import mink
import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_sim.arm.franka import ARM_JOINTS, JOINTS, TIP_SITE, arm_model, attach_arm
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Pose, facing
from afformer_sim.cameras.camera import Camera, look_at
from afformer_sim.scene.view import front_centre

# Postures from which solving begins: bent beside the target, to either side, and above it.
_SEEDS = (
    (-0.3, -0.4, 0.9, -2.35, -2.1, 2.5, 0.8),
    (0.3, -0.4, -0.9, -2.35, 2.1, 2.5, 0.8),
    (0.4, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785),
    (-0.4, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785),
    (-0.3, -0.4, 0.9, -2.0, -0.6, 2.5, 0.8),
    (0.3, -0.4, -0.9, -2.0, 0.6, 2.5, 0.8),
)
# Metres between the points of a straight path.
_WAY_STEP = 0.01
_ITERATIONS = 80
_STEP = 0.15
# Radians per second below which the solver makes no progress.
_STALLED = 0.01
# Tolerances of the target, metres and radians.
_NEAR, _ALIGNED = 5e-4, 0.02
# Minimum distance of a solution from the limits of the joints, radians.
_MARGIN = 0.05


@lru_cache(maxsize=1)
def shared_kinematics() -> ArmKinematics:
    """Return an instance that all callers in a thread share; creating one takes half a second."""
    return ArmKinematics()


class ArmKinematics:
    """Inverse kinematics of the arm in the frame of its base."""

    def __init__(self) -> None:
        self.model = arm_model()
        self._configuration = mink.Configuration(self.model)
        self._joints = [int(self.model.joint(name).qposadr[0]) for name in ARM_JOINTS]
        self._site = self.model.site(TIP_SITE).id
        # the rotation about the tip's own axis is free
        self._tip = mink.FrameTask(TIP_SITE, 'site', 1.0, np.array([0.3, 0.3, 0.0]))
        self._posture = mink.PostureTask(self.model, cost=1e-3)
        for row, described in zip(self._joints, JOINTS, strict=True):
            joint = int(np.flatnonzero(self.model.jnt_qposadr == row)[0])
            self.model.jnt_range[joint] = (
                described.limits[0] + _MARGIN,
                described.limits[1] - _MARGIN,
            )
        self._limits = [mink.ConfigurationLimit(self.model)]

    def tip(self, positions: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pose of the tip at joint positions, [7]: float64 [4, 4], z ahead."""
        self._configuration.update(self._full(positions))
        pose = self._configuration.get_transform_frame_to_world(TIP_SITE, 'site')
        return np.asarray(pose.as_matrix())

    def solutions(
        self, point: NDArray[np.float64], approach: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """Find joint positions with the tip at a point, pointing in a direction.

        Args:
            point: [3] metres in the frame of the base.
            approach: [3] unit vector along which the tip points.

        Returns: float64 [7] each, sorted by decreasing distance from the limits of the joints.
        """
        found = [self.solve(point, approach, seed) for seed in _SEEDS]
        low, high = np.array([joint.limits for joint in JOINTS]).T
        return sorted(
            (posture for posture in found if posture is not None),
            key=lambda posture: -float(np.minimum(posture - low, high - posture).min()),
        )

    def approach(
        self, point: NDArray[np.float64], approach: NDArray[np.float64], distance: float
    ) -> list[NDArray[np.float64]]:
        """Find a straight path of the tip to a point, with the tip pointing along the path.

        Args:
            point: [3] metres in the frame of the base.
            approach: [3] unit vector along which the tip moves.
            distance: length of the path, metres.

        Returns:
            float64 [7] joint positions, about each centimetre from the first to the last; empty if
            no path is found.
        """
        steps = np.linspace(distance, 0.0, max(2, round(distance / _WAY_STEP) + 1))
        for first in self.solutions(point - distance * approach, approach):
            way = [first]
            for step in steps[1:]:
                after = self.solve(point - step * approach, approach, way[-1])
                if after is None:
                    break
                way.append(after)
            else:
                return way
        return []

    def solve(
        self,
        point: NDArray[np.float64],
        approach: NDArray[np.float64],
        start: Sequence[float] | NDArray[np.float64],
    ) -> NDArray[np.float64] | None:
        """Find joint positions like `solutions`, near `start`, [7].

        Returns: float64 [7], or None if none is found.
        """
        configuration = self._configuration
        configuration.update(self._full(start))
        aside = np.array([0.0, 0, 1]) if abs(approach[2]) < 0.9 else np.array([1.0, 0, 0])
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = facing(approach, aside), point
        self._tip.set_target(mink.SE3.from_matrix(matrix))
        self._posture.set_target(configuration.q)
        for _ in range(_ITERATIONS):
            if self._arrived(point, approach):
                return np.array(configuration.q[self._joints])
            try:
                speed = mink.solve_ik(
                    configuration,
                    [self._tip, self._posture],
                    _STEP,
                    'daqp',
                    damping=1e-6,
                    limits=self._limits,
                )
            except mink.NoSolutionFound:
                return None
            if np.abs(speed).max() < _STALLED:
                return None
            configuration.integrate_inplace(speed, _STEP)
        return None

    def _arrived(self, point: NDArray[np.float64], approach: NDArray[np.float64]) -> bool:
        data = self._configuration.data
        ahead = data.site_xmat[self._site].reshape(3, 3)[:, 2]
        near = np.linalg.norm(data.site_xpos[self._site] - point) < _NEAR
        return bool(near and np.arccos(np.clip(ahead @ approach, -1, 1)) < _ALIGNED)

    def _full(self, positions: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        full: NDArray[np.float64] = self.model.qpos0.copy()
        low = self.model.jnt_range[[self.model.joint(name).id for name in ARM_JOINTS]]
        full[self._joints] = np.clip(positions, low[:, 0], low[:, 1])
        return full


# Metres from the middle of the elements to the base: to the side, down and towards the user, for
# elements that face the user, and for elements that face up.
_FORWARD = np.array([0.4, -0.4, 0.6])
_UPWARD = np.array([0.3, -0.15, 0.45])
# Shares of the way from the first to the second that are tried after the fixture's own share.
_OTHERS = (0.0, 0.5, 1.0, 0.25, 0.75)
_APPROACH = 0.1
# The base's x axis points at the fixture, its z axis up.
_BASE_ROTATION = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
# Depth of the table in front of the fixture, metres; the arm needs the space beyond.
_TABLE_MARGIN = 0.03
_TABLE_THICKNESS = 0.01
_TABLE_HALF_WIDTH = 1.5
_WALL_GAP = 0.02
_PEDESTAL_RADIUS = 0.09
_FLOOR_BELOW = 0.45
_SPECTATOR_FIELD = 42.0


@dataclass(frozen=True)
class Workplace:
    """Arrangement of an arm, a table and a fixture, in the fixture's coordinates.

    It depends only on the fixture and on the head camera, so it does not reveal the demonstrated
    element.

    Attributes:
        base: pose of the arm's base; its x axis points at the fixture, its z axis up.
        side: 1 if the base stands to the right of the elements' middle, -1 if to the left.
        middle: [3] metres, middle of the elements.
        table_top: y of the table's surface, metres.
        table_back, table_front: z of the table's edges, metres.
    """

    base: Pose
    side: int
    middle: np.ndarray
    table_top: float
    table_back: float
    table_front: float

    @property
    def floor(self) -> float:
        """Height y of the floor, metres."""
        return min(float(self.base.position[1]), self.table_top) - _FLOOR_BELOW

    def spectator(self) -> Camera:
        """Return a camera that has the arm and the fixture in view, from the other side."""
        aim = 0.58 * self.middle + 0.42 * (self.base.position + [0.0, 0.33, 0.0])
        position = aim + np.array([-0.95 * self.side, 0.42, 0.85])
        return look_at(position, aim, 0.0, _SPECTATOR_FIELD)


def plan_workplace(fixture: Fixture, camera: Camera) -> Workplace:
    """Place the arm beside the line of sight of a head camera, on the opposite side.

    Its distance depends on the middle of all elements and on how much they face up. If the arm
    does not reach every element from there, other distances are tried, and the one with the most
    reachable elements is used.

    Args:
        fixture: operated fixture.
        camera: head camera.

    Raises:
        DatasetError: the package with the arm's meshes is not installed.
    """
    points = np.concatenate([element.operated() for element in fixture.elements])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    facing = np.mean([element.pose.rotation[1, 2] for element in fixture.elements])
    side = -1 if camera.position[0] > middle[0] else 1
    best, most = Pose(middle, _BASE_ROTATION), -1
    for upward in (float(np.clip(facing, 0, 1)), *_OTHERS):
        offset = (1 - upward) * _FORWARD + upward * _UPWARD
        base = Pose(middle + offset * [side, 1, 1], _BASE_ROTATION)
        reached = _count_reached(fixture, base)
        if reached > most:
            best, most = base, reached
        if reached == len(fixture.elements):
            break
    solids = [solid.corners() for solid in fixture.fixed]
    for element in fixture.elements:
        solids += [element.pose.apply(solid.corners()) for solid in element.solids]
    shown = np.concatenate([points, fixture.shown, *solids])
    return Workplace(
        base=best,
        side=side,
        middle=middle,
        table_top=fixture.bottom,
        table_back=fixture.back - 1.0 - _WALL_GAP,
        table_front=float(shown[:, 2].max()) + _TABLE_MARGIN,
    )


def _count_reached(fixture: Fixture, base: Pose) -> int:
    """Count the elements at rest whose front the arm reaches straight, from 10 cm before it."""
    kinematics = shared_kinematics()
    inverse = base.rotation.T
    return sum(
        bool(
            kinematics.approach(
                inverse @ (front_centre(element) - base.position),
                inverse @ -element.pose.rotation[:, 2],
                _APPROACH,
            )
        )
        for element in fixture.elements
    )


def furnish(world: mujoco.MjSpec, workplace: Workplace) -> None:
    """Add the arm on its pedestal to a description of a world."""
    base = workplace.base
    attach_arm(world, base)
    length = (float(base.position[1]) - workplace.floor) / 2
    world.worldbody.add_geom(
        name='pedestal',
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=[_PEDESTAL_RADIUS, length, 0],
        pos=base.position - [0, length, 0],
        quat=base.quaternion,
        rgba=[0.25, 0.26, 0.28, 1],
        contype=0,
        conaffinity=0,
    )


def table_box(workplace: Workplace) -> tuple[list[float], list[float]]:
    """Return the position and the half extents of the table top, [3] metres each."""
    depth = workplace.table_front - workplace.table_back
    position = [0.0, workplace.table_top - _TABLE_THICKNESS, workplace.table_back + depth / 2]
    return position, [_TABLE_HALF_WIDTH, _TABLE_THICKNESS, depth / 2]
