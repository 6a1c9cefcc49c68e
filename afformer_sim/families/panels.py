# SPDX-License-Identifier: Apache-2.0
"""Families `control_panel`, `keypad` and `dense_keypad`: boxes with operated fronts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from afformer_sim.bodies.element import Element, Fingertip, Front, Grip, Hook, Pinch, Use
from afformer_sim.bodies.fixture import Fixture, Label, Panel
from afformer_sim.bodies.solid import Colour, Pose, Solid, SolidShape, at, ring, spin, turned
from afformer_sim.families.carpentry import (
    ABOUT,
    OUT,
    FrontCell,
    box,
    contrasting_colour,
    element_colour,
    panel_colour,
    turning_use,
)

_SMALLEST_CELL = 0.03

_Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class PanelLayout:
    """Areas on a panel of `width` x `height` metres around the origin.

    Attributes:
        width, height: size of the panel.
        cells: one cell for each element; no two overlap.
        display: (x, y, width, height) of a display, or None.
    """

    width: float
    height: float
    cells: tuple[FrontCell, ...]
    display: _Rectangle | None

    @property
    def smallest(self) -> float:
        """Shortest side of all cells, metres."""
        return min(min(cell.width, cell.height) for cell in self.cells)


def lay_out(
    rng: np.random.Generator, count: int, pitch: tuple[float, float] = (0.048, 0.075)
) -> PanelLayout:
    """Lay out `count` cells in one to five blocks.

    Args:
        count: number of cells.
        pitch: lowest and highest average distance between neighbours, in metres.
    """
    while True:
        area = count * rng.uniform(*pitch) ** 2 * rng.uniform(1.05, 1.5)
        aspect = math.exp(rng.uniform(math.log(0.65), math.log(2.2)))
        width, height = math.sqrt(area * aspect), math.sqrt(area / aspect)
        margin = rng.uniform(0.005, 0.02)
        blocks, display = _split_panel(rng, width, height)
        cells = _fill_blocks(rng, blocks, count)
        if cells and min(min(cell.width, cell.height) for cell in cells) >= _SMALLEST_CELL:
            return PanelLayout(width + 2 * margin, height + 2 * margin, tuple(cells), display)


def _split_panel(
    rng: np.random.Generator, width: float, height: float
) -> tuple[list[_Rectangle], _Rectangle | None]:
    """Draw one to five rectangles (x0, y0, width, height) and, sometimes, one for a display."""
    blocks = [(-width / 2, -height / 2, width, height)]
    for _ in range(int(rng.choice([0, 1, 2, 3, 4], p=[0.25, 0.25, 0.25, 0.15, 0.1]))):
        largest = max(range(len(blocks)), key=lambda i: blocks[i][2] * blocks[i][3])
        x, y, w, h = blocks.pop(largest)
        part = rng.uniform(0.33, 0.67)
        if rng.random() < w / (w + h):
            blocks += [(x, y, w * part, h), (x + w * part, y, w * (1 - part), h)]
        else:
            blocks += [(x, y, w, h * part), (x, y + h * part, w, h * (1 - part))]
    if len(blocks) < 2 or rng.random() < 0.5:
        return blocks, None
    x, y, w, h = blocks.pop(min(range(len(blocks)), key=lambda i: blocks[i][2] * blocks[i][3]))
    return blocks, (x + w / 2, y + h / 2, 0.8 * w, 0.6 * h)


def _fill_blocks(
    rng: np.random.Generator, blocks: list[_Rectangle], count: int
) -> list[FrontCell]:
    """Lay out `count` cells in grids over the blocks; return none if they do not fit."""
    if count < len(blocks):
        return []
    areas = np.array([w * h for _, _, w, h in blocks])
    shares = rng.dirichlet(8 * areas / areas.sum() * len(blocks))
    counts = np.maximum(1, np.round(shares * count).astype(int))
    while counts.sum() != count:
        step = int(np.sign(count - counts.sum()))
        counts[int(np.argmax(counts) if step < 0 else np.argmin(counts / areas))] += step
        if counts.min() < 1:
            return []
    cells: list[FrontCell] = []
    for block, (rectangle, number) in enumerate(zip(blocks, counts, strict=True)):
        cells += _grid(rng, rectangle, int(number), block)
    return cells


def _grid(rng: np.random.Generator, where: _Rectangle, count: int, block: int) -> list[FrontCell]:
    x, y, width, height = where
    rows = max(1, round(math.sqrt(count * height / width) * rng.uniform(0.75, 1.3)))
    rows = min(rows, count)
    columns = math.ceil(count / rows)
    rows = math.ceil(count / columns)
    slots = [(r, float(c)) for r in range(rows) for c in range(columns)]
    missing = len(slots) - count
    if rng.random() < 0.5:
        for index in sorted(rng.permutation(len(slots))[:missing], reverse=True):
            slots.pop(int(index))
    elif missing:
        # a short last row, centred
        slots = slots[:count]
        last = [slot for slot in slots if slot[0] == rows - 1]
        shift = (columns - len(last)) / 2
        slots = [(r, c + shift * (r == rows - 1)) for r, c in slots]
    w, h = width / columns, height / rows
    shrink = 1.0 if rng.random() < 0.6 else rng.uniform(0.75, 0.95)
    jitter = 0.0 if rng.random() < 0.6 else (1 - shrink) / 2
    cells = []
    for row, column in slots:
        right, down = rng.uniform(-jitter, jitter, 2)
        across = x + width / 2 + (column + 0.5 - columns / 2 + right) * w
        up = y + height / 2 - (row + 0.5 - rows / 2 - down) * h
        cells.append(FrontCell(across, up, shrink * w, shrink * h, block))
    return cells


_SIDEWAYS = turned((0, 0, 1), -math.pi / 2)
_DRAWER_DEPTH = 0.05


@dataclass(frozen=True, kw_only=True)
class ElementFinish:
    """Shape, size and colours of an element, or of all elements of a block.

    Attributes:
        shape: `round` or `square` (buttons), `disc` or `bar` (knobs), `drawer` or `bar` (handles).
        depth: height above the panel, metres.
        colour, accent: colours of the element, and of its marker, symbol or bar.
        width, height: extent in metres.
        bezel: True for a flat ring or frame around it on the panel.
        symbol: True for a mark in the accent colour on its front (buttons).
        vertical: True if its bar runs along y, False if along x (handles).
    """

    shape: str
    depth: float
    colour: Colour
    accent: Colour
    width: float = 0.0
    height: float = 0.0
    bezel: bool = False
    symbol: bool = False
    vertical: bool = False


def button(finish: ElementFinish, x: float, y: float, rng: np.random.Generator) -> Element:
    """Build a round or square button at (x, y) metres."""
    wide, high, depth = finish.width / 2, finish.height / 2, finish.depth
    half = depth / 2 + 0.004
    if finish.shape == 'round':
        middle = at(0, 0, depth - half)
        solids = [Solid(SolidShape.CYLINDER, (wide, half), finish.colour, middle)]
        rim = wide * ring()
    else:
        solids = [box((0, 0, depth - half), (wide, high, half), finish.colour)]
        rim = _rectangle(wide, high)
    if finish.symbol:
        mark = (0.2 * finish.width, 0.07 * finish.height, 0.0006)
        solids.append(box((0, 0, depth), mark, finish.accent))
    tip, pressed = (Fingertip(wide, high, depth),), (-0.8 * depth, -0.4 * depth)
    uses = tuple(Use(action, tip, OUT, after=pressed) for action in ('touch', 'hold'))
    front = Front((0, 0, depth), wide, high)
    return Element('button', at(x, y, 0), tuple(solids), _prism(rim, 0.0, depth), front, uses)


def knob(finish: ElementFinish, x: float, y: float, rng: np.random.Generator) -> Element:
    """Build a knob at (x, y) metres that turns, and comes out of the panel on a shaft."""
    radius, depth = finish.width / 2, finish.depth
    marked = spin((0, 0, 1), rng.uniform(-2.4, 2.4))
    marker = (0.13 * radius, 0.38 * radius, 0.0008)
    solids = [box((0, 0.5 * radius, depth), marker, finish.accent)]
    if finish.shape == 'disc':
        solids.append(_upright(radius, 0.15 * depth, 0.15 * depth, finish.colour))
        solids.append(_upright(0.85 * radius, 0.5 * depth, 0.5 * depth, finish.colour))
        top = _prism(0.85 * radius * ring(), depth, depth)
        pinch, reach = Pinch(0.85 * radius, 0.6 * depth, depth), 0.85 * radius
    else:
        solids.append(_upright(radius, 0.25 * depth, 0.25 * depth, finish.colour))
        ridge = (0.28 * radius, 0.95 * radius, 0.5 * depth)
        solids.append(box((0, 0, 0.5 * depth), ridge, finish.colour))
        top = _prism(_rectangle(*ridge[:2]), depth, depth)
        # the ridge, which points anywhere
        pinch, reach = Pinch(radius, 0.4 * depth, depth), 0.4 * radius
    stroke = rng.uniform(0.026, 0.04)
    solids.append(_upright(0.3 * radius, stroke / 2, -stroke / 2, finish.accent))
    uses = (
        turning_use(rng, (pinch,), ABOUT),
        *_drawn_uses((pinch,), (pinch, Fingertip(radius, radius, depth)), stroke, (0.75, 0.12)),
    )
    return Element(
        'knob',
        at(x, y, 0),
        tuple(solid.moved(marked) for solid in solids),
        marked.apply(np.concatenate([_prism(radius * ring(), 0.0, 0.4 * depth), top])),
        Front((0, 0, depth), reach, reach),
        uses,
    )


def handle(finish: ElementFinish, x: float, y: float, rng: np.random.Generator) -> Element:
    """Build a bar on a plate at (x, y) metres that slides out of the panel like a small drawer."""
    wide, high, depth = finish.width / 2, finish.height / 2, finish.depth
    radius = min(0.006, 0.2 * min(finish.width, finish.height))
    level = depth - radius
    length = finish.height if finish.vertical else finish.width
    reach = length / 2 - radius - 0.1 * length * (finish.shape == 'drawer')
    stroke = rng.uniform(0.03, 0.04)
    drawer = max(_DRAWER_DEPTH, stroke + 0.01) / 2
    turn = np.eye(3) if finish.vertical else _SIDEWAYS
    bar = box((0, 0, 0), (radius, reach + radius, radius), finish.accent)
    solids = [
        box((0, 0, 0.0025), (wide, high, 0.0025), finish.colour),
        box((0, 0, -drawer), (0.45 * finish.width, 0.42 * finish.height, drawer), finish.colour),
        bar.moved(Pose(np.array([0, 0, level]), turn)),
    ]
    for side in (-1, 1):
        along = side * 0.9 * reach
        position = (0, along, level / 2) if finish.vertical else (along, 0, level / 2)
        solids.append(box(position, (0.8 * radius, 0.8 * radius, level / 2), finish.accent))
    half = (radius, reach + radius) if finish.vertical else (reach + radius, radius)
    hook = Hook(2 * (reach + radius), radius, level, finish.vertical)
    plate = _prism(_rectangle(wide, high), 0.0, 0.005)
    hull = np.concatenate([plate, _prism(_rectangle(*half), depth - 2 * radius, depth)])
    uses = _drawn_uses((hook,), (hook, Fingertip(*half, depth)), stroke, (0.7, 0.15))
    front = Front((0, 0, depth), *half)
    return Element('handle', at(x, y, 0), tuple(solids), hull, front, uses)


def bezel(element_kind: str, finish: ElementFinish, x: float, y: float) -> Solid:
    """Build the flat ring or frame on the panel around an element."""
    red, green, blue = (0.35 * part + 0.1 for part in finish.colour)
    if element_kind == 'knob' or finish.shape == 'round':
        return _upright(0.55 * finish.width, 0.0015, 0, (red, green, blue)).moved(at(x, y, 0))
    size = (0.5 * finish.width + 0.0015, 0.5 * finish.height + 0.0015, 0.0015)
    return box((x, y, 0), size, (red, green, blue))


def _upright(radius: float, half: float, level: float, colour: Colour) -> Solid:
    return Solid(SolidShape.CYLINDER, (radius, half), colour, at(0, 0, level))


def _drawn_uses(
    held: tuple[Grip, ...], front_grips: tuple[Grip, ...], stroke: float, ends: tuple[float, float]
) -> tuple[Use, ...]:
    """Return the uses of a part that slides out, far or near by shares of a stroke."""
    far, near = (ends[0] * stroke, stroke), (0.0, ends[1] * stroke)
    pull, push = Use('pull', held, OUT, near, far), Use('push', held, OUT, far, near)
    return pull, push, Use('hold', held), Use('touch', front_grips)


def _rectangle(half_width: float, half_height: float) -> np.ndarray:
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [half_width, half_height]


def _prism(outline: np.ndarray, bottom: float, top: float) -> np.ndarray:
    """Return the corners of an upright prism over `outline`, float64 [2 P, 3]."""
    ends = [np.column_stack([outline, np.full(len(outline), z)]) for z in (bottom, top)]
    return np.concatenate(ends)


_BUILD: dict[str, Callable[[ElementFinish, float, float, np.random.Generator], Element]] = {
    'button': button,
    'knob': knob,
    'handle': handle,
}
_SHAPES = {'button': ('round', 'square'), 'knob': ('disc', 'bar'), 'handle': ('drawer', 'bar')}
_DEPTHS = {'button': (0.005, 0.012), 'knob': (0.012, 0.025), 'handle': (0.016, 0.026)}


def control_panel(rng: np.random.Generator) -> Fixture:
    """Draw a panel of 4 to 24 buttons, knobs and handles, alike within a block."""
    count = int(np.clip(round(3.5 + rng.gamma(1.9, 4.0)), 4, 24))
    kinds = {'button': 0.34, 'knob': 0.33, 'handle': 0.33}
    return _build(rng, 'control_panel', lay_out(rng, count), kinds)


def keypad(rng: np.random.Generator) -> Fixture:
    """Draw a panel of 5 to 32 buttons."""
    count = int(np.clip(round(4.5 + rng.gamma(1.9, 5.0)), 5, 32))
    return _build(rng, 'keypad', lay_out(rng, count), {'button': 1.0})


def dense_keypad(rng: np.random.Generator) -> Fixture:
    """Draw a panel of 12 to 30 buttons of one shape, size and colour."""
    layout = lay_out(rng, int(rng.integers(12, 31)), (0.04, 0.055))
    return _build(rng, 'dense_keypad', layout, {'button': 1.0}, alike=True)


def _build(
    rng: np.random.Generator,
    family: str,
    layout: PanelLayout,
    kinds: dict[str, float],
    *,
    alike: bool = False,
) -> Fixture:
    panel = panel_colour(rng)
    wardrobe = _Wardrobe(rng, kinds, panel, layout, alike=alike)
    elements, bezels = [], []
    for cell in layout.cells:
        kind, finish = wardrobe.dress(cell)
        elements.append(_BUILD[kind](finish, cell.x, cell.y, rng))
        if finish.bezel:
            bezels.append(bezel(kind, finish, cell.x, cell.y))
    depth = rng.uniform(0.06, 0.25)
    body = panel if rng.random() < 0.5 else panel_colour(rng)
    half = (layout.width / 2, layout.height / 2, depth / 2)
    surface = int(rng.integers(4)) if rng.random() < 0.3 else None
    case = box((0, 0, -depth / 2 - 0.002), half, body, surface)
    labelled = layout.cells if rng.random() < 0.6 else ()
    return Fixture(
        family,
        tuple(elements),
        (case, *bezels),
        bottom=-layout.height / 2,
        back=-depth - 0.002,
        panel=Panel(
            layout.width,
            layout.height,
            panel,
            rng.uniform(0, 0.8),
            tuple(Label(cell.x, cell.y, 0.7 * cell.height) for cell in labelled),
            layout.display,
        ),
    )


# Kind of the elements of a block, the share of a cell that each fills, and their looks.
_Style = tuple[str, float, ElementFinish]


class _Wardrobe:
    """Styles for the cells of one panel, mostly one for each block, or all alike."""

    def __init__(
        self,
        rng: np.random.Generator,
        kinds: dict[str, float],
        panel: Colour,
        layout: PanelLayout,
        *,
        alike: bool,
    ) -> None:
        self._random, self._kinds, self._panel = rng, kinds, panel
        self._palette: list[_Style] = []
        self._colourful = False
        blocks = sorted({cell.group for cell in layout.cells})
        if alike:
            self._styles = dict.fromkeys(blocks, self._style())
            self._limit = layout.smallest
            self._narrowest = min(cell.width for cell in layout.cells)
            return
        palette = [self._style() for _ in range(3)]
        self._styles = {}
        for block in blocks:
            # many blocks share the style of another block: look-alikes far apart
            reused = rng.random() < 0.4
            self._styles[block] = palette[int(rng.integers(3))] if reused else self._style()
        if rng.random() < (0.6 if len(self._styles) == 1 else 0.25):
            self._palette = palette
        self._colourful = rng.random() < 0.25
        self._limit = layout.smallest if rng.random() < 0.5 else math.inf
        self._narrowest = math.inf

    def dress(self, cell: FrontCell) -> tuple[str, ElementFinish]:
        """Return kind and finish of the element in a cell."""
        rng = self._random
        kind, fill, finish = self._styles[cell.group]
        if self._palette:
            kind, fill, finish = self._palette[int(rng.integers(3))]
        side = fill * min(cell.width, cell.height, self._limit, 0.07)
        width = height = side
        if kind == 'button' and finish.shape == 'square':
            width = min(fill * min(cell.width, self._narrowest), 1.7 * side)
        elif kind == 'handle':
            room = min(0.9 * (cell.height if finish.vertical else cell.width), 0.11)
            length = max(room * min(1.0, fill + 0.15), 0.024)
            width, height = (side, length) if finish.vertical else (length, side)
        finish = replace(finish, width=width, height=height)
        if self._colourful and rng.random() < 0.3:
            colour = element_colour(rng, self._panel)
            finish = replace(finish, colour=colour, accent=contrasting_colour(rng, colour))
        return kind, finish

    def _style(self) -> _Style:
        rng = self._random
        names = list(self._kinds)
        kind = names[int(rng.choice(len(names), p=list(self._kinds.values())))]
        colour = element_colour(rng, self._panel)
        shape, fill = str(rng.choice(_SHAPES[kind])), rng.uniform(0.5, 0.85)
        finish = ElementFinish(
            shape=shape,
            depth=rng.uniform(*_DEPTHS[kind]),
            vertical=bool(rng.random() < 0.4),
            colour=colour,
            accent=contrasting_colour(rng, colour),
            bezel=bool(rng.random() < 0.35),
            symbol=bool(rng.random() < 0.4),
        )
        return kind, fill, finish
