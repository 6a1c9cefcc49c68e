# SPDX-License-Identifier: Apache-2.0
"""A matching network beside a decoder: weights and heatmaps."""

import numpy as np
import pytest

from afformer_core.runtime.matching.weighing import MatchingSettings
from afformer_core.runtime.peaks import share_at_maximum

MATCHING = MatchingSettings(0.25, 'abc')


def blob(spread: float) -> np.ndarray:
    """Log-probabilities of a heatmap with one peak."""
    rows, columns = np.mgrid[:48, :48]
    heatmap = np.exp(-((rows - 20) ** 2 + (columns - 30) ** 2) / (2 * spread**2))
    return np.log(heatmap / heatmap.sum()).astype(np.float32)


def correlation(nats: float) -> np.ndarray:
    """Log-probabilities of a correlation that finds the peak so much less likely than all else."""
    logits = np.zeros((48, 48), np.float32)
    logits[20, 30] -= nats
    return logits


def test_the_surer_the_decoder_the_more_it_weighs() -> None:
    weights = [MATCHING.decoder_weight(blob(spread), correlation(2)) for spread in (2, 5, 8, 14)]

    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 0.99
    assert weights[-1] < 0.25


def test_the_less_likely_its_peak_is_by_matching_the_less_the_decoder_weighs() -> None:
    weights = [MATCHING.decoder_weight(blob(5), correlation(nats)) for nats in (0, 3, 6, 12)]

    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 0.9
    assert weights[-1] < 0.1


def test_an_even_weight_at_the_even_confidence() -> None:
    confidence = share_at_maximum(np.exp(blob(6)))

    assert MatchingSettings(confidence, '').decoder_weight(
        blob(6), correlation(2)
    ) == pytest.approx(0.5)


@pytest.mark.parametrize('confidence', [0.0, 1.0, float('nan')])
def test_an_even_confidence_out_of_range_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match='even_confidence of the matching is'):
        MatchingSettings(confidence, '')


def test_an_unsure_decoder_leaves_the_peak_to_the_matching_network() -> None:
    correlated = np.zeros((48, 48), np.float32)
    correlated[40:44, 8:12] = 5.0

    peaks = []
    for spread in (2, 20):
        heatmaps, weight = MATCHING.weigh(blob(spread)[None], correlated, 0)
        peaks.append(np.unravel_index(heatmaps[0].argmax(), (48, 48)))
        assert 0 < weight < 1

    assert (int(peaks[0][0]), int(peaks[0][1])) == (20, 30)
    assert (int(peaks[1][0]) // 4, int(peaks[1][1]) // 4) == (10, 2)
