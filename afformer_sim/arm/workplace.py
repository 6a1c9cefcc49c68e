# SPDX-License-Identifier: Apache-2.0
"""Positions of the arm, the table and the spectator before a fixture, and what the arm reaches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_core.manipulation.kinematics import TipKinematics
from afformer_sim.arm.franka import ARM_JOINTS, TIP_SITE, arm_model, attach_arm
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Pose
from afformer_sim.cameras.camera import Camera, look_at
from afformer_sim.scene.view import front_centre

# Postures from which the arm sets out to an element: bent before it, to either side.
_STARTS = np.array(
    [
        [0.4, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785],
        [-0.4, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785],
    ]
)
# Radians to the limits of joints that an approach leaves for the rest of a task.
_MARGIN = 0.05
# Distances from an element from which the arm goes straight to it, metres.
_APPROACH = np.linspace(0.1, 0.0, 11)
# Metres from the middle of the elements to the base: to the side, down and towards the user, for
# elements that face the user, and for elements that face up.
_FORWARD = np.array([0.4, -0.4, 0.6])
_UPWARD = np.array([0.3, -0.15, 0.45])
# Shares of the way from the first to the second that are tried after the fixture's own share.
_OTHERS = (0.0, 0.5, 1.0, 0.25, 0.75)
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
    to_base = base.inverse()
    return sum(
        _reaches(to_base.apply(front_centre(element)), -(to_base @ element.pose).rotation[:, 2])
        for element in fixture.elements
    )


def _reaches(point: NDArray[np.float64], ahead: NDArray[np.float64]) -> bool:
    """Check whether the arm reaches a point straight, in a direction, in its base's frame."""
    way = [point - distance * ahead for distance in _APPROACH]
    return any(True for start in _STARTS for _ in _kinematics().approaches(way, ahead, start))


@lru_cache(maxsize=1)
def _kinematics() -> TipKinematics:
    """Return the kinematics of an arm that stays clear of its limits; it takes half a second."""
    model = arm_model()
    model.jnt_range[[model.joint(name).id for name in ARM_JOINTS]] += [_MARGIN, -_MARGIN]
    return TipKinematics(model, ARM_JOINTS, TIP_SITE)


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
