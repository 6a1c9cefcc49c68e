# SPDX-License-Identifier: Apache-2.0
"""Layouts of panels: blocks of similar elements in grids, and sometimes a display."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_SMALLEST_CELL = 0.03

_Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class PanelCell:
    """Area for one element: centre, extent, and block; metres."""

    x: float
    y: float
    width: float
    height: float
    block: int


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
    cells: tuple[PanelCell, ...]
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
        rng: source of randomness.
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
) -> list[PanelCell]:
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
    cells: list[PanelCell] = []
    for block, (rectangle, number) in enumerate(zip(blocks, counts, strict=True)):
        cells += _grid(rng, rectangle, int(number), block)
    return cells


def _grid(rng: np.random.Generator, where: _Rectangle, count: int, block: int) -> list[PanelCell]:
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
        cells.append(
            PanelCell(
                x + width / 2 + (column + 0.5 - columns / 2 + right) * w,
                y + height / 2 - (row + 0.5 - rows / 2 - down) * h,
                shrink * w,
                shrink * h,
                block,
            )
        )
    return cells
