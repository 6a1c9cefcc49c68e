# SPDX-License-Identifier: Apache-2.0
"""A wall of parts before an arm, one for each skill, whose places are known in the arm's base."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from afformer_core.manipulation.contact import ArmContact
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.workplace import Workplace
from afformer_sim.bodies.element import Element, Fingertip, Front, Joint, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Pose, Solid, SolidShape, at
from afformer_sim.cameras.camera import look_at
from afformer_sim.closed_loop.dynamics import Task

Vector = tuple[float, float, float]

# The axes of the arm's base in the fixture's frame, as columns: x ahead, z up.
BASE = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
BOX = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
# Parts by name: the middle of the front and the axes x and z of the part, z out of its front, all
# in the frame of the arm's base.
FRONTS: dict[str, tuple[Vector, Vector, Vector]] = {
    'button': ((0.56, 0.34, 0.40), (0.28, -0.96, 0.0), (-0.96, -0.28, 0.0)),
    'switch': ((0.60, 0.20, 0.62), (0.0, -1.0, 0.0), (-0.96, 0.0, 0.28)),
    'door': ((0.46, 0.06, 0.42), (0.0, -1.0, 0.0), (-0.96, 0.0, 0.28)),
    'drawer': ((0.58, -0.14, 0.55), (-0.28, -0.96, 0.0), (-0.96, 0.28, 0.0)),
    'knob': ((0.52, -0.30, 0.38), (0.6, -0.48, 0.64), (-0.8, -0.36, 0.48)),
    'mug': ((0.54, 0.22, 0.16), (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0)),
    'pan': ((0.52, -0.10, 0.16), (0.28, -0.96, 0.0), (-0.96, -0.28, 0.0)),
}
# The axis of the knob in the frame of the arm's base, 16 degrees off its normal.
KNOB_AXIS = np.array([-0.6, -0.48, 0.64])
OUT, UP = Joint((0.0, 0.0, 1.0)), Joint((0.0, 1.0, 0.0))
OBLIQUE = Joint((0.28, 0.0, 0.96), hinge=True)
GRIP = (Fingertip(0.02, 0.02, 0.02),)
USES = {
    'button': Use('touch', GRIP, OUT, after=(-0.007, -0.006)),
    'switch': Use('hold', GRIP, OUT, after=(-0.007, -0.006)),
    'door': Use('push', GRIP, OUT, after=(-0.16, -0.14)),
    'drawer': Use('pull', GRIP, OUT, after=(0.14, 0.16)),
    'knob': Use('rotate', GRIP, OBLIQUE, after=(-1.7, 1.7)),
    'mug': Use('pick up', GRIP, UP, after=(0.14, 0.16)),
    'pan': Use('put down', GRIP, UP, before=(0.14, 0.16)),
}
NAMES = tuple(USES)


def _element(name: str) -> Element:
    """A block of 48 x 48 x 24 mm; what is carried is 80 mm high."""
    point, across, out = (BASE @ np.array(one) for one in FRONTS[name])
    half = np.array([0.024, 0.04 if name in ('mug', 'pan') else 0.024, 0.012])
    pose = Pose(point, np.stack([across, np.cross(out, across), out], axis=1))
    behind = at(0.0, 0.0, -half[2])
    return Element(
        name,
        pose,
        (Solid(SolidShape.BOX, tuple(half.tolist()), (0.5, 0.5, 0.5), behind),),
        behind.apply(BOX * half),
        Front((0.0, 0.0, 0.0), 0.02, 0.02),
        (USES[name],),
    )


def bench_world(stiffness: float = 1.0) -> ArmWorld:
    """A world of the parts, whose arm stands at the origin."""
    fixture = Fixture('bench', tuple(map(_element, NAMES)), (), bottom=-0.5, back=-1.0)
    trial = SimpleNamespace(
        scene=SimpleNamespace(family='bench', fixture=fixture),
        task=Task(NAMES.index('button'), 'touch'),
        view=SimpleNamespace(
            camera=look_at(np.array([-0.5, 0.5, 0.2]), np.array([0.0, 0.4, -0.6]), 0.0, 40.0),
            surroundings=SimpleNamespace(table=None),
        ),
    )
    workplace = Workplace(
        base=Pose(np.zeros(3), BASE),
        side=1,
        middle=np.array([0.0, 0.4, -0.6]),
        table_top=-0.5,
        table_back=-1.0,
        table_front=0.0,
    )
    return ArmWorld(cast(Any, trial), workplace, stiffness_scale=stiffness)


def contact(name: str, motion: NDArray[np.float64] | None = None) -> ArmContact:
    """The action of a part at the middle of its front, as a camera that is exact would say."""
    point, across, out = (np.array(vector) for vector in FRONTS[name])
    return ArmContact(USES[name].action, point, out, motion, closing=across, width=0.048)
