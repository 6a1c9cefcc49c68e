# SPDX-License-Identifier: Apache-2.0
"""The run of predictors on pairs with outlined parts, with own, other and blank videos."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.data.readers.part_pairs import PartPair
from afformer_core.evaluation.parts.clips import (
    Clip,
    other_videos,
    read_clip,
    visiting_order,
)
from afformer_core.evaluation.parts.part_scores import (
    CLOSE,
    NEAR,
    PartScores,
    distance_to_parts,
    score_points,
)
from afformer_core.evaluation.parts.predictors import (
    ContactPredictor,
    MarkedContactPredictor,
    ModelPredictor,
    PointPrediction,
    PointPredictor,
)
from afformer_core.media.images import read_image

_KEPT_CLIPS = 4


@dataclass(frozen=True)
class _Shown:
    """The inputs of predictors for one pair.

    Attributes:
        pair: the pair.
        image: its target.
        clip: its own clip.
        hard_negative: a clip of another source video, or None.
    """

    pair: PartPair
    image: NDArray[np.uint8]
    clip: Clip
    hard_negative: Clip | None

    def scores(self, predictors: Mapping[str, PointPredictor]) -> dict[str, PartScores]:
        """Score predictors by their names."""
        return {
            name: _score(self.pair, predictor, self.image, self.clip, self.hard_negative)
            for name, predictor in predictors.items()
        }


def evaluate_parts(
    pairs: Sequence[PartPair],
    predictors: Mapping[str, PointPredictor],
    frame_count: int,
    progress: bool = True,
    aside: Collection[str] = (),
) -> dict[str, list[PartScores]]:
    """Score each predictor on all pairs, by its name.

    A separate thread reads the next pair and runs the predictors `aside` on it.

    Args:
        pairs: pairs with readable media.
        predictors: predictors by name.
        frame_count: maximum number of frames of a clip.
        progress: show a progress bar on stderr.
        aside: names of predictors that are independent of others.

    Raises:
        VideoError, ImageError: a clip or an image cannot be read.
        DatasetError: a contact was marked in a frame that its clip does not have.
    """
    others = other_videos(pairs)
    order = visiting_order(others)
    read = lru_cache(_KEPT_CLIPS)(lambda index: read_clip(pairs[index], frame_count))
    alone = {name: predictor for name, predictor in predictors.items() if name in aside}
    in_turn = {name: predictor for name, predictor in predictors.items() if name not in aside}

    def prepare(index: int) -> tuple[_Shown, dict[str, PartScores]]:
        image, other = read_image(pairs[index].sample.image_path), others[index]
        shown = _Shown(pairs[index], image, read(index), None if other is None else read(other))
        return shown, shown.scores(alone)

    scores: dict[int, dict[str, PartScores]] = {}
    with ThreadPoolExecutor(1) as worker:
        following = worker.submit(prepare, order[0])
        for step, index in enumerate(tqdm(order, 'pairs', disable=not progress)):
            shown, of_alone = following.result()
            if step + 1 < len(order):
                following = worker.submit(prepare, order[step + 1])
            scores[index] = {**of_alone, **shown.scores(in_turn)}
    return {name: [scores[index][name] for index in range(len(pairs))] for name in predictors}


def _score(
    pair: PartPair,
    predictor: PointPredictor,
    image: NDArray[np.uint8],
    clip: Clip,
    hard_negative: Clip | None,
) -> PartScores:
    own = predictor.predict(image, clip)
    score = score_points(pair, own)
    marked = clip.marked
    if (
        marked is not None
        and isinstance(predictor, ContactPredictor)
        and (reading := predictor.read_contact(clip)) is not None
    ):
        read = marked.percent_away(reading.point)
        score = replace(
            score,
            contact_distance=read,
            contact_first=float(read <= NEAR),
            contact_close=float(read <= CLOSE),
        )
    if marked is not None and isinstance(predictor, ModelPredictor):
        in_marked = predictor.predict(marked.image, clip).points[0]
        near = float(marked.percent_away(in_marked) <= NEAR)
        score = replace(score, contact_marked=near)
    if not isinstance(predictor, MarkedContactPredictor):
        blank = predictor.predict(image, clip.blank())
        score = replace(score, blank_inside=_inside(pair, blank), blank_found=_found(blank))
    if hard_negative is None:
        return score
    other = predictor.predict(image, hard_negative)
    return replace(
        score,
        other_inside=_inside(pair, other),
        other_found=_found(other),
        other_presence_score=other.presence_score,
    )


def _inside(pair: PartPair, prediction: PointPrediction) -> float:
    best = prediction.points[:1]
    return float(any(distance_to_parts(pair, point) == 0 for point in best))


def _found(prediction: PointPrediction) -> float | None:
    return None if prediction.found is None else float(prediction.found)
