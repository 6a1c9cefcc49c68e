# SPDX-License-Identifier: Apache-2.0
"""The run of predictors on pairs with outlined parts, with own videos, negatives and taps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.media.images import read_image
from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.parts.clips import (
    CLOSE,
    NEAR,
    Clip,
    find_negatives,
    read_clip,
)
from afformer_core.offline.evaluation.parts.part_scores import (
    PartScores,
    distance_to_parts,
    score_points,
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


@dataclass(frozen=True)
class _ClipScores:
    """The scores that a clip gives.

    Attributes:
        own: scores of its own pair, by predictor.
        negative: number of a pair to which it is a negative, predictor, and scores by name.
    """

    own: dict[str, PartScores]
    negative: list[tuple[int, str, dict[str, Any]]]


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
    progress: bool = True,
) -> dict[str, list[PartScores]]:
    """Score each predictor on all pairs, by its name.

    Each clip is read once, with all images in which it is grounded, so results do not depend on
    the number of processes.

    Args:
        pairs: pairs with readable media, at least one.
        open_predictors: other processes of the engine must be able to import it.
        frame_count: maximum number of frames of a clip.
        engine: engine that grounds the clips.
        progress: show a progress bar on stderr.

    Raises:
        VideoError, ImageError: a clip or an image cannot be read.
        DatasetError: a contact was marked in a frame that its clip does not have.
    """
    found: dict[int, _ClipScores] = {}
    with tqdm(total=len(pairs), desc='pairs', disable=not progress) as bar:
        open_task = partial(_open_scorer, open_predictors, frame_count)
        for result in engine.map(open_task, _clip_uses(pairs)):
            found[result.part.number] = result.get()
            bar.update()
    scores = {name: [found[n].own[name] for n in range(len(pairs))] for name in found[0].own}
    for clip_scores in found.values():
        for number, name, known in clip_scores.negative:
            scores[name][number] = replace(scores[name][number], **known)
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
                f'{kind}_found': None if shown.found is None else float(shown.found),
                f'{kind}_presence_score': shown.presence_score,
            }
            negative.append((number, name, known))
    return _ClipScores(own, negative)


def _score_own(
    pair: PartPair, predictor: PointPredictor, image: NDArray[np.uint8], clip: Clip
) -> PartScores:
    own = predictor.predict(image, clip)
    score = score_points(pair, own)
    if isinstance(predictor, ContactPredictor):
        score = replace(score, **_contact_scores(predictor, clip))
    if isinstance(predictor, ModelPredictor) and own.answered is not None:
        tapped = None if own.answered else predictor.tap(image, clip)
        if tapped is None:
            return replace(score, tap_answered=score.answered, tap_inside=score.inside)
        return replace(
            score,
            tap_answered=float(tapped.answered is not False),
            tap_inside=_inside(pair, tapped),
        )
    return score


def _contact_scores(predictor: ContactPredictor, clip: Clip) -> dict[str, Any]:
    reading = predictor.read_contact(clip)
    if clip.marked is None or reading is None:
        return {}
    distance = clip.marked.percent_away(reading.point)
    return {
        'contact_distance': distance,
        'contact_first': float(distance <= NEAR),
        'contact_close': float(distance <= CLOSE),
        'contact_of_3': reading.recalls(clip.marked, 3),
        'contact_of_5': reading.recalls(clip.marked, 5),
    }


def _inside(pair: PartPair, prediction: PointPrediction) -> float:
    best = prediction.points[:1]
    return float(any(distance_to_parts(pair, point) == 0 for point in best))
