# SPDX-License-Identifier: Apache-2.0
"""Marks over an image, as SVG: circles are marked, diamonds are suggested, corners are squares.

Every mark is told by its shape and drawn light on dark, so that neither the colours of the image
nor those that a person cannot tell apart hide it.
"""

from __future__ import annotations

from collections.abc import Sequence

from afformer_core.media.polygons import Point

_ORANGE = '#ffb000'


def circles(points: Sequence[Point], radius: float) -> str:
    """Draw marked points, in pixels of the image that is shown."""
    return ''.join(
        _twice(f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}" {{}} />', radius, 'white')
        for x, y in points
    )


def diamonds(points: Sequence[Point], radius: float) -> str:
    """Draw suggested points, dashed and with their numbers from 1; the first is the largest."""
    drawn = []
    for number, (x, y) in enumerate(points, 1):
        r = (2.2 if number == 1 else 1.5) * radius
        corners = (
            f'{x:.2f},{y - r:.2f} {x + r:.2f},{y:.2f} {x:.2f},{y + r:.2f} {x - r:.2f},{y:.2f}'
        )
        dashed = f'stroke-dasharray="{0.8 * radius:.2f} {0.4 * radius:.2f}"'
        drawn.append(
            '<g class="suggested">'
            + _twice(f'<polygon points="{corners}" {dashed} {{}} />', radius, _ORANGE)
            + f'<text x="{x + r:.2f}" y="{y - r:.2f}" font-size="{2.4 * radius:.2f}" '
            f'fill="{_ORANGE}" stroke="black" stroke-width="{0.5 * radius:.2f}" '
            f'paint-order="stroke">{number}</text></g>'
        )
    return ''.join(drawn)


def corners(points: Sequence[Point], radius: float) -> str:
    """Draw the corners of a box or an outline that is being drawn, and the line between them."""
    if not points:
        return ''
    line = ' '.join(f'{x:.2f},{y:.2f}' for x, y in points)
    squares = (
        f'<rect class="corner" x="{x - radius / 2:.2f}" y="{y - radius / 2:.2f}" '
        f'width="{radius:.2f}" height="{radius:.2f}" fill="white" stroke="black" />'
        for x, y in points
    )
    return _twice(f'<polyline points="{line}" {{}} />', radius, 'white') + ''.join(squares)


def _twice(shape: str, radius: float, colour: str) -> str:
    """Draw a shape in black, and more narrowly in a light colour over it."""
    return ''.join(
        shape.format(f'fill="none" stroke="{stroke}" stroke-width="{width * radius:.2f}"')
        for stroke, width in (('black', 0.8), (colour, 0.4))
    )
