# SPDX-License-Identifier: Apache-2.0
"""Candidates for the contact: the peaks of its map, ranked by what happens at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.demonstrations.contact_reading.hand_paths import HandPath, speeds
from afformer_core.runtime.matching.matcher import ContactCandidate

# Column and row in the map.
Pixel = tuple[int, int]

_MOST_PEAKS = 5
# Shares of the diagonal: distance between candidates, blur of the map, whose noise would move
# its peaks, and radius around a candidate in which an object may have been removed.
_APART, _BLUR, _NEAR = 0.06, 0.01, 0.05
# Maximum and usual distance between contact and fingertip as shares of the diagonal.
_REACH, _SPREAD = 0.06, 0.025
# Factor by which the weights of moments at the same candidate are reduced.
_FLATTER = 3.0
# Travel of the palm, as a share of the diagonal, that tells little about what it carries.
_LITTLE_TRAVEL = 0.02
# Seconds before a contact in which the surroundings may already move with the hand.
_TAKING = 0.1
# Speed in hand sizes per second that is below the accuracy of landmarks.
_SLOW = 0.05
# Weights of log-probability, removal, carrying and slowness: a conditional logit of whether a
# candidate is within 5 % of the diagonal of the marked contact. Fitted to 155 real demonstrations
# from 31 sources by maximum likelihood, less the sum of squared weights of standardized evidence.
_WEIGHTS = np.array([0.571, 1.489, 1.23, 0.707])


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
        left[distances(found[-1], left.shape) < _APART * diagonal] = -np.inf
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
    speed = speeds(path.times, path.palms) / path.size + _SLOW
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
