# SPDX-License-Identifier: Apache-2.0
"""What an appliance is: a panel, and the elements on it.

Coordinates are the panel's, in metres: x to the right, y up, z out of the panel towards the
user, the origin in the middle of the panel's front.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Colour = tuple[float, float, float]

ACTIONS: tuple[str, ...] = (
    'press',
    'hold',
    'push',
    'pull',
    'turn_clockwise',
    'turn_counterclockwise',
)


class Kind(str, Enum):
    """What an element is; each kind can be used in two ways."""

    BUTTON = 'button'
    KNOB = 'knob'
    HANDLE = 'handle'

    @property
    def actions(self) -> tuple[str, str]:
        """The two names out of `ACTIONS` that such an element affords."""
        return {
            Kind.BUTTON: ('press', 'hold'),
            Kind.HANDLE: ('push', 'pull'),
            Kind.KNOB: ('turn_clockwise', 'turn_counterclockwise'),
        }[self]


@dataclass(frozen=True)
class Element:
    """One thing to operate.

    Attributes:
        kind: what it is.
        shape: how it looks: `round` or `square` (buttons), `disc` or `bar` (knobs), `drawer` or
            `bar` (handles).
        x, y: its centre on the panel.
        width, height: its extent along x and y.
        depth: how far it stands out of the panel at rest.
        angle: a knob's marker, in radians counterclockwise from up; 0 for the other kinds.
        vertical: a handle's bar runs along y rather than x.
        colour, accent: of the element, and of its marker, symbol or bar.
        bezel: it has a flat ring or frame around it on the panel.
        symbol: it carries a mark in the accent colour on its front (buttons).
    """

    kind: Kind
    shape: str
    x: float
    y: float
    width: float
    height: float
    depth: float
    angle: float
    vertical: bool
    colour: Colour
    accent: Colour
    bezel: bool
    symbol: bool

    def __post_init__(self) -> None:
        if min(self.width, self.height, self.depth) <= 0:
            raise ValueError(
                f'an element needs a positive extent, not {self.width} x '
                f'{self.height} x {self.depth}'
            )


@dataclass(frozen=True)
class Appliance:
    """A panel with its elements.

    Attributes:
        width, height, depth: of the box whose front is the panel.
        colour: of the panel.
        body_colour: of the box behind it.
        shininess: 0 (matt) to 1.
        elements: 5 to 32 of them, none overlapping another.
        labels: whether names are printed beside the elements.
        display: (x, y, width, height) of a dark display on the panel, or None.
    """

    width: float
    height: float
    depth: float
    colour: Colour
    body_colour: Colour
    shininess: float
    elements: tuple[Element, ...]
    labels: bool
    display: tuple[float, float, float, float] | None

    def __post_init__(self) -> None:
        if not self.elements:
            raise ValueError('an appliance needs at least one element')
        for element in self.elements:
            if (
                abs(element.x) + element.width / 2 > self.width / 2
                or abs(element.y) + element.height / 2 > self.height / 2
            ):
                raise ValueError(f'an element at ({element.x}, {element.y}) leaves the panel')
