# SPDX-License-Identifier: Apache-2.0
"""A prediction from logits, and a grounding in words, as plain JSON types and as an image."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.arrays import FloatArray
from afformer_core.media.images import read_image, write_image
from afformer_core.models import afformer_small
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime import Grounding, Peak
from afformer_core.runtime.calibrations import (
    NO_CALIBRATIONS,
    Calibrations,
    CertaintyCalibration,
    DecoderCertainty,
    PresenceCalibration,
)
from afformer_core.runtime.demonstration import UNKNOWN_ROTATION, DemonstrationFeatures
from afformer_core.runtime.grounding import Prediction, best_peak
from afformer_core.runtime.networks import Output

# At the size of the source image; all of the probability is left of the middle.
HEATMAP = np.zeros((90, 140), np.float32)
HEATMAP[30:35, 20:30] = 0.02
GROUNDING = Grounding(
    HEATMAP,
    (90, 140),
    {'pull': 0.625, 'push': 0.25, 'turn': 0.125},
    (Peak(24.6, 32.25, 0.75), Peak(111.0, 60.5, 0.125)),
    0.75,
    0.5,
    presence=0.906,
    certainty=0.834,
    certainty_threshold=0.7,
    contact_probability=0.75,
    match_probability=0.25,
    action_threshold=0.5,
    presence_threshold=0.625,
)


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({}, "Grounding('pull' at (25, 32), found, presence 0.91, certainty 0.83)"),
        (
            {'presence': 0.1, 'certainty': None},
            "Grounding('pull' at (25, 32), not found, presence 0.10)",
        ),
        (
            {'certainty': 0.31, 'action_threshold': 0.75},
            "Grounding('unknown' at (25, 32), found, presence 0.91, not sure which part: "
            'certainty 0.31 of 0.70)',
        ),
        (
            {'presence': None, 'certainty': None, 'action_scores': {}},
            'Grounding(at (25, 32), confidence 0.75, feature similarity 0.50)',
        ),
    ],
)
def test_it_says_in_one_line_what_it_is(changes: dict[str, object], said: str) -> None:
    assert repr(replace(GROUNDING, **changes)) == said
    assert GROUNDING.point == (24.6, 32.25)


@pytest.mark.parametrize(
    ('certainty', 'threshold', 'contact', 'unsure'),
    [
        (0.69, 0.7, 1.0, True),
        (0.7, 0.7, 0.2, False),
        (None, 0.7, 1.0, False),
        (None, 0.7, 0.99, True),
        (None, 0.0, 0.2, False),
        (0.9, None, 1.0, True),
    ],
)
def test_it_is_unsure_below_its_threshold_or_of_a_contact_that_is_neither_marked_nor_certain(
    certainty: float | None, threshold: float | None, contact: float, unsure: bool
) -> None:
    one = replace(
        GROUNDING, certainty=certainty, certainty_threshold=threshold, contact_probability=contact
    )
    assert one.unsure is unsure


@pytest.mark.parametrize(
    ('presence', 'threshold', 'found'),
    [(0.625, 0.625, True), (0.62, 0.625, False), (None, 0.625, None), (0.9, None, None)],
)
def test_what_reaches_the_threshold_is_found(
    presence: float | None, threshold: float | None, found: bool | None
) -> None:
    assert replace(GROUNDING, presence=presence, presence_threshold=threshold).found is found


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(GROUNDING.to_dict())) == {
        'found': True,
        'action': 'pull',
        'action_threshold': 0.5,
        'actions': {'pull': 0.625, 'push': 0.25, 'turn': 0.125},
        'peaks': [{'u': 24.6, 'v': 32.25, 'score': 0.75}, {'u': 111.0, 'v': 60.5, 'score': 0.125}],
        'confidence': 0.75,
        'feature_similarity': 0.5,
        'presence': 0.906,
        'presence_threshold': 0.625,
        'certainty': 0.834,
        'certainty_threshold': 0.7,
        'contact_probability': 0.75,
        'match_probability': 0.25,
    }


def test_the_heatmap_is_drawn_where_it_is(tmp_path: Path) -> None:
    grey = np.full((90, 140, 3), 100, np.uint8)
    write_image(tmp_path / 'grey.png', grey)
    drawn = GROUNDING.draw(grey)

    # The square lies beside the mark of the peak, the caption at the top.
    assert np.abs(drawn[31, 29].astype(int) - 100).max() > 60
    assert (drawn[75:, :100] == 100).all()
    np.testing.assert_array_equal(GROUNDING.draw(tmp_path / 'grey.png'), drawn)
    assert (grey == 100).all()


def test_it_is_drawn_over_the_image_that_it_keeps(tmp_path: Path) -> None:
    blue = np.zeros((90, 140, 3), np.uint8)
    blue[..., 2] = 200
    kept = replace(GROUNDING, image=blue)
    kept.save(tmp_path / 'drawn.png')

    drawn = read_image(tmp_path / 'drawn.png')
    np.testing.assert_array_equal(drawn, GROUNDING.draw(blue))
    assert drawn[85, 10].tolist() == [0, 0, 200]
    shown = kept._repr_png_()
    assert shown is not None
    decoded = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(decoded, drawn)


def test_a_notebook_shows_a_large_image_smaller() -> None:
    photograph = np.full((1350, 2100, 3), 100, np.uint8)
    large = replace(GROUNDING, source_size=(1350, 2100), image=photograph)

    shown = large._repr_png_()

    assert shown is not None
    decoded = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == (658, 1024, 3)
    assert large.draw().shape == (1350, 2100, 3)


def test_without_an_image_there_is_nothing_to_show(tmp_path: Path) -> None:
    assert GROUNDING._repr_png_() is None
    with pytest.raises(ValueError, match='does not keep its image'):
        GROUNDING.save(tmp_path / 'drawn.png')
    with pytest.raises(ValueError, match=r'image is \(90, 141\) and heatmap \(90, 140\)'):
        GROUNDING.draw(np.zeros((90, 141, 3), np.uint8))


IMAGE = np.zeros((64, 64, 3), np.uint8)
ACTIONS = ('press', 'hold', 'push')
SMALL = afformer_small(ACTIONS, (64, 64))


def features_of(first: list[float], second: list[float]) -> DemonstrationFeatures:
    """Of a demonstration of one frame that has two positions with these features."""
    return DemonstrationFeatures(np.array([first, second], np.float32).T[None, :, None])


# Features are standardised by mean (1, 1) and deviation (1, 1), and by (1, 5) and (1, 1).
ENDS = ([[0.0, 0.0], [2.0, 2.0]], [[0.0, 4.0], [2.0, 6.0]])
DEMONSTRATION, ANOTHER = (features_of(*each) for each in ENDS)
UNLIKE = features_of([0.0, 4.0], [2.0, 0.0])


def output(
    heatmap_logits: list[FloatArray], action_logits: list[float], position: tuple[float, float]
) -> Output:
    """Features of the image are (1, 2) but in the second of 2 x 2 positions."""
    features = np.tile(np.array([1, 2], np.float32)[:, None, None], (1, 2, 2))
    features[:, 0, 1] = position
    image: Any = SimpleNamespace(
        image=IMAGE,
        features=features,
        levels=SimpleNamespace(features=features),
        pyramid=('pyramid',),
    )
    return Output(np.stack(heatmap_logits), np.array(action_logits, np.float32), image)


def peak_at(row: int, column: int) -> FloatArray:
    logits = np.full((2, 2), -30, np.float32)
    logits[row, column] = 0
    return logits


def shown_with(
    features: DemonstrationFeatures, contact: float | None = None, matching: object = None
) -> Any:
    return SimpleNamespace(
        features=features,
        decoder_features=features,
        rotation=UNKNOWN_ROTATION,
        contact_probability=contact,
        memory=SimpleNamespace(matching=matching),
    )


def predicted(
    found: Output,
    demonstrations: list[DemonstrationFeatures],
    configuration: AfformerConfiguration = SMALL,
    calibrations: Calibrations = NO_CALIBRATIONS,
) -> Prediction:
    shown = [shown_with(one) for one in demonstrations]
    return Prediction.of(found, shown, configuration, 0.25, calibrations)


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
    assert (found.image is IMAGE, found.seconds, found.presence(0.5)) == (True, 0.25, None)


@pytest.mark.parametrize(
    ('activation', 'odds', 'expected'),
    [
        ('softmax', [1.0, 6.0, 3.0], {'hold': 0.6, 'push': 0.3, 'press': 0.1}),
        ('sigmoid', [1.0, 4.0, 0.25], {'hold': 0.8, 'press': 0.5, 'push': 0.2}),
    ],
)
def test_scores_are_probabilities_and_the_best_comes_first(
    activation: str, odds: list[float], expected: dict[str, float]
) -> None:
    configuration = replace(SMALL, action_activation=activation)
    found = output([peak_at(0, 0)], np.log(odds).tolist(), (3, 1))
    scores = predicted(found, [DEMONSTRATION], configuration).action_scores

    assert list(scores) == list(expected)
    assert scores == pytest.approx(expected)


def test_of_several_heatmaps_that_of_the_best_action_counts() -> None:
    configuration = replace(SMALL, heatmap_per_action=True, action_pooling='mean')
    heatmaps = [peak_at(0, 0), peak_at(1, 1), peak_at(0, 1)]
    found = predicted(output(heatmaps, [0, 2, 1], (3, 1)), [DEMONSTRATION], configuration)

    assert found.probabilities[1, 1] == pytest.approx(1)


def test_presence_is_that_of_confidence_and_feature_similarity() -> None:
    # The logit of a confidence of 0.75 is ln 3; the feature similarity is 1 / sqrt(2).
    calibration = PresenceCalibration(
        1.0, 2.0, -np.sqrt(2.0), 0.5, 0.9, 100, 'validation.json', 'ab12'
    )
    found = predicted(
        output([peak_at(0, 1)], [0, 0, 0], (1, 2)),
        [DEMONSTRATION],
        calibrations=Calibrations(calibration),
    )

    assert found.presence(0.75) == pytest.approx(0.75, abs=1e-5)


class Matched:
    """A memory that matches one point of an image to its contact."""

    def __init__(self, point: tuple[float, float], probability: float) -> None:
        self.point, self.probability = point, probability

    def match_probability(self, pyramid: tuple[str], point: tuple[float, float]) -> float:
        assert pyramid == ('pyramid',)
        return self.probability if point == pytest.approx(self.point, abs=1e-3) else 0.0


# Of 40x60, the peak is at column 45 and row 8.
FOUND = output([np.zeros((40, 60), np.float32)], [0, 0, 0], position=(1, 2))._replace(
    similarity=0.4375, decoder_weight=0.0
)
FOUND.heatmap_logits[0, 8, 45] = 20.0
POINT = (45.5 / 60, 8.5 / 40)
CERTAINTY = CertaintyCalibration(0.8, -0.3, 0.74, 92, 'pairs.json', 'abc', 0.66, 0.87)


@pytest.mark.parametrize(
    ('shown', 'contact', 'match'),
    [
        ([(0.5, Matched(POINT, 0.75))], 0.5, 0.75),
        ([(0.5, Matched(POINT, 0.75)), (1.0, Matched(POINT, 0.25))], 0.75, 0.5),
        ([(0.5, Matched(POINT, 0.75)), (None, Matched(POINT, 0.25))], None, 0.5),
        ([(None, Matched(POINT, 0.75))], None, 0.75),
        ([(None, None)], None, None),
    ],
)
def test_certainty_is_that_of_the_contact_and_of_the_match_of_the_best_point(
    shown: list[tuple[float | None, object]], contact: float | None, match: float | None
) -> None:
    demonstrations = [shown_with(DEMONSTRATION, *each) for each in shown]

    found = Prediction.of(
        FOUND, demonstrations, SMALL, calibrations=Calibrations(certainty=CERTAINTY)
    )

    assert (found.contact_probability, found.match_probability) == (contact, match)
    right = None if contact is None or match is None else contact * match
    assert found.right_probability == right
    certainty = None if right is None else CERTAINTY.certainty(right)
    assert found.certainty(0.9) == certainty
    assert replace(found, calibrations=NO_CALIBRATIONS).certainty(0.9) is None
    grounding = found.grounding((80, 90), 1)
    assert (grounding.contact_probability, grounding.match_probability) == (contact, match)
    assert (grounding.right_probability, grounding.certainty) == (right, certainty)


@pytest.mark.parametrize(
    ('weight', 'shown', 'contact', 'certainty', 'presence'),
    [
        (0.5, DEMONSTRATION, 0.5, 0.25, 0.25),
        (0.5, DEMONSTRATION, 1.0, None, 0.25),
        (0.49, DEMONSTRATION, 0.5, 0.375, 0.125),
        (0.5, UNLIKE, 0.5, 0.25, 0.125),
    ],
)
def test_a_decoder_that_outweighs_gives_certainty_and_the_least_presence(
    weight: float,
    shown: DemonstrationFeatures,
    contact: float,
    certainty: float | None,
    presence: float,
) -> None:
    # The odds of certainty are those of the peak, those of presence 1 to 7. The image is similar
    # to the one demonstration by 0.71, to the other by less than 0.68.
    decoder = DecoderCertainty(1.0, 0.0, 0.7, 30, 'pairs.json', 'abc')
    calibration = PresenceCalibration(0.0, 0.0, -np.log(7), 0.5, 0.9, 9, 'v.json', 'ab12')
    found = Prediction.of(
        FOUND._replace(decoder_weight=weight),
        [shown_with(shown, contact, Matched(POINT, 0.75))],
        SMALL,
        calibrations=Calibrations(
            calibration, replace(CERTAINTY, slope=1.0, intercept=0.0), decoder
        ),
    )

    assert found.certainty(0.25) == (None if certainty is None else pytest.approx(certainty))
    assert found.presence(0.25) == pytest.approx(presence)
    grounding = found.grounding((80, 90), 1)
    assert calibration.presence(grounding.presence_features) == grounding.presence
    assert (grounding.feature_similarity, grounding.decoder_weight) == (0.4375, weight)


@pytest.mark.parametrize(('weight', 'first'), [(0.0, (20, 10)), (0.01, (70, 40))])
def test_heatmaps_of_the_matching_network_alone_are_smoothed_less(
    weight: float, first: tuple[int, int]
) -> None:
    """A sharp peak, and a wider one that is higher only after the smoothing of a decoder's."""
    shares = np.full((64, 96), 1e-9, np.float32)
    shares[10, 20] = 0.1
    shares[39:42, 69:72] = 0.035
    found = output([np.log(shares)], [0, 0, 0], (3, 1))._replace(decoder_weight=weight)
    prediction = predicted(found, [DEMONSTRATION])

    peaks = [best_peak(found, SMALL, (64, 96)), prediction.peaks((64, 96), 1)[0]]

    assert [(peak.u, peak.v) for peak in peaks] == [pytest.approx(first, abs=0.1)] * 2
    assert prediction.least_confidence() == peaks[1].score


def test_a_single_action_is_never_an_answer() -> None:
    scores = {'pull': 1.0}
    grounding = Grounding(
        np.full((3, 4), 1 / 12, np.float32), (3, 4), scores, (Peak(1, 1, 0.5),), 0.5, 0.8
    )
    assert (grounding.action, grounding.answer) == ('unknown', '')
    assert replace(grounding, given_action='push').action == 'push'
