# SPDX-License-Identifier: Apache-2.0
"""Small objects that are lifted, slid or pressed from above."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.element import Element, Front
from afformer_sim.bodies.grip import Fingertip, Pinch
from afformer_sim.bodies.pose import Pose, at, turned
from afformer_sim.bodies.solid import Solid, SolidShape
from afformer_sim.families.parts.tabletop_elements import (
    carry,
    handle_element,
    pressed_element,
    rest,
    slid,
    stand_on,
)
from afformer_sim.families.parts.vessel_handles import (
    VesselHandle,
    arch_handle,
)
from afformer_sim.families.parts.vessels import (
    Knob,
    PartFinish,
    block,
    drum,
    make_knob,
    rod,
    slope,
    spun,
)
from afformer_sim.families.tabletop import TabletopObject
from afformer_sim.textures.colours import contrasting_colour, element_colour, panel_colour

KINDS = ('cube', 'can', 'bottle', 'basket', 'tool', 'plunger', 'buzzer')
_SLIDE = (0.04, 0.08)


@dataclass(frozen=True, kw_only=True)
class SmallObjectStyle:
    """Common looks of several objects.

    Attributes:
        kind: one of `KINDS`.
        variant: variant of the kind, 0 to 2.
        radius, height: metres; `radius` is half the width of objects that are not round.
        share: a proportion, 0 to 1.
        body, trim, mark: materials.
    """

    kind: str
    variant: int
    radius: float
    height: float
    share: float
    body: PartFinish
    trim: PartFinish
    mark: PartFinish


def sample_style(kind: str, rng: np.random.Generator) -> SmallObjectStyle:
    """Draw the looks of objects of a kind."""
    radius, height = {
        'cube': (rng.uniform(0.019, 0.03), rng.uniform(0.03, 0.07)),
        'can': (rng.uniform(0.026, 0.034), rng.uniform(0.06, 0.12)),
        'bottle': (rng.uniform(0.024, 0.032), rng.uniform(0.11, 0.17)),
        'basket': (rng.uniform(0.045, 0.065), rng.uniform(0.04, 0.065)),
        'tool': (rng.uniform(0.009, 0.012), rng.uniform(0.09, 0.12)),
        'plunger': (rng.uniform(0.034, 0.045), rng.uniform(0.06, 0.12)),
        'buzzer': (rng.uniform(0.03, 0.042), rng.uniform(0.031, 0.045)),
    }[kind]
    colour = panel_colour(rng)
    surface = int(rng.integers(4)) if rng.random() < 0.3 else None
    trim = PartFinish(element_colour(rng, colour), None, rng.uniform(0, 0.8))
    return SmallObjectStyle(
        kind=kind,
        variant=int(rng.integers(3)),
        radius=radius,
        height=height,
        share=rng.random(),
        body=PartFinish(colour, surface, rng.uniform(0, 0.9)),
        trim=trim,
        mark=PartFinish(contrasting_colour(rng, trim.colour)),
    )


def make_small_object(style: SmallObjectStyle, rng: np.random.Generator) -> TabletopObject:
    """Build an object of a style, turned at random about the vertical."""
    makers = (_cube, _can, _bottle, _basket, _tool, _plunger, _buzzer)
    return makers[KINDS.index(style.kind)](style, rng)


def _cube(style: SmallObjectStyle, rng: np.random.Generator) -> TabletopObject:
    radius, height = style.radius, style.height
    half = height / 2
    solids = [block(style.body, (radius, half, radius), (0, half, 0))]
    if style.variant == 0:
        band = (radius + 0.0008, 0.12 * height, radius + 0.0008)
        solids.append(block(style.trim, band, (0, half, 0)))
    elif style.variant == 1:
        top = (0.5 * radius, 0.0006, 0.5 * radius)
        solids.append(block(style.trim, top, (0, height, 0)))
    return _standing(style, solids, radius, height, rng.uniform(-0.5, 0.5), rng)


def _can(style: SmallObjectStyle, rng: np.random.Generator) -> TabletopObject:
    radius, height = style.radius, style.height
    rim = PartFinish((0.75, 0.75, 0.77), None, 0.9)
    solids = [
        drum(rim, radius, 0, height),
        drum(style.body, radius + 0.0006, 0.06 * height, 0.94 * height),
        drum(rim, 0.85 * radius, 0, height + 0.0006),
    ]
    if style.variant:
        low = (0.2 + 0.3 * style.share) * height
        solids.append(drum(style.trim, radius + 0.0012, low, low + 0.25 * height))
    return _standing(style, solids, radius, height, rng.uniform(-3, 3), rng)


def _bottle(style: SmallObjectStyle, rng: np.random.Generator) -> TabletopObject:
    radius, height = style.radius, style.height
    shoulder, neck = (0.55 + 0.15 * style.share) * height, 0.4 * radius
    solids = [
        drum(style.body, radius, 0, shoulder),
        *slope(style.body, (0.95 * radius, 1.1 * neck), (shoulder, 0.86 * height), 5),
        drum(style.body, neck, shoulder, height),
        drum(style.trim, 1.25 * neck, 0.9 * height, height + 0.002),
    ]
    if style.variant:
        solids.append(drum(style.mark, radius + 0.0008, 0.2 * shoulder, 0.8 * shoulder))
    return _standing(style, solids, 1.25 * neck, height + 0.002, rng.uniform(-3, 3), rng)


def _standing(
    style: SmallObjectStyle,
    solids: list[Solid],
    radius: float,
    height: float,
    angle: float,
    rng: np.random.Generator,
) -> TabletopObject:
    """Build an object that is lifted as a whole, by a pinch of its upper end."""
    seat = stand_on(0.0)
    down = Pose(np.zeros(3), seat.rotation.T)
    inner = tuple(solid.moved(down) for solid in spun(solids, angle, (0, 1, 0)))
    level = max(height - 0.014, 0.6 * height)
    half = 0.6 * radius
    pinch, tip = Pinch(radius, level, height), Fingertip(half, half, height)
    element = Element(
        style.kind,
        seat,
        inner,
        np.concatenate([solid.corners() for solid in inner]),
        Front((0.0, 0.0, height), 0.85 * radius, 0.85 * radius),
        (*carry(rng, seat, pinch), *rest((pinch, tip))),
    )
    return TabletopObject((slid(element, *_SLIDE),))


def _basket(style: SmallObjectStyle, rng: np.random.Generator) -> TabletopObject:
    """Build a box with a handle over it."""
    wide, height = style.radius, style.height
    deep = (0.5 + 0.3 * style.share) * wide
    solids = [block(style.body, (wide, height / 2, deep), (0, height / 2, 0))]
    if style.variant == 0:
        lid = (wide + 0.002, 0.005, deep + 0.002)
        solids.append(block(style.trim, lid, (0, height - 0.005, 0)))
    else:
        inside = (wide - 0.005, 0.0006, deep - 0.005)
        solids.append(block(PartFinish((0.06, 0.05, 0.05)), inside, (0, height, 0)))
    top = height + rng.uniform(0.04, 0.055)
    handle = arch_handle(style.trim, 0.9 * wide, height - 0.006, top, 0.006)
    angle = rng.uniform(-0.6, 0.6)
    turn = Pose(np.zeros(3), turned((0, 1, 0), angle))
    rise = math.radians(rng.uniform(40, 80))
    outward = turn.direct(np.array([0, math.sin(rise), math.cos(rise)]))
    element = handle_element(
        'basket handle', rng, spun(solids, angle, (0, 1, 0)), handle.moved(turn), outward
    )
    return TabletopObject((slid(element, *_SLIDE),))


def _tool(style: SmallObjectStyle, rng: np.random.Generator) -> TabletopObject:
    """Build a hammer, a brush or a screwdriver that lies on the table."""
    radius, length = style.radius, style.height
    level = radius + 0.003
    end = length + rng.uniform(0.05, 0.07)
    grip = rod(style.trim, (0, level, -length / 2), (0, level, length / 2), radius)
    along = np.array([0, 0, 1.0])
    handle = VesselHandle((grip,), np.array([0, level, 0]), along, length, radius)
    shaft = rod(style.body, (0, level, length / 2), (0, level, end - 0.02), 0.5 * radius)
    wide = rng.uniform(0.022, 0.034)
    if style.variant == 0:
        head = [block(style.body, (wide, level, 0.011), (0, level, end - 0.02))]
    elif style.variant == 1:
        half = (0.8 * wide, 0.006, 0.022)
        head = [block(style.body, half, (0, level, end - 0.02))]
        bristles = (0.75 * wide, level / 2, 0.012)
        head.append(block(style.mark, bristles, (0, level / 2, end + 0.008)))
    else:
        head = [block(style.body, (0.7 * radius, 0.25 * radius, 0.01), (0, level, end - 0.01))]
    # it lies roughly across, or with its head to the wall
    angle = rng.uniform(1.2, 1.9) * rng.choice([-1, 1]) if style.share < 0.5 else math.pi
    angle += rng.uniform(-0.3, 0.3)
    turn = Pose(np.zeros(3), turned((0, 1, 0), float(angle)))
    tilt = math.radians(rng.uniform(0, 25))
    outward = np.array([0, math.cos(tilt), math.sin(tilt)])
    moved = handle.moved(turn)
    outward = outward - (outward @ moved.along) * moved.along
    solids = spun([shaft, *head], float(angle), (0, 1, 0))
    kind = ('hammer', 'brush', 'screwdriver')[style.variant]
    return TabletopObject((slid(handle_element(kind, rng, solids, moved, outward), *_SLIDE),))


def _plunger(style: SmallObjectStyle, rng: np.random.Generator) -> TabletopObject:
    """Build a pot with a knob on a rod that goes down into it."""
    radius, height = style.radius, style.height
    stroke = rng.uniform(0.03, 0.045)
    fixed = (
        drum(style.body, radius, 0, height),
        drum(style.trim, 1.04 * radius, height, height + 0.01),
    )
    shape = ('ball', 'drum', 'mushroom')[style.variant]
    knob = make_knob(style.trim, style.mark, shape, 0.012 + 0.005 * style.share, 0.022)
    shaft = drum(PartFinish((0.7, 0.7, 0.72), None, 0.9), 0.0035, -stroke - 0.02, 0, 'z')
    pose = stand_on(height + 0.011 + stroke)
    return TabletopObject((pressed_element('plunger', pose, (shaft,), knob, stroke),), fixed)


def _buzzer(style: SmallObjectStyle, rng: np.random.Generator) -> TabletopObject:
    """Build a large button on a base."""
    radius, height = style.radius, style.height
    stroke = rng.uniform(0.022, 0.028)
    cap = (0.7 + 0.15 * style.share) * radius
    fixed = (drum(style.body, radius, 0, height),)
    face = [drum(style.trim, cap, -0.002, stroke + 0.004, 'z')]
    if style.variant:
        size, pose = (cap, cap, 0.35 * cap), at(0, 0, stroke + 0.004)
        face.append(Solid(SolidShape.ELLIPSOID, size, style.trim.colour, pose, None, 0.6))
    top = stroke + 0.004 + (0.35 * cap if style.variant else 0.0)
    knob = Knob(tuple(face), cap, top)
    return TabletopObject((pressed_element('buzzer', stand_on(height), (), knob, stroke),), fixed)
