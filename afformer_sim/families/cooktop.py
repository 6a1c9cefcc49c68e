# SPDX-License-Identifier: Apache-2.0
"""Family `cooktop`: a stove with knobs on its sloping front, and pots and pans on it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.element import Element
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Pose, Solid, at, facing, spin
from afformer_sim.families.carpentry import contrasting_colour, element_colour, panel_colour
from afformer_sim.families.tabletop import TabletopObject, bounds, overlap, set_table
from afformer_sim.families.vessels import (
    KNOB_SHAPES,
    Body,
    PartFinish,
    VesselHandle,
    block,
    drawn_finish,
    drum,
    handle_element,
    lid_element,
    lid_plate,
    make_knob,
    mouth,
    press,
    rest,
    rod,
    round_body,
    slat,
    stand_on,
    turn,
    twisted,
)


@dataclass(frozen=True, kw_only=True)
class Cookware:
    """Common looks of several pots or pans; extents in metres.

    Attributes:
        pan: True for a pan with one long handle and no lid, False for a pot with two short handles
            and a lid.
        radius, height: size of the body.
        narrow: bottom radius of a pan as a share of its rim's.
        thickness: half the thickness of the handles.
        reach: length by which a pot's handles stand out.
        lid_height, steps: shape of the lid.
        knob, knob_radius, knob_height: shape of the lid's knob.
        body, trim, mark, inside: materials.
    """

    pan: bool
    radius: float
    height: float
    narrow: float
    thickness: float
    reach: float
    lid_height: float
    steps: int
    knob: str
    knob_radius: float
    knob_height: float
    body: PartFinish
    trim: PartFinish
    mark: PartFinish
    inside: PartFinish


def sample_cookware(rng: np.random.Generator) -> Cookware:
    """Draw the looks of pots or pans."""
    pan = bool(rng.random() < 0.4)
    colour = panel_colour(rng)
    body = drawn_finish(colour, None, rng)
    trim = drawn_finish(element_colour(rng, colour), None, rng)
    red, green, blue = (0.4 * part for part in colour)
    inside = PartFinish((red, green, blue))
    return Cookware(
        pan=pan,
        radius=rng.uniform(0.062, 0.08),
        height=rng.uniform(0.03, 0.045) if pan else rng.uniform(0.05, 0.1),
        narrow=rng.uniform(0.78, 0.9),
        thickness=rng.uniform(0.0065, 0.0085),
        reach=rng.uniform(0.028, 0.036),
        lid_height=rng.uniform(0.006, 0.018),
        steps=int(rng.integers(1, 5)),
        knob=str(rng.choice(KNOB_SHAPES)),
        knob_radius=rng.uniform(0.012, 0.017),
        knob_height=rng.uniform(0.018, 0.026),
        body=body,
        trim=trim,
        mark=PartFinish(contrasting_colour(rng, trim.colour)),
        inside=inside,
    )


def make_cookware(style: Cookware, rng: np.random.Generator) -> TabletopObject:
    """Build a pan with its handle, or a pot of which a handle or the lid can be operated."""
    if style.pan:
        return _pan(style, rng)
    body = round_body(style.body, 'straight', style.radius, style.height)
    rim = drum(style.body, style.radius + 0.0025, style.height - 0.006, style.height - 0.0005)
    azimuth = math.radians(rng.uniform(42, 85)) * float(rng.choice([-1, 1]))
    taken, other = (_side_handle(style, body, angle) for angle in (azimuth, azimuth + math.pi))
    plate = lid_plate(style.body, 0.97 * style.radius, style.lid_height, style.steps)
    knob = make_knob(style.trim, style.mark, style.knob, style.knob_radius, style.knob_height)
    knob = twisted(knob, rng.uniform(-2.4, 2.4))
    seat = stand_on(style.height + style.lid_height)
    solids = (*body.solids, rim, mouth(body, style.inside, 0.94), *other.solids)
    if rng.random() < 0.5:
        lid = lid_element('pot lid knob', rng, seat, plate, knob)
        return TabletopObject((lid,), (*solids, *taken.solids))
    cover = [solid.moved(seat) for solid in (*plate, *knob.solids)]
    return TabletopObject((_lifted('pot handle', (*solids, *cover), taken, azimuth, rng),))


def _pan(style: Cookware, rng: np.random.Generator) -> TabletopObject:
    body = round_body(style.body, 'flared', style.radius, style.height, style.narrow)
    azimuth = math.radians(rng.uniform(58, 100)) * float(rng.choice([-1, 1]))
    start, level = style.radius - 0.004, 0.75 * style.height
    neck, end = start + 0.03, start + rng.uniform(0.12, 0.15)
    rise = 0.12 * (end - start)
    points = [
        np.array([0, level + share * rise, distance])
        for share, distance in ((0.0, start), (0.25, neck), (1.0, end))
    ]
    solids = (
        rod(style.body, points[0], points[1], 0.7 * style.thickness),
        rod(style.trim, points[1], points[2], 1.15 * style.thickness),
    )
    length = float(np.linalg.norm(points[2] - points[1]))
    along, middle = (points[2] - points[1]) / length, (points[1] + points[2]) / 2
    handle = VesselHandle(solids, middle, along, length, 1.15 * style.thickness)
    handle = handle.moved(spin((0, 1, 0), azimuth))
    inside = mouth(body, style.inside, 0.93)
    return TabletopObject((_lifted('pan handle', (*body.solids, inside), handle, azimuth, rng),))


def _side_handle(style: Cookware, body: Body, azimuth: float) -> VesselHandle:
    """Build a level loop that stands out from a pot's side."""
    radius, half = body.radius(0.8 * style.height), 0.034
    line = [(half, radius - 0.008), (0.75 * half, radius + style.reach)]
    line += [(-x, z) for x, z in reversed(line)]
    points = [np.array([x, 0.8 * style.height, z]) for x, z in line]
    pairs = list(itertools.pairwise(points))
    solids = tuple(rod(style.trim, *pair, style.thickness) for pair in pairs)
    middle = (points[1] + points[2]) / 2
    handle = VesselHandle(solids, middle, np.array([1.0, 0, 0]), 1.5 * half, style.thickness)
    return handle.moved(spin((0, 1, 0), azimuth))


def _lifted(
    kind: str,
    solids: Sequence[Solid],
    handle: VesselHandle,
    azimuth: float,
    rng: np.random.Generator,
) -> Element:
    """Build an element with a handle that points `azimuth` radians to the user's right."""
    tilt = math.radians(rng.uniform(35, 75))
    level, rise = math.cos(tilt), math.sin(tilt)
    outward = np.array([level * math.sin(azimuth), rise, level * math.cos(azimuth)])
    outward = outward - (outward @ handle.along) * handle.along
    return handle_element(kind, rng, solids, handle, outward)


_TRIES = 20
_DARK = PartFinish((0.05, 0.05, 0.06))
_SHAFT = PartFinish((0.6, 0.6, 0.62))
# Behind the sloping front; a knob's shaft ends inside it.
_PLATE = 0.008


@dataclass(frozen=True, kw_only=True)
class _Stove:
    """Stove around x = 0; its hob ends at z = 0, where the slope begins. Metres, radians.

    Attributes:
        columns, rows: numbers of burners.
        pitch: distance between burners.
        height: height of the hob.
        slope: distance from the hob to the lower edge of the front.
        steepness: angle of the front below the horizontal.
        burner: `gas`, `plate` or `glass`.
        rise: height of cookware above the hob.
        body, trim: materials.
    """

    columns: int
    rows: int
    pitch: float
    height: float
    slope: float
    steepness: float
    burner: str
    rise: float
    body: PartFinish
    trim: PartFinish

    @property
    def width(self) -> float:
        """Width of the hob."""
        return self.columns * self.pitch + 0.03

    @property
    def depth(self) -> float:
        """Depth of the hob."""
        return self.rows * self.pitch + 0.02

    def burners(self) -> list[np.ndarray]:
        """Return the positions of cookware, [3] each, front row first."""
        xs = [(column - (self.columns - 1) / 2) * self.pitch for column in range(self.columns)]
        zs = [-0.01 - (row + 0.5) * self.pitch for row in range(self.rows)]
        return [np.array([x, self.height + self.rise, z]) for z in zs for x in xs]

    def front(self) -> Pose:
        """Return the frame of the sloping front's middle: z out of it, y up along it."""
        down = np.array([0, -math.sin(self.steepness), math.cos(self.steepness)])
        outward = np.array([0, math.cos(self.steepness), math.sin(self.steepness)])
        middle = np.array([0, self.height, 0]) + 0.5 * self.slope * down
        return Pose(middle, facing(outward, -down))


def generate(rng: np.random.Generator) -> Fixture:
    """Draw a stove with 2 to 6 knobs that look alike, and 1 to 3 pots and pans."""
    stove = _sample_stove(rng)
    base = TabletopObject(_knobs(rng, stove), _casing(stove))
    styles = [sample_cookware(rng) for _ in range(1 if rng.random() < 0.5 else 2)]
    poses = stove.burners()
    chosen = rng.permutation(len(poses))[: int(rng.integers(1, 4))]
    cooking: list[TabletopObject] = []
    for number in sorted(int(i) for i in chosen):
        for _ in range(_TRIES):
            item = make_cookware(styles[int(rng.integers(len(styles)))], rng)
            placed = item.moved(at(*poses[number]))
            # a handle must not hide the knobs
            clear = bounds([placed])[1][2] < -0.005
            if clear and not any(overlap(placed, other, 0.02) for other in cooking):
                cooking.append(placed)
                break
    low, high = bounds([base, *cooking])
    centre = at(-(low[0] + high[0]) / 2, 0, -high[2])
    items = [item.moved(centre) for item in (base, *cooking)]
    return set_table(rng, 'cooktop', items, rng.uniform(27, 35))


def _sample_stove(rng: np.random.Generator) -> _Stove:
    columns, rows = ((2, 1), (3, 1), (2, 2))[int(rng.choice(3, p=[0.35, 0.2, 0.45]))]
    colour = panel_colour(rng)
    burner = str(rng.choice(['gas', 'plate', 'glass']))
    slope = rng.uniform(0.065, 0.09)
    steepness = math.radians(rng.uniform(40, 75))
    return _Stove(
        columns=columns,
        rows=rows,
        pitch=rng.uniform(0.19, 0.22),
        height=slope * math.sin(steepness) + rng.uniform(0.01, 0.06),
        slope=slope,
        steepness=steepness,
        burner=burner,
        rise={'gas': rng.uniform(0.014, 0.022), 'plate': 0.007, 'glass': 0.0025}[burner],
        body=drawn_finish(colour, None, rng),
        trim=drawn_finish(element_colour(rng, colour), None, rng),
    )


def _casing(stove: _Stove) -> tuple[Solid, ...]:
    """Build the hob, the sloping front, the body below them, and the burners."""
    half, front = stove.width / 2, stove.front()
    run = stove.slope * math.cos(stove.steepness)
    edge = stove.height - stove.slope * math.sin(stove.steepness)
    high, deep = stove.height / 2, stove.depth / 2
    solids = [
        block(stove.body, (half, high, deep), (0, high, -deep)),
        # fills the wedge below the slope in steps that the plate hides
        block(stove.body, (half, edge / 2, run / 2), (0, edge / 2, run / 2)),
    ]
    plate = (half, stove.slope / 2, _PLATE / 2)
    solids.append(block(stove.body, plate, (0, 0, -_PLATE / 2)).moved(front))
    steps = 6
    for i in range(steps):
        top = edge + (stove.height - edge) * (1 - (i + 1) / steps)
        if top > edge + 0.002:
            z = run * (i + 0.5) / steps
            solids.append(block(stove.body, (half, top / 2, run / steps / 2), (0, top / 2, z)))
    if stove.burner == 'glass':
        size = (half - 0.012, 0.001, deep - 0.012)
        solids.append(block(_DARK, size, (0, stove.height + 0.001, -deep)))
    for pose in stove.burners():
        solids += [solid.moved(at(pose[0], stove.height, pose[2])) for solid in _burner(stove)]
    return tuple(solids)


def _burner(stove: _Stove) -> list[Solid]:
    """Build one burner around the origin, on the hob."""
    radius = 0.4 * stove.pitch
    if stove.burner == 'glass':
        ring = PartFinish((0.35, 0.33, 0.33))
        inner = drum(_DARK, 0.9 * radius, 0.001, 0.0024)
        return [drum(ring, 0.94 * radius, 0.001, 0.0022), inner]
    if stove.burner == 'plate':
        rim = PartFinish((0.6, 0.6, 0.62))
        return [drum(rim, 0.95 * radius, 0, 0.003), drum(_DARK, 0.86 * radius, 0, stove.rise)]
    level = stove.rise - 0.004
    solids = [
        drum(stove.body, 0.5 * radius, 0, 0.004),
        drum(_DARK, 0.34 * radius, 0, 0.6 * stove.rise),
    ]
    half = (0.004, 0.004)
    for i in range(4):
        angle = math.pi * i / 2 + math.pi / 4
        toward = radius * np.array([math.cos(angle), 0, math.sin(angle)])
        top = np.array([0, level, 0])
        solids.append(slat(_DARK, 0.25 * toward + top, toward + top, half))
        solids.append(slat(_DARK, toward + [0, 0.004, 0], toward + top, half))
    return solids


def _knobs(rng: np.random.Generator, stove: _Stove) -> tuple[Element, ...]:
    """Build a row of knobs on the sloping front that turn, and move in and out on a shaft."""
    count = int(rng.integers(2, 7))
    radius = min(rng.uniform(0.016, 0.023), 0.26 * stove.slope)
    height = rng.uniform(0.018, 0.026)
    shape = str(rng.choice(['drum', 'mushroom', 'bar']))
    mark = PartFinish(contrasting_colour(rng, stove.trim.colour))
    spread = rng.uniform(0.6, 0.82) * stove.width
    pitch = min(spread / max(count - 1, 1), rng.uniform(0.07, 0.2))
    front = stove.front()
    knobs = []
    for i in range(count):
        shift = at((i - (count - 1) / 2) * pitch, 0, 0)
        knob = make_knob(stove.trim, mark, shape, radius, height)
        angle = rng.uniform(-0.5, 0.5) if rng.random() < 0.5 else 0.0
        thick = 0.35 * (0.9 * radius if shape == 'bar' else radius)
        knob = twisted(knob, angle)
        stroke = rng.uniform(0.026, 0.034)
        shaft = drum(_SHAFT, thick, -stroke, 0, 'z')
        pressing = press(knob.grips, (0.0, 0.12 * stroke), (0.78 * stroke, stroke))
        uses = (turn(rng, knob.grips[:1]), *pressing, *rest(knob.grips))
        knobs.append(knob.element('stove knob', front @ shift, (shaft,), uses))
    return tuple(knobs)
