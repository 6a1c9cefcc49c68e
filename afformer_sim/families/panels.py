# SPDX-License-Identifier: Apache-2.0
"""Families `control_panel`, `keypad` and `dense_keypad`: boxes with operated fronts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.element import Element
from afformer_sim.bodies.fixture import Fixture, Label, Panel
from afformer_sim.bodies.pose import at
from afformer_sim.bodies.solid import Colour, Solid, SolidShape
from afformer_sim.families.parts.panel_elements import ElementFinish, bezel, button, handle, knob
from afformer_sim.families.parts.panel_layout import PanelCell, PanelLayout, lay_out
from afformer_sim.textures.colours import contrasting_colour, element_colour, panel_colour

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
    return _panel(rng, 'control_panel', count, {'button': 0.34, 'knob': 0.33, 'handle': 0.33})


def keypad(rng: np.random.Generator) -> Fixture:
    """Draw a panel of 5 to 32 buttons."""
    count = int(np.clip(round(4.5 + rng.gamma(1.9, 5.0)), 5, 32))
    return _panel(rng, 'keypad', count, {'button': 1.0})


def dense_keypad(rng: np.random.Generator) -> Fixture:
    """Draw a panel of 12 to 30 buttons of one shape, size and colour."""
    layout = lay_out(rng, int(rng.integers(12, 31)), (0.04, 0.055))
    return _build(rng, 'dense_keypad', layout, _OneStyle(rng, {'button': 1.0}))


def _panel(rng: np.random.Generator, family: str, count: int, kinds: dict[str, float]) -> Fixture:
    return _build(rng, family, lay_out(rng, count), _Wardrobe(rng, kinds))


def _build(
    rng: np.random.Generator, family: str, layout: PanelLayout, wardrobe: _Wardrobe
) -> Fixture:
    panel = panel_colour(rng)
    wardrobe.begin(panel, layout)
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
    box = Solid(SolidShape.BOX, half, body, at(0, 0, -depth / 2 - 0.002), surface)
    labelled = layout.cells if rng.random() < 0.6 else ()
    return Fixture(
        family,
        tuple(elements),
        (box, *bezels),
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


@dataclass(frozen=True)
class _Style:
    """Common looks of the elements of one block."""

    kind: str
    shape: str
    fill: float
    depth: float
    vertical: bool
    colour: Colour
    accent: Colour
    bezel: bool
    symbol: bool


class _Wardrobe:
    """Styles for the cells of one panel, mostly one for each block."""

    def __init__(self, rng: np.random.Generator, kinds: dict[str, float]) -> None:
        self._random = rng
        self._kinds = kinds

    def begin(self, panel: Colour, layout: PanelLayout) -> None:
        """Choose the styles for a panel of a colour."""
        rng = self._random
        self._panel = panel
        palette = [self._style() for _ in range(3)]
        self._styles = {}
        for block in sorted({cell.block for cell in layout.cells}):
            # many blocks share the style of another block: look-alikes far apart
            reused = rng.random() < 0.4
            self._styles[block] = palette[int(rng.integers(3))] if reused else self._style()
        mixed = rng.random() < (0.6 if len(self._styles) == 1 else 0.25)
        self._palette = palette if mixed else []
        self._colourful = rng.random() < 0.25
        self._limit = layout.smallest if rng.random() < 0.5 else math.inf
        self._narrowest = math.inf

    def dress(self, cell: PanelCell) -> tuple[str, ElementFinish]:
        """Return kind and look of the element in a cell."""
        rng = self._random
        style = self._styles[cell.block]
        if self._palette:
            style = self._palette[int(rng.integers(3))]
        side = style.fill * min(cell.width, cell.height, self._limit, 0.07)
        width = height = side
        if style.kind == 'button' and style.shape == 'square':
            width = min(style.fill * min(cell.width, self._narrowest), 1.7 * side)
        elif style.kind == 'handle':
            room = min(0.9 * (cell.height if style.vertical else cell.width), 0.11)
            length = max(room * min(1.0, style.fill + 0.15), 0.024)
            width, height = (side, length) if style.vertical else (length, side)
        colour = style.colour
        if self._colourful and rng.random() < 0.3:
            colour = element_colour(rng, self._panel)
        return style.kind, ElementFinish(
            shape=style.shape,
            width=width,
            height=height,
            depth=style.depth,
            colour=colour,
            accent=contrasting_colour(rng, colour) if colour != style.colour else style.accent,
            bezel=style.bezel,
            symbol=style.symbol,
            vertical=style.vertical and style.kind == 'handle',
        )

    def _style(self) -> _Style:
        rng = self._random
        names = list(self._kinds)
        kind = names[int(rng.choice(len(names), p=list(self._kinds.values())))]
        colour = element_colour(rng, self._panel)
        return _Style(
            kind,
            str(rng.choice(_SHAPES[kind])),
            rng.uniform(0.5, 0.85),
            rng.uniform(*_DEPTHS[kind]),
            bool(rng.random() < 0.4),
            colour,
            contrasting_colour(rng, colour),
            bool(rng.random() < 0.35),
            bool(rng.random() < 0.4),
        )


class _OneStyle(_Wardrobe):
    """The same style for all cells."""

    def begin(self, panel: Colour, layout: PanelLayout) -> None:
        """Choose the style for a panel of a colour."""
        self._panel = panel
        style = self._style()
        self._styles = dict.fromkeys((cell.block for cell in layout.cells), style)
        self._palette, self._colourful = [], False
        self._limit = layout.smallest
        self._narrowest = min(cell.width for cell in layout.cells)
