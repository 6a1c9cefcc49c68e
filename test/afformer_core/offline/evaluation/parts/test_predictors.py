# SPDX-License-Identifier: Apache-2.0
"""Baselines on images that are moved by a known amount, and the model's memory of clips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.media.images import read_image
from afformer_core.models.pretrained.imagenet import ImagenetFeatures
from afformer_core.offline.data.readers.part_pairs import PartPairsDataset
from afformer_core.offline.evaluation.parts.clips import Clip, MarkedFrame, read_clip
from afformer_core.offline.evaluation.parts.matching import (
    FoundContact,
    NearestFeaturePredictor,
    marked_contact,
)
from afformer_core.offline.evaluation.parts.predictors import (
    CentrePredictor,
    MarkedContactPredictor,
    ModelPredictor,
    PointPrediction,
    RelativePositionPredictor,
    SiftPredictor,
)
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.peaks import Peak

GREY = np.full((120, 160, 3), 128, np.uint8)


@pytest.fixture(scope='module')
def moved(part_pairs):
    """Target and clip of a pair: what is at (60, 50) of the clip is at (80, 60) of the target."""
    pair = PartPairsDataset(part_pairs).pairs[0]
    return read_image(pair.sample.image_path), read_clip(pair, 3)


def unmarked(clip: Clip) -> Clip:
    return Clip(clip.name, clip.frames, None)


def pixel(point: tuple[float, float]) -> tuple[float, float]:
    return point[0] * 160 - 0.5, point[1] * 120 - 0.5


@pytest.mark.parametrize(
    ('predictor', 'expected', 'tolerance'),
    [
        (CentrePredictor(), (79.5, 59.5), 1e-6),
        (RelativePositionPredictor(), (60, 50), 1e-4),
        (SiftPredictor(), (80, 60), 0.3),
    ],
)
def test_where_baselines_point(moved, predictor, expected, tolerance) -> None:
    prediction = predictor.predict(*moved)
    assert pixel(prediction.points[0]) == pytest.approx(expected, abs=tolerance)
    assert ((prediction.presence_score or 0) > 10) == isinstance(predictor, SiftPredictor)
    without_mark = predictor.predict(moved[0], unmarked(moved[1]))
    assert bool(without_mark.points) == isinstance(predictor, CentrePredictor)


def test_sift_finds_nothing_where_nothing_is(moved) -> None:
    prediction = SiftPredictor().predict(GREY, moved[1])
    assert (prediction.points, prediction.presence_score) == ((), 0)


def brightness(image: np.ndarray) -> list[np.ndarray]:
    """Mean colours of cells of 32 pixels, float32 [3, h, w]."""
    height, width = image.shape[0] // 32, image.shape[1] // 32
    cells = image.reshape(height, 32, width, 32, 3).mean((1, 3)).transpose(2, 0, 1)
    return [cells.astype(np.float32)]


def with_colour(at: tuple[int, int]) -> np.ndarray:
    """Grey of 512x512 with a red cell of 32 pixels, at (column, row)."""
    image = np.full((512, 512, 3), 128, np.uint8)
    column, row = at
    image[32 * row : 32 * row + 32, 32 * column : 32 * column + 32] = (255, 0, 0)
    return image


def test_matching_names_the_point_most_similar_to_the_mark() -> None:
    marked = MarkedFrame(with_colour((3, 4)), (3.5 / 16, 4.5 / 16))
    clip = Clip('red', GREY[None], marked)
    prediction = NearestFeaturePredictor(brightness, marked_contact).predict(
        with_colour((10, 2)), clip
    )
    assert prediction.points[0] == pytest.approx((10.5 / 16, 2.5 / 16), abs=0.01)
    # Between the cells of a map of 16x16 that is enlarged fourfold; grey is -1, red 1.
    assert prediction.presence_score == pytest.approx(1 - 2 * (1 - 0.875**2), abs=1e-5)
    assert not prediction.is_distribution
    assert (
        NearestFeaturePredictor(brightness, marked_contact).predict(GREY, unmarked(clip)).points
        == ()
    )


def test_frozen_features_find_the_point_again(moved) -> None:
    features = ImagenetFeatures()
    (point, *_) = NearestFeaturePredictor(features, marked_contact).predict(*moved).points
    assert pixel(point) == pytest.approx((80, 60), abs=8)


@pytest.fixture
def model(model_folder) -> ModelPredictor:
    return ModelPredictor(ArrayGrounder.load(model_folder, 'torch'))


def test_a_model_names_its_peaks_in_order(model, moved) -> None:
    prediction = model.predict(*moved)
    model.grounder.set_demonstration(moved[1].frames, 'again')
    grounding = model.grounder.ground(moved[0], 'again', 3)
    found = np.array([pixel(point) for point in prediction.points])
    assert found == pytest.approx(np.array([(one.u, one.v) for one in grounding.peaks]))
    assert prediction.action_scores == grounding.action_scores
    assert prediction.presence_score == grounding.confidence
    assert prediction.is_distribution


def test_the_contact_that_a_model_finds_is_in_the_first_frame(model, moved) -> None:
    clip = moved[1]
    found = FoundContact(model)(clip)
    assert found.image is clip.frames[0] or np.array_equal(found.image, clip.frames[0])
    assert found.point == model.predict(clip.frames[0], clip).points[0]


class Told:
    """A model that keeps the clips that it is shown."""

    def __init__(self) -> None:
        self.clips: list[Clip] = []

    def predict(self, image: np.ndarray, clip: Clip) -> PointPrediction:
        self.clips.append(clip)
        return PointPrediction(((0.5, 0.5),))


def test_a_model_is_told_the_mark_in_the_frame_that_shows_it(moved) -> None:
    image, clip = moved
    model = Told()
    marked = Clip(clip.name, clip.frames, MarkedFrame(GREY, (0.25, 0.75)))

    assert MarkedContactPredictor(model).predict(image, marked).points == ((0.5, 0.5),)
    assert MarkedContactPredictor(model).predict(image, unmarked(clip)).points == ()

    (told,) = model.clips
    assert told.contact == marked.marked
    assert told.name != clip.name
    assert told.frames is clip.frames


def test_a_model_is_told_a_contact_beside_the_mark(moved) -> None:
    image, clip = moved
    model = Told()
    for percent in (1.0, 2.5, 2.5):
        MarkedContactPredictor(model, percent).predict(image, clip)

    off = [clip.marked.percent_away(one.contact.point) for one in model.clips]
    assert off == pytest.approx([1, 2.5, 2.5])
    assert len({one.contact.point for one in model.clips}) == 2
    assert len({one.name for one in model.clips}) == 2


@pytest.fixture
def matched(matched_folder) -> ModelPredictor:
    return ModelPredictor(ArrayGrounder.load(matched_folder, 'torch'))


def test_a_given_contact_is_that_of_a_demonstration_with_its_frame(matched, moved) -> None:
    image, clip = moved
    mark = MarkedFrame(GREY, (0.25, 0.75))
    found = matched.predict(image, clip.given(mark, 'marked'))

    frames = np.concatenate((GREY[None], clip.frames[1:]))
    matched.grounder.set_demonstration(frames, 'again', mark.point)
    again = matched.grounder.ground(image, 'again')
    np.testing.assert_allclose(found.heatmap, again.probabilities, rtol=1e-4)


@pytest.mark.parametrize(('x', 'is_tapped'), [(70, True), (100, False)])
def test_the_offered_contact_nearest_to_the_mark_is_tapped(
    matched, moved, monkeypatch: pytest.MonkeyPatch, x: float, is_tapped: bool
) -> None:
    image, clip = moved
    matched.predict(image, clip)
    # Of frames of 192x128, which are those of 160x120; the mark is at (60, 50).
    offered = (Peak(10, 10, 0.5), Peak(x * 1.2 - 0.5, 51 / 120 * 128 - 0.5, 0.3))
    shown = matched.grounder.demonstration(clip.name)
    shown = replace(shown, contacts=offered, frame_size=(128, 192))
    matched.grounder.add_demonstration(shown)
    given: list[EncodedFrames] = []
    memorize = matched.grounder.memorize
    monkeypatch.setattr(
        matched.grounder,
        'memorize',
        lambda encoded, *named: given.append(encoded) or memorize(encoded, *named),
    )

    assert (matched.tap(image, clip) is not None) == is_tapped
    assert [encoded.contact for encoded in given] == [
        pytest.approx((x / 160, 51 / 120)) for _ in range(is_tapped)
    ]
    # What was read stays, since a tap on a candidate chooses its part of the map.
    assert all(encoded.read_contact is not None for encoded in given)
