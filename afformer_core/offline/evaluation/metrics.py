# SPDX-License-Identifier: Apache-2.0
"""Metrics of heatmaps and their best peaks, and the measures that are means of them.

Heatmaps are float [N, H, W], not negative; each map is divided by its sum first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.media.polygons import Point, contains, nearest_element
from afformer_core.offline.evaluation.protocols import (
    Heatmaps,
    Predictor,
    ProtocolRow,
    RowsProtocol,
)
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_mean, bootstrap_median

FloatArray = NDArray[np.floating]

Positions = NDArray[np.float64]
"""[K, 2] (x, y) in pixels of the annotation; the first pixel's centre is (0, 0)."""

RowScores = Mapping[str, NDArray[np.float64]]
"""Scores of N rows by name, each [N]: those of `measure` and of `measure_peaks`."""

Estimates = Mapping[str, Any]
"""Estimates, numbers or None by the names of measures."""

_JITTER = 1e-7
_FIXATION_SHARE = 0.5
# Two pixels share the middle of a side with an even number of pixels, and four share that of an
# image.
_MOST_SHARED = 4
# Maximum number of positions that represent a flat heatmap.
_MOST_POSITIONS = 16_384
_CHUNK = 32
_NAN = float('nan')


@dataclass(frozen=True)
class Measure:
    """A mean or a median of the scores of rows.

    Attributes:
        title: heading of its column.
        score: name of the scores.
        least_difference: minimum difference between two models that counts.
        estimate: function that estimates it from the scores, their groups and a seed.
    """

    title: str
    score: str
    least_difference: float = 0.01
    estimate: Callable[..., Estimate | None] = bootstrap_mean


MEASURES = {
    # A hundred times the change of the shipped model's KLD by fp16.
    'kld': Measure('KLD', 'kld', 0.01),
    'sim': Measure('SIM', 'sim', 0.005),
    'auc_j': Measure('AUC-J', 'auc_j', 0.005),
    'hit_rate': Measure('hit rate', 'hit_rate'),
    # Percent of the diagonal: half a pixel of an image of 320 x 240.
    'peak_error_mean': Measure('mean peak error, %', 'peak_error', 0.1),
    'peak_error_median': Measure(
        'median peak error, %', 'peak_error', 0.1, estimate=bootstrap_median
    ),
    'peak_inside': Measure('peak inside', 'peak_inside'),
    'nearest': Measure('nearest', 'nearest'),
}
"""Measures of rows by name; a new one needs its scores, in `measure` or `measure_peaks`."""


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


def measure(
    predicted: Heatmaps, targets: Heatmaps, rng: np.random.Generator, epsilon: float = 0.0
) -> RowScores:
    """Compute KLD, SIM and AUC-J of predictions [N, H, W] against ground truths [N, H, W].

    Args:
        predicted: predictions at the protocol's size.
        targets: ground truths from the protocol.
        rng: random numbers of the jitter in AUC-J.
        epsilon: epsilon of the protocol in KLD.
    """
    return {
        'kld': kld(predicted, targets, epsilon),
        'sim': sim(predicted, targets),
        'auc_j': auc_judd(predicted, targets, rng),
    }


def score(
    protocol: RowsProtocol,
    rows: Sequence[ProtocolRow],
    predictors: Mapping[str, Predictor],
    seed: int = 0,
) -> dict[str, RowScores]:
    """Measure every predictor on every row.

    Args:
        protocol: protocol of the ground truths.
        rows: rows of the protocol.
        predictors: predictors by name.
        seed: seed of the jitter in AUC-J; the same for every predictor.
    """
    scores: dict[str, list[RowScores]] = {name: [] for name in predictors}
    with tqdm(total=len(rows), desc='scoring', unit='row') as bar:
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            targets = protocol.targets(chunk)
            for name, predictor in predictors.items():
                predicted = np.stack([predictor(start + i, row) for i, row in enumerate(chunk)])
                jitter = np.random.default_rng((seed, start))
                scores[name].append(score_rows(protocol, chunk, predicted, targets, jitter))
            bar.update(len(chunk))
    return {name: concatenate(of_predictor) for name, of_predictor in scores.items()}


def score_rows(
    protocol: RowsProtocol,
    rows: Sequence[ProtocolRow],
    predicted: Heatmaps,
    targets: Heatmaps,
    jitter: np.random.Generator,
    positions: Sequence[Positions] | None = None,
) -> RowScores:
    """Score the heatmaps of N rows, and their best peaks.

    Args:
        protocol: protocol of the rows.
        rows: the rows.
        predicted, targets: [N, H, W] at the protocol's size.
        jitter: random numbers of the jitter in AUC-J.
        positions: positions of the best peaks; None: those of the heatmaps.
    """
    if positions is None:
        positions = list(map(best_positions, predicted, rows))
    heatmaps = measure(predicted, targets, jitter, protocol.epsilon)
    return {**heatmaps, **measure_peaks(rows, targets, positions)}


def concatenate(parts: Sequence[RowScores]) -> RowScores:
    """Join scores of consecutive rows."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def estimate(
    scores: RowScores,
    rows: Sequence[ProtocolRow],
    seed: int = 0,
    chosen: NDArray[np.bool_] | None = None,
) -> dict[str, Any]:
    """Estimate all `MEASURES` of rows, and their number `rows`; None if they are not measured.

    Args:
        scores: scores of N rows.
        rows: the N rows.
        seed: seed of the bootstrap.
        chosen: [N] the rows that count; None: all.
    """
    taken = np.ones(len(rows), bool) if chosen is None else chosen
    groups = [row.group for row, is_taken in zip(rows, taken, strict=True) if is_taken]
    return {
        'rows': len(groups),
        **{
            name: measure.estimate(scores[measure.score][taken], groups, seed)
            for name, measure in MEASURES.items()
        },
    }


def best_positions(heatmap: Heatmaps, row: ProtocolRow) -> Positions:
    """Find the highest pixels of a heatmap [h, w], of which there is usually one.

    If there are more than 16,384, as in a flat heatmap, an even subset is returned.
    """
    highest = np.flatnonzero(heatmap == heatmap.max())
    # An odd step visits all columns if their number is a power of two.
    step = -(-len(highest) // _MOST_POSITIONS) | 1
    rows, columns = np.divmod(highest[::step], heatmap.shape[1])
    scale = np.divide(row.image_size, heatmap.shape[::-1])
    return np.asarray((np.stack((columns, rows), 1) + 0.5) * scale - 0.5)


def measure_peaks(
    rows: Sequence[ProtocolRow], targets: Heatmaps, positions: Sequence[Positions]
) -> RowScores:
    """Measure the best peak of each of N rows.

    Args:
        rows: rows of a protocol.
        targets: [N, h, w], ground truths of the rows.
        positions: for each row the positions of its heatmap's maximum, at least one; more than
            four are a flat top and not a peak.

    Returns:
        `position`: [N, 2] (x, y) in pixels of the annotation; NaN if a heatmap has a flat top and
        no peak.
        `hit_rate`: 1 if the peak lies in the row's annotated region, or 0. The region is its mask
        if that is known, or else the area of high values of its blurred points. For a flat
        heatmap, the share of its top in the region, which is the hit rate of a guess. NaN if no
        point was annotated inside the image.
        `peak_error`: distance to the mask if that is known, else to the nearest annotated point,
        in percent of the image's diagonal; for a flat heatmap, the mean over its top. NaN if no
        point is inside the image.
        `peak_inside`: 1 if the peak lies inside the outline of the demonstrated element, or 0; NaN
        if there is no peak, or no element is known.
        `nearest`: 1 if the nearest element is the demonstrated one, or 0; NaN in the same cases.
    """
    # A tie of a few pixels has one peak, and any of them can be used.
    found = [all_ if len(all_) > _MOST_SHARED else all_[:1] for all_ in positions]
    peaks = [_peak(of_row) for of_row in found]
    hits, errors = zip(
        *(_annotated(*row_values) for row_values in zip(rows, targets, found, strict=True)),
        strict=True,
    )
    inside, nearest = zip(*map(_element, rows, peaks), strict=True)
    position = [(_NAN, _NAN) if peak is None else peak for peak in peaks]
    measured = {
        'position': position,
        'hit_rate': hits,
        'peak_error': errors,
        'peak_inside': inside,
        'nearest': nearest,
    }
    return {name: np.array(values, np.float64) for name, values in measured.items()}


def in_region(target: Heatmaps, row: ProtocolRow, positions: Positions) -> NDArray[np.bool_]:
    """Find positions in the annotated region of a row with a ground truth [h, w]; bool [K].

    The region is the row's mask if that is known.
    """
    if row.mask is not None:
        return row.mask.contains(positions)
    size = np.array(target.shape[::-1])
    pixels = np.floor((positions + 0.5) * size / row.image_size).astype(int)
    columns, rows = np.clip(pixels, 0, size - 1).T
    return np.asarray(annotated_region(target)[rows, columns])


def distances(
    points: NDArray[np.float64], positions: Positions, size: tuple[int, int]
) -> NDArray[np.float64]:
    """Measure the distance from K positions to the nearest point, in percent of the diagonal.

    Args:
        points: [P, 2] (x, y), at least one.
        positions: [K, 2].
        size: (width, height) of the image, in whose pixels both are given.
    """
    across, down = (np.subtract.outer(positions[:, axis], points[:, axis]) for axis in (0, 1))
    nearest = np.sqrt((across**2 + down**2).min(1))
    return np.asarray(100 * nearest / np.hypot(*size))


def _annotated(row: ProtocolRow, target: Heatmaps, positions: Positions) -> tuple[float, float]:
    """Hit and error."""
    inside = ((row.points > -1) & (row.points < row.image_size)).all(1)
    if not inside.any():
        return _NAN, _NAN
    hit = float(in_region(target, row, positions).mean())
    if row.mask is None:
        return hit, float(distances(row.points[inside], positions, row.image_size).mean())
    return hit, float(100 * row.mask.distances(positions).mean() / np.hypot(*row.image_size))


def _element(row: ProtocolRow, peak: Point | None) -> tuple[float, float]:
    """Check whether the demonstrated element contains the peak, and whether it is the nearest."""
    scene = row.scene
    if scene is None or peak is None:
        return _NAN, _NAN
    inside = contains(scene.polygons[scene.element], peak)
    return float(inside), float(nearest_element(scene.polygons, peak) == scene.element)


def _peak(positions: Positions) -> Point | None:
    return (float(positions[0, 0]), float(positions[0, 1])) if len(positions) == 1 else None
