# SPDX-License-Identifier: Apache-2.0
"""Objects that stand on a table, in one or two rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from afformer_sim.bodies.element import Element
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import STILL, Pose, Solid, SolidShape, at

# Metres above the objects that stay in view; an object lifted by 14 cm leaves the image only in
# part.
_HEADROOM = 0.04


@dataclass(frozen=True)
class TabletopObject:
    """Object that stands on the table, in a frame of its own with the table's top at y = 0.

    Attributes:
        elements: parts that can be operated.
        fixed: solids that never move.
    """

    elements: tuple[Element, ...] = ()
    fixed: tuple[Solid, ...] = ()

    def moved(self, pose: Pose) -> TabletopObject:
        """Return the object in an outer frame, in which its own frame has `pose`."""
        elements = tuple(replace(element, pose=pose @ element.pose) for element in self.elements)
        return TabletopObject(elements, tuple(solid.moved(pose) for solid in self.fixed))


def place_row(
    rng: np.random.Generator, items: Sequence[TabletopObject], gaps: tuple[float, float]
) -> list[TabletopObject]:
    """Place objects side by side around x = 0, with their fronts at z = 0 or a little behind."""
    even = rng.uniform(*gaps)
    ragged = rng.random() < 0.4
    edge, placed = 0.0, []
    for item in items:
        low, high = bounds([item])
        depth = high[2] + (rng.uniform(0, 0.03) if ragged else 0.0)
        placed.append(item.moved(at(edge - low[0], 0, -depth)))
        edge += high[0] - low[0] + (rng.uniform(*gaps) if ragged else even)
    low, high = bounds(placed)
    return [item.moved(at(-(low[0] + high[0]) / 2, 0, 0)) for item in placed]


def place_rows(
    rng: np.random.Generator,
    items: Sequence[TabletopObject],
    rows: int,
    gaps: tuple[float, float],
    between: tuple[float, float],
    step: float = 0.0,
) -> tuple[list[TabletopObject], list[TabletopObject]]:
    """Place objects in one or two rows; the second row is roughly in the gaps of the first.

    Args:
        items: objects from left to right, the front row first.
        rows: 1 or 2.
        gaps: metres between neighbours, at least and at most.
        between: metres between the rows, at least and at most.
        step: metres by which the second row stands higher.

    Returns:
        the row in front, and the one behind (empty if there is only one).
    """
    if rows == 1 or len(items) < 3:
        return place_row(rng, items, gaps), []
    count = (len(items) + 1) // 2
    front = place_row(rng, items[:count], gaps)
    back = place_row(rng, items[count:], gaps)
    low, high = bounds(front)
    aside = 0.5 * (high[0] - low[0]) / count * rng.choice([-1, 1])
    if len(back) < count:
        aside = 0.0
    shift = at(aside, step, float(low[2]) - rng.uniform(*between))
    return front, [item.moved(shift) for item in back]


def bounds(items: Sequence[TabletopObject]) -> np.ndarray:
    """Return the lowest and the highest x, y, z of objects, float64 [2, 3] metres."""
    boxes = np.concatenate([_boxes(item) for item in items])
    return np.stack([boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)])


def overlap(one: TabletopObject, other: TabletopObject, margin: float = 0.0) -> bool:
    """Check whether upright boxes around solids of two objects are within `margin` metres."""
    first, second = _boxes(one), _boxes(other)
    first, second = first[:, None], second[None]
    gaps = np.maximum(first[..., 0, :] - second[..., 1, :], second[..., 0, :] - first[..., 1, :])
    return bool((gaps <= margin).all(axis=-1).any())


def set_table(
    rng: np.random.Generator, family: str, items: Sequence[TabletopObject], elevation: float
) -> Fixture:
    """Assemble objects into a fixture around the origin, seen from `elevation` degrees."""
    low, high = bounds(items)
    centre = at(-(low[0] + high[0]) / 2, -high[1] / 2, -high[2])
    items = [item.moved(centre) for item in items]
    low, high = bounds(items)
    top = high + [0, _HEADROOM, 0]
    shown = np.stack(np.meshgrid(*np.stack([low, top], axis=1)), axis=-1).reshape(-1, 3)
    return Fixture(
        family,
        tuple(element for item in items for element in item.elements),
        tuple(solid for item in items for solid in item.fixed),
        bottom=float(-high[1]),
        back=float(low[2] - rng.uniform(0.02, 0.2)),
        shown=shown,
        elevation=elevation,
    )


def _boxes(item: TabletopObject) -> np.ndarray:
    """Return the lowest and the highest x, y, z of every solid, float64 [P, 2, 3]."""
    boxes = [_box(solid, STILL) for solid in item.fixed]
    for element in item.elements:
        boxes += [_box(solid, element.pose) for solid in element.solids]
    return np.stack(boxes)


def _box(solid: Solid, frame: Pose) -> np.ndarray:
    """Return the lowest and the highest x, y, z of a solid given in `frame`, float64 [2, 3]."""
    axes = frame.rotation @ solid.pose.rotation
    if solid.shape is SolidShape.BOX:
        half = np.abs(axes) @ solid.size
    elif solid.shape is SolidShape.ELLIPSOID:
        half = np.sqrt((axes**2) @ np.square(solid.size))
    else:
        radius, length = solid.size
        along = np.abs(axes[:, 2])
        rim = 1.0 if solid.shape is SolidShape.CAPSULE else np.sqrt((1 - along**2).clip(0))
        half = along * length + radius * rim
    middle = frame.apply(solid.pose.position)
    return np.stack([middle - half, middle + half])
