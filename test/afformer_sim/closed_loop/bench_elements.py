# SPDX-License-Identifier: Apache-2.0
"""Objects that are operated, by how their parts move, and a fixture of two of a kind."""

from __future__ import annotations

import numpy as np

from afformer_sim.bodies.element import Element, Fingertip, Front, Joint, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import at

TIP = (Fingertip(0.01, 0.01, 0.008),)
OUT = Joint((0.0, 0.0, 1.0))
UP = Joint((0.0, 1.0, 0.0))
ABOUT = Joint((0.0, 0.0, 1.0), hinge=True)
NEAR, FAR = (0.0, 0.015), (0.07, 0.1)
LOW, HIGH = (0.0, 0.0), (0.06, 0.14)
USES = {
    'drawer': (
        Use('pull', TIP, OUT, NEAR, FAR),
        Use('push', TIP, OUT, FAR, NEAR),
        Use('hold', TIP),
    ),
    'knob': (Use('rotate', TIP, ABOUT, (0.45, 0.8), (-0.8, -0.45)), Use('touch', TIP)),
    'mug': (
        Use('pick up', TIP, UP, LOW, HIGH),
        Use('put down', TIP, UP, HIGH, LOW),
        Use('hold', TIP),
    ),
    'button': tuple(Use(name, TIP, OUT, after=(-0.006, -0.004)) for name in ('touch', 'hold')),
}


def pair(kind: str) -> Fixture:
    """Two of a kind."""
    front = Front((0.0, 0.0, 0.008), 0.01, 0.01)
    element = Element(kind, at(0, 0, 0), (), np.zeros((1, 3)), front, USES[kind])
    return Fixture('test', (element, element), (), bottom=-0.15, back=-0.1)
