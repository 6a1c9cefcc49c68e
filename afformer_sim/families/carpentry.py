# SPDX-License-Identifier: Apache-2.0
"""Colours, solids by their end points or centres, handles on fronts, and fixtures of them."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.element import Element, Fingertip, Front, Grip, Hook, Joint, Pinch, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Colour, Pose, Solid, SolidShape, at, between


def panel_colour(rng: np.random.Generator) -> Colour:
    """Draw a grey of any brightness, or in three of ten cases a colour."""
    saturation = rng.uniform(0, 0.12) if rng.random() < 0.7 else rng.uniform(0.2, 0.7)
    return colorsys.hsv_to_rgb(rng.random(), saturation, rng.uniform(0.12, 0.95))


def element_colour(rng: np.random.Generator, panel: Colour) -> Colour:
    """Draw a colour that differs from the panel's by more than 0.18 in some channel."""
    while True:
        saturation = rng.uniform(0, 0.1) if rng.random() < 0.6 else rng.uniform(0.4, 0.95)
        colour = colorsys.hsv_to_rgb(rng.random(), saturation, rng.uniform(0.06, 0.97))
        if np.abs(np.subtract(colour, panel)).max() > 0.18:
            return colour


def contrasting_colour(rng: np.random.Generator, colour: Colour) -> Colour:
    """Draw a colour that is visible on another one: nearly white or black, sometimes vivid."""
    if rng.random() < 0.25:
        return colorsys.hsv_to_rgb(rng.random(), 0.9, 0.9 if max(colour) < 0.5 else 0.5)
    shade = rng.uniform(0.8, 1) if sum(colour) < 1.4 else rng.uniform(0, 0.15)
    return (shade, shade, shade)


Point = Sequence[float] | np.ndarray

# Joints along and about the axis of a part that stands out of its front.
OUT, ABOUT = Joint((0.0, 0.0, 1.0)), Joint((0.0, 0.0, 1.0), hinge=True)


@dataclass(frozen=True)
class FrontCell:
    """Area of one element on a front: its middle and extent in metres, and its row or block."""

    x: float
    y: float
    width: float
    height: float
    group: int


def box(centre: Point, half: Point, colour: Colour, surface: int | None = None) -> Solid:
    """Build an upright box around `centre`, `half` its half extents along x, y, z; metres."""
    x, y, z = (float(value) for value in half)
    return Solid(SolidShape.BOX, (x, y, z), colour, at(*centre), surface)


def rod(
    start: Point, end: Point, radius: float, colour: Colour, *, rounded: bool = False
) -> Solid:
    """Build a cylinder from `start` to `end`, or a capsule of the same length if `rounded`."""
    length = math.dist(start, end)
    pose = between(start, end)
    if rounded:
        return Solid(SolidShape.CAPSULE, (radius, length / 2 - radius), colour, pose)
    return Solid(SolidShape.CYLINDER, (radius, length / 2), colour, pose)


def ball(centre: Point, radii: Point, colour: Colour) -> Solid:
    """Build an ellipsoid around `centre` with `radii` along x, y, z; metres."""
    x, y, z = (float(value) for value in radii)
    return Solid(SolidShape.ELLIPSOID, (x, y, z), colour, at(*centre))


def corners(solids: Iterable[Solid]) -> np.ndarray:
    """Return points whose hull contains all the solids, float64 [P, 3] metres."""
    return np.concatenate([solid.corners() for solid in solids])


def shaded(colour: Colour, share: float) -> Colour:
    """Mix a colour with black (`share` below 0) or white (above), by that share."""
    target = 1.0 if share > 0 else 0.0
    red, green, blue = (value + abs(share) * (target - value) for value in colour)
    return (red, green, blue)


def body_colour(rng: np.random.Generator) -> Colour:
    """Draw the colour of wood, or in two of three cases any colour of a panel."""
    if rng.random() < 0.35:
        hue, saturation = rng.uniform(0.04, 0.11), rng.uniform(0.25, 0.65)
        return colorsys.hsv_to_rgb(hue, saturation, rng.uniform(0.25, 0.85))
    return panel_colour(rng)


def cover(rng: np.random.Generator, colour: Colour) -> tuple[int | None, Colour]:
    """Draw the texture that covers a large body (None for half of them), and its colour.

    The colour is multiplied by the texture, and is therefore bright if there is one.
    """
    if rng.random() < 0.5:
        return None, colour
    return int(rng.integers(4)), shaded(colour, 0.6)


def assemble(
    family: str,
    elements: Sequence[Element],
    fixed: Sequence[Solid],
    elevation: float,
    shown: np.ndarray,
    drop: float = 0.0,
) -> Fixture:
    """Assemble a fixture.

    Args:
        family: name of its family.
        elements: parts that can be operated.
        fixed: fixed parts; their lowest and hindmost points are those of the fixture.
        elevation: see `Fixture`.
        shown: see `Fixture`.
        drop: metres from its lowest point to the surface below; 0 for a fixture that stands.
    """
    points = corners(fixed)
    return Fixture(
        family,
        tuple(elements),
        tuple(fixed),
        bottom=float(points[:, 1].min()) - drop,
        back=float(points[:, 2].min()),
        shown=shown,
        elevation=elevation,
    )


BARS = ('bar', 'rail', 'bow')
KNOBS = ('disc', 'ball', 'block')
FORMS = (*BARS, *KNOBS, 'recess')


@dataclass(frozen=True)
class FrontHandle:
    """Handle: its solids, the front that is touched, and its grips."""

    solids: tuple[Solid, ...]
    front: Front
    grips: tuple[Grip, ...]

    @property
    def hull(self) -> np.ndarray:
        """Points whose hull is the handle, float64 [P, 3] metres."""
        return corners(self.solids)

    @classmethod
    def pinched(
        cls, solids: Iterable[Solid], pinch: Pinch, wide: float, high: float | None = None
    ) -> FrontHandle:
        """Build a handle that is pinched; half extents of its front are `wide` and `high`."""
        front = Front((0.0, 0.0, pinch.top), wide, wide if high is None else high)
        return cls(tuple(solids), front, (pinch,))

    @classmethod
    def hooked(cls, solids: Iterable[Solid], hook: Hook) -> FrontHandle:
        """Build a bar that is held; all of its front may be touched."""
        half = (hook.length / 2, hook.radius)
        front = Front((0.0, 0.0, hook.level + hook.radius), *half[:: -1 if hook.vertical else 1])
        return cls(tuple(solids), front, (hook,))

    def element(
        self, kind: str, pose: Pose, others: Iterable[Solid], uses: Sequence[Use]
    ) -> Element:
        """Build an element that moves with its handle; `others` are its other solids."""
        return Element(kind, pose, (*others, *self.solids), self.hull, self.front, tuple(uses))


@dataclass(frozen=True, kw_only=True)
class HandleStyle:
    """Common looks of several handles.

    Attributes:
        form: one of `FORMS`.
        length: length of a bar or a recess, metres; it is shortened to the available space.
        radius: half the thickness of a bar, or the radius of a knob, metres.
        level: height of a bar's middle or a knob's head above the front, metres.
        vertical: True for an upright bar or recess.
        colour: RGB, 0 to 1.
        rose: True for a plate under it.
    """

    form: str
    length: float
    radius: float
    level: float
    vertical: bool
    colour: Colour
    rose: bool

    def build(self, width: float, height: float) -> FrontHandle:
        """Build the handle on a front with space for `width` x `height` metres."""
        room = height if self.vertical and self.form not in KNOBS else width
        length = min(self.length, room)
        if self.form in BARS:
            return _bar(self, length)
        if self.form == 'recess':
            across = min(5 * self.radius, width if self.vertical else height)
            return _recess(self, length, across)
        return _knob(self)


def sample_style(
    rng: np.random.Generator,
    front: Colour,
    forms: Sequence[str] = FORMS,
    *,
    vertical: bool | None = None,
) -> HandleStyle:
    """Draw a style of one of the forms, in a colour that differs from the front's."""
    form = str(rng.choice(list(forms)))
    knob = form in KNOBS
    return HandleStyle(
        form=form,
        length=rng.uniform(0.07, 0.16),
        radius=rng.uniform(0.014, 0.022) if knob else rng.uniform(0.006, 0.0105),
        level=rng.uniform(0.026, 0.036) if knob else rng.uniform(0.03, 0.045),
        vertical=bool(rng.random() < 0.5) if vertical is None else vertical,
        colour=element_colour(rng, front),
        rose=bool(rng.random() < 0.4),
    )


def moving_uses(grips: tuple[Grip, ...], joint: Joint, stroke: float) -> tuple[Use, ...]:
    """Return the uses of a part that slides out by 0 to `stroke`: all except `rotate`."""
    return (
        Use('pull', grips, joint, (0.0, 0.15 * stroke), (0.65 * stroke, stroke)),
        Use('push', grips, joint, (0.7 * stroke, stroke), (0.0, 0.15 * stroke)),
        Use('touch', grips),
        Use('hold', grips),
    )


def turning_use(rng: np.random.Generator, grips: tuple[Grip, ...], joint: Joint) -> Use:
    """Draw a rotation by 0.9 to 1.6 radians about the joint, in either direction."""
    low, high = (-0.8, -0.45), (0.45, 0.8)
    before, after = (low, high) if rng.random() < 0.5 else (high, low)
    return Use('rotate', grips, joint, before, after)


def _bar(style: HandleStyle, length: float) -> FrontHandle:
    radius, level, half = style.radius, style.level, length / 2

    def position(along: float, z: float) -> tuple[float, float, float]:
        return (0.0, along, z) if style.vertical else (along, 0.0, z)

    def extent(along: float, across: float, z: float) -> tuple[float, float, float]:
        return (across, along, z) if style.vertical else (along, across, z)

    dark = shaded(style.colour, -0.25)
    foot = 0.72 * half if style.form == 'rail' else half - 1.5 * radius
    head = foot - (min(0.3 * level, 0.4 * foot) if style.form == 'bow' else 0.0)
    reach = head + radius if style.form == 'bow' else half
    parts = []
    for side in (-1, 1):
        start = position(side * foot, 0.0)
        if style.form == 'rail':
            middle = position(side * foot, (level - radius) / 2)
            size = extent(0.8 * radius, 0.8 * radius, (level - radius) / 2)
            parts.append(box(middle, size, dark))
        else:
            parts.append(rod(start, position(side * head, level), 0.85 * radius, style.colour))
        if style.rose:
            size = extent(1.5 * radius, 1.5 * radius, 0.0015)
            parts.append(box(position(side * foot, 0.0015), size, dark))
    if style.form == 'rail':
        parts.append(box(position(0, level), extent(half, radius, radius), style.colour))
    else:
        ends = position(-reach, level), position(reach, level)
        parts.append(rod(*ends, radius, style.colour, rounded=True))
    return FrontHandle.hooked(parts, Hook(2 * reach, radius, level, style.vertical))


def _knob(style: HandleStyle) -> FrontHandle:
    radius, level = style.radius, style.level
    thick = 0.55 * radius if style.form == 'disc' else 0.8 * radius
    parts = [rod((0, 0, 0), (0, 0, level), 0.45 * radius, shaded(style.colour, -0.2))]
    if style.rose:
        parts.append(rod((0, 0, 0), (0, 0, 0.003), 1.25 * radius, shaded(style.colour, -0.3)))
    if style.form == 'ball':
        parts.append(ball((0, 0, level), (radius, radius, thick), style.colour))
    elif style.form == 'disc':
        ends = (0, 0, level - thick), (0, 0, level + thick)
        parts.append(rod(*ends, radius, style.colour))
    else:
        parts.append(box((0, 0, level), (0.85 * radius, 0.85 * radius, thick), style.colour))
    held = 0.92 * radius if style.form == 'block' else radius
    return FrontHandle.pinched(parts, Pinch(held, level, level + thick), 0.8 * radius)


def _recess(style: HandleStyle, length: float, across: float) -> FrontHandle:
    """Build a rim around a dark plate, which looks like a recess."""
    x, y = (across / 2, length / 2) if style.vertical else (length / 2, across / 2)
    thin, high = 0.004, 0.006
    parts = [box((0, 0, 0.001), (x, y, 0.001), shaded(style.colour, -0.75))]
    for side in (-1, 1):
        parts.append(box((0, side * (y - thin), high / 2), (x, thin, high / 2), style.colour))
        size = (thin, y - 2 * thin, high / 2)
        parts.append(box((side * (x - thin), 0, high / 2), size, style.colour))
    inner_x, inner_y = x - 2 * thin, y - 2 * thin
    return FrontHandle(
        tuple(parts),
        Front((0.0, 0.0, 0.002), inner_x, inner_y),
        (Fingertip(inner_x, inner_y, 0.002),),
    )
