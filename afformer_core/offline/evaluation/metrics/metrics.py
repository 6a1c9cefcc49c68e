# SPDX-License-Identifier: Apache-2.0
"""The common measures of heatmaps and actions.

Heatmaps are float [N, H, W], not negative; each map is divided by its sum first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]

_JITTER = 1e-7
_FIXATION_SHARE = 0.5


def normalised(heatmaps: FloatArray) -> NDArray[np.float32]:
    """Divide each heatmap by its sum.

    Raises:
        ValueError: a map has a negative or non-finite value, or sums to zero.
    """
    sums = heatmaps.sum((1, 2), keepdims=True, dtype=np.float64)
    if not (np.isfinite(sums).all() and (sums > 0).all() and heatmaps.min() >= 0):
        raise ValueError(
            f'heatmaps have the minimum {heatmaps.min()} and sums from {sums.min()} to '
            f'{sums.max()}; expected finite values of at least 0 with sums above 0'
        )
    return np.asarray(heatmaps / sums, np.float32)


def kld(predicted: FloatArray, target: FloatArray, epsilon: float = 0.0) -> NDArray[np.float64]:
    """Compute the Kullback-Leibler divergence of each prediction from its ground truth.

    Args:
        predicted: [N, H, W].
        target: [N, H, W].
        epsilon: added to each prediction, and again to each ratio of the two. With 1e-12, a
            prediction may be zero where its ground truth is not; a KLD of about 27 results if this
            holds everywhere.

    Returns:
        [N], at least 0; infinite if a prediction is zero, its ground truth is not, and there
        is no epsilon.
    """
    expected = normalised(target)
    with np.errstate(divide='ignore', invalid='ignore'):
        # In single precision, the ratio overflows where a confident prediction is nearly zero.
        ratio = np.log(expected / (normalised(predicted).astype(np.float64) + epsilon) + epsilon)
        terms = np.where(expected > 0, expected * ratio, 0)
    return np.asarray(terms.sum((1, 2)), np.float64)


def sim(predicted: FloatArray, target: FloatArray) -> NDArray[np.float64]:
    """Compute the histogram intersection of each prediction with its ground truth, [N] in 0..1."""
    smaller = np.minimum(normalised(predicted), normalised(target))
    return np.asarray(smaller.sum((1, 2)), np.float64)


def annotated_region(target: FloatArray) -> NDArray[np.bool_]:
    """Find where a ground truth [H, W] is above half of its maximum, bool [H, W].

    Its pixels are the positives of AUC-J. For points, these are the pixels within about 1.2
    standard deviations of their blur; for a box, the box itself.
    """
    return np.asarray(target > _FIXATION_SHARE * target.max())


def auc_judd(
    predicted: FloatArray, target: FloatArray, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Compute AUC-J of each prediction, [N] in 0..1.

    Judd's curve has a point only for each positive; scikit-learn's has one for each pixel.

    The positives are the pixels of `annotated_region`. A jitter of 1e-7 of the prediction's range
    breaks ties, so that a constant map counts as chance instead of vanishing.

    Args:
        predicted: [N, H, W].
        target: [N, H, W].
        rng: random numbers of the jitter.
    """
    regions = [annotated_region(row_target).ravel() for row_target in target]
    maps = zip(predicted, regions, strict=True)
    return np.array([_auc_judd(heatmap.ravel(), region, rng) for heatmap, region in maps])


def _auc_judd(predicted: FloatArray, region: NDArray[np.bool_], rng: np.random.Generator) -> float:
    low, high = float(predicted.min()), float(predicted.max())
    scaled = (predicted.astype(np.float64) - low) / ((high - low) or 1.0)
    jittered = scaled + _JITTER * rng.random(len(scaled))
    positives = np.sort(jittered[region])[::-1]
    above = len(jittered) - np.searchsorted(np.sort(jittered), positives)
    found = np.arange(1, len(positives) + 1)
    hits = np.concatenate(([0.0], found / len(positives), [1.0]))
    negatives = max(len(jittered) - len(positives), 1)
    alarms = np.concatenate(([0.0], (above - found) / negatives, [1.0]))
    return float((np.diff(alarms) * (hits[1:] + hits[:-1]) / 2).sum())


def top1_hits(scores: Mapping[int, float], actions: Collection[int]) -> int:
    """Count how many of a sample's k distinct actions are among its k best-scored ones.

    Args:
        scores: scores of every action.
        actions: annotated actions, at least one; repeated ones count once.
    """
    expected = set(actions)
    best = sorted(scores, key=lambda action: -scores[action])[: len(expected)]
    return len(expected.intersection(best))
