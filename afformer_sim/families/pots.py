# SPDX-License-Identifier: Apache-2.0
"""Families `mugs`, to be lifted by their handles, and `kettles`, also to be opened."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Solid, SolidShape, at, spin
from afformer_sim.families.carpentry import contrasting_colour, element_colour, panel_colour
from afformer_sim.families.tabletop import TabletopObject, place_rows, set_table
from afformer_sim.families.vessels import (
    KNOB_SHAPES,
    UP,
    Body,
    PartFinish,
    VesselHandle,
    arch_handle,
    drawn_body,
    drawn_finish,
    drum,
    handle_element,
    lid_element,
    lid_plate,
    make_knob,
    mouth,
    ring_handle,
    round_body,
    spout,
    spun,
    stand_on,
    twisted,
)

_UPRIGHT_AXIS = (0.0, 1.0, 0.0)
_HANDLES = ('square', 'round', 'ear', 'flat')
_BASE = 0.014
_INSIDE = PartFinish((0.05, 0.05, 0.05))


@dataclass(frozen=True)
class _KettleStyle:
    """Common looks of several kettles; extents in metres."""

    kind: str
    shape: str
    radius: float
    height: float
    narrow: float
    arch: bool
    handle: str
    reach: float
    thickness: float
    body: PartFinish
    trim: PartFinish
    mark: PartFinish
    lid: PartFinish
    lid_height: float
    steps: int
    knob: str
    knob_radius: float
    knob_height: float
    spout_low: float


def kettles(rng: np.random.Generator) -> Fixture:
    """Draw 1 to 4 kettles in one or two rows, most of them with a look-alike."""
    count = int(rng.choice([1, 2, 3, 4], p=[0.1, 0.3, 0.35, 0.25]))
    styles = [_kettle_style(rng) for _ in range(1 if rng.random() < 0.6 else 2)]
    rows = 2 if count > 3 or (count > 2 and rng.random() < 0.6) else 1
    aside = float(rng.choice([-1, 1]))
    items = []
    for _ in range(count):
        style = styles[int(rng.integers(len(styles)))]
        if rng.random() < 0.3:
            aside = -aside
        azimuth = aside * math.radians(rng.uniform(35, 95))
        items.append(_kettle(rng, style, azimuth))
    front, back = place_rows(rng, items, rows, (0.03, 0.07), (0.09, 0.13))
    elevation = rng.uniform(28, 35) if rows == 2 else rng.uniform(20, 32)
    return set_table(rng, 'kettles', [*front, *back], elevation)


def _kettle_style(rng: np.random.Generator) -> _KettleStyle:
    kind = str(rng.choice(['kettle', 'coffee pot', 'electric kettle']))
    colour = panel_colour(rng)
    body = drawn_body(rng, colour, 0.15)
    trim = drawn_finish(element_colour(rng, colour), None, rng)
    radius, height = {
        'kettle': (rng.uniform(0.062, 0.08), rng.uniform(0.09, 0.125)),
        'coffee pot': (rng.uniform(0.042, 0.055), rng.uniform(0.14, 0.19)),
        'electric kettle': (rng.uniform(0.055, 0.066), rng.uniform(0.15, 0.19)),
    }[kind]
    shapes = {
        'kettle': ('bellied', 'tapered', 'straight'),
        'coffee pot': ('tapered', 'bellied', 'flared'),
        'electric kettle': ('tapered', 'straight'),
    }[kind]
    return _KettleStyle(
        kind,
        str(rng.choice(shapes)),
        radius,
        height,
        rng.uniform(0.66, 0.82),
        kind == 'kettle' and rng.random() < 0.65,
        str(rng.choice(_HANDLES)),
        rng.uniform(0.034, 0.044),
        rng.uniform(0.0065, 0.009),
        body,
        trim,
        PartFinish(contrasting_colour(rng, trim.colour)),
        PartFinish(colour if rng.random() < 0.6 else trim.colour),
        rng.uniform(0.006, 0.02),
        int(rng.integers(1, 5)),
        str(rng.choice(KNOB_SHAPES)),
        rng.uniform(0.011, 0.016),
        rng.uniform(0.018, 0.028),
        rng.uniform(0.3, 0.55) if kind != 'electric kettle' else 0.72,
    )


def _kettle(rng: np.random.Generator, style: _KettleStyle, azimuth: float) -> TabletopObject:
    """Build one kettle, of which either the handle or the lid can be operated."""
    body = round_body(style.body, style.shape, style.radius, style.height, style.narrow)
    electric = style.kind == 'electric kettle'
    base = _BASE if electric else 0.0
    levels = (style.spout_low * style.height, rng.uniform(0.88, 1.0) * style.height)
    reach = 0.012 if electric else rng.uniform(0.02, 0.04)
    pouring = spout(body, style.body.plain, levels, reach)
    placed = at(0, base, 0) @ spin(_UPRIGHT_AXIS, azimuth)
    inside = mouth(body, _INSIDE)
    solids = [solid.moved(placed) for solid in (*body.solids, inside, *pouring)]
    plate = lid_plate(style.lid, 0.94 * body.top_radius, style.lid_height, style.steps)
    knob = make_knob(style.trim, style.mark, style.knob, style.knob_radius, style.knob_height)
    seat = stand_on(base + body.height + style.lid_height)
    knob = twisted(knob, rng.uniform(-2.4, 2.4))
    fixed = [drum(style.trim, 1.08 * style.radius, 0, base)] if electric else []
    if rng.random() < 0.5:
        handle, outward = _handle(rng, style, body, azimuth)
        solids += [solid.moved(seat) for solid in (*plate, *knob.solids)]
        handle = handle.moved(at(0, base, 0))
        element = handle_element(f'{style.kind} handle', rng, solids, handle, outward)
        return TabletopObject((element,), tuple(fixed))
    handle, _ = _handle(rng, style, body, azimuth, folded=True)
    fixed += [*solids, *handle.moved(at(0, base, 0)).solids]
    return TabletopObject((lid_element('lid knob', rng, seat, plate, knob),), tuple(fixed))


def _handle(
    rng: np.random.Generator,
    style: _KettleStyle,
    body: Body,
    azimuth: float,
    *,
    folded: bool = False,
) -> tuple[VesselHandle, np.ndarray]:
    """Build a handle over the kettle (folded back if the lid is to come off) or at its side.

    Returns:
        the handle, and the direction [3] from which the hand comes.
    """
    if style.arch:
        low = 0.8 * style.height
        half = body.radius(low) - 0.004
        top = style.height + style.lid_height + style.knob_height + rng.uniform(0.036, 0.052)
        handle = arch_handle(style.trim, half, low, top, style.thickness)
        if folded:
            hinge = spin((1, 0, 0), -math.radians(rng.uniform(65, 85)))
            handle = handle.moved(at(0, low, 0) @ hinge @ at(0, -low, 0))
        turn_by = azimuth - math.copysign(math.pi / 2, azimuth)
        rise = math.radians(rng.uniform(35, 80))
        outward = np.array([0, math.sin(rise), math.cos(rise)])
        around = spin(_UPRIGHT_AXIS, turn_by)
        return handle.moved(around), around.direct(outward)
    low = 0.25 if style.kind != 'kettle' else 0.18
    levels = (low * style.height, rng.uniform(0.84, 0.93) * style.height)
    handle = ring_handle(body, style.trim, style.handle, style.reach, levels, style.thickness)
    toward = azimuth * rng.uniform(0.0, 0.6)
    outward = np.array([math.sin(toward), 0, math.cos(toward)])
    return handle.moved(spin(tuple(UP), azimuth)), outward


_SHARES = {'mug': 0.5, 'cup': 0.25, 'jug': 0.25}


@dataclass(frozen=True)
class _MugStyle:
    """Common looks of several vessels: metres; `low` and `high` of the handle as shares."""

    kind: str
    shape: str
    radius: float
    height: float
    narrow: float
    handle: str
    reach: float
    low: float
    high: float
    thickness: float
    body: PartFinish
    trim: PartFinish
    inside: PartFinish
    band: PartFinish | None
    saucer: bool


def mugs(rng: np.random.Generator) -> Fixture:
    """Draw 2 to 6 vessels in one or two rows, most of them with a look-alike."""
    count = int(rng.integers(2, 7))
    styles = [_mug_style(rng) for _ in range(int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])))]
    rows = 2 if count > 4 or (count > 2 and rng.random() < 0.35) else 1
    aside = _azimuth(rng)
    tidy = rng.random() < 0.5
    colourful = rng.random() < 0.3
    items = []
    for _ in range(count):
        style = styles[int(rng.integers(len(styles)))]
        body = PartFinish(panel_colour(rng)) if colourful else style.body
        azimuth = aside + rng.uniform(-0.1, 0.1) if tidy else _azimuth(rng)
        items.append(_mug(rng, style, body, azimuth))
    front, back = place_rows(rng, items, rows, (0.025, 0.07), (0.05, 0.11))
    elevation = rng.uniform(27, 35) if rows == 2 else rng.uniform(20, 32)
    return set_table(rng, 'mugs', [*front, *back], elevation)


def _azimuth(rng: np.random.Generator) -> float:
    """Draw a handle's direction, sideways or towards the user, in radians to the user's right."""
    return float(rng.choice([-1, 1]) * math.radians(rng.triangular(5, 75, 100)))


def _mug_style(rng: np.random.Generator) -> _MugStyle:
    kind = str(rng.choice(list(_SHARES), p=list(_SHARES.values())))
    colour = panel_colour(rng)
    body = drawn_body(rng, colour, 0.25)
    trim = colour if rng.random() < 0.5 else element_colour(rng, colour)
    radius, height = {
        'mug': (rng.uniform(0.036, 0.047), rng.uniform(0.08, 0.115)),
        'cup': (rng.uniform(0.038, 0.05), rng.uniform(0.055, 0.07)),
        'jug': (rng.uniform(0.045, 0.06), rng.uniform(0.13, 0.18)),
    }[kind]
    shapes, shares = {
        'mug': (('straight', 'tapered', 'flared', 'bellied'), (0.45, 0.15, 0.2, 0.2)),
        'cup': (('straight', 'flared', 'bellied'), (0.15, 0.6, 0.25)),
        'jug': (('tapered', 'bellied', 'straight'), (0.4, 0.4, 0.2)),
    }[kind]
    low, high = {'mug': (0.17, 0.86), 'cup': (0.2, 0.9), 'jug': (0.3, 0.9)}[kind]
    inside = contrasting_colour(rng, colour) if rng.random() < 0.5 else (0.16, 0.09, 0.05)
    band = PartFinish(element_colour(rng, colour)) if rng.random() < 0.35 else None
    return _MugStyle(
        kind,
        str(rng.choice(shapes, p=shares)),
        radius,
        height,
        rng.uniform(0.68, 0.86),
        str(rng.choice(_HANDLES)),
        rng.uniform(0.024, 0.032) + 0.008 * (kind == 'jug'),
        low + rng.uniform(-0.04, 0.06),
        high + rng.uniform(-0.08, 0.03),
        rng.uniform(0.0045, 0.0065) + 0.002 * (kind == 'jug'),
        body,
        PartFinish(trim),
        PartFinish(inside),
        band,
        kind == 'cup' and rng.random() < 0.6,
    )


def _mug(
    rng: np.random.Generator, style: _MugStyle, finish: PartFinish, azimuth: float
) -> TabletopObject:
    """Build one vessel whose handle points `azimuth` radians to the right of the user."""
    body = round_body(finish, style.shape, style.radius, style.height, style.narrow)
    trim = (finish if style.trim.colour == style.body.colour else style.trim).plain
    levels = (style.low * style.height, style.high * style.height)
    handle = ring_handle(body, trim, style.handle, style.reach, levels, style.thickness)
    solids = [*body.solids, mouth(body, style.inside), *_band(style, body)]
    if style.kind == 'jug':
        # its lip is opposite to its handle
        size = (0.3 * body.top_radius, 0.09 * body.height, 0.3 * body.top_radius)
        lip = at(0, 0.93 * body.height, -0.95 * body.top_radius)
        solids.append(Solid(SolidShape.ELLIPSOID, size, finish.colour, lip))
    turn = spin(_UPRIGHT_AXIS, azimuth)
    raised = at(0, 0.009 if style.saucer else 0.0, 0)
    moved: VesselHandle = handle.moved(raised @ turn)
    # a hand comes more often from in front than from the side
    toward = azimuth * rng.uniform(0.0, 0.6)
    outward = np.array([math.sin(toward), 0, math.cos(toward)])
    solids = [solid.moved(raised) for solid in spun(solids, azimuth, _UPRIGHT_AXIS)]
    element = handle_element(f'{style.kind} handle', rng, solids, moved, outward)
    wide = 1.5 * style.radius
    saucer = (drum(finish.plain, 0.6 * wide, 0, 0.004), drum(finish.plain, wide, 0.004, 0.009))
    return TabletopObject((element,), saucer if style.saucer else ())


def _band(style: _MugStyle, body: Body) -> list[Solid]:
    """Build a ring of another colour around a body."""
    if style.band is None or style.shape == 'bellied':
        return []
    level = 0.55 * style.height
    return [drum(style.band, body.radius(level) + 0.0025, level, 1.35 * level)]
