# SPDX-License-Identifier: Apache-2.0
"""Family `jars`: jars, bottles and canisters in rows, to be opened."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Solid
from afformer_sim.families.parts.vessels import (
    PartFinish,
    block,
    carry,
    drawn_body,
    drawn_finish,
    drum,
    pinched_from_above,
    rest,
    round_body,
    slope,
    spun,
    stand_on,
    turn,
    twisted,
)
from afformer_sim.families.tabletop import TabletopObject, place_rows, set_table
from afformer_sim.textures.colours import contrasting_colour, element_colour, panel_colour

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


def generate(rng: np.random.Generator) -> Fixture:
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
