# SPDX-License-Identifier: Apache-2.0
"""Predictors of points from a clip: their interface, the model, and baselines without weights."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Generic, Protocol, TypeVar, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.demonstrations.media import select_evenly
from afformer_core.demonstrations.recording import record_whole
from afformer_core.demonstrations.state import Recorded
from afformer_core.offline.evaluation.parts.clips import (
    CLOSE,
    CONTACT_MARKED,
    NEAR,
    Clip,
    MarkedFrame,
    Point,
)
from afformer_core.runtime import ArrayGrounder, Grounding
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.stream.settings import StreamSettings

Value = TypeVar('Value')

MOST_POINTS = 3
"""Maximum number of points of a predictor for one image."""

# Ratio test: maximum ratio of the distances of the best and the second-best match.
_DISTINCT = 0.75
_INLIER_PIXELS = 5.0
_KEPT_IMAGES = 4
# Name of a demonstration whose contact was tapped, which no clip has.
_TAPPED = 'tapped '
# Number of contacts that a person is offered to choose from.
_OFFERED = 3

RIGHT_PROBABILITY = 'right_probability'
"""Name of the score that is the predictor of certainty."""

CONFIDENCE_SCORES: Mapping[str, Callable[[Grounding], float | None]] = {
    'peak': lambda grounding: grounding.confidence,
    'presence': lambda grounding: grounding.presence,
    'certainty': lambda grounding: grounding.certainty,
    RIGHT_PROBABILITY: lambda grounding: grounding.right_probability,
    'contact_probability': lambda grounding: grounding.contact_probability,
    'match_probability': lambda grounding: grounding.match_probability,
    'feature_similarity': lambda grounding: grounding.feature_similarity,
}
"""Scores of a model's result by name; higher means more confidence in the best point."""


@dataclass(frozen=True)
class PointPrediction:
    """The output of a predictor for one image.

    Attributes:
        points: points, best first, at most `MOST_POINTS`; empty if nothing was found.
        heatmap: float32 [h, w] of the whole image, of any size and scale, higher is more probable;
            None for a predictor of points only.
        is_distribution: whether the heatmap is a probability distribution with sum 1.
        action_scores: action scores by name, best first.
        presence_score: score that the image shows the demonstrated element, higher is more
            certain; None: unknown.
        found: whether the predictor says that the image shows the demonstrated element; None for
            a predictor that cannot abstain.
        answered: whether the model is sure enough of the best point, by its own threshold of
            certainty; None without one.
        confidence_scores: scores by name; higher means more confidence in the best point.
    """

    points: tuple[Point, ...]
    heatmap: FloatArray | None = None
    is_distribution: bool = False
    action_scores: Mapping[str, float] | None = None
    presence_score: float | None = None
    found: bool | None = None
    answered: bool | None = None
    confidence_scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ClipContact:
    """The contact that a model reads from a clip.

    Attributes:
        point: position of the contact in the clip's first frame.
        moment: seconds from the beginning of the clip to the contact; None if the model does not
            predict it.
        candidates: candidates for the point, best first; empty for a model without any.
    """

    point: Point
    moment: float | None = None
    candidates: tuple[Point, ...] = ()

    def scores(self, mark: MarkedFrame) -> dict[str, float | None]:
        """Measure the distance from a mark, and whether the point or a candidate is near it."""
        distance = mark.percent_away(self.point)
        near = [mark.percent_away(point) <= NEAR for point in self.candidates]
        return {
            'distance': distance,
            'close': float(distance <= CLOSE),
            'near': float(distance <= NEAR),
            'of_3': float(any(near[:3])) if near else None,
            'of_5': float(any(near[:5])) if near else None,
        }


class PointPredictor(Protocol):
    """A predictor of points in an image from a clip."""

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> PointPrediction:
        """Find points in uint8 RGB [H, W, 3]."""


@runtime_checkable
class ContactPredictor(Protocol):
    """A predictor that also reads the contact of a clip."""

    def read_contact(self, clip: Clip) -> ClipContact | None:
        """Read the contact; None if it is not found."""


class KeptByImage(Generic[Value]):
    """A function with a cache of its results for the last images, by their pixels.

    Args:
        function: function of uint8 RGB [H, W, 3].
        count: number of cached results.
    """

    def __init__(self, function: Callable[[NDArray[np.uint8]], Value], count: int = 64) -> None:
        self._function = function
        self._count = count
        self._kept: OrderedDict[bytes, Value] = OrderedDict()

    def __call__(self, image: NDArray[np.uint8]) -> Value:
        """Return the function's result, which must not be modified."""
        key = sha256(repr(image.shape).encode() + image.tobytes()).digest()
        if key not in self._kept:
            self._kept[key] = self._function(image)
            if len(self._kept) > self._count:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


class CentrePredictor:
    """A baseline that predicts the centre of the image."""

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> PointPrediction:
        """See `PointPredictor.predict`."""
        return PointPrediction(((0.5, 0.5),))


class RelativePositionPredictor:
    """A baseline that predicts the relative position of the marked contact in its frame."""

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> PointPrediction:
        """See `PointPredictor.predict`."""
        return PointPrediction(() if clip.marked is None else (clip.marked.point,))


class SiftPredictor:
    """A baseline that transfers the marked contact with a homography between SIFT matches.

    Its presence score is the number of matches that agree with the homography.
    """

    def __init__(self) -> None:
        self._describe = KeptByImage(_sift)

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> PointPrediction:
        """See `PointPredictor.predict`."""
        if clip.marked is None:
            return PointPrediction(())
        frame = clip.marked.image
        points, descriptors = self._describe(frame)
        other_points, other_descriptors = self._describe(image)
        if min(len(points), len(other_points)) < 4:
            return _without_point(0.0)
        matches = [
            best
            for best, second in cv2.BFMatcher().knnMatch(descriptors, other_descriptors, k=2)
            if best.distance < _DISTINCT * second.distance
        ]
        if len(matches) < 4:
            return _without_point(0.0)
        source = points[[match.queryIdx for match in matches]]
        target = other_points[[match.trainIdx for match in matches]]
        # Its random choices are the same in each run.
        homography, inliers = cv2.findHomography(source, target, cv2.RANSAC, _INLIER_PIXELS)
        if homography is None:
            return _without_point(0.0)
        x, y = clip.marked.point[0] * frame.shape[1], clip.marked.point[1] * frame.shape[0]
        across, down, depth = homography @ (x - 0.5, y - 0.5, 1.0)
        agreeing = float(inliers.sum())
        if abs(depth) < 1e-9:
            return _without_point(agreeing)
        point = (
            float((across / depth + 0.5) / image.shape[1]),
            float((down / depth + 0.5) / image.shape[0]),
        )
        return PointPrediction(
            (point,), presence_score=agreeing, confidence_scores={'matches': agreeing}
        )


def _sift(image: NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
    """Find SIFT's points [N, 2] (x, y), and their descriptors [N, 128]."""
    points, descriptors = cv2.SIFT.create().detectAndCompute(image, None)
    if not points:
        return np.empty((0, 2), np.float32), np.empty((0, 128), np.float32)
    positions = np.array([point.pt for point in points], np.float32)
    return positions, np.asarray(descriptors, np.float32)


def _without_point(agreeing: float) -> PointPrediction:
    return PointPrediction((), presence_score=agreeing, confidence_scores={'matches': agreeing})


class ModelPredictor:
    """A model, with the points that a robot receives.

    Its presence score is the feature similarity if it has a matching network. Otherwise it is
    presence, or confidence if it is not calibrated.

    Args:
        grounder: the model.
    """

    def __init__(self, grounder: ArrayGrounder) -> None:
        self.grounder = grounder
        # An image is grounded with the read, the given and the tapped contact.
        self._encode = KeptByImage(grounder.encode_image, _KEPT_IMAGES)
        self._frames: NDArray[np.uint8] | None = None
        self._recorded: Recorded | None = None

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> PointPrediction:
        """See `PointPredictor.predict`."""
        self._show(clip)
        return self._predict(image, clip.name)

    def _predict(self, image: NDArray[np.uint8], name: str) -> PointPrediction:
        height, width = image.shape[:2]
        prediction = self.grounder.predict_encoded(self._encode(image), name)
        grounding = prediction.grounding((height, width), MOST_POINTS)
        scores = {name: score(grounding) for name, score in CONFIDENCE_SCORES.items()}
        return PointPrediction(
            _shares([(peak.u, peak.v) for peak in grounding.peaks], image.shape[:2]),
            grounding.probabilities,
            True,
            grounding.action_scores,
            self._presence_score(grounding),
            StreamSettings().is_present(
                grounding.presence_features, self.grounder.calibrations.presence
            ),
            None if grounding.certainty_threshold is None else not grounding.unsure,
            {name: score for name, score in scores.items() if score is not None},
        )

    def _presence_score(self, grounding: Grounding) -> float:
        if self.grounder.matching is not None:
            return grounding.feature_similarity
        return grounding.confidence if grounding.presence is None else grounding.presence

    def read_contact(self, clip: Clip) -> ClipContact:
        """Read the contact of a clip, or else the best peak in its first frame."""
        reading = self._record(clip).reading
        if reading is None:
            return ClipContact(self.predict(clip.frames[0], clip).points[0])
        points = tuple((candidate.x, candidate.y) for candidate in reading.candidates)
        return ClipContact(points[0], reading.time, points)

    def tap(self, image: NDArray[np.uint8], clip: Clip) -> PointPrediction | None:
        """Ground the clip after a tap on the offered contact that is nearest to the mark.

        Args:
            image: uint8 RGB [H, W, 3].
            clip: a clip without a given contact.

        Returns:
            None if no offered contact is within 5 % of the diagonal of the mark.
        """
        self._show(clip)
        shown = self.grounder.demonstration(clip.name)
        offered = [(contact.u, contact.v) for contact in shown.contacts[:_OFFERED]]
        if clip.marked is None or not offered:
            return None
        tapped = min(_shares(offered, shown.frame_size), key=clip.marked.percent_away)
        if clip.marked.percent_away(tapped) > NEAR:
            return None
        recorded = self._record(clip)
        encoded = replace(recorded.encoded, contact=tapped)
        self.grounder.memorize(encoded, _TAPPED, recorded.summary.frames)
        return self._predict(image, _TAPPED)

    def _show(self, clip: Clip) -> None:
        """Set the demonstration, unless it is set."""
        recorded = self._record(clip)
        if clip.name in self.grounder.demonstrations:
            return
        encoded = recorded.encoded
        if clip.contact is not None:
            # The frame of the given contact takes the place of the first one.
            image = self.grounder.resize(clip.contact.image)
            rest = [(encoded.images[n], encoded.features[n]) for n in range(1, len(encoded))]
            given = EncodedFrames.stack([(image, self.grounder.encode(image)), *rest])
            encoded = replace(given, contact=clip.contact.point)
        self.grounder.memorize(encoded, clip.name, recorded.summary.frames)

    def _record(self, clip: Clip) -> Recorded:
        """Encode the frames of a clip once, whatever contacts are given; forget other clips."""
        if self._recorded is None or self._frames is not clip.frames:
            for name in self.grounder.demonstrations:
                self.grounder.delete_demonstration(name)
            maximum = self.grounder.configuration.maximum_frames
            media = clip.media or select_evenly(list(clip.frames), maximum)
            # Nothing measures the rotation, so no optical flow is computed for it.
            media = replace(media, motion_frames=())
            self._recorded = record_whole(media, 'clip', self.grounder, None)
            self._frames = clip.frames
        return self._recorded


def _shares(pixels: Sequence[tuple[float, float]], size: tuple[int, ...]) -> tuple[Point, ...]:
    """Convert pixels (u, v) of an image of (height, width) to shares of its sides."""
    height, width = size
    return tuple(((u + 0.5) / width, (v + 0.5) / height) for u, v in pixels)


class MarkedContactPredictor:
    """A model with a matching network, given the marked contact like a user's click.

    Args:
        model: the model, which finds the contact if it is not given.
        percent_off: distance of the given contact from the mark in a random direction, in percent
            of the diagonal; the direction of a clip is always the same.
    """

    def __init__(self, model: PointPredictor, percent_off: float = 0.0) -> None:
        self._model = model
        self.percent_off = percent_off

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> PointPrediction:
        """See `PointPredictor.predict`."""
        if clip.marked is None:
            return PointPrediction(())
        if not self.percent_off:
            return self._model.predict(image, clip.given(clip.marked, CONTACT_MARKED))
        rng = np.random.default_rng(zlib.crc32(clip.name.encode()))
        off = clip.marked.moved(self.percent_off, rng)
        return self._model.predict(image, clip.given(off, f'{self.percent_off:g} % off'))
