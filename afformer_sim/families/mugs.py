# SPDX-License-Identifier: Apache-2.0
"""Family `mugs`: mugs, cups and jugs on a table, to be lifted by their handles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.pose import at, spin
from afformer_sim.bodies.solid import Solid, SolidShape
from afformer_sim.families.parts.vessels import (
    Body,
    PartFinish,
    VesselHandle,
    drawn_body,
    drum,
    handle_element,
    mouth,
    ring_handle,
    round_body,
    spun,
)
from afformer_sim.families.tabletop import TabletopObject, place_rows, set_table
from afformer_sim.textures.colours import contrasting_colour, element_colour, panel_colour

_UPRIGHT_AXIS = (0.0, 1.0, 0.0)
_HANDLES = ('square', 'round', 'ear', 'flat')
_SHARES = {'mug': 0.5, 'cup': 0.25, 'jug': 0.25}


@dataclass(frozen=True)
class _Style:
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


def generate(rng: np.random.Generator) -> Fixture:
    """Draw 2 to 6 vessels in one or two rows, most of them with a look-alike."""
    count = int(rng.integers(2, 7))
    styles = [_style(rng) for _ in range(int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])))]
    rows = 2 if count > 4 or (count > 2 and rng.random() < 0.35) else 1
    aside = _azimuth(rng)
    tidy = rng.random() < 0.5
    colourful = rng.random() < 0.3
    items = []
    for _ in range(count):
        style = styles[int(rng.integers(len(styles)))]
        body = PartFinish(panel_colour(rng)) if colourful else style.body
        azimuth = aside + rng.uniform(-0.1, 0.1) if tidy else _azimuth(rng)
        items.append(_vessel(rng, style, body, azimuth))
    front, back = place_rows(rng, items, rows, (0.025, 0.07), (0.05, 0.11))
    elevation = rng.uniform(27, 35) if rows == 2 else rng.uniform(20, 32)
    return set_table(rng, 'mugs', [*front, *back], elevation)


def _azimuth(rng: np.random.Generator) -> float:
    """Draw a handle's direction, sideways or towards the user, in radians to the user's right."""
    return float(rng.choice([-1, 1]) * math.radians(rng.triangular(5, 75, 100)))


def _style(rng: np.random.Generator) -> _Style:
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
    return _Style(
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


def _vessel(
    rng: np.random.Generator, style: _Style, finish: PartFinish, azimuth: float
) -> TabletopObject:
    """Build one vessel whose handle points `azimuth` radians to the right of the user."""
    body = round_body(finish, style.shape, style.radius, style.height, style.narrow)
    trim = (finish if style.trim.colour == style.body.colour else style.trim).plain
    levels = (style.low * style.height, style.high * style.height)
    handle = ring_handle(body, trim, style.handle, style.reach, levels, style.thickness)
    solids = [*body.solids, mouth(body, style.inside), *_band(style, body)]
    if style.kind == 'jug':
        solids.append(_lip(body, finish))
    turn = spin(_UPRIGHT_AXIS, azimuth)
    raised = at(0, 0.009 if style.saucer else 0.0, 0)
    moved: VesselHandle = handle.moved(raised @ turn)
    # a hand comes more often from in front than from the side
    toward = azimuth * rng.uniform(0.0, 0.6)
    outward = np.array([math.sin(toward), 0, math.cos(toward)])
    solids = [solid.moved(raised) for solid in spun(solids, azimuth, _UPRIGHT_AXIS)]
    element = handle_element(f'{style.kind} handle', rng, solids, moved, outward)
    return TabletopObject((element,), _saucer(style, finish) if style.saucer else ())


def _band(style: _Style, body: Body) -> list[Solid]:
    """Build a ring of another colour around a body."""
    if style.band is None or style.shape == 'bellied':
        return []
    level = 0.55 * style.height
    return [drum(style.band, body.radius(level) + 0.0025, level, 1.35 * level)]


def _lip(body: Body, finish: PartFinish) -> Solid:
    """Build the lip of a jug, opposite to its handle."""
    size = (0.3 * body.top_radius, 0.09 * body.height, 0.3 * body.top_radius)
    pose = at(0, 0.93 * body.height, -0.95 * body.top_radius)
    return Solid(SolidShape.ELLIPSOID, size, finish.colour, pose)


def _saucer(style: _Style, finish: PartFinish) -> tuple[Solid, ...]:
    radius = 1.5 * style.radius
    return (drum(finish.plain, 0.6 * radius, 0, 0.004), drum(finish.plain, radius, 0.004, 0.009))
