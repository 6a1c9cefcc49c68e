# SPDX-License-Identifier: Apache-2.0
"""Random appliances: where the elements are and how they look."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from afformer_core.sim.appliance import Appliance, Colour, Element, Kind
from afformer_core.sim.colours import contrasting_colour, element_colour, panel_colour
from afformer_core.sim.seeds import Stream, generator

MINIMUM_ELEMENTS = 5
MAXIMUM_ELEMENTS = 32
_SMALLEST_CELL = 0.03


@dataclass(frozen=True)
class _Cell:
    """A place for one element: centre, extent, and the block it belongs to."""

    x: float
    y: float
    width: float
    height: float
    block: int


def generate_appliance(scene_seed: int) -> Appliance:
    """The appliance of a scene: 5 to 32 elements (14 on average), look-alikes within a block."""
    random = generator(scene_seed, Stream.APPLIANCE)
    count = int(np.clip(round(4.5 + random.gamma(1.9, 5.0)), MINIMUM_ELEMENTS, MAXIMUM_ELEMENTS))
    while True:
        pitch = random.uniform(0.048, 0.075)
        area = count * pitch**2 * random.uniform(1.05, 1.5)
        aspect = math.exp(random.uniform(math.log(0.65), math.log(2.2)))
        width, height = math.sqrt(area * aspect), math.sqrt(area / aspect)
        margin = random.uniform(0.005, 0.02)
        blocks, display = _split_panel(random, width, height)
        cells = _fill_blocks(random, blocks, count)
        if cells and min(min(cell.width, cell.height) for cell in cells) >= _SMALLEST_CELL:
            break
    panel = panel_colour(random)
    return Appliance(
        width=width + 2 * margin,
        height=height + 2 * margin,
        depth=random.uniform(0.06, 0.25),
        colour=panel,
        body_colour=panel if random.random() < 0.5 else panel_colour(random),
        shininess=random.uniform(0, 0.8),
        elements=_dress_cells(random, cells, panel),
        labels=bool(random.random() < 0.6),
        display=display,
    )


def _split_panel(
    random: np.random.Generator, width: float, height: float
) -> tuple[list[tuple[float, float, float, float]], tuple[float, float, float, float] | None]:
    """One to four rectangles (x0, y0, width, height) and, sometimes, one given to a display."""
    blocks = [(-width / 2, -height / 2, width, height)]
    for _ in range(int(random.choice([0, 1, 2, 3, 4], p=[0.25, 0.25, 0.25, 0.15, 0.1]))):
        largest = max(range(len(blocks)), key=lambda i: blocks[i][2] * blocks[i][3])
        x, y, w, h = blocks.pop(largest)
        part = random.uniform(0.33, 0.67)
        if random.random() < w / (w + h):
            blocks += [(x, y, w * part, h), (x + w * part, y, w * (1 - part), h)]
        else:
            blocks += [(x, y, w, h * part), (x, y + h * part, w, h * (1 - part))]
    if len(blocks) < 2 or random.random() < 0.5:
        return blocks, None
    x, y, w, h = blocks.pop(min(range(len(blocks)), key=lambda i: blocks[i][2] * blocks[i][3]))
    return blocks, (x + w / 2, y + h / 2, 0.8 * w, 0.6 * h)


def _fill_blocks(
    random: np.random.Generator, blocks: list[tuple[float, float, float, float]], count: int
) -> list[_Cell]:
    """`count` cells in grids over the blocks; empty where the blocks cannot hold them."""
    areas = np.array([w * h for _, _, w, h in blocks])
    shares = random.dirichlet(8 * areas / areas.sum() * len(blocks))
    counts = np.maximum(1, np.round(shares * count).astype(int))
    while counts.sum() != count:
        step = int(np.sign(count - counts.sum()))
        counts[int(np.argmax(counts) if step < 0 else np.argmin(counts / areas))] += step
        if counts.min() < 1:
            return []
    cells: list[_Cell] = []
    for block, ((x, y, w, h), number) in enumerate(zip(blocks, counts, strict=True)):
        cells += _grid(random, x, y, w, h, int(number), block)
    return cells


def _grid(
    random: np.random.Generator,
    x: float,
    y: float,
    width: float,
    height: float,
    count: int,
    block: int,
) -> list[_Cell]:
    rows = max(1, round(math.sqrt(count * height / width) * random.uniform(0.75, 1.3)))
    rows = min(rows, count)
    columns = math.ceil(count / rows)
    rows = math.ceil(count / columns)
    places = [(r, float(c)) for r in range(rows) for c in range(columns)]
    missing = len(places) - count
    if random.random() < 0.5:
        for index in sorted(random.permutation(len(places))[:missing], reverse=True):
            places.pop(int(index))
    elif missing:
        # a short last row, centred
        places = places[:count]
        last = [place for place in places if place[0] == rows - 1]
        shift = (columns - len(last)) / 2
        places = [(r, c + shift * (r == rows - 1)) for r, c in places]
    w, h = width / columns, height / rows
    shrink = 1.0 if random.random() < 0.6 else random.uniform(0.75, 0.95)
    jitter = 0.0 if random.random() < 0.6 else (1 - shrink) / 2
    cells = []
    for row, column in places:
        right, down = random.uniform(-jitter, jitter, 2)
        cells.append(
            _Cell(
                x + width / 2 + (column + 0.5 - columns / 2 + right) * w,
                y + height / 2 - (row + 0.5 - rows / 2 - down) * h,
                shrink * w,
                shrink * h,
                block,
            )
        )
    return cells


@dataclass(frozen=True)
class _Style:
    """How the look-alikes of one block look."""

    kind: Kind
    shape: str
    fill: float
    depth: float
    vertical: bool
    colour: Colour
    accent: Colour
    bezel: bool
    symbol: bool


def _style(random: np.random.Generator, panel: Colour) -> _Style:
    kind = (Kind.BUTTON, Kind.KNOB, Kind.HANDLE)[int(random.choice(3, p=[0.4, 0.3, 0.3]))]
    shapes = {
        Kind.BUTTON: ('round', 'square'),
        Kind.KNOB: ('disc', 'bar'),
        Kind.HANDLE: ('drawer', 'bar'),
    }[kind]
    depth = {
        Kind.BUTTON: random.uniform(0.005, 0.012),
        Kind.KNOB: random.uniform(0.012, 0.025),
        Kind.HANDLE: random.uniform(0.016, 0.026),
    }[kind]
    colour = element_colour(random, panel)
    return _Style(
        kind,
        str(random.choice(shapes)),
        random.uniform(0.5, 0.85),
        depth,
        bool(random.random() < 0.4),
        colour,
        contrasting_colour(random, colour),
        bool(random.random() < 0.35),
        bool(random.random() < 0.4),
    )


def _dress_cells(
    random: np.random.Generator, cells: list[_Cell], panel: Colour
) -> tuple[Element, ...]:
    palette = [_style(random, panel) for _ in range(3)]
    styles = {}
    for block in sorted({cell.block for cell in cells}):
        # half of the blocks take a style that another block has: look-alikes in other places
        reused = random.random() < 0.4
        styles[block] = palette[int(random.integers(3))] if reused else _style(random, panel)
    mixed = random.random() < (0.6 if len(styles) == 1 else 0.25)
    colourful = random.random() < 0.25
    size = min(min(cell.width, cell.height) for cell in cells)
    same_size = random.random() < 0.5
    elements = []
    for cell in cells:
        style = palette[int(random.integers(3))] if mixed else styles[cell.block]
        elements.append(
            _dress_cell(random, cell, style, panel, colourful, size if same_size else math.inf)
        )
    return tuple(elements)


def _dress_cell(
    random: np.random.Generator,
    cell: _Cell,
    style: _Style,
    panel: Colour,
    colourful: bool,
    limit: float,
) -> Element:
    side = style.fill * min(cell.width, cell.height, limit, 0.07)
    width = height = side
    if style.kind is Kind.BUTTON and style.shape == 'square':
        width = min(style.fill * cell.width, 1.7 * side)
    elif style.kind is Kind.HANDLE:
        room = min(0.9 * (cell.height if style.vertical else cell.width), 0.11)
        length = max(room * min(1.0, style.fill + 0.15), 0.024)
        width, height = (side, length) if style.vertical else (length, side)
    colour = style.colour
    if colourful and random.random() < 0.3:
        colour = element_colour(random, panel)
    return Element(
        kind=style.kind,
        shape=style.shape,
        x=cell.x,
        y=cell.y,
        width=width,
        height=height,
        depth=style.depth,
        angle=random.uniform(-2.4, 2.4) if style.kind is Kind.KNOB else 0.0,
        vertical=style.vertical and style.kind is Kind.HANDLE,
        colour=colour,
        accent=contrasting_colour(random, colour),
        bezel=style.bezel,
        symbol=style.symbol,
    )
