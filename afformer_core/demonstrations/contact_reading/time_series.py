# SPDX-License-Identifier: Apache-2.0
"""Smoothing of values over time, and their means before and after each time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def interpolated(times: Values, known_times: Values, known: Values) -> Values:
    """Interpolate values [K, ...], known at increasing times, linearly at other times [N]."""
    flat = known.reshape(len(known), -1)
    columns = [np.interp(times, known_times, column) for column in flat.T]
    return np.stack(columns, axis=1).reshape(len(times), *known.shape[1:])


def smoothed(times: Values, values: Values, deviation: float) -> Values:
    """Average values [N, ...] with a normal distribution over the time between them.

    Args:
        times: [N], increasing.
        values: finite.
        deviation: standard deviation in seconds; frames that are much farther apart are unchanged.
    """
    weights = np.exp(-np.square((times[:, None] - times[None]) / deviation) / 2)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(np.tensordot(weights, values, axes=1), np.float64)


def speeds(times: Values, points: Values) -> Values:
    """Compute the speed of a point [N, 2] in its unit per second; 0 for a single time."""
    if len(times) < 2:
        return np.zeros(len(times))
    return np.asarray(np.linalg.norm(np.gradient(points, times, axis=0), axis=1), np.float64)


def changes(times: Values, values: Values, before: float, after: float) -> Values:
    """Compute the mean over a window after each time minus the mean over one before it.

    Args:
        times: [N], increasing.
        values: [N]; NaN values are left out, and the mean of no value is 0.
        before, after: lengths of the two windows, in seconds.
    """
    known = np.isfinite(values)
    sums = np.concatenate(([0.0], np.cumsum(np.where(known, values, 0.0))))
    counts = np.concatenate(([0], np.cumsum(known)))
    slack = 1e-6
    here = np.arange(len(times))
    start = np.searchsorted(times, times - before - slack)
    end = np.searchsorted(times, times + after + slack)
    later = (sums[end] - sums[here]) / np.maximum(counts[end] - counts[here], 1)
    earlier = (sums[here + 1] - sums[start]) / np.maximum(counts[here + 1] - counts[start], 1)
    return np.asarray(later - earlier, np.float64)


def standard_scores(values: Values) -> Values:
    """Return values [N] as multiples of their standard deviation from their mean."""
    return np.asarray((values - values.mean()) / (values.std() + 1e-6), np.float64)
