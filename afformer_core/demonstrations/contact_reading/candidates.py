# SPDX-License-Identifier: Apache-2.0
"""Candidates for the contact: the peaks of its map, and their hands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.hand_paths import HandPath
from afformer_core.demonstrations.contact_reading.reading import ContactCandidate

# Column and row in the map.
Pixel = tuple[int, int]

# Shares of the diagonal: minimum distance between candidates, and radius around a candidate.
_APART, NEAR = 0.1, 0.05
_MOST_PEAKS = 3
# Distance between contact and fingertip as a share of the diagonal, as in `contact_maps`.
_SPREAD = 0.025


def contact_candidates(
    log_probabilities: NDArray[np.float64],
    of_hands: Sequence[NDArray[np.float64]],
    paths: Sequence[HandPath],
    weights: Sequence[NDArray[np.float64]],
) -> tuple[ContactCandidate, ...]:
    """Find the peaks of the map of the contact, and those of hands at none of them.

    Args:
        log_probabilities: [h, w].
        of_hands: for each hand, the map [h, w] of a contact by this hand.
        paths: paths of the hands.
        weights: [N] for each path, see `moment_scores`.

    Returns:
        at least one candidate: at most three peaks, the highest first, and then those of other
        hands, by track.
    """
    height, width = log_probabilities.shape
    diagonal = float(np.hypot(height, width))

    def candidate(pixel: Pixel) -> ContactCandidate:
        return ContactCandidate(
            (pixel[0] + 0.5) / width,
            (pixel[1] + 0.5) / height,
            mass_near(log_probabilities, pixel),
            *_hand_at(pixel, diagonal, paths, weights),
        )

    found = peaks(log_probabilities, _MOST_PEAKS)
    candidates = [candidate(pixel) for pixel in found]
    for path, own in zip(paths, of_hands, strict=True):
        (pixel,) = peaks(own, 1)
        apart = min(np.hypot(pixel[0] - x, pixel[1] - y) for x, y in found) >= _APART * diagonal
        if apart and path.track not in {rival.track for rival in candidates}:
            found.append(pixel)
            candidates.append(candidate(pixel))
    return tuple(candidates)


def peaks(log_probabilities: NDArray[np.float64], count: int) -> list[Pixel]:
    """Find at most `count` of the most probable pixels that are far from each other."""
    left = log_probabilities.copy()
    apart = _APART * np.hypot(*left.shape)
    found: list[Pixel] = []
    while len(found) < count and np.isfinite(left.max()):
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        found.append((int(column), int(row)))
        left[distances(found[-1], left.shape) < apart] = -np.inf
    return found


def distances(pixel: Pixel, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the distance of each pixel of a map [h, w] from a pixel."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(np.hypot(columns - pixel[0], rows - pixel[1]), np.float64)


def mass_near(log_probabilities: NDArray[np.float64], pixel: Pixel) -> float:
    """Sum the probability within 5 % of the diagonal around a pixel."""
    shape = log_probabilities.shape
    near = distances(pixel, shape) <= NEAR * np.hypot(*shape)
    return float(np.exp(log_probabilities[near]).sum())


def _hand_at(
    pixel: Pixel,
    diagonal: float,
    paths: Sequence[HandPath],
    weights: Sequence[NDArray[np.float64]],
) -> tuple[int, float] | tuple[None, None]:
    """Return the track and time of the most probable moment at which a hand is at a pixel."""
    best, found = -np.inf, None
    for path, weight in zip(paths, weights, strict=True):
        away = np.linalg.norm(path.tips - np.add(pixel, 0.5), axis=1) / diagonal
        scores = np.where(away <= NEAR, weight - np.square(away / _SPREAD) / 2, -np.inf)
        if scores.max() > best:
            best, found = scores.max(), (path.track, float(path.times[scores.argmax()]))
    return found or (None, None)
