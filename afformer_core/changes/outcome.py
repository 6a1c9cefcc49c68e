# SPDX-License-Identifier: Apache-2.0
"""The outcome of an action by the change that a camera sees, and by the one that was shown.

Two images of the camera are compared apart from its motion, light and noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.actions import ACTIONS

# Longest side in pixels at which images are compared.
_SIDE = 640
# Corners to follow for the registration; with fewer followed ones, the images are not registered.
_CORNERS, _LEAST_CORNERS = 400, 12
# Largest error of a followed corner in pixels, and motion below which the camera stood still.
_CORNER_ERROR, _STILL = 1.0, 0.3
# Standard deviation in pixels of the filter against noise, and shift in pixels that is tolerated.
_SMOOTHING, _TOLERATED = 1.2, 1
# A pixel has changed if it differs by this many standard deviations of the noise, and by this many
# of 255 levels.
_DEVIATIONS, _LEVELS = 6.0, 9.0
# Noise, as a share of the contrast of the image, above which the images show different scenes.
_MOST_NOISE = 0.4
# Noise in units of the lowest quartile of the largest difference of three channels, with a margin:
# 1.87 times the standard deviation of one channel.
_QUARTILE = 2.09
# Share of the pixels of the image below which a region is noise.
_LEAST_REGION = 4e-5
# Rounds of the fit of brightness, without the pixels that have changed.
_ROUNDS = 3


class DifferentImagesError(ValueError):
    """Raised if images differ in size, or show different scenes."""


@dataclass(frozen=True)
class ChangedRegion:
    """A connected region of change.

    Attributes:
        box: (x, y, width, height) in pixels of the first image.
        area: number of its pixels, in units of pixels of the first image.
        at_border: whether it reaches the border of the image.
        mask: bool [h, w] at the compared size.
    """

    box: tuple[int, int, int, int]
    area: float
    at_border: bool
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class ImageChange:
    """The change from one image to another.

    Attributes:
        size: (width, height) of the images in pixels.
        regions: regions of change, largest first.
        noise: standard deviation of the difference where nothing has changed, in levels of 255.
        camera_motion: largest displacement by which the second image was registered, in pixels.
        scale: pixels of the masks for each pixel of the images.
    """

    size: tuple[int, int]
    regions: tuple[ChangedRegion, ...]
    noise: float
    camera_motion: float
    scale: float

    @property
    def share(self) -> float:
        """Share of the image that has changed, 0 to 1."""
        return sum(region.area for region in self.regions) / (self.size[0] * self.size[1])

    def distance(self, region: ChangedRegion, pixel: tuple[float, float]) -> float:
        """Return the distance in pixels from a pixel (x, y) to the nearest one of a region."""
        rows, columns = np.nonzero(region.mask)
        x, y = (value * self.scale for value in pixel)
        return float(np.hypot(columns - x, rows - y).min() / self.scale)


def compare_images(
    first: Sequence[NDArray[np.uint8]], second: Sequence[NDArray[np.uint8]]
) -> ImageChange:
    """Compare images of a camera that hardly moves, uint8 RGB [H, W, 3].

    Small motions of the camera, a change of exposure and noise do not count as change.

    Args:
        first: images before the change, at least one; more of them reduce the noise.
        second: images after it, at least one.

    Raises:
        DifferentImagesError: the images differ in size, or show different scenes.
    """
    shapes = {image.shape for image in (*first, *second)}
    if len(shapes) != 1:
        raise DifferentImagesError(f'images have shapes {sorted(shapes)}; expected one shape')
    height, width = first[0].shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    before, after = (_prepared(images, scale) for images in (first, second))
    after, valid, motion = _registered(before, after)
    difference, noise = _difference(before, after, valid)
    contrast = float(after.std(axis=(0, 1)).max())
    if noise > _MOST_NOISE * contrast:
        raise DifferentImagesError(
            f'most pixels differ, by {noise:.0f} of 255 levels at a contrast of {contrast:.0f}; '
            'expected images of one scene'
        )
    changed = difference > max(_LEVELS, _DEVIATIONS * noise)
    regions = _regions(changed & valid, scale)
    return ImageChange((width, height), regions, noise, motion / scale, scale)


def _prepared(images: Sequence[NDArray[np.uint8]], scale: float) -> NDArray[np.float32]:
    """Return the mean of images at the compared size, without their noise."""
    mean = np.asarray(np.mean(images, axis=0, dtype=np.float32), np.float32)
    if scale < 1:
        resized = cv2.resize(mean, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        mean = np.asarray(resized, np.float32)
    return np.asarray(cv2.GaussianBlur(mean, (0, 0), _SMOOTHING), np.float32)


def _registered(
    before: NDArray[np.float32], after: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], float]:
    """Register the second image; return it, its valid pixels, and the largest displacement."""
    height, width = before.shape[:2]
    everywhere = np.ones((height, width), bool)
    matrix = _camera_motion(before, after)
    if matrix is None:
        return after, everywhere, 0.0
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
    moved = corners @ matrix[:, :2].T + matrix[:, 2]
    motion = float(np.linalg.norm(moved - corners, axis=1).max())
    if motion < _STILL:
        return after, everywhere, 0.0
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(after, matrix, (width, height), flags=flags)
    inside = cv2.warpAffine(everywhere.astype(np.uint8), matrix, (width, height), flags=flags)
    valid = cv2.erode(inside, np.ones((5, 5), np.uint8)).astype(bool)
    return np.asarray(warped, np.float32), valid, motion


def _camera_motion(
    before: NDArray[np.float32], after: NDArray[np.float32]
) -> NDArray[np.float64] | None:
    """Estimate the similarity from the first image to the second, [2, 3]; None if unknown."""
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8) for image in (before, after)]
    points = cv2.goodFeaturesToTrack(grey[0], _CORNERS, 0.01, 8)
    if points is None or len(points) < _LEAST_CORNERS:
        return None
    followed, found, _ = cv2.calcOpticalFlowPyrLK(grey[0], grey[1], points, np.empty_like(points))
    kept = found.ravel().astype(bool)
    if kept.sum() < _LEAST_CORNERS:
        return None
    matrix, inliers = cv2.estimateAffinePartial2D(
        points[kept], followed[kept], method=cv2.RANSAC, ransacReprojThreshold=_CORNER_ERROR
    )
    # What moves with a part must not count as motion of the camera.
    if matrix is None or inliers.sum() < kept.sum() / 2:
        return None
    return np.asarray(matrix, np.float64)


def _difference(
    before: NDArray[np.float32], after: NDArray[np.float32], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], float]:
    """Compute the difference of registered images [h, w], and its noise, in levels."""
    # The exposure may be the same, or most of the image unchanged.
    starts = (before, _fitted(before, after, valid))
    fitted = min(starts, key=lambda start: _noise(start, after, valid))
    for _ in range(_ROUNDS):
        plain = np.abs(after - fitted).max(axis=2)
        unchanged = valid & (plain <= max(_LEVELS, 3 * _noise(fitted, after, valid)))
        if unchanged.any():
            fitted = _fitted(before, after, unchanged)
    noise = _noise(fitted, after, valid)
    size = 2 * _TOLERATED + 1
    kernel = np.ones((size, size), np.uint8)
    above = after - cv2.dilate(fitted, kernel)
    below = cv2.erode(fitted, kernel) - after
    # A part that has gone differs from its surroundings in the first image.
    above_back = fitted - cv2.dilate(after, kernel)
    below_back = cv2.erode(after, kernel) - fitted
    forward, backward = np.maximum(above, below), np.maximum(above_back, below_back)
    return np.asarray(np.maximum(forward, backward).max(axis=2), np.float32), noise


def _noise(
    fitted: NDArray[np.float32], after: NDArray[np.float32], valid: NDArray[np.bool_]
) -> float:
    """Estimate the noise of a difference of which up to three quarters are changes."""
    plain = np.abs(after - fitted).max(axis=2)
    return _QUARTILE * float(np.percentile(plain[valid], 25))


def _fitted(
    before: NDArray[np.float32], after: NDArray[np.float32], unchanged: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Fit gain and offset of each channel of the first image to the second."""
    fitted = np.empty_like(before)
    for channel in range(before.shape[2]):
        x, y = before[..., channel][unchanged], after[..., channel][unchanged]
        spread = float(x.var())
        gain = float(((x - x.mean()) * (y - y.mean())).mean()) / spread if spread > 1 else 1.0
        fitted[..., channel] = gain * (before[..., channel] - x.mean()) + y.mean()
    return fitted


def _regions(changed: NDArray[np.bool_], scale: float) -> tuple[ChangedRegion, ...]:
    kernel = np.ones((3, 3), np.uint8)
    opened = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    # Parts of one change, such as the two ends of a moved edge, belong together.
    joined = cv2.dilate(opened, np.ones((5, 5), np.uint8))
    count, labels, _, _ = cv2.connectedComponentsWithStats(joined)
    height, width = changed.shape
    regions = []
    for label in range(1, count):
        mask = (labels == label) & opened.astype(bool)
        area = int(mask.sum())
        if area < _LEAST_REGION * height * width:
            continue
        rows, columns = np.nonzero(mask)
        left, top, right, bottom = columns.min(), rows.min(), columns.max(), rows.max()
        border = 2
        regions.append(
            ChangedRegion(
                tuple(  # type: ignore[arg-type]
                    round(float(value) / scale)
                    for value in (left, top, right - left + 1, bottom - top + 1)
                ),
                area / scale**2,
                bool(
                    left < border
                    or top < border
                    or right >= width - border
                    or bottom >= height - border
                ),
                mask,
            )
        )
    return tuple(sorted(regions, key=lambda region: -region.area))


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
