# SPDX-License-Identifier: Apache-2.0
"""The run of predictors on pairs with outlined parts, and the scores of their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.arrays import FloatArray
from afformer_core.media.images import read_image
from afformer_core.media.polygons import area, contained, distance
from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.parts.clips import (
    NEAR,
    Clip,
    Point,
    find_negatives,
    read_clip,
)
from afformer_core.offline.evaluation.parts.predictors import (
    ContactPredictor,
    MarkedContactPredictor,
    ModelPredictor,
    PointPrediction,
    PointPredictor,
)
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS

OpenPredictors = Callable[[], Mapping[str, PointPredictor]]
"""Function that opens predictors by name, once in each process."""

PartScores = Mapping[str, Any]
"""Scores of one predictor on one pair by the names of `SCORES`; None if not measured."""

SCORES = (
    'inside',
    'near',
    'distance',
    'any_inside',
    'within_size',
    'point_x',
    'point_y',
    'mass_inside',
    'action',
    'found',
    'presence_score',
    'answered',
    'tap_answered',
    'tap_inside',
    'other_inside',
    'other_found',
    'other_presence_score',
    'nearby_inside',
    'nearby_found',
    'nearby_presence_score',
    'contact_distance',
    'contact_first',
    'contact_close',
    'contact_of_3',
    'contact_of_5',
    'action_scores',
    'confidence_scores',
)
"""Names of the scores; `by_pair` in `docs/reference/evaluation_json.md` describes them."""

# Minimum size of a part in pixels.
_LEAST_SIZE = 1.0


_ClipScores = tuple[dict[str, dict[str, Any]], list[tuple[int, str, dict[str, Any]]]]
"""Scores that a clip gives: those of its own pair by predictor; and for each pair to which it is a
negative and each predictor, the number of the pair, the predictor, and scores by name."""


@dataclass(frozen=True)
class _ClipUse:
    """A clip, and the images in which it is grounded.

    Attributes:
        number: number of its own pair.
        pair: that pair.
        negative_of: pairs of which it is a negative: beginning of the names of its scores, number
            and pair.
    """

    number: int
    pair: PartPair
    negative_of: tuple[tuple[str, int, PartPair], ...]


def evaluate_parts(
    pairs: Sequence[PartPair],
    open_predictors: OpenPredictors,
    frame_count: int,
    engine: ParallelEngine = ONE_PROCESS,
) -> dict[str, list[dict[str, Any]]]:
    """Score each predictor on all pairs, by its name.

    Each clip is read once, with all images in which it is grounded, so results do not depend on
    the number of processes.

    Args:
        pairs: pairs with readable media, at least one.
        open_predictors: other processes of the engine must be able to import it.
        frame_count: maximum number of frames of a clip.
        engine: engine that grounds the clips.

    Raises:
        VideoError, ImageError: a clip or an image cannot be read.
        DatasetError: a contact was marked in a frame that its clip does not have.
    """
    found: dict[int, _ClipScores] = {}
    with tqdm(total=len(pairs), desc='pairs') as bar:
        open_task = partial(_open_scorer, open_predictors, frame_count)
        for result in engine.map(open_task, _clip_uses(pairs)):
            found[result.part.number] = result.get()
            bar.update()
    scores = {name: [found[n][0][name] for n in range(len(pairs))] for name in found[0][0]}
    for _, negative in found.values():
        for number, name, known in negative:
            scores[name][number] |= known
    return scores


def _clip_uses(pairs: Sequence[PartPair]) -> list[_ClipUse]:
    shown: list[list[tuple[str, int, PartPair]]] = [[] for _ in pairs]
    for number, (pair, negatives) in enumerate(zip(pairs, find_negatives(pairs), strict=True)):
        for kind, index in (('other', negatives.elsewhere), ('nearby', negatives.nearby)):
            if index is not None:
                shown[index].append((kind, number, pair))
    return [_ClipUse(number, pair, tuple(shown[number])) for number, pair in enumerate(pairs)]


def _open_scorer(
    open_predictors: OpenPredictors, frame_count: int
) -> Callable[[_ClipUse], _ClipScores]:
    return partial(_score_clip, open_predictors(), frame_count)


def _score_clip(
    predictors: Mapping[str, PointPredictor], frame_count: int, use: _ClipUse
) -> _ClipScores:
    clip, image = read_clip(use.pair, frame_count), read_image(use.pair.sample.image_path)
    others = [read_image(pair.sample.image_path) for *_, pair in use.negative_of]
    own, negative = {}, []
    for name, predictor in predictors.items():
        own[name] = _score_own(use.pair, predictor, image, clip)
        if isinstance(predictor, MarkedContactPredictor) and predictor.percent_off:
            continue
        for (kind, number, pair), other in zip(use.negative_of, others, strict=True):
            shown = predictor.predict(other, clip)
            known = {
                f'{kind}_inside': _inside(pair, shown),
                f'{kind}_found': _number(shown.found),
                f'{kind}_presence_score': shown.presence_score,
            }
            negative.append((number, name, known))
    return own, negative


def _score_own(
    pair: PartPair, predictor: PointPredictor, image: NDArray[np.uint8], clip: Clip
) -> dict[str, Any]:
    own = predictor.predict(image, clip)
    score = score_points(pair, own)
    if isinstance(predictor, ContactPredictor):
        score |= _contact_scores(predictor, clip)
    if isinstance(predictor, ModelPredictor) and own.answered is not None:
        tapped = None if own.answered else predictor.tap(image, clip)
        score |= {
            'tap_answered': score['answered'] if tapped is None else tapped.answered is not False,
            'tap_inside': score['inside'] if tapped is None else _inside(pair, tapped),
        }
        score['tap_answered'] = float(score['tap_answered'])
    return score


def _contact_scores(predictor: ContactPredictor, clip: Clip) -> dict[str, Any]:
    reading = predictor.read_contact(clip)
    if clip.marked is None or reading is None:
        return {}
    scores = reading.scores(clip.marked)
    return {
        'contact_first': scores.pop('near'),
        **{f'contact_{name}': score for name, score in scores.items()},
    }


def _inside(pair: PartPair, prediction: PointPrediction) -> float:
    best = prediction.points[:1]
    return float(any(distance_to_parts(pair, point) == 0 for point in best))


def score_points(pair: PartPair, prediction: PointPrediction) -> dict[str, Any]:
    """Score a prediction for a pair with its own clip; other scores are None."""
    distances = [distance_to_parts(pair, found_point) for found_point in prediction.points]
    best = distances[:1]
    sizes = [distance_in_sizes(pair, found_point) for found_point in prediction.points[:1]]
    x, y = _annotated(pair, prediction.points[0]) if prediction.points else (None, None)
    action = next(iter(prediction.action_scores or ()), None)
    heatmap = prediction.heatmap if prediction.is_distribution else None
    return {
        **dict.fromkeys(SCORES),
        'inside': float(0.0 in best),
        'near': float(any(distance <= NEAR for distance in best)),
        'distance': best[0] if best else None,
        'any_inside': float(0.0 in distances),
        'within_size': float(any(size <= 1 for size in sizes)),
        'point_x': x,
        'point_y': y,
        'mass_inside': None if heatmap is None else mass_inside(pair, heatmap),
        'action': None if action is None else float(action in pair.accepted_actions),
        'found': _number(prediction.found),
        'presence_score': prediction.presence_score,
        'answered': _number(prediction.answered),
        'action_scores': prediction.action_scores or {},
        'confidence_scores': prediction.confidence_scores,
    }


def _number(known: bool | None) -> float | None:
    return None if known is None else float(known)


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
