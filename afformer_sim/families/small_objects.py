# SPDX-License-Identifier: Apache-2.0
"""Families `boxes` and `jars`: small objects on a table, a tray or a rack."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Solid, SolidShape, at, spin
from afformer_sim.families.carpentry import contrasting_colour, element_colour, panel_colour
from afformer_sim.families.tabletop import TabletopObject, bounds, place_rows, set_table
from afformer_sim.families.vessels import (
    PartFinish,
    VesselHandle,
    arch_handle,
    block,
    carry,
    drawn_body,
    drawn_finish,
    drum,
    handle_element,
    make_knob,
    pinched_from_above,
    pressed_element,
    rest,
    rod,
    round_body,
    slid,
    slope,
    spun,
    stand_on,
    turn,
    twisted,
)

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
    trim = drawn_finish(element_colour(rng, colour), None, rng)
    return SmallObjectStyle(
        kind=kind,
        variant=int(rng.integers(3)),
        radius=radius,
        height=height,
        share=rng.random(),
        body=drawn_finish(colour, surface, rng),
        trim=trim,
        mark=PartFinish(contrasting_colour(rng, trim.colour)),
    )


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
    rim = PartFinish((0.75, 0.75, 0.77))
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
    inner = tuple(solid.moved(seat.inverse()) for solid in spun(solids, angle, (0, 1, 0)))
    held = pinched_from_above(inner, radius, height, max(height - 0.014, 0.6 * height))
    uses = (*carry(rng, seat, *held.grips[:1]), *rest(held.grips))
    return TabletopObject((slid(held.element(style.kind, seat, (), uses), *_SLIDE),))


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
    turn = spin((0, 1, 0), angle)
    rise = math.radians(rng.uniform(40, 80))
    outward = turn.direct(np.array([0, math.sin(rise), math.cos(rise)]))
    solids = [solid.moved(turn) for solid in solids]
    element = handle_element('basket handle', rng, solids, handle.moved(turn), outward)
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
    turn = spin((0, 1, 0), float(angle))
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
    shaft = drum(PartFinish((0.7, 0.7, 0.72)), 0.0035, -stroke - 0.02, 0, 'z')
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
        face.append(Solid(SolidShape.ELLIPSOID, size, style.trim.colour, pose))
    top = stroke + 0.004 + (0.35 * cap if style.variant else 0.0)
    knob = pinched_from_above(face, cap, top)
    return TabletopObject((pressed_element('buzzer', stand_on(height), (), knob, stroke),), fixed)


_MAKERS = dict(zip(KINDS, (_cube, _can, _bottle, _basket, _tool, _plunger, _buzzer), strict=True))
# Largest metres of a pull, after which an object still stands on its support.
_PULL = 0.08


def boxes(rng: np.random.Generator) -> Fixture:
    """Draw 3 to 8 objects in one or two rows, most of them with a look-alike."""
    count = int(rng.integers(3, 9))
    kinds = rng.permutation(KINDS)
    drawn = kinds[: int(rng.choice([1, 2, 3], p=[0.35, 0.4, 0.25]))]
    styles = [sample_style(str(kind), rng) for kind in drawn]
    base = str(rng.choice(['table', 'tray', 'rack'], p=[0.3, 0.4, 0.3]))
    rows = 2 if count > 5 or base == 'rack' or rng.random() < 0.3 else 1
    step = rng.uniform(0.025, 0.06) if base == 'rack' else 0.0
    chosen = (styles[int(rng.integers(len(styles)))] for _ in range(count))
    items = [_MAKERS[style.kind](style, rng) for style in chosen]
    front, back = place_rows(rng, items, rows, (0.03, 0.06), (_PULL + 0.015, _PULL + 0.04), step)
    surface = int(rng.integers(4)) if rng.random() < 0.5 else None
    finish = drawn_finish(panel_colour(rng), surface, rng)
    under: list[TabletopObject] = []
    if base == 'tray':
        thickness = rng.uniform(0.004, 0.01)
        under = [TabletopObject((), _tray(finish, bounds([*front, *back]), thickness, rng))]
        front, back = ([item.moved(at(0, thickness, 0)) for item in row] for row in (front, back))
    elif back and step:
        under = [TabletopObject((), _step(finish, bounds(front), bounds(back), step))]
    elevation = rng.uniform(28, 35) if back else rng.uniform(20, 33)
    return set_table(rng, 'boxes', [*front, *back, *under], elevation)


def _tray(
    finish: PartFinish, limits: np.ndarray, thickness: float, rng: np.random.Generator
) -> tuple[Solid, ...]:
    """Build a board with a rim, large enough for objects that are pulled towards the user."""
    low = limits[0] - rng.uniform(0.02, 0.04)
    high = limits[1] + rng.uniform(0.02, 0.04)
    high[2] = limits[1][2] + _PULL + 0.01
    rim, wall = thickness + rng.uniform(0.004, 0.012), 0.004
    x, z = (low[0] + high[0]) / 2, (low[2] + high[2]) / 2
    width, depth = (high[0] - low[0]) / 2, (high[2] - low[2]) / 2
    solids = [block(finish, (width, thickness / 2, depth), (x, thickness / 2, z))]
    for side in (-(width + wall), width + wall):
        end = (wall, rim / 2, depth + 2 * wall)
        solids.append(block(finish.plain, end, (x + side, rim / 2, z)))
    for side in (-(depth + wall), depth + wall):
        solids.append(block(finish.plain, (width, rim / 2, wall), (x, rim / 2, z + side)))
    return tuple(solids)


def _step(
    finish: PartFinish, front: np.ndarray, back: np.ndarray, step: float
) -> tuple[Solid, ...]:
    """Build the step under the back row."""
    low, high = np.minimum(front[0], back[0]) - 0.015, np.maximum(front[1], back[1]) + 0.015
    near, far = back[1][2] + _PULL + 0.005, back[0][2] - 0.015
    half = ((high[0] - low[0]) / 2, step / 2, (near - far) / 2)
    return (block(finish, half, ((low[0] + high[0]) / 2, step / 2, (near + far) / 2)),)


_SHARES = {'jar': 0.5, 'bottle': 0.25, 'canister': 0.25}
_INSIDE = PartFinish((0.07, 0.05, 0.05))
_LIDS = ('plain', 'ridged', 'stepped', 'lobed')


@dataclass(frozen=True)
class _Style:
    """Common looks of several vessels; extents in metres, `shoulder` as a share of the height."""

    kind: str
    shape: str
    radius: float
    height: float
    narrow: float
    shoulder: float
    lid: str
    lid_radius: float
    lid_height: float
    body: PartFinish
    cap: PartFinish
    mark: PartFinish
    label: PartFinish | None
    actions: tuple[str, ...]


def jars(rng: np.random.Generator) -> Fixture:
    """Draw 2 to 8 vessels with lids in one or two rows, most of them with look-alikes."""
    count = int(rng.integers(2, 9))
    styles = [_style(rng) for _ in range(int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])))]
    rows = 2 if count > 5 or (count > 3 and rng.random() < 0.4) else 1
    colourful = rng.random() < 0.3
    mixed = rng.random() < 0.4
    items = []
    for i in range(count):
        number = int(rng.integers(len(styles))) if mixed else i * len(styles) // count
        style = styles[number]
        cap = style.cap
        if colourful:
            cap = PartFinish(element_colour(rng, style.body.colour))
        items.append(_vessel(rng, style, cap))
    front, back = place_rows(rng, items, rows, (0.03, 0.06), (0.035, 0.08))
    return set_table(rng, 'jars', [*front, *back], rng.uniform(22, 35))


def _style(rng: np.random.Generator) -> _Style:
    kind = str(rng.choice(list(_SHARES), p=list(_SHARES.values())))
    colour = panel_colour(rng)
    body = drawn_body(rng, colour, 0.2)
    cap = drawn_finish(element_colour(rng, colour), None, rng)
    radius, height = {
        'jar': (rng.uniform(0.026, 0.038), rng.uniform(0.05, 0.09)),
        'bottle': (rng.uniform(0.024, 0.035), rng.uniform(0.1, 0.15)),
        'canister': (rng.uniform(0.028, 0.04), rng.uniform(0.08, 0.13)),
    }[kind]
    narrow = rng.uniform(0.75, 0.92)
    lid_radius, lid_height = {
        'jar': (narrow * radius * rng.uniform(1.0, 1.12), rng.uniform(0.014, 0.02)),
        'bottle': (rng.uniform(0.013, 0.018), rng.uniform(0.018, 0.026)),
        'canister': (radius * rng.uniform(1.02, 1.06), rng.uniform(0.014, 0.024)),
    }[kind]
    shape = 'straight' if kind != 'jar' or rng.random() < 0.7 else 'bellied'
    label = None
    if rng.random() < 0.6:
        image = int(rng.integers(4)) if rng.random() < 0.5 else None
        label = PartFinish(contrasting_colour(rng, colour), image)
    others = [str(name) for name in rng.permutation(['rotate', 'pick up', 'put down', 'touch'])]
    kept = set(others[: int(rng.integers(2, 4))]) | {'hold'}
    if not kept & {'rotate', 'pick up'}:
        kept.add('rotate')
    return _Style(
        kind,
        shape,
        radius,
        height,
        narrow,
        rng.uniform(0.6, 0.75),
        str(rng.choice(_LIDS)),
        lid_radius,
        lid_height,
        body,
        cap,
        PartFinish(contrasting_colour(rng, cap.colour)),
        label,
        tuple(sorted(kept)),
    )


def _vessel(rng: np.random.Generator, style: _Style, cap: PartFinish) -> TabletopObject:
    solids = _body(style)
    seat = stand_on(style.height)
    top = style.lid_height
    lid = pinched_from_above(_lid(style, cap), style.lid_radius, top, 0.55 * top)
    pinch = lid.grips[:1]
    # a fingertip on a lid that is never only touched would reveal the action
    resting = lid.grips if 'touch' in style.actions else pinch
    known = (*carry(rng, seat, *pinch), turn(rng, pinch), *rest(resting))
    uses = [use for use in known if use.action in style.actions]
    lid = twisted(lid, rng.uniform(-math.pi, math.pi))
    return TabletopObject((lid.element('lid', seat, (), uses),), tuple(solids))


def _body(style: _Style) -> list[Solid]:
    """Build a body with its shoulders, its neck below the lid, and its label."""
    neck = 0.85 * style.lid_radius
    if style.kind == 'canister':
        main = round_body(style.body, 'straight', style.radius, style.height)
        solids, low, high = [*main.solids], 0.2 * style.height, 0.75 * style.height
    elif style.kind == 'jar':
        main = round_body(style.body, style.shape, style.radius, 0.93 * style.height, style.narrow)
        solids = [*main.solids, drum(style.body, neck, 0.5 * style.height, style.height)]
        low, high = 0.2 * style.height, 0.7 * style.height
    else:
        shoulder = style.shoulder * style.height
        solids = [
            drum(style.body, style.radius, 0, shoulder),
            *slope(style.body, (0.95 * style.radius, neck), (shoulder, 0.88 * style.height), 4),
            drum(style.body, neck, shoulder, style.height),
        ]
        low, high = 0.2 * shoulder, 0.85 * shoulder
    solids.append(drum(_INSIDE, 0.85 * neck, 0.9 * style.height, style.height + 0.0004))
    if style.label is not None and style.shape != 'bellied':
        solids.append(drum(style.label, style.radius + 0.0008, low, high))
    return solids


def _lid(style: _Style, cap: PartFinish) -> list[Solid]:
    """Build a lid on z = 0, with a mark that shows its rotation."""
    radius, top = style.lid_radius, style.lid_height
    mark = block(style.mark, (0.12 * radius, 0.4 * radius, 0.0008), (0, 0.45 * radius, top))
    if style.lid == 'plain':
        return [drum(cap, radius, 0.0005, top, 'z'), mark]
    if style.lid == 'stepped':
        lower = drum(cap, radius, 0.0005, 0.6 * top, 'z')
        return [lower, drum(cap, 0.82 * radius, 0.0005, top, 'z'), mark]
    inner = drum(cap, 0.93 * radius, 0.0005, top, 'z')
    if style.lid == 'ridged':
        half = (0.05 * radius, 0.98 * radius, 0.42 * top)
        ridge = block(style.mark, half, (0, 0, 0.5 * top))
        ridges = [spun([ridge], math.pi * i / 6, (0, 0, 1))[0] for i in range(6)]
        return [inner, *ridges, mark]
    half = (0.24 * radius, 0.95 * radius, 0.5 * top - 0.0005)
    lobe = block(cap, half, (0, 0, 0.5 * top))
    return [inner, *(spun([lobe], math.pi * i / 3, (0, 0, 1))[0] for i in range(3)), mark]
