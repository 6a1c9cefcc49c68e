# SPDX-License-Identifier: Apache-2.0
"""The best, median and worst read clips with marked contacts, as images with a caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from tqdm import tqdm

from afformer_core.data.readers.contact_clips import ContactClip
from afformer_core.evaluation.parts.clips import Clip
from afformer_core.evaluation.parts.contact_scores import (
    ContactScores,
    ContactsMeasured,
    read_contact_clip,
)
from afformer_core.evaluation.parts.predictors import ContactPredictor
from afformer_core.evaluation.report.qualitative_examples import QualitativeExample, choose
from afformer_core.evaluation.report.tiles import TILE_SIDE, RgbImage, draw_cross, fit, ring

_FRAMES = 4


def contact_examples(
    clips: Sequence[ContactClip],
    measured: ContactsMeasured,
    models: Mapping[str, ContactPredictor],
    frame_count: int,
    count: int = 6,
    progress: bool = True,
) -> dict[str, list[QualitativeExample]]:
    """Examples by chapter, by the distance of the first model's contact from the mark.

    Args:
        clips: measured clips.
        measured: numbers of the clips.
        models: models whose contacts are shown, by caption.
        frame_count: maximum number of frames of a clip.
        count: maximum number of each chapter.
        progress: show a progress bar on stderr.
    """
    first = next(iter(models))
    chosen = choose([measured.by_clip[clip.name][first].distance for clip in clips], count)
    total = sum(map(len, chosen.values()))
    with tqdm(total=total, desc='images', unit='clip', disable=not progress) as bar:
        examples: dict[str, list[QualitativeExample]] = {}
        for name, indices in chosen.items():
            examples[f'{name} contacts'] = []
            for index in indices:
                shown = read_contact_clip(clips[index], frame_count)
                scores = measured.by_clip[clips[index].name]
                example = _example(shown, {model: scores[model] for model in models})
                examples[f'{name} contacts'].append(example)
                bar.update()
    return examples


def _example(shown: Clip, scores: Mapping[str, ContactScores]) -> QualitativeExample:
    best = next(iter(scores.values()))
    texts = [f'{best.distance:.1f} % away']
    if best.other_hand:
        texts.append("the other hand's")
    if best.moment_error is not None:
        texts.append(f'{best.moment_error:.2f} s off')
    assert shown.marked is not None
    target = fit(shown.marked.image, TILE_SIDE)
    ring(target, shown.marked.point)
    steps = np.linspace(0, len(shown.frames) - 1, _FRAMES).round().astype(int)
    return QualitativeExample(
        shown.name,
        tuple(texts),
        tuple(fit(shown.frames[step], TILE_SIDE // 2) for step in steps),
        None,
        {name: _draw(shown.frames[0], score) for name, score in scores.items()},
        target,
    )


def _draw(frame: RgbImage, scores: ContactScores) -> RgbImage:
    tile = fit(frame, TILE_SIDE)
    scale = tile.shape[1] / frame.shape[1]
    x, y = ((share + 0.5) * scale - 0.5 for share in (scores.point_x, scores.point_y))
    draw_cross(tile, (round(x), round(y)))
    return tile
