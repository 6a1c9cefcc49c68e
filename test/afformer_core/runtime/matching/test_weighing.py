# SPDX-License-Identifier: Apache-2.0
"""A matching network beside a decoder: joined features, weights and heatmaps."""

import numpy as np
import pytest

from afformer_core.models import afformer_matching, afformer_small
from afformer_core.runtime.matching.joined_features import JoinedFeatures
from afformer_core.runtime.matching.weighing import Matching
from afformer_core.runtime.peaks import share_at_maximum

LAYOUT = JoinedFeatures(afformer_small(('press',), (64, 96)), afformer_matching((), (128, 192)))
MATCHING = Matching(0.25, 'abc')


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


def test_joined_features_are_split_again() -> None:
    rng = np.random.default_rng(0)
    decoder = rng.normal(size=(2, 96, 8, 12)).astype(np.float32)
    matching = rng.normal(size=(2, 1408, 4, 6)).astype(np.float32)

    joined = LAYOUT.join(decoder, matching)

    assert joined.shape == (2, 96 * 96 + 1408 * 24, 1, 1)
    for found, expected in zip(LAYOUT.split(joined), (decoder, matching), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_halving_takes_the_mean_of_four_pixels() -> None:
    image = np.array([[0, 255, 8, 8], [255, 255, 8, 9]], np.uint8)[..., None].repeat(3, axis=2)

    np.testing.assert_array_equal(LAYOUT.halved(image)[0, :, 0], [191, 8])


def test_images_of_another_size_than_twice_the_decoders_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r'\(128, 128\); expected \(128, 192\)'):
        JoinedFeatures(LAYOUT.decoder, afformer_matching((), (128, 128)))


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

    assert Matching(confidence, '').decoder_weight(blob(6), correlation(2)) == pytest.approx(0.5)


@pytest.mark.parametrize('confidence', [0.0, 1.0, float('nan')])
def test_an_even_confidence_out_of_range_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match='even_confidence of the matching is'):
        Matching(confidence, '')


def test_an_unsure_decoder_leaves_the_peak_to_the_matching_network() -> None:
    correlated = np.zeros((1, 24, 24), np.float32)
    correlated[0, 20:22, 4:6] = 5.0

    peaks = []
    for spread in (2, 20):
        heatmaps, weight = MATCHING.weigh(blob(spread)[None], correlated, 0)
        peaks.append(np.unravel_index(heatmaps[0].argmax(), (48, 48)))
        assert 0 < weight < 1

    assert (int(peaks[0][0]), int(peaks[0][1])) == (20, 30)
    assert (int(peaks[1][0]) // 4, int(peaks[1][1]) // 4) == (10, 2)
