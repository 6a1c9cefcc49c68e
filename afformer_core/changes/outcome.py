# SPDX-License-Identifier: Apache-2.0
"""The outcome of an action by the change that a camera sees, and by the one that was shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from afformer_core.actions import ACTIONS
from afformer_core.changes.image_change import (
    ChangedRegion,
    DifferentImagesError,
    ImageChange,
    compare_images,
)

# Shares of the area of the part's surroundings that must change: there, and elsewhere.
_LEAST_HERE, _LEAST_ELSEWHERE = 0.015, 0.08
# Share of a demonstration's frame that must have changed after it.
_LEAST_SHOWN = 4e-4
# Share of the frame above which its light or its camera has changed, and not only a part.
_MOST_SHOWN = 0.3
# Motion of a demonstration's camera, as a share of the frame's longest side, above which its first
# and last frame show different sides of the parts.
_LONGEST_MOTION = 0.03


class Expected(Enum):
    """What a demonstration shows to be different afterwards."""

    VISIBLE = 'a visible change'
    NOTHING = 'no visible change'


class Seen(Enum):
    """What a camera sees of the outcome of an action."""

    DONE = 'done'
    NOT_DONE = 'not done'
    OTHER_CHANGED = 'something else changed'
    NOT_VISIBLE = 'not visible'


@dataclass(frozen=True)
class ObservedOutcome:
    """The outcome of an action as a camera sees it.

    Attributes:
        seen: the outcome.
        here: share of the part's surroundings that has changed, 0 to 1; NaN if not known.
        elsewhere: changed area outside, without regions that reach the border of the image, in
            units of the area of these surroundings; NaN if not known.
        box: (x, y, width, height) in pixels of the change at the part, or else of the largest one;
            None if nothing has changed.
        noise: standard deviation of unchanged pixels, in levels of 255; NaN if not known.
        text: readable description.
    """

    seen: Seen
    here: float
    elsewhere: float
    box: tuple[int, int, int, int] | None
    noise: float
    text: str

    def __str__(self) -> str:
        return self.text


def expected_after(action: str) -> Expected:
    """Return what is different after an action of which no frames are known."""
    passing = action in ACTIONS and ACTIONS[action].passing
    return Expected.NOTHING if passing else Expected.VISIBLE


def shown_change(
    first: NDArray[np.uint8], last: NDArray[np.uint8], action: str
) -> tuple[Expected, str]:
    """Find what is different after a demonstration.

    Args:
        first: frame before the hand comes, uint8 RGB [H, W, 3].
        last: frame after it has left.
        action: the demonstrated action, which decides where the frames cannot: because a hand is
            still in view, or because the camera or the light has changed.

    Returns:
        what is different, and the reason.
    """
    by_action = expected_after(action)
    try:
        change = compare_images([first], [last])
    except DifferentImagesError as error:
        return by_action, f'as after every {action}: {error}'
    if change.camera_motion > _LONGEST_MOTION * max(change.size):
        return by_action, f'as after every {action}: the camera of the demonstration moves'
    if any(region.at_border for region in change.regions) or change.share > _MOST_SHOWN:
        # An arm reaches into the image from its border.
        return by_action, f'as after every {action}: a hand may be in the last frame'
    if change.share < _LEAST_SHOWN:
        return Expected.NOTHING, 'the demonstration ends as it begins'
    return Expected.VISIBLE, f'the demonstration changes {change.share:.2%} of its image'


def judge_outcome(
    before: Sequence[NDArray[np.uint8]],
    after: Sequence[NDArray[np.uint8]],
    pixel: tuple[float, float],
    radius: float,
    expected: Expected,
) -> ObservedOutcome:
    """Judge an action by images of a fixed camera before and after it, without the arm in view.

    Args:
        before, after: uint8 RGB [H, W, 3], at least one each; more of them reduce the noise.
        pixel: (x, y) at which the arm acted.
        radius: radius in pixels of the part's surroundings.
        expected: what is different after the demonstration.
    """
    try:
        change = compare_images(before, after)
    except DifferentImagesError as error:
        return ObservedOutcome(
            Seen.NOT_VISIBLE, math.nan, math.nan, None, math.nan, f'not comparable: {error}'
        )
    area = math.pi * radius**2
    near = [region for region in change.regions if change.distance(region, pixel) <= radius]
    far = [region for region in change.regions if change.distance(region, pixel) > radius]
    here = _here(change, pixel, radius) / area
    # Arms and people reach into the image from its border.
    elsewhere = sum(region.area for region in far if not region.at_border) / area
    seen = _seen(here, elsewhere, expected)
    main = next(iter((*near, *far)), None)
    return ObservedOutcome(
        seen,
        here,
        elsewhere,
        None if main is None else main.box,
        change.noise,
        _text(seen, here, elsewhere, main),
    )


def _seen(here: float, elsewhere: float, expected: Expected) -> Seen:
    if here >= _LEAST_HERE:
        # A part that should have come back has not.
        return Seen.DONE if expected is Expected.VISIBLE else Seen.OTHER_CHANGED
    if elsewhere >= _LEAST_ELSEWHERE:
        return Seen.OTHER_CHANGED
    return Seen.NOT_DONE if expected is Expected.VISIBLE else Seen.NOT_VISIBLE


def _here(change: ImageChange, pixel: tuple[float, float], radius: float) -> float:
    """Return the changed area within the radius, in pixels."""
    x, y = (value * change.scale for value in pixel)
    area = 0
    for region in change.regions:
        rows, columns = np.nonzero(region.mask)
        area += int((np.hypot(columns - x, rows - y) <= radius * change.scale).sum())
    return area / change.scale**2


def _text(seen: Seen, here: float, elsewhere: float, main: ChangedRegion | None) -> str:
    if main is None:
        return f'{seen.value}: nothing changed in the image'
    x, y, width, height = main.box
    return (
        f'{seen.value}: {here:.0%} of the surroundings of the point changed, and {elsewhere:.2f} '
        f'times their area elsewhere; the change is {width} x {height} pixels at ({x}, {y})'
    )
