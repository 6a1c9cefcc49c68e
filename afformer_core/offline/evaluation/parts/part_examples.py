# SPDX-License-Identifier: Apache-2.0
"""The best, median and worst pairs with outlined parts, as images with a caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from afformer_core.media.images import read_image
from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.parts.clips import Clip, read_clip
from afformer_core.offline.evaluation.parts.part_scores import PartScores
from afformer_core.offline.evaluation.parts.predictors import PointPrediction, PointPredictor
from afformer_core.offline.evaluation.protocols import ProtocolRow, RowsProtocol
from afformer_core.offline.evaluation.report.qualitative_examples import (
    QualitativeExample,
    draw_examples,
)
from afformer_core.offline.evaluation.report.tiles import (
    TILE_SIDE,
    RgbImage,
    draw_heatmap,
    fit,
    mark_peak,
    outline,
    ring,
)

# Differences of similarity that should be visible.
_SHARPNESS = 20.0
# Larger than any distance in percent of the diagonal.
_NOWHERE = 1e3
_FRAMES = 3


def pair_examples(
    pairs: Sequence[PartPair],
    scores: Sequence[PartScores],
    predictors: Mapping[str, PointPredictor],
    frame_count: int,
    count: int = 6,
    progress: bool = True,
) -> dict[str, list[QualitativeExample]]:
    """Examples by `best`, `median` and `worst`, by the distance of the peak, then by probability.

    Args:
        pairs: measured pairs.
        scores: scores of the pairs, of the first predictor.
        predictors: predictors whose heatmaps are shown, by caption.
        frame_count: maximum number of frames of a clip.
        count: maximum number of each.
        progress: show a progress bar on stderr.
    """

    def draw(index: int) -> QualitativeExample:
        return _example(pairs[index], scores[index], predictors, frame_count)

    return draw_examples([_badness(score) for score in scores], draw, count, progress=progress)


def _badness(score: PartScores) -> float:
    distance: float = _NOWHERE if score['distance'] is None else score['distance']
    return distance - (score['mass_inside'] or 0.0)


def _example(
    pair: PartPair, score: PartScores, predictors: Mapping[str, PointPredictor], frame_count: int
) -> QualitativeExample:
    row = RowsProtocol().rows([pair.sample])[0]
    image, clip = read_image(pair.sample.image_path), read_clip(pair, frame_count)
    predicted = {name: predictor.predict(image, clip) for name, predictor in predictors.items()}
    target = fit(image, TILE_SIDE)
    for part in pair.parts:
        outline(target, part, row)
    said = next(iter(next(iter(predicted.values())).action_scores or {}), '')
    return QualitativeExample(
        f'{pair.sample.sample_id}, {" or ".join(pair.accepted_actions)}',
        (*_measures(score), *([f'says {said}'] if said else [])),
        _frames(clip),
        {name: _draw(image, pair, point, row) for name, point in predicted.items()},
        target,
    )


def _measures(score: PartScores) -> list[str]:
    texts = ['inside' if score['inside'] else 'not inside']
    if score['distance']:
        texts.append(f'{score["distance"]:.1f} % away')
    if score['mass_inside'] is not None:
        texts.append(f'{score["mass_inside"]:.0%} of the probability inside')
    return texts


def _draw(
    image: RgbImage, pair: PartPair, prediction: PointPrediction, row: ProtocolRow
) -> RgbImage:
    heatmap = prediction.heatmap
    if heatmap is None:
        tile = fit(image, TILE_SIDE)
    else:
        if not prediction.is_distribution:
            heatmap = np.exp(_SHARPNESS * (heatmap - heatmap.max()))
        tile = draw_heatmap(image, heatmap, row)
    for part in pair.parts:
        outline(tile, part, row)
    for point in prediction.points[:1]:
        mark_peak(tile, np.array(point) * row.image_size - 0.5, row)
    return tile


def _frames(clip: Clip) -> tuple[RgbImage, ...]:
    """Draw the frame of the mark, which is ringed, and some of the clip."""
    side = TILE_SIDE // 2
    steps = np.linspace(0, len(clip.frames) - 1, _FRAMES).round().astype(int)
    frames = [fit(clip.frames[step], side) for step in steps]
    if clip.marked is None:
        return tuple(frames)
    marked = fit(clip.marked.image, side)
    ring(marked, clip.marked.point)
    return (marked, *frames)
