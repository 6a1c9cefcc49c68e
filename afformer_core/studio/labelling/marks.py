# SPDX-License-Identifier: Apache-2.0
"""Marks over an image, as SVG: circles, of which one may have a ring, and diamonds.

Circles are marked, the ring selects, and diamonds are suggested.
Every mark is identified by its shape and drawn light on dark, so that it is visible on any image
and to people with colour blindness.
"""

from __future__ import annotations

from collections.abc import Sequence

from afformer_core.media.polygons import Point

_ORANGE = '#ffb000'


def circles(points: Sequence[Point], radius: float) -> str:
    """Draw marked points, in pixels of the displayed image."""
    return ''.join(
        _twice(f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}" {{}} />', radius, 'white')
        for x, y in points
    )


def grips(points: Sequence[Point], radius: float) -> str:
    """Draw the invisible grips of marked points, by which a pointer moves them."""
    return ''.join(
        f'<ellipse class="grip" cx="{x:.2f}" cy="{y:.2f}" rx="{radius:.2f}" ry="{radius:.2f}" />'
        for x, y in points
    )


def ring(point: Point, radius: float) -> str:
    """Draw a ring around the selected point."""
    x, y = point
    shape = f'<circle class="selected" cx="{x:.2f}" cy="{y:.2f}" r="{2 * radius:.2f}" {{}} />'
    return _twice(shape, radius, _ORANGE)


def diamonds(points: Sequence[Point], radius: float) -> str:
    """Draw suggested points, dashed and with their numbers from 1; the first is the largest."""
    dashes = f'stroke-dasharray="{1.2 * radius:.2f} {0.4 * radius:.2f}"'
    drawn = []
    for number, (x, y) in enumerate(points, 1):
        r = (2.5 if number == 1 else 1.7) * radius
        at = f'{x:.2f},{y - r:.2f} {x + r:.2f},{y:.2f} {x:.2f},{y + r:.2f} {x - r:.2f},{y:.2f}'
        drawn.append(
            '<g class="suggested">'
            + _twice(f'<polygon points="{at}" {{}} />', radius, _ORANGE, dashes)
            + _number(number, (x + r, y - r), radius)
            + '</g>'
        )
    return ''.join(drawn)


def _number(number: int, at: Point, radius: float) -> str:
    """Write a number in a light colour with a black outline."""
    return ''.join(
        f'<text x="{at[0]:.2f}" y="{at[1]:.2f}" font-size="{3.5 * radius:.2f}" '
        f'font-weight="bold" {colours}>{number}</text>'
        for colours in (f'stroke="black" stroke-width="{radius:.2f}"', f'fill="{_ORANGE}"')
    )


def _twice(shape: str, radius: float, colour: str, dashes: str = '') -> str:
    """Draw a shape in black, and a narrower, optionally dashed one in a light colour over it."""
    return ''.join(
        shape.format(f'fill="none" stroke="{stroke}" stroke-width="{width * radius:.2f}" {dash}')
        for stroke, width, dash in (('black', 0.8, ''), (colour, 0.4, dashes))
    )
