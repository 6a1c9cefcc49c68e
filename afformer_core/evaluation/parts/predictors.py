# SPDX-License-Identifier: Apache-2.0
"""Predictors of points by a clip: what they give, the model, and baselines without weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.evaluation.parts.clips import Clip, Point
from afformer_core.runtime import Grounder
from afformer_core.stream.settings import StreamSettings

MOST_POINTS = 3
"""Points that a predictor may name for one image."""

# Of the ratio test: the best match of a point is this much nearer than the second.
_DISTINCT = 0.75
_INLIER_PIXELS = 5.0
# Of the model: the clip of the pair, another one, and a blank one.
_KEPT = 3


@dataclass(frozen=True)
class Prediction:
    """What a predictor says of one image.

    Attributes:
        points: best first, at most `MOST_POINTS`; none where nothing was found.
        heatmap: float32 [h, w] of the whole image, any size and scale, the higher the likelier;
            None of a predictor that names points alone.
        is_distribution: whether the heatmap's sum is 1 and means probability.
        action_scores: by name, best first.
        presence_score: the higher, the surer that the image shows what was demonstrated; None:
            unknown.
        found: whether a robot would act on it; None of a predictor that cannot abstain.
    """

    points: tuple[Point, ...]
    heatmap: FloatArray | None = None
    is_distribution: bool = False
    action_scores: Mapping[str, float] | None = None
    presence_score: float | None = None
    found: bool | None = None


class Predictor(Protocol):
    """Names points in an image by a clip."""

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> Prediction:
        """Find points in uint8 RGB [H, W, 3]."""


class CentrePredictor:
    """The middle of the image, whatever is shown."""

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> Prediction:
        """See `Predictor.predict`."""
        return Prediction(((0.5, 0.5),))


class RelativePositionPredictor:
    """The marked contact's own point in its frame."""

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> Prediction:
        """See `Predictor.predict`."""
        return Prediction(() if clip.marked is None else (clip.marked.point,))


class SiftPredictor:
    """The marked contact, carried over by a homography between SIFT's matches.

    Its presence score is the number of matches that agree with the homography.
    """

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> Prediction:
        """See `Predictor.predict`."""
        if clip.marked is None:
            return Prediction(())
        frame = clip.marked.image
        sift = cv2.SIFT.create()
        points, descriptors = sift.detectAndCompute(frame, None)
        other_points, other_descriptors = sift.detectAndCompute(image, None)
        if min(len(points), len(other_points)) < 4:
            return Prediction((), presence_score=0.0)
        matches = [
            best
            for best, second in cv2.BFMatcher().knnMatch(descriptors, other_descriptors, k=2)
            if best.distance < _DISTINCT * second.distance
        ]
        if len(matches) < 4:
            return Prediction((), presence_score=0.0)
        source = np.array([points[match.queryIdx].pt for match in matches])
        target = np.array([other_points[match.trainIdx].pt for match in matches])
        # Its draws are the same in each run.
        homography, inliers = cv2.findHomography(source, target, cv2.RANSAC, _INLIER_PIXELS)
        if homography is None:
            return Prediction((), presence_score=0.0)
        x, y = clip.marked.point[0] * frame.shape[1], clip.marked.point[1] * frame.shape[0]
        across, down, depth = homography @ (x - 0.5, y - 0.5, 1.0)
        presence_score = float(inliers.sum())
        if abs(depth) < 1e-9:
            return Prediction((), presence_score=presence_score)
        point = (
            float((across / depth + 0.5) / image.shape[1]),
            float((down / depth + 0.5) / image.shape[0]),
        )
        return Prediction((point,), presence_score=presence_score)


class ModelPredictor:
    """A model, as a robot gets its points.

    Its presence score is presence, or confidence where it is not calibrated.

    Args:
        grounder: the model.
    """

    def __init__(self, grounder: Grounder) -> None:
        self.grounder = grounder

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> Prediction:
        """See `Predictor.predict`."""
        grounder = self.grounder
        if clip.name not in grounder.demonstrations:
            for name in grounder.demonstrations[: 1 - _KEPT]:
                grounder.delete_demonstration(name)
            grounder.set_demonstration(clip.frames, clip.name, clip.contact)
        grounding = grounder.ground(image, clip.name, MOST_POINTS)
        height, width = image.shape[:2]
        points = tuple(((one.u + 0.5) / width, (one.v + 0.5) / height) for one in grounding.peaks)
        return Prediction(
            points,
            grounding.probabilities,
            True,
            grounding.action_scores,
            grounding.confidence if grounding.presence is None else grounding.presence,
            StreamSettings().is_present(grounding.presence_features, grounder.calibration),
        )


class MarkedContactPredictor:
    """A model with a matching network that is told the marked contact, as by a user's click.

    Args:
        model: the model, which finds the contact where it is not told.
    """

    def __init__(self, model: Predictor) -> None:
        self._model = model

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> Prediction:
        """See `Predictor.predict`."""
        if clip.marked is None:
            return Prediction(())
        return self._model.predict(image, clip.with_contact())
