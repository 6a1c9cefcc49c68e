# SPDX-License-Identifier: Apache-2.0
"""Maps over the first frame: of the contact, of tips, and of where an object has gone.

Landmarks of a hand need a palm. If a finger presses a key of a device that fills the image, no
palm is visible. However, the finger enters from the border, over a background that is known from
the first frame, and its tip rests at the contact.

The candidates for the contact are the peaks of its map, ranked by what happens at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.demonstrations.contact_reading.hand_paths import (
    HandPath,
    ObservedFrame,
    hand_mask,
    speeds,
)
from afformer_core.runtime.matching.matcher import ContactCandidate

# Shares of the diagonal: distance between contact and fingertip, blur of a change, and blur of the
# map of changes.
_SPREAD, _CHANGE_BLUR, _MAP_BLUR = 0.025, 0.008, 0.015
# Minimum of the maps, whose maximum is 1, so that no map excludes a pixel.
_LEAST_HAND, _LEAST_CHANGE = 0.02, 0.05
# Moments this many nats below the best one of their hand are left out; their weight is far below
# the minimum of the maps.
_NEGLIGIBLE = 8.0
# Weight of a change at a hand of the first frame, which leaves.
_HAND_LEAVES = 0.3
_CHANGE_WEIGHT = 1.5
# Minimum change of an image, after the blurs, if an object is moved away, in grey levels; shadows,
# light and noise cause smaller changes.
_CLEAR_CHANGE = 60.0
# Number of frames of which the mean shows a pixel without hands, and number of frames before and
# after a hand in which its blurred outline may still cover a pixel.
_AVERAGED, _BESIDE = 5, 2
# Minimum change in grey levels; shadows, light and noise cause smaller changes.
_LEAST_REMOVED = 22.0
# Blur of a change in pixels at least and as a share of the diagonal, and of the edges around it.
_LEAST_BLUR, _REMOVED_BLUR, _EDGE_BLUR = 0.8, 0.004, 0.025
# Gradient that is added to both sides of the ratio, in grey levels per pixel, and the maximum of
# its logarithm.
_FAINT_EDGES, _MOST = 0.3, 2.0
# Maximum number of frames that are compared with the first one.
_MOST_FRAMES = 96
# Minimum difference from the background, in grey levels.
_DIFFERENCE = 28.0
# A shadow darkens all colours equally: to at least the first share, and within the second share of
# each other.
_DARKEST, _ALIKE = 0.35, 0.1
# Minimum area as a share of the image; and, as shares of the diagonal, the minimum reach into the
# image and the minimum distance between tips.
_LEAST_AREA, _LEAST_REACH, _APART = 0.003, 0.04, 0.06
# Speed at which the weight of a tip is halved, in diagonals per second, and seconds over which the
# speed is measured.
_SLOW, _WINDOW = 0.1, 0.1
# Error of a tip, as a share of the diagonal.
_TIP_SPREAD = 0.02
_LEAST_MAP = 0.05

Tips = NDArray[np.float64]
"""[N, 2] (x, y), tips in pixels of the first frame."""
# Column and row in the map.
Pixel = tuple[int, int]

_MOST_PEAKS = 5
# Shares of the diagonal: distance between candidates, blur of the map, whose noise would move
# its peaks, and radius around a candidate in which an object may have been removed.
_CANDIDATES_APART, _BLUR, _NEAR = 0.06, 0.01, 0.05
# Maximum distance between contact and fingertip as a share of the diagonal.
_REACH = 0.06
# Factor by which the weights of moments at the same candidate are reduced.
_FLATTER = 3.0
# Travel of the palm, as a share of the diagonal, that tells little about what it carries.
_LITTLE_TRAVEL = 0.02
# Seconds before a contact in which the surroundings may already move with the hand.
_TAKING = 0.1
# Speed in hand sizes per second that is below the accuracy of landmarks.
_SLOW_PALM = 0.05
# Weights of log-probability, removal, carrying and slowness: a conditional logit of whether a
# candidate is within 5 % of the diagonal of the marked contact. Fitted to 155 real demonstrations
# from 31 sources by maximum likelihood, less the sum of squared weights of standardized evidence.
_WEIGHTS = np.array([0.571, 1.489, 1.23, 0.707])


def hand_map(
    tips: NDArray[np.float64], weights: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Draw the moments of hands as a map.

    Args:
        tips: [N, 2] (x, y), fingertips in pixels of the first frame.
        weights: [N], logarithm of the weight of each fingertip.
        shape: (height, width).

    Returns:
        [h, w], logarithm of the largest weight of a fingertip at each pixel.
    """
    height, width = shape
    factor = -0.5 / (_SPREAD * np.hypot(height, width)) ** 2
    best = np.full(shape, -np.inf)
    chosen = weights > weights.max() - _NEGLIGIBLE
    for (x, y), weight in zip(tips[chosen], weights[chosen], strict=True):
        across = factor * np.square(np.arange(width) + 0.5 - x)
        down = factor * np.square(np.arange(height) + 0.5 - y)
        np.maximum(best, weight + down[:, None] + across[None], out=best)
    return best


def change_map(
    first: NDArray[np.uint8],
    last: NDArray[np.uint8],
    last_to_first: NDArray[np.float64],
    hands: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Compute how much each pixel of the first frame has changed in the last frame.

    Args:
        first, last: uint8 RGB [h, w, 3].
        last_to_first: [3, 3], motion of the background from the last frame to the first.
        hands: bool [h, w], mask of the hands in the first frame.

    Returns:
        [h, w], 0 to 1; smaller everywhere if no change is clear.
    """
    height, width = hands.shape
    diagonal = float(np.hypot(height, width))
    aligned = cv2.warpAffine(
        last, last_to_first[:2], (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    difference = cv2.absdiff(first, aligned).max(axis=2).astype(np.float32)
    difference = cv2.GaussianBlur(difference, (0, 0), _CHANGE_BLUR * diagonal)
    difference *= np.where(hands, np.float32(_HAND_LEAVES), np.float32(1.0))
    change = cv2.GaussianBlur(difference, (0, 0), _MAP_BLUR * diagonal)
    return np.asarray(change / max(float(change.max()), _CLEAR_CHANGE), np.float64)


def combined_map(
    prior: NDArray[np.float32], change: NDArray[np.float64], hands: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Combine the maps to log-probabilities of the contact, [h, w].

    Args:
        prior: log-probabilities [H, W] over the first frame.
        change: [h, w], 0 to 1.
        hands: [h, w] for each hand, see `hand_map`.
    """
    height, width = change.shape
    resized = cv2.resize(prior, (width, height), interpolation=cv2.INTER_LINEAR)
    logits = resized.astype(np.float64) + _CHANGE_WEIGHT * np.log(change + _LEAST_CHANGE)
    if hands:
        joint = np.max(hands, axis=0)
        logits += np.log(np.exp(joint - joint.max()) + _LEAST_HAND)
    return np.asarray(logits - np.logaddexp.reduce(logits, axis=None), np.float64)


def removal_map(frames: Sequence[ObservedFrame]) -> NDArray[np.float32]:
    """Compare the edges around changed pixels before and after the change.

    An object that is taken away leaves its outline in the first frames only, and an object that is
    put down has it in the last frames only. Frames in which a hand covers a pixel do not count for
    this pixel.

    Args:
        frames: one or more frames, whose `to_first` maps points to the first of them.

    Returns:
        float32 [h, w], logarithm of the ratio of the edges near a pixel before and after, -2 to 2;
        0 where nothing changes.
    """
    diagonal = float(np.hypot(*frames[0].image.shape[:2]))
    hidden = [_hidden(frame) for frame in frames]
    first = _without_hands(frames, hidden)
    last = _without_hands(frames[::-1], hidden[::-1])
    blur = max(_LEAST_BLUR, _REMOVED_BLUR * diagonal)
    difference = np.max(cv2.split(np.abs(first - last)), axis=0)
    change = cv2.GaussianBlur(difference, (0, 0), blur)
    changed = (change > _LEAST_REMOVED).astype(np.uint8)
    changed = np.asarray(cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((3, 3))), np.uint8)
    around = np.ones((5, 5), np.uint8)
    outline = (cv2.dilate(changed, around) - cv2.erode(changed, around)).astype(np.float32)
    before, after = (
        cv2.GaussianBlur(_edges(image) * outline, (0, 0), _EDGE_BLUR * diagonal)
        for image in (first, last)
    )
    ratio = np.log((before + _FAINT_EDGES) / (after + _FAINT_EDGES))
    return np.asarray(np.clip(ratio, -_MOST, _MOST), np.float32)


def _hidden(frame: ObservedFrame) -> NDArray[np.bool_]:
    """Return the pixels of the first frame that a hand hides or that are out of view."""
    hands = hand_mask([hand.landmarks for hand in frame.hands], frame.image.shape[:2])
    return _aligned(hands.astype(np.uint8), frame.to_first, cv2.INTER_NEAREST) > 0


def _aligned(
    image: NDArray[np.uint8], to_first: NDArray[np.float64], interpolation: int
) -> NDArray[np.uint8]:
    """Move an image [h, w] or [h, w, 3] over the first frame; pixels out of view are 1."""
    if np.array_equal(to_first, np.eye(3)):
        return image
    moved = cv2.warpAffine(
        image, to_first[:2], image.shape[1::-1], flags=interpolation, borderValue=(1, 1, 1)
    )
    return np.asarray(moved, np.uint8)


def _without_hands(
    frames: Sequence[ObservedFrame], hidden: Sequence[NDArray[np.bool_]]
) -> NDArray[np.float32]:
    """Average the first five frames that show each pixel.

    Args:
        frames: the frames in either order.
        hidden: [h, w] for each, see `_hidden`.

    Returns:
        float32 [h, w, 3]; 0 for pixels that no frame shows.
    """
    total = np.zeros(frames[0].image.shape, np.float32)
    count = np.zeros(total.shape[:2], np.float32)
    for number, frame in enumerate(frames):
        near = hidden[max(0, number - _BESIDE) : number + _BESIDE + 1]
        shown = ~np.logical_or.reduce(near) & (count < _AVERAGED)
        total[shown] += _aligned(frame.image, frame.to_first, cv2.INTER_LINEAR)[shown]
        count += shown
        if count.min() >= _AVERAGED:
            break
    return np.asarray(total / np.maximum(count, 1.0)[..., None], np.float32)


def _edges(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest gradient of the colours [h, w] in grey levels per pixel."""
    across, down = (cv2.Sobel(image, cv2.CV_32F, *order) / 8 for order in ((1, 0), (0, 1)))
    return np.asarray(np.max(cv2.split(np.hypot(across, down)), axis=0), np.float32)


def entering_map(frames: Sequence[ObservedFrame]) -> NDArray[np.float64] | None:
    """Draw a map, over the first frame, of the time that entering tips spend at each pixel.

    Args:
        frames: the frames, whose `to_first` maps points to the first of them.

    Returns:
        [h, w], logarithm of the time spent at a pixel as a share of the longest time at any pixel,
        at least log(0.05); None if nothing enters.
    """
    chosen = frames[:: -(-len(frames) // _MOST_FRAMES)]
    height, width = frames[0].image.shape[:2]
    diagonal = float(np.hypot(width, height))
    background = _smooth(frames[0].image)
    tips = [np.zeros((0, 2))]
    for frame in chosen[1:]:
        tips.append(entering_tips(frame.image, frame.to_first, background))
    times = np.array([frame.time for frame in chosen])
    total = np.zeros((height, width))
    factor = -0.5 / (_TIP_SPREAD * diagonal) ** 2
    for number, found in enumerate(tips):
        for (x, y), speed in zip(found, tip_speeds(tips, times, number), strict=True):
            across = factor * np.square(np.arange(width) - x)
            down = factor * np.square(np.arange(height) - y)
            share = 1 / (1 + (speed / (_SLOW * diagonal)) ** 2)
            total += share * np.exp(down[:, None] + across[None])
    if total.max() <= 0:
        return None
    return np.asarray(np.log(total / total.max() + _LEAST_MAP))


def tip_speeds(
    tips: Sequence[Tips], times: NDArray[np.float64], number: int
) -> NDArray[np.float64]:
    """Compute the speed of each tip of a frame, [N] pixels per second.

    This is the larger of the speeds from an earlier frame and to a later one, each relative to the
    nearest tip; infinite if there is none.

    Args:
        tips: tips of each frame.
        times: seconds of each frame.
        number: number of the frame.
    """
    here = tips[number]
    speeds = np.zeros(len(here))
    for other in (
        int(np.searchsorted(times, times[number] - _WINDOW + 1e-6)) - 1,
        int(np.searchsorted(times, times[number] + _WINDOW - 1e-6)),
    ):
        if not 0 <= other < len(tips) or not len(tips[other]):
            return np.full(len(here), np.inf)
        apart = np.linalg.norm(here[:, None] - tips[other][None], axis=2).min(1)
        speeds = np.maximum(speeds, apart / abs(times[other] - times[number]))
    return speeds


def entering_tips(
    image: UInt8Array, to_first: NDArray[np.float64], background: NDArray[np.float32]
) -> Tips:
    """Find the tips of objects that entered: their points farthest from the border.

    Args:
        image: uint8 RGB [h, w, 3].
        to_first: [3, 3], maps a point of its background to the first frame.
        background: float32 [h, w, 3], the first frame, smoothed.
    """
    height, width = image.shape[:2]
    diagonal = float(np.hypot(width, height))
    changed = changed_mask(image, to_first, background)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(changed)
    size = 2 * int(_APART * diagonal) + 1
    neighbourhood = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    found: list[NDArray[np.float64]] = [np.zeros((0, 2))]
    for label in range(1, count):
        if statistics[label, cv2.CC_STAT_AREA] < _LEAST_AREA * height * width:
            continue
        left, top, columns, rows = statistics[label, : cv2.CC_STAT_AREA]
        box = np.s_[top : top + rows, left : left + columns]
        inside = labels == label
        entry = np.ones((height, width), np.uint8)
        for border in (np.s_[:3], np.s_[-3:], np.s_[:, :3], np.s_[:, -3:]):
            entry[border][inside[border]] = 0
        if entry.all():
            continue
        reach = cv2.distanceTransform(entry[box], cv2.DIST_L2, 5) * inside[box]
        highest = reach >= cv2.dilate(reach, neighbourhood) - 1e-3
        down, across = np.nonzero(highest & (reach > _LEAST_REACH * diagonal))
        found.append(np.stack((across + left, down + top), axis=1).astype(np.float64))
    return np.concatenate(found)


def changed_mask(
    image: UInt8Array, to_first: NDArray[np.float64], background: NDArray[np.float32]
) -> UInt8Array:
    """Find pixels that differ from the background and are not shadow; uint8 [h, w], 0 or 1.

    See `entering_tips` for the arguments.
    """
    height, width = image.shape[:2]
    aligned, known = image, np.ones((height, width), bool)
    if not np.allclose(to_first, np.eye(3), atol=1e-3):
        matrix, size = to_first[:2], (width, height)
        aligned = np.asarray(cv2.warpAffine(image, matrix, size), np.uint8)
        known = cv2.warpAffine(np.ones((height, width), np.uint8), matrix, size) > 0
    seen = _smooth(aligned)
    ratios = (seen + 8) / (background + 8)
    darker = np.mean(cv2.split(ratios), axis=0)
    unlike = np.max(cv2.split(np.abs(ratios - darker[..., None])), axis=0)
    alike = unlike < _ALIKE * np.maximum(darker, 0.3)
    shadow = alike & (darker > _DARKEST) & (darker < 1.02)
    difference = np.max(cv2.split(np.abs(seen - background)), axis=0)
    changed = (difference > _DIFFERENCE) & ~shadow & known
    mask = changed.astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)), np.uint8)


def _smooth(image: UInt8Array) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.2), np.float32)


@dataclass(frozen=True)
class ContactReading:
    """The contact of a demonstration, over its first frame.

    Attributes:
        log_probabilities: float32 [h, w]; the probabilities add up to 1.
        candidates: candidates, at least one, the most probable first.
        time: time at which the contact begins at the first one, in seconds; None without a hand.
    """

    log_probabilities: FloatArray
    candidates: tuple[ContactCandidate, ...]
    time: float | None


def contact_candidates(
    log_probabilities: NDArray[np.float64],
    removal: NDArray[np.float32],
    paths: Sequence[HandPath],
    weights: Sequence[NDArray[np.float64]],
) -> ContactReading:
    """Find one to five peaks of the map of the contact and rank them.

    An object is put down, or a hand rests, at other peaks. At the contact, however, something is
    removed, the hand is slow, and it then carries its surroundings.

    Args:
        log_probabilities: [h, w], logarithm of the map.
        removal: [h, w], see `removal_map`.
        paths: paths of the hands.
        weights: [N] for each path, see `moment_scores`.
    """
    height, width = log_probabilities.shape
    diagonal = float(np.hypot(height, width))
    pixels = peaks(log_probabilities)
    moments = [_moment_at(pixel, diagonal, paths, weights) for pixel in pixels]
    features = [
        (
            log_probabilities[pixel[::-1]],
            removal[distances(pixel, removal.shape) <= _NEAR * diagonal].max(),
            0.0 if moment is None else carrying(*moment, diagonal),
            0.0 if moment is None else slowness(*moment),
        )
        for pixel, moment in zip(pixels, moments, strict=True)
    ]
    scores = np.array(features) @ _WEIGHTS
    probabilities = np.exp(scores - np.logaddexp.reduce(scores))
    order = np.argsort(-probabilities, kind='stable')
    candidates = tuple(
        ContactCandidate(
            (pixels[index][0] + 0.5) / width,
            (pixels[index][1] + 0.5) / height,
            float(probabilities[index]),
        )
        for index in order
    )
    moment = moments[order[0]]
    time = None if moment is None else float(moment[0].times[moment[1]])
    return ContactReading(log_probabilities.astype(np.float32), candidates, time)


def peaks(log_probabilities: NDArray[np.float64]) -> list[Pixel]:
    """Find at most five of the most probable places, 6 % of the diagonal apart."""
    diagonal = float(np.hypot(*log_probabilities.shape))
    left = cv2.GaussianBlur(np.exp(log_probabilities), (0, 0), _BLUR * diagonal)
    found: list[Pixel] = []
    while len(found) < _MOST_PEAKS and np.isfinite(left.max()):
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        found.append((int(column), int(row)))
        left[distances(found[-1], left.shape) < _CANDIDATES_APART * diagonal] = -np.inf
    return found


def distances(pixel: Pixel, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the distance of each pixel of a map [h, w] from a pixel."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(np.hypot(columns - pixel[0], rows - pixel[1]), np.float64)


def carrying(path: HandPath, moment: int, diagonal: float) -> float:
    """Measure how much more of its surroundings a hand moves after a moment than before it.

    Args:
        path: path of the hand.
        moment: number of the frame in it.
        diagonal: diagonal of the frame, in pixels.

    Returns:
        difference of the shares of the palm's travel that the surroundings share, -1 to 1.
    """
    steps = np.append(np.linalg.norm(np.diff(path.palms, axis=0), axis=1), 0.0)
    known = np.isfinite(path.comotion)

    def share(chosen: NDArray[np.bool_]) -> float:
        chosen = chosen & known
        travel = steps[chosen].sum() + _LITTLE_TRAVEL * diagonal
        return float((path.comotion[chosen] * steps[chosen]).sum() / travel)

    time = path.times[moment]
    return share(path.times > time) - share(path.times < time - _TAKING)


def slowness(path: HandPath, moment: int) -> float:
    """Compute the logarithm of a hand's usual speed relative to its speed at a moment.

    Args:
        path: path of the hand.
        moment: number of the frame in it.
    """
    speed = speeds(path.times, path.palms) / path.size + _SLOW_PALM
    return float(np.log(np.median(speed) / speed[moment]))


def _moment_at(
    pixel: Pixel,
    diagonal: float,
    paths: Sequence[HandPath],
    weights: Sequence[NDArray[np.float64]],
) -> tuple[HandPath, int] | None:
    """Return the hand and frame in which a pixel is most probably touched, or None."""
    best, found = -np.inf, None
    for path, weight in zip(paths, weights, strict=True):
        away = np.linalg.norm(path.tips - np.add(pixel, 0.5), axis=1) / diagonal
        near = weight / _FLATTER - np.square(away / _SPREAD) / 2
        scores = np.where(away <= _REACH, near, -np.inf)
        if scores.max() > best:
            best, found = scores.max(), (path, int(scores.argmax()))
    return found
