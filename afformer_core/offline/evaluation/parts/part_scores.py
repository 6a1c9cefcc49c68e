# SPDX-License-Identifier: Apache-2.0
"""Scores of predictions against outlined parts, and their intervals over source videos."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields

import cv2
import numpy as np

from afformer_core.arrays import FloatArray
from afformer_core.media.polygons import area, contained, distance
from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.parts.clips import NEAR, Point
from afformer_core.offline.evaluation.parts.predictors import PointPrediction
from afformer_core.offline.reports.bootstrap import (
    Estimate,
    bootstrap_area,
    bootstrap_class_mean,
    bootstrap_mean,
)

# Minimum size of a part in pixels.
_LEAST_SIZE = 1.0


@dataclass(frozen=True)
class PartScores:
    """The scores of one predictor on one pair; None if not measured.

    Attributes:
        inside: 1 if the best point is inside a part, or 0.
        near: 1 if it is within 5 % of the diagonal of a part, or 0.
        distance: distance from the best point to the nearest part, in percent of the diagonal;
            None without a point.
        any_inside: 1 if any of the three best points is inside a part, or 0.
        within_size: 1 if the best point is within one size of a part, the square root of its
            area, or 0.
        point_x, point_y: the best point, in the pixels of the outlines.
        mass_inside: share of the heatmap's probability inside the parts.
        action: 1 if the best action is accepted, or 0.
        found: 1 if the image shows the demonstrated element by the model's own threshold, or 0.
        presence_score: score that the image shows the demonstrated element.
        answered: 1 if the model is sure by its own threshold of certainty, or 0.
        tap_answered: the same, if a person taps the right one of the offered contacts where the
            model is unsure.
        tap_inside: `inside` of that answer.
        other_inside, other_found, other_presence_score: the same with a video of another place
            (see `Negatives.elsewhere`).
        nearby_inside, nearby_found, nearby_presence_score: the same with a video of another thing
            (see `Negatives.nearby`).
        contact_distance: distance from the predicted contact in the clip's first frame to the
            marked one, in percent of the diagonal.
        contact_first, contact_close: 1 if `contact_distance` is at most 5 % or 2.5 %, or 0.
        contact_of_3, contact_of_5: 1 if one of so many best candidates for the contact is within
            5 %, or 0.
        action_scores: by name, best first.
        confidence_scores: see `PointPrediction`.
    """

    inside: float
    near: float
    distance: float | None
    any_inside: float
    within_size: float = 0.0
    point_x: float | None = None
    point_y: float | None = None
    mass_inside: float | None = None
    action: float | None = None
    found: float | None = None
    presence_score: float | None = None
    answered: float | None = None
    tap_answered: float | None = None
    tap_inside: float | None = None
    other_inside: float | None = None
    other_found: float | None = None
    other_presence_score: float | None = None
    nearby_inside: float | None = None
    nearby_found: float | None = None
    nearby_presence_score: float | None = None
    contact_distance: float | None = None
    contact_first: float | None = None
    contact_close: float | None = None
    contact_of_3: float | None = None
    contact_of_5: float | None = None
    action_scores: Mapping[str, float] = field(default_factory=dict)
    confidence_scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def right_of_answered(self) -> float | None:
        """`inside` if it is answered."""
        return self.inside if self.answered else None

    @property
    def right_of_tap_answered(self) -> float | None:
        """`tap_inside` if it is answered, maybe after a tap."""
        return self.tap_inside if self.tap_answered else None


@dataclass(frozen=True)
class PartMeasures:
    """Means of the scores of one predictor (see `PartScores`); None if they are not measured.

    Attributes:
        inside_of_sources: mean over the sources of their means of `inside`.
        auroc, nearby_auroc: area under the ROC curve of the presence score, own videos against
            those of other places or things.
    """

    inside: Estimate | None
    inside_of_sources: Estimate | None
    near: Estimate | None
    within_size: Estimate | None
    any_inside: Estimate | None
    mass_inside: Estimate | None
    action: Estimate | None
    found: Estimate | None
    answered: Estimate | None
    right_of_answered: Estimate | None
    tap_answered: Estimate | None
    right_of_tap_answered: Estimate | None
    other_inside: Estimate | None
    other_found: Estimate | None
    nearby_inside: Estimate | None
    nearby_found: Estimate | None
    contact_first: Estimate | None
    contact_close: Estimate | None
    contact_of_3: Estimate | None
    contact_of_5: Estimate | None
    auroc: Estimate | None
    nearby_auroc: Estimate | None


@dataclass(frozen=True)
class ClassMeasures:
    """Means of the scores of one predictor on pairs of one class.

    Attributes:
        pairs: number of pairs.
        inside: see `PartScores`.
    """

    pairs: int
    inside: Estimate | None


def distance_to_parts(pair: PartPair, found_point: Point) -> float:
    """Measure the distance from a point to the nearest part, in percent of the diagonal."""
    point = _annotated(pair, found_point)
    nearest = min(distance(part, point) for part in pair.parts)
    return float(100 * nearest / np.hypot(*pair.sample.image_size))


def distance_in_sizes(pair: PartPair, found_point: Point) -> float:
    """Measure the smallest distance from a point to a part, in sizes of that part; 0 inside.

    The size of a part is the square root of its area.
    """
    point = _annotated(pair, found_point)
    return min(
        distance(part, point) / max(float(np.sqrt(area(part))), _LEAST_SIZE) for part in pair.parts
    )


def _annotated(pair: PartPair, found_point: Point) -> Point:
    """Convert a point to the pixels of the outlines."""
    width, height = pair.sample.image_size
    return found_point[0] * width - 0.5, found_point[1] * height - 0.5


def mass_inside(pair: PartPair, heatmap: FloatArray) -> float:
    """Compute the share of a heatmap [h, w] of the whole target inside the parts."""
    width, height = pair.sample.image_size
    # Parts may be smaller than a cell of the heatmap.
    enlarged = cv2.resize(heatmap, (width, height), interpolation=cv2.INTER_LINEAR)
    inside = np.zeros((height, width), bool)
    for part in pair.parts:
        left, top = np.clip(np.floor(part.min(0)), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(part.max(0)) + 1, 0, (width, height)).astype(int)
        rows, columns = np.mgrid[top:bottom, left:right]
        points = np.stack((columns.ravel(), rows.ravel()), 1).astype(np.float64)
        inside[top:bottom, left:right] |= contained(part, points).reshape(rows.shape)
    return float(enlarged[inside].sum(dtype=np.float64) / enlarged.sum(dtype=np.float64))


def score_points(pair: PartPair, prediction: PointPrediction) -> PartScores:
    """Score a prediction for a pair with its own clip; other scores are None."""
    distances = [distance_to_parts(pair, found_point) for found_point in prediction.points]
    best = distances[:1]
    sizes = [distance_in_sizes(pair, found_point) for found_point in prediction.points[:1]]
    x, y = _annotated(pair, prediction.points[0]) if prediction.points else (None, None)
    action = next(iter(prediction.action_scores or ()), None)
    heatmap = prediction.heatmap if prediction.is_distribution else None
    return PartScores(
        inside=float(0.0 in best),
        near=float(any(distance <= NEAR for distance in best)),
        distance=best[0] if best else None,
        any_inside=float(0.0 in distances),
        within_size=float(any(size <= 1 for size in sizes)),
        point_x=x,
        point_y=y,
        mass_inside=None if heatmap is None else mass_inside(pair, heatmap),
        action=None if action is None else float(action in pair.accepted_actions),
        found=None if prediction.found is None else float(prediction.found),
        presence_score=prediction.presence_score,
        answered=None if prediction.answered is None else float(prediction.answered),
        action_scores=prediction.action_scores or {},
        confidence_scores=prediction.confidence_scores,
    )


def measure_parts(
    scores: Sequence[PartScores], pairs: Sequence[PartPair], seed: int = 0
) -> PartMeasures:
    """Compute means with intervals from resampling whole source videos.

    Args:
        scores: scores of one predictor on N pairs, at least one.
        pairs: the N pairs.
        seed: seed of the bootstrap.
    """
    videos = [pair.group for pair in pairs]
    others = ('inside_of_sources', 'auroc', 'nearby_auroc')
    names = [measure.name for measure in fields(PartMeasures)]
    means = [name for name in names if not name.startswith(others)]
    sources = list(dict.fromkeys(pair.source for pair in pairs))
    return PartMeasures(
        **{name: _mean(name, scores, videos, seed) for name in means},
        inside_of_sources=bootstrap_class_mean(
            [score.inside for score in scores],
            videos,
            [sources.index(pair.source) for pair in pairs],
            seed,
        ),
        auroc=_auroc('other', scores, videos, seed),
        nearby_auroc=_auroc('nearby', scores, videos, seed),
    )


def measure_by(
    scores: Sequence[PartScores],
    pairs: Sequence[PartPair],
    key: Callable[[PartPair], str],
    seed: int = 0,
) -> Mapping[str, ClassMeasures]:
    """Compute the measures of each class of pairs, such as a kind.

    Args:
        scores: scores of one predictor on N pairs.
        pairs: the N pairs.
        key: function that returns the class of a pair; pairs with an empty class are excluded.
        seed: seed of the bootstrap.
    """
    measured = {}
    for name in dict.fromkeys(key(pair) for pair in pairs if key(pair)):
        chosen = [number for number, pair in enumerate(pairs) if key(pair) == name]
        of_class = [scores[number] for number in chosen]
        videos = [pairs[number].group for number in chosen]
        measured[name] = ClassMeasures(len(chosen), _mean('inside', of_class, videos, seed))
    return measured


def _mean(
    name: str, scores: Sequence[PartScores], source_videos: Sequence[Hashable], seed: int
) -> Estimate | None:
    values = [getattr(score, name) for score in scores]
    return bootstrap_mean(np.array(values, np.float64), source_videos, seed)


def _auroc(
    negative: str, scores: Sequence[PartScores], source_videos: Sequence[Hashable], seed: int
) -> Estimate | None:
    values = [
        (score.presence_score, getattr(score, f'{negative}_presence_score')) for score in scores
    ]
    known = [
        (*value, video)
        for value, video in zip(values, source_videos, strict=True)
        if None not in value
    ]
    if not known:
        return None
    own, other, groups = zip(*known, strict=True)
    return bootstrap_area(own, other, groups, seed)
