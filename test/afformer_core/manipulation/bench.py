# SPDX-License-Identifier: Apache-2.0
"""A wall of parts before an arm, one for each skill, whose places are known in the arm's base."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afformer_core.manipulation.contact import ArmContact
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.bodies.element import Element, Fingertip, Joint, Use
from afformer_sim.bodies.solid import Pose

from ...afformer_sim.arm.arm_trials import block, world_of

Vector = tuple[float, float, float]

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
    point, across, out = (np.array(one) for one in FRONTS[name])
    front = Pose(point, np.stack([across, np.cross(out, across), out], axis=1))
    return block(
        name, front, (0.024, 0.04 if name in ('mug', 'pan') else 0.024, 0.012), USES[name]
    )


def bench_world(stiffness: float = 1.0) -> ArmWorld:
    """A world of the parts, whose arm stands at the origin."""
    return world_of(*map(_element, NAMES), stiffness_scale=stiffness)


def contact(name: str, motion: NDArray[np.float64] | None = None) -> ArmContact:
    """The action of a part at the middle of its front, as a camera that is exact would say."""
    point, across, out = (np.array(vector) for vector in FRONTS[name])
    return ArmContact(USES[name].action, point, out, motion, closing=across, width=0.048)
