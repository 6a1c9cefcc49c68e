# SPDX-License-Identifier: Apache-2.0
"""The mean over windows, by a model that says something else of each of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.models import AfformerConfiguration, afformer_small
from afformer_core.offline.evaluation.pairs.multi_window import ground_windows, mean_actions
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.calibrations import Calibrations, PresenceCalibration, PresenceFeatures
from afformer_core.runtime.demonstration import DemonstrationMemory
from afformer_core.runtime.networks import EncodedImage, Networks, Output
from afformer_core.runtime.peaks import find_peaks
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory

SMALL = afformer_small(('press', 'hold'), (64, 64))
PER_ACTION = replace(SMALL, heatmap_per_action=True, action_pooling='mean')
IMAGE = np.full((48, 128, 3), 90, np.uint8)


class TaughtSession:
    """Says of a window whose frames are grey what it was taught about that grey.

    Args:
        taught: by grey level, (row, column) of the peak of each heatmap, and the action logits.
    """

    backend = 'taught'

    def __init__(self, taught: dict[int, tuple[list[tuple[int, int]], list[float]]]) -> None:
        self._taught = taught

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        features = np.ones((len(frames), 4, 8, 8), np.float32) * frames[:, :1, :1, :1]
        # Positions differ, or nothing could be similar to one of them.
        features[:, 0] += np.arange(64, dtype=np.float32).reshape(8, 8)
        return features

    def memorize(self, features: FloatArray) -> Memory:
        memorized = features[:, 1, 0, 0]
        return Memory((memorized, memorized), (memorized, memorized))

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        return EncodedLevels(image, (), self.encode_frames(image[None])[0])

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        positions, actions = self._taught[int(memory.keys[0][0])]
        rows, columns = np.mgrid[:64, :64]
        logits = [-((rows - v) ** 2 + (columns - u) ** 2) / 8 for v, u in positions]
        return Decoded(np.array(logits, np.float32), np.array(actions, np.float32))


def grounder_of(
    configuration: AfformerConfiguration,
    taught: dict[int, tuple[list[tuple[int, int]], list[float]]],
) -> ArrayGrounder:
    """Knows a demonstration for each grey, by its number."""
    grounder = ArrayGrounder(configuration, Networks(configuration, TaughtSession(taught)))
    for grey in taught:
        grounder.set_demonstration([np.full((64, 64, 3), grey, np.uint8)], str(grey))
    return grounder


@pytest.mark.parametrize(
    ('activation', 'expected'), [('softmax', [0.625, 0.375]), ('sigmoid', [0.5, 0.375])]
)
def test_scores_of_actions_are_averaged(activation: str, expected: list[float]) -> None:
    configuration = replace(SMALL, action_activation=activation)
    # Odds of one to one and of three to one.
    logits = torch.tensor([[0.0, 0.0], [0.0, -1.0986123]])
    found = mean_actions(logits, configuration)
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


def test_a_grounding_of_windows_is_the_mean_of_theirs() -> None:
    grounder = grounder_of(
        SMALL,
        {
            10: ([(20, 12)], [2.0, 0.0]),
            20: ([(20, 12)], [2.0, 0.0]),
            30: ([(40, 50)], [0.0, 1.0]),
        },
    )
    alone = [grounder.ground(IMAGE, name) for name in ('10', '20', '30')]

    found = ground_windows(grounder, IMAGE, ('10', '20', '30'))

    expected = np.mean([each.probabilities for each in alone], axis=0)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-8)
    np.testing.assert_allclose(
        found.heatmap, np.mean([each.heatmap for each in alone], axis=0), atol=1e-8
    )
    assert list(found.action_scores) == ['press', 'hold']
    assert found.action_scores['press'] == pytest.approx(
        np.mean([each.action_scores['press'] for each in alone])
    )
    # Two thirds and one third of the probability, each in pixels of an image of 128x48.
    assert found.peaks == find_peaks(found.probabilities, (48, 128), 5)
    assert [(peak.u, peak.v) for peak in found.peaks] == [
        pytest.approx((24.5, 14.875), abs=0.05),
        pytest.approx((100.5, 29.875), abs=0.05),
    ]
    assert [peak.score for peak in found.peaks] == pytest.approx([2 / 3, 1 / 3], abs=0.02)
    assert found.confidence == found.peaks[0].score


def test_the_action_of_the_mean_says_whose_heatmaps_are_averaged() -> None:
    # One window is sure that it is `hold`; two are less sure of `press`.
    grounder = grounder_of(
        PER_ACTION,
        {
            10: ([(10, 10), (50, 10)], [0.5, 0.0]),
            20: ([(10, 10), (50, 10)], [0.5, 0.0]),
            30: ([(10, 50), (50, 50)], [0.0, 3.0]),
        },
    )

    found = ground_windows(grounder, IMAGE, ('10', '20', '30'))

    assert found.action == 'hold'
    rows = np.flatnonzero(found.probabilities.sum(axis=1) > 0.01)
    assert (rows.min(), rows.max()) == (46, 54)
    left = found.probabilities[:, :32].sum(), found.probabilities[:, 32:].sum()
    assert left == pytest.approx((2 / 3, 1 / 3), abs=1e-4)


def test_a_calibrated_model_says_how_likely_the_mean_is() -> None:
    calibration = PresenceCalibration(0.5, 4.0, -2.0, 0.4, 0.9, 40, 'validation.json', 'ab12')
    grounder = grounder_of(SMALL, {grey: ([(20, 12)], [2.0, 0.0]) for grey in (10, 90)})
    assert ground_windows(grounder, IMAGE, ('10', '90')).presence is None
    grounder.calibrations = Calibrations(calibration)
    found = ground_windows(grounder, IMAGE, ('10', '90'))
    features = PresenceFeatures(found.confidence, found.feature_similarity)
    assert found.presence == calibration.presence(features)


def test_the_decoders_weight_is_the_mean_of_the_windows() -> None:
    weights = {10: 0.2, 90: 0.9}

    class WeighedNetworks(Networks):
        def ground(self, image: EncodedImage, memory: DemonstrationMemory) -> Output:
            weight = weights[int(memory.decoder.values[0, 1, 0, 0])]
            return super().ground(image, memory)._replace(decoder_weight=weight)

    session = TaughtSession(dict.fromkeys(weights, ([(20, 12)], [2.0, 0.0])))
    grounder = ArrayGrounder(SMALL, WeighedNetworks(SMALL, session))
    for grey in weights:
        grounder.set_demonstration([np.full((64, 64, 3), grey, np.uint8)], str(grey))

    found = ground_windows(grounder, IMAGE, ('10', '90'))

    assert found.decoder_weight == pytest.approx(0.55)


def test_the_window_most_similar_to_the_image_counts() -> None:
    taught = {grey: ([(20, 12)], [2.0, 0.0]) for grey in (10, 90)}
    grounder = grounder_of(SMALL, taught)
    alone = [grounder.ground(IMAGE, name).feature_similarity for name in ('10', '90')]
    assert alone[1] > alone[0] + 0.1
    found = ground_windows(grounder, IMAGE, ('10', '90'))
    assert found.feature_similarity == pytest.approx(alone[1], abs=1e-5)
