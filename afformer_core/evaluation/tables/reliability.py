# SPDX-License-Identifier: Apache-2.0
"""The reliability of a calibrated model: probabilities compared with observed frequencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from afformer_core.evaluation.pairs.pair_result import PairResult
from afformer_core.reports.tables import Table
from afformer_core.runtime.presence import PresenceCalibration

_BINS = 10
RELIABILITY_COLUMNS = {
    'images': 'images',
    'said': 'said',
    'right': 'right',
    'calibration_error': 'expected calibration error',
}


@dataclass(frozen=True)
class ReliabilityMeasures:
    """Mean probabilities and observed frequencies.

    Attributes:
        images: number of images.
        said: mean of the probabilities.
        right: share of the images in which the event occurred.
        calibration_error: see `expected_calibration_error`.
    """

    images: int
    said: float
    right: float
    calibration_error: float


@dataclass(frozen=True)
class Reliability:
    """Reliability of the two probabilities of a model.

    Attributes:
        presence: reliability of presence.
        peak: reliability of the confidence that the best peak is right.
    """

    presence: ReliabilityMeasures
    peak: ReliabilityMeasures


def measure_reliability(
    results: Sequence[PairResult], calibration: PresenceCalibration | None
) -> Reliability | None:
    """Compare probabilities with observed frequencies.

    Returns: the reliability; None if the model is not calibrated, or no pair has a negative
    demonstration.
    """
    pairs = [result for result in results if result.negative_presence_features is not None]
    if calibration is None or not pairs:
        return None
    own = [result.presence_features for result in pairs]
    negative = [
        result.negative_presence_features
        for result in pairs
        if result.negative_presence_features is not None
    ]
    presence = [calibration.presence(features) for features in own + negative]
    return Reliability(
        presence=_reliability(presence, [True] * len(own) + [False] * len(negative)),
        peak=_reliability(
            [result.presence_features.confidence for result in results],
            [result.is_right for result in results],
        ),
    )


def reliability_table(reliability: Reliability, calibration: PresenceCalibration) -> Table:
    """Build the table of presence and peak.

    Args:
        reliability: measured reliability.
        calibration: calibration of the measurement.
    """
    return Table.of(
        'Does the probability equal the observed share?',
        RELIABILITY_COLUMNS,
        {
            'presence: the image shows it': vars(reliability.presence),
            'confidence: the peak is inside': vars(reliability.peak),
        },
        (
            f'Means over all images; the error is the mean difference between probability and '
            f'observed share over {_BINS} bins, weighted by their numbers of images. Each '
            f'demonstration '
            'counts with its own image and with one of another object.',
            f'Calibrated on {calibration.pairs} pairs of {calibration.annotations}.',
        ),
    )


def expected_calibration_error(probabilities: ArrayLike, happened: ArrayLike) -> float:
    """Compute the mean distance of probabilities from frequencies, in ten bins of equal width.

    Args:
        probabilities: [N], 0 to 1, at least one.
        happened: [N], whether each event occurred.

    Returns:
        0 to 1.
    """
    said = np.asarray(probabilities, np.float64)
    right = np.asarray(happened, np.float64)
    bins = np.minimum((said * _BINS).astype(int), _BINS - 1)
    # For each bin, the mean distance times the share of the bin.
    distances = np.bincount(bins, said - right, minlength=_BINS)
    return float(np.abs(distances).sum() / len(said))


def _reliability(probabilities: Sequence[float], happened: Sequence[bool]) -> ReliabilityMeasures:
    return ReliabilityMeasures(
        images=len(happened),
        said=float(np.mean(probabilities)),
        right=float(np.mean(happened)),
        calibration_error=expected_calibration_error(probabilities, happened),
    )
