# SPDX-License-Identifier: Apache-2.0
"""Buttons, knobs and handles of a panel, as elements at rest in the plane z = 0."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.element import Element, Front, Joint, Use
from afformer_sim.bodies.grip import Fingertip, Hook, Pinch
from afformer_sim.bodies.pose import Pose, at, turned
from afformer_sim.bodies.solid import Colour, Solid, SolidShape

_OUT = Joint((0.0, 0.0, 1.0))
_ABOUT = Joint((0.0, 0.0, 1.0), hinge=True)
_SIDEWAYS = turned((0, 0, 1), -math.pi / 2)
_DRAWER_DEPTH = 0.05


@dataclass(frozen=True, kw_only=True)
class ElementFinish:
    """Shape, size and colours of an element.

    Attributes:
        shape: `round` or `square` (buttons), `disc` or `bar` (knobs), `drawer` or `bar` (handles).
        width, height, depth: extent in metres; depth is its height above the panel.
        colour, accent: colours of the element, and of its marker, symbol or bar.
        bezel: True for a flat ring or frame around it on the panel.
        symbol: True for a mark in the accent colour on its front (buttons).
        vertical: True if its bar runs along y, False if along x (handles).

    Raises:
        ValueError: the extent is not positive.
    """

    shape: str
    width: float
    height: float
    depth: float
    colour: Colour
    accent: Colour
    bezel: bool = False
    symbol: bool = False
    vertical: bool = False

    def __post_init__(self) -> None:
        if min(self.width, self.height, self.depth) <= 0:
            raise ValueError(
                f'extent is {self.width} x {self.height} x {self.depth}; an element needs a '
                'positive extent'
            )


def button(finish: ElementFinish, x: float, y: float, rng: np.random.Generator) -> Element:
    """Build a round or square button at (x, y) metres."""
    half = finish.depth / 2 + 0.004
    middle = at(0, 0, finish.depth - half)
    if finish.shape == 'round':
        body = Solid(SolidShape.CYLINDER, (finish.width / 2, half), finish.colour, middle)
        rim = _ring(finish.width / 2)
    else:
        size = (finish.width / 2, finish.height / 2, half)
        body = Solid(SolidShape.BOX, size, finish.colour, middle)
        rim = _rectangle(finish.width / 2, finish.height / 2)
    solids = [body]
    if finish.symbol:
        mark = (0.2 * finish.width, 0.07 * finish.height, 0.0006)
        solids.append(Solid(SolidShape.BOX, mark, finish.accent, at(0, 0, finish.depth)))
    tip = (Fingertip(finish.width / 2, finish.height / 2, finish.depth),)
    pressed = (-0.8 * finish.depth, -0.4 * finish.depth)
    return Element(
        'button',
        at(x, y, 0),
        tuple(solids),
        _prism(rim, 0.0, finish.depth),
        Front((0, 0, finish.depth), finish.width / 2, finish.height / 2),
        tuple(Use(action, tip, _OUT, after=pressed) for action in ('touch', 'hold')),
    )


def knob(finish: ElementFinish, x: float, y: float, rng: np.random.Generator) -> Element:
    """Build a knob at (x, y) metres that turns, and comes out of the panel on a shaft."""
    radius, depth = finish.width / 2, finish.depth
    marked = Pose(np.zeros(3), turned((0, 0, 1), rng.uniform(-2.4, 2.4)))
    marker = (0.13 * radius, 0.38 * radius, 0.0008)
    solids = [Solid(SolidShape.BOX, marker, finish.accent, at(0, 0.5 * radius, depth))]
    parts: list[tuple[SolidShape, tuple[float, ...], float]]
    if finish.shape == 'disc':
        parts = [
            (SolidShape.CYLINDER, (radius, 0.15 * depth), 0.15 * depth),
            (SolidShape.CYLINDER, (0.85 * radius, 0.5 * depth), 0.5 * depth),
        ]
        top = _prism(_ring(0.85 * radius), depth, depth)
        pinch = Pinch(0.85 * radius, 0.6 * depth, depth)
        reach = 0.85 * radius
    else:
        parts = [
            (SolidShape.CYLINDER, (radius, 0.25 * depth), 0.25 * depth),
            (SolidShape.BOX, (0.28 * radius, 0.95 * radius, 0.5 * depth), 0.5 * depth),
        ]
        top = _prism(_rectangle(0.28 * radius, 0.95 * radius), depth, depth)
        pinch = Pinch(radius, 0.4 * depth, depth)
        # the ridge, which points anywhere
        reach = 0.4 * radius
    solids += [Solid(shape, size, finish.colour, at(0, 0, z)) for shape, size, z in parts]
    stroke = rng.uniform(0.026, 0.04)
    shaft = (0.3 * radius, stroke / 2)
    solids.append(Solid(SolidShape.CYLINDER, shaft, finish.accent, at(0, 0, -stroke / 2)))
    sense = 1 if rng.random() < 0.5 else -1
    low, high = (-0.8 * sense, -0.45 * sense), (0.45 * sense, 0.8 * sense)
    far, near = (0.75 * stroke, stroke), (0.0, 0.12 * stroke)
    hull = np.concatenate([_prism(_ring(radius), 0.0, 0.4 * depth), top])
    return Element(
        'knob',
        at(x, y, 0),
        tuple(solid.moved(marked) for solid in solids),
        marked.apply(hull),
        Front((0, 0, depth), reach, reach),
        (
            Use('rotate', (pinch,), _ABOUT, _ordered(low), _ordered(high)),
            Use('pull', (pinch,), _OUT, near, far),
            Use('push', (pinch,), _OUT, far, near),
            Use('hold', (pinch,)),
            Use('touch', (pinch, Fingertip(radius, radius, depth))),
        ),
    )


def handle(finish: ElementFinish, x: float, y: float, rng: np.random.Generator) -> Element:
    """Build a bar on a plate at (x, y) metres that slides out of the panel like a small drawer."""
    radius = min(0.006, 0.2 * min(finish.width, finish.height))
    level = finish.depth - radius
    length = finish.height if finish.vertical else finish.width
    reach = length / 2 - radius - 0.1 * length * (finish.shape == 'drawer')
    along = np.array([0.0, 1.0, 0.0] if finish.vertical else [1.0, 0.0, 0.0])
    turn = np.eye(3) if finish.vertical else _SIDEWAYS
    stroke = rng.uniform(0.03, 0.04)
    drawer = max(_DRAWER_DEPTH, stroke + 0.01)
    solids = [
        Solid(
            SolidShape.BOX,
            (finish.width / 2, finish.height / 2, 0.0025),
            finish.colour,
            at(0, 0, 0.0025),
        ),
        Solid(
            SolidShape.BOX,
            (0.45 * finish.width, 0.42 * finish.height, drawer / 2),
            finish.colour,
            at(0, 0, -drawer / 2),
        ),
        Solid(
            SolidShape.BOX,
            (radius, reach + radius, radius),
            finish.accent,
            Pose(np.array([0, 0, level]), turn),
        ),
    ]
    for side in (-1, 1):
        position = side * 0.9 * reach * along + np.array([0, 0, level / 2])
        post = (0.8 * radius, 0.8 * radius, level / 2)
        solids.append(Solid(SolidShape.BOX, post, finish.accent, Pose(position, np.eye(3))))
    half = (radius, reach + radius) if finish.vertical else (reach + radius, radius)
    plate = _rectangle(finish.width / 2, finish.height / 2)
    hook = Hook(2 * (reach + radius), radius, level, finish.vertical)
    far, near = (0.7 * stroke, stroke), (0.0, 0.15 * stroke)
    return Element(
        'handle',
        at(x, y, 0),
        tuple(solids),
        np.concatenate(
            [
                _prism(plate, 0.0, 0.005),
                _prism(_rectangle(*half), finish.depth - 2 * radius, finish.depth),
            ]
        ),
        Front((0, 0, finish.depth), *half),
        (
            Use('pull', (hook,), _OUT, near, far),
            Use('push', (hook,), _OUT, far, near),
            Use('hold', (hook,)),
            Use('touch', (hook, Fingertip(*half, finish.depth))),
        ),
    )


def bezel(element_kind: str, finish: ElementFinish, x: float, y: float) -> Solid:
    """Build the flat ring or frame on the panel around an element."""
    red, green, blue = (0.35 * part + 0.1 for part in finish.colour)
    if element_kind == 'knob' or finish.shape == 'round':
        size: tuple[float, ...] = (0.55 * finish.width, 0.0015)
        return Solid(SolidShape.CYLINDER, size, (red, green, blue), at(x, y, 0))
    size = (0.5 * finish.width + 0.0015, 0.5 * finish.height + 0.0015, 0.0015)
    return Solid(SolidShape.BOX, size, (red, green, blue), at(x, y, 0))


def _ordered(values: tuple[float, float]) -> tuple[float, float]:
    return min(values), max(values)


def _ring(radius: float) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _rectangle(half_width: float, half_height: float) -> np.ndarray:
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [half_width, half_height]


def _prism(outline: np.ndarray, bottom: float, top: float) -> np.ndarray:
    """Return the corners of an upright prism over `outline`, float64 [2 P, 3]."""
    return np.concatenate(
        [np.column_stack([outline, np.full(len(outline), z)]) for z in (bottom, top)]
    )
