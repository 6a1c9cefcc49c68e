# SPDX-License-Identifier: Apache-2.0
"""Pots and pans, to be lifted by a handle or opened."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.element import Element
from afformer_sim.bodies.pose import Pose, turned
from afformer_sim.bodies.solid import Solid
from afformer_sim.families.parts.tabletop_elements import (
    handle_element,
    lid_element,
    stand_on,
)
from afformer_sim.families.parts.vessel_handles import (
    VesselHandle,
)
from afformer_sim.families.parts.vessels import (
    KNOB_SHAPES,
    Body,
    PartFinish,
    drum,
    lid_plate,
    make_knob,
    mouth,
    rod,
    round_body,
)
from afformer_sim.families.tabletop import TabletopObject
from afformer_sim.textures.colours import contrasting_colour, element_colour, panel_colour


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
    shine = rng.uniform(0.2, 1)
    trim = PartFinish(element_colour(rng, colour), None, rng.uniform(0, 0.6))
    red, green, blue = (0.4 * part for part in colour)
    inside = PartFinish((red, green, blue), None, shine)
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
        body=PartFinish(colour, None, shine),
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
    knob = knob.turned(rng.uniform(-2.4, 2.4))
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
    along = (points[2] - points[1]) / np.linalg.norm(points[2] - points[1])
    length = float(np.linalg.norm(points[2] - points[1]))
    middle = (points[1] + points[2]) / 2
    handle = VesselHandle(solids, middle, along, length, 1.15 * style.thickness)
    handle = handle.moved(Pose(np.zeros(3), turned((0, 1, 0), azimuth)))
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
    return handle.moved(Pose(np.zeros(3), turned((0, 1, 0), azimuth)))


def _lifted(
    kind: str,
    solids: Sequence[Solid],
    handle: VesselHandle,
    azimuth: float,
    rng: np.random.Generator,
) -> Element:
    """Build an element with a handle that points `azimuth` radians to the user's right."""
    tilt = math.radians(rng.uniform(35, 75))
    outward = np.array(
        [
            math.cos(tilt) * math.sin(azimuth),
            math.sin(tilt),
            math.cos(tilt) * math.cos(azimuth),
        ]
    )
    outward = outward - (outward @ handle.along) * handle.along
    return handle_element(kind, rng, solids, handle, outward)
