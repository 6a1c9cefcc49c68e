# SPDX-License-Identifier: Apache-2.0
"""Predictors over pairs with outlined parts: with own, other and blank videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.data.readers.part_pairs import PartPair
from afformer_core.evaluation.parts.clips import Clip, MarkedFrame, other_videos, read_clip
from afformer_core.evaluation.parts.part_scores import (
    NEAR,
    PartScores,
    distance_to_parts,
    score_points,
)
from afformer_core.evaluation.parts.predictors import ModelPredictor, Prediction, Predictor
from afformer_core.media.images import read_image


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
    scores: dict[str, list[PartScores]] = {name: [] for name in predictors}
    others = other_videos(pairs)
    counted = zip(pairs, others, strict=True)
    for pair, other in tqdm(counted, 'pairs', len(pairs), disable=not progress):
        image = read_image(pair.sample.image_path)
        clip = read_clip(pair, frame_count)
        hard_negative = None if other is None else read_clip(other, frame_count)
        for name, predictor in predictors.items():
            score = _score(pair, predictor, image, clip, hard_negative)
            scores[name].append(score)
    return scores


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
        score = replace(
            score,
            contact_first=_is_near(predictor.predict(clip.frames[0], clip), marked),
            contact_marked=_is_near(predictor.predict(marked.image, clip), marked),
        )
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


def _is_near(prediction: Prediction, marked: MarkedFrame) -> float:
    """Whether the best point in the clip's frame is near the mark."""
    size = np.array(marked.image.shape[1::-1])
    apart = (np.array(prediction.points[0]) - marked.point) * size
    return float(100 * np.hypot(*apart) <= NEAR * np.hypot(*size))
