# SPDX-License-Identifier: Apache-2.0
"""Simple objects to operate, and a fixture of two of a kind."""

from __future__ import annotations

import numpy as np

from afformer_sim.bodies.element import Element, Fingertip, Front, Hook, Joint, Pinch, Use
from afformer_sim.bodies.fixture import Fixture, Panel
from afformer_sim.bodies.solid import Solid, SolidShape, at

GREY = (0.5, 0.5, 0.5)
OUT = Joint((0.0, 0.0, 1.0))
UP = Joint((0.0, 1.0, 0.0))
ABOUT = Joint((0.0, 0.0, 1.0), hinge=True)
FLAT = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (0, 1)], float)


def button(x: float) -> Element:
    """Round, 20 mm wide, standing 8 mm out."""
    tip = (Fingertip(0.01, 0.01, 0.008),)
    return Element(
        'button',
        at(x, 0, 0),
        (Solid(SolidShape.CYLINDER, (0.01, 0.008), GREY),),
        FLAT * [0.01, 0.01, 0.008],
        Front((0, 0, 0.008), 0.01, 0.01),
        tuple(Use(action, tip, OUT, after=(-0.006, -0.004)) for action in ('touch', 'hold')),
    )


def drawer(x: float) -> Element:
    """A front of 60 x 40 mm with a bar before it; comes out by 100 mm."""
    hook = (Hook(0.04, 0.004, 0.02, vertical=False),)
    near, far = (0.0, 0.015), (0.07, 0.1)
    return Element(
        'drawer',
        at(x, 0, 0),
        (
            Solid(SolidShape.BOX, (0.03, 0.02, 0.005), GREY, at(0, 0, 0.005)),
            Solid(SolidShape.BOX, (0.02, 0.004, 0.004), GREY, at(0, 0, 0.02)),
        ),
        FLAT * [0.02, 0.004, 0.024],
        Front((0, 0, 0.024), 0.02, 0.004),
        (Use('pull', hook, OUT, near, far), Use('push', hook, OUT, far, near), Use('hold', hook)),
    )


def knob(x: float) -> Element:
    """40 mm wide, 20 mm high; turns clockwise in demonstrations."""
    pinch = (Pinch(0.02, 0.012, 0.02),)
    turn = Use('rotate', pinch, ABOUT, (0.45, 0.8), (-0.8, -0.45))
    return Element(
        'knob',
        at(x, 0, 0),
        (Solid(SolidShape.CYLINDER, (0.02, 0.01), GREY, at(0, 0, 0.01)),),
        FLAT * [0.02, 0.02, 0.02],
        Front((0, 0, 0.02), 0.02, 0.02),
        (turn, Use('touch', pinch)),
    )


def mug(x: float) -> Element:
    """80 mm wide, 90 mm high."""
    pinch = (Pinch(0.04, 0.0, 0.04),)
    low, high = (0.0, 0.0), (0.06, 0.14)
    return Element(
        'mug',
        at(x, 0.045, 0),
        (Solid(SolidShape.BOX, (0.04, 0.045, 0.04), GREY),),
        FLAT * [0.04, 0.045, 0.08] - [0, 0, 0.04],
        Front((0, 0, 0.04), 0.03, 0.03),
        (
            Use('pick up', pinch, UP, low, high),
            Use('put down', pinch, UP, high, low),
            Use('hold', pinch),
        ),
    )


ELEMENTS = {'button': button, 'drawer': drawer, 'knob': knob, 'mug': mug}


def pair(kind: str, apart: float) -> Fixture:
    """Two of a kind side by side on a panel; the one at the origin has the index 0."""
    elements = (ELEMENTS[kind](0.0), ELEMENTS[kind](apart))
    panel = Panel(0.4, 0.3, GREY)
    return Fixture('test', elements, (), bottom=-0.15, back=-0.1, panel=panel)
