# SPDX-License-Identifier: Apache-2.0
"""Whether a calibrated model is as often right as it says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from afformer_core.evaluation.pair_result import PairResult
from afformer_core.evaluation.tables import Cell, Table
from afformer_core.runtime.presence import PresenceCalibration

_BINS = 10
ERROR_COLUMN = 'expected calibration error'


def reliability_table(
    results: Sequence[PairResult], calibration: PresenceCalibration | None
) -> Table | None:
    """Probabilities beside how often what they are of was so.

    Returns:
        None where the model is not calibrated, or no pair has a foreign demonstration.
    """
    pairs = [result for result in results if result.foreign_evidence is not None]
    if calibration is None or not pairs:
        return None
    own = [result.evidence for result in pairs]
    foreign = [result.foreign_evidence for result in pairs if result.foreign_evidence is not None]
    presence = [calibration.presence(one.confidence, one.resemblance) for one in own + foreign]
    return Table(
        'Is it as often right as it says?',
        ('images', 'said', 'right', ERROR_COLUMN),
        {
            'presence: the image shows it': _cells(
                presence, [True] * len(own) + [False] * len(foreign)
            ),
            'confidence: the peak is inside': _cells(
                [result.evidence.confidence for result in results],
                [result.is_right for result in results],
            ),
        },
        (
            f'Means over all images; the error is the mean over {_BINS} bins of the probability '
            'of how far it is from what was so, weighted by their images. Each demonstration '
            'counts with its own image and with one of another object.',
            f'Calibrated on {calibration.pairs} pairs of {calibration.annotations}.',
        ),
    )


def expected_calibration_error(probabilities: ArrayLike, happened: ArrayLike) -> float:
    """Mean distance of probabilities from frequencies, in ten bins of equal width.

    Args:
        probabilities: [N], 0 to 1, at least one.
        happened: [N], whether each was so.

    Returns:
        0 to 1.
    """
    said = np.asarray(probabilities, np.float64)
    right = np.asarray(happened, np.float64)
    bins = np.minimum((said * _BINS).astype(int), _BINS - 1)
    # Of each bin the mean distance times its share of all.
    distances = np.bincount(bins, said - right, minlength=_BINS)
    return float(np.abs(distances).sum() / len(said))


def _cells(probabilities: Sequence[float], happened: Sequence[bool]) -> list[Cell]:
    return [
        len(happened),
        float(np.mean(probabilities)),
        float(np.mean(happened)),
        expected_calibration_error(probabilities, happened),
    ]
