# SPDX-License-Identifier: Apache-2.0
"""Predictions from the network's output, in numbers that can be checked by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from afformer_core.arrays import FloatArray
from afformer_core.models import afformer_small
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.demonstration_features import DemonstrationFeatures, Similarities
from afformer_core.runtime.features import ImageFeatures
from afformer_core.runtime.grounding import UNKNOWN_ROTATION
from afformer_core.runtime.networks import Output
from afformer_core.runtime.prediction import Prediction
from afformer_core.runtime.presence import PresenceCalibration

IMAGE = np.zeros((64, 64, 3), np.uint8)
ACTIONS = ('press', 'hold', 'push')
SMALL = afformer_small(ACTIONS, (64, 64))


def features_of(first: list[float], second: list[float]) -> DemonstrationFeatures:
    """Of a demonstration of one frame that has two positions with these features."""
    return DemonstrationFeatures(np.array([first, second], np.float32).T[None, :, None])


# Features are standardised by mean (1, 1) and deviation (1, 1), and by (1, 5) and (1, 1).
ENDS = ([[0.0, 0.0], [2.0, 2.0]], [[0.0, 4.0], [2.0, 6.0]])
DEMONSTRATION, ANOTHER = (features_of(*each) for each in ENDS)


def output(
    heatmap_logits: list[FloatArray], action_logits: list[float], position: tuple[float, float]
) -> Output:
    """Features of the image are (1, 2) but in the second of 2 x 2 positions."""
    features = np.tile(np.array([1, 2], np.float32)[:, None, None], (1, 2, 2))
    features[:, 0, 1] = position
    return Output(
        np.stack(heatmap_logits), np.array(action_logits, np.float32), ImageFeatures(features)
    )


def peak_at(row: int, column: int) -> FloatArray:
    logits = np.full((2, 2), -30, np.float32)
    logits[row, column] = 0
    return logits


def predicted(
    found: Output,
    demonstrations: list[DemonstrationFeatures],
    configuration: AfformerConfiguration = SMALL,
    calibration: PresenceCalibration | None = None,
) -> Prediction:
    shown = [
        SimpleNamespace(features=one, rotation=UNKNOWN_ROTATION, contact_probability=None)
        for one in demonstrations
    ]
    return Prediction.of(found, IMAGE, shown, configuration, 0.25, calibration)


@pytest.mark.parametrize(
    ('demonstrations', 'descriptor'),
    [
        # (3, 1) is (2, 0) away from the one mean, (2, -4) from the other.
        ([DEMONSTRATION, ANOTHER], [1.0, 0.0]),
        ([ANOTHER, DEMONSTRATION], [0.4472136, -0.8944272]),
    ],
)
def test_the_peak_is_described_by_the_first_demonstration(
    demonstrations: list[DemonstrationFeatures], descriptor: list[float]
) -> None:
    found = output([peak_at(0, 1)], [0, 0, 0], position=(3, 1))

    assert predicted(found, demonstrations).descriptor.tolist() == pytest.approx(
        descriptor, abs=1e-5
    )


def test_the_most_similar_demonstration_counts() -> None:
    # All four positions are similar to the one by 1 / sqrt(2), the largest cosine with (-1, -1)
    # and (1, 1); to the other by less than 1.
    found = output([peak_at(0, 1)], [0, 0, 0], position=(1, 2))
    alone = [predicted(found, [one]).feature_similarity for one in (DEMONSTRATION, ANOTHER)]

    assert alone == pytest.approx([np.sqrt(0.5), np.sqrt(0.5)], abs=1e-5)
    found = output([peak_at(0, 1)], [0, 0, 0], position=(2, 2))
    alone = [predicted(found, [one]).feature_similarity for one in (DEMONSTRATION, ANOTHER)]
    both = predicted(found, [DEMONSTRATION, ANOTHER]).feature_similarity
    assert both == max(alone) > min(alone)


def test_the_heatmap_is_a_softmax() -> None:
    logits = np.log(np.array([[1, 2], [3, 4]], np.float32))
    found = predicted(output([logits], [0, 0, 0], position=(3, 1)), [DEMONSTRATION])

    assert found.probabilities.ravel().tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert found.probabilities.dtype == np.float32


def test_scores_that_exclude_each_other_sum_to_one_and_the_best_comes_first() -> None:
    logits = np.log([1.0, 6.0, 3.0]).tolist()
    scores = predicted(output([peak_at(0, 0)], logits, (3, 1)), [DEMONSTRATION]).action_scores

    assert list(scores) == ['hold', 'push', 'press']
    assert list(scores.values()) == pytest.approx([0.6, 0.3, 0.1])


def test_scores_that_exclude_none_are_each_a_probability() -> None:
    configuration = replace(SMALL, action_activation='sigmoid')
    logits = np.log([1.0, 4.0, 0.25]).tolist()
    found = output([peak_at(0, 0)], logits, (3, 1))
    scores = predicted(found, [DEMONSTRATION], configuration).action_scores

    assert list(scores) == ['hold', 'press', 'push']
    assert list(scores.values()) == pytest.approx([0.8, 0.5, 0.2])


def test_of_several_heatmaps_that_of_the_best_action_counts() -> None:
    configuration = replace(SMALL, heatmap_per_action=True, action_pooling='mean')
    heatmaps = [peak_at(0, 0), peak_at(1, 1), peak_at(0, 1)]
    found = predicted(output(heatmaps, [0, 2, 1], (3, 1)), [DEMONSTRATION], configuration)

    assert found.probabilities[1, 1] == pytest.approx(1)


def test_image_and_seconds_are_kept() -> None:
    found = predicted(output([peak_at(0, 0)], [0, 0, 0], (3, 1)), [DEMONSTRATION])

    assert (found.image is IMAGE, found.seconds) == (True, 0.25)
    assert found.presence(0.5) is None


def test_presence_is_that_of_confidence_and_feature_similarity() -> None:
    # The logit of a confidence of 0.75 is ln 3; the feature similarity is 1 / sqrt(2).
    calibration = PresenceCalibration(
        1.0, 2.0, -np.sqrt(2.0), 0.5, 0.9, 100, 'validation.json', 'ab12'
    )
    found = predicted(
        output([peak_at(0, 1)], [0, 0, 0], (1, 2)), [DEMONSTRATION], calibration=calibration
    )

    assert found.presence(0.75) == pytest.approx(0.75, abs=1e-5)


class _ContactKnown(DemonstrationFeatures):
    """Features of a demonstration whose contact is similar to every peak by a given amount."""

    contact = 0.0

    def similarities(self, image: ImageFeatures, probabilities: FloatArray) -> Similarities:
        alone = self.feature_similarity(image.decoder, probabilities)
        return Similarities(alone, self.contact)


def test_the_contact_is_that_of_the_most_similar_demonstration() -> None:
    # As above, to the second demonstration the image is less similar, whatever its contact.
    first, second = (_ContactKnown(np.array(each, np.float32).T[None, :, None]) for each in ENDS)
    first.contact, second.contact = 0.25, 0.75
    found = output([peak_at(0, 1)], [0, 0, 0], position=(2, 2))

    similar = predicted(found, [second, first])

    assert similar.feature_similarity == predicted(found, [first]).feature_similarity
    assert similar.contact_similarity == 0.25


def test_the_features_of_presence_go_into_the_grounding() -> None:
    first = _ContactKnown(np.array(ENDS[0], np.float32).T[None, :, None])
    first.contact = 0.25
    found = output([peak_at(0, 1)], [0, 0, 0], position=(1, 2))._replace(decoder_weight=0.8)
    # The odds: 4 times 0.25, and the logit ln 4 of the weight.
    calibration = PresenceCalibration(
        0.0, 0.0, 0.0, 0.5, 0.9, 9, 'v.json', 'ab12', contact_similarity=4.0, decoder_weight=1.0
    )

    grounding = predicted(found, [first], calibration=calibration).grounding((64, 64), 1)

    assert grounding.presence == pytest.approx(1 / (1 + np.exp(-1) / 4))
    features = grounding.presence_features
    assert features.confidence == grounding.confidence
    assert features.feature_similarity == grounding.feature_similarity
    assert (features.contact_similarity, features.decoder_weight) == (0.25, 0.8)


def test_without_a_matching_network_the_decoder_weighs_all() -> None:
    found = predicted(output([peak_at(0, 1)], [0, 0, 0], (1, 2)), [DEMONSTRATION])

    assert (found.contact_similarity, found.decoder_weight) == (0.0, 1.0)
