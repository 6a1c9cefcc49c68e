# SPDX-License-Identifier: Apache-2.0
"""Predictors over pairs with outlined parts: with own, other and blank videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    MarkedContactPredictor,
    ModelPredictor,
    Prediction,
    Predictor,
)
from afformer_core.media.images import read_image

_KEPT_CLIPS = 4


def evaluate_parts(
    pairs: Sequence[PartPair],
    predictors: Mapping[str, Predictor],
    frame_count: int,
    progress: bool = True,
) -> dict[str, list[PartScores]]:
    """Score each predictor on all pairs, by its name.

    Args:
        pairs: whose media can be read.
        predictors: by name.
        frame_count: frames of a clip that they are shown, at most.
        progress: show a progress bar on stderr.

    Raises:
        VideoError, ImageError: a clip or an image cannot be read.
        DatasetError: a contact was marked in a frame that its clip lacks.
    """
    others = other_videos(pairs)
    clips = _KeptClips(pairs, frame_count)
    scores: dict[int, dict[str, PartScores]] = {}
    for index in tqdm(visiting_order(others), 'pairs', disable=not progress):
        image, other = read_image(pairs[index].sample.image_path), others[index]
        hard_negative = None if other is None else clips[other]
        scores[index] = {
            name: _score(pairs[index], predictor, image, clips[index], hard_negative)
            for name, predictor in predictors.items()
        }
    return {name: [scores[index][name] for index in range(len(pairs))] for name in predictors}


class _KeptClips:
    """The clips of pairs by index, of which the last ones are kept."""

    def __init__(self, pairs: Sequence[PartPair], frame_count: int) -> None:
        self._read = lru_cache(_KEPT_CLIPS)(lambda index: read_clip(pairs[index], frame_count))

    def __getitem__(self, index: int) -> Clip:
        return self._read(index)


def _score(
    pair: PartPair,
    predictor: Predictor,
    image: NDArray[np.uint8],
    clip: Clip,
    hard_negative: Clip | None,
) -> PartScores:
    own = predictor.predict(image, clip)
    score = score_points(pair, own)
    if isinstance(predictor, ModelPredictor) and clip.marked is not None:
        marked = clip.marked
        read = marked.percent_away(predictor.read_contact(clip).point)
        in_marked = predictor.predict(marked.image, clip).points[0]
        score = replace(
            score,
            contact_distance=read,
            contact_first=float(read <= NEAR),
            contact_close=float(read <= CLOSE),
            contact_marked=float(marked.percent_away(in_marked) <= NEAR),
        )
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


def _inside(pair: PartPair, prediction: Prediction) -> float:
    best = prediction.points[:1]
    return float(any(distance_to_parts(pair, point) == 0 for point in best))


def _found(prediction: Prediction) -> float | None:
    return None if prediction.found is None else float(prediction.found)
