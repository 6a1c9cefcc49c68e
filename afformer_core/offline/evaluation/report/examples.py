# SPDX-License-Identifier: Apache-2.0
"""ShownPair images of an evaluation: pairs from the best to the worst, with their heatmaps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.arrays import FloatArray
from afformer_core.drawing.overlay import draw_mark, draw_overlay
from afformer_core.media.images import read_image
from afformer_core.media.polygons import Point
from afformer_core.media.video import read_video
from afformer_core.media.video_frames import uniform_indices
from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.model_differences import paired
from afformer_core.offline.evaluation.pairs.actions import best_action
from afformer_core.offline.evaluation.pairs.pair_evaluator import ModelRun, PairResult
from afformer_core.offline.evaluation.parts.clips import read_clip
from afformer_core.offline.evaluation.parts.part_scores import PartScores
from afformer_core.offline.evaluation.parts.predictors import PointPredictor
from afformer_core.offline.evaluation.report.tiles import RgbImage
from afformer_core.runtime.peaks import Peak

LEGEND = (
    'Pairs, evenly chosen from the best to the worst. Each row shows frames of the demonstration, '
    'the annotated points or outlines, and the heatmap of each model relative to its maximum with '
    'its best point.'
)
"""Explanation of the images."""

_COUNT = 12
_FRAMES = 3
_HEIGHT = 200
_OPACITY = 0.75
_CYAN = (0, 230, 255)

Predict = Callable[[int], tuple[FloatArray | None, Point | None]]
"""Function from the index of a pair to a heatmap [h, w] of the whole image, at any size and scale,
and to its best point, as shares of the image's width and height."""


@dataclass(frozen=True)
class ShownPair:
    """A pair to draw.

    Attributes:
        caption: the pair and its measures.
        frames: frames of the demonstration, uint8 RGB [H, W, 3].
        image: target image, uint8 RGB [H, W, 3] (see `tile`).
        points: annotated points [N, 2] (x, y), in pixels of the image.
        outlines: outlines [K, 2] of the right parts, likewise.
    """

    caption: str
    frames: Sequence[RgbImage]
    image: RgbImage
    points: NDArray[np.float64]
    outlines: Sequence[NDArray[np.float64]] = ()

    def draw(self, predictions: Iterable[tuple[FloatArray | None, Point | None]]) -> RgbImage:
        """Draw everything in a row."""
        annotated = np.array(self.image)
        corners = [np.rint(outline).astype(int) for outline in self.outlines]
        cv2.polylines(annotated, corners, True, _CYAN, 2, cv2.LINE_AA)
        for x, y in self.points:
            annotated = draw_mark(annotated, (float(x), float(y)))
        overlays = [_overlay(self.image, *prediction) for prediction in predictions]
        return np.hstack([*map(tile, self.frames), annotated, *overlays])


def draw_examples(
    badness: Sequence[float],
    read: Callable[[int], ShownPair],
    models: Iterable[Callable[[], Predict]],
) -> dict[str, RgbImage]:
    """Draw pairs, evenly chosen from the best to the worst, by caption.

    Args:
        badness: badness of each pair, by its index.
        read: function that reads a pair.
        models: functions that open each model; opening one may close another.
    """
    ranked = sorted(range(len(badness)), key=badness.__getitem__)
    chosen = [ranked[rank] for rank in uniform_indices(len(ranked), _COUNT)]
    opening = tqdm(list(models), 'images', unit='model')
    predictions = zip(*[list(map(open_model(), chosen)) for open_model in opening], strict=True)
    examples = map(read, chosen)
    return {
        example.caption: example.draw(of_example)
        for example, of_example in zip(examples, predictions, strict=True)
    }


def examples_of_models(
    models: Mapping[str, tuple[Sequence[PairResult], Callable[[], ModelRun]]],
    action_names: Sequence[str],
) -> dict[str, RgbImage]:
    """Draw pairs of a dataset under the heatmaps that a robot receives.

    Args:
        models: results of the same pairs, and the function that opens the run, by model. The pairs
            of a single model are ordered by KLD, those of several by the KLD of the last one less
            that of the first.
        action_names: names of the actions of the dataset.
    """
    klds = {
        name: {'kld': np.array([result.scores['kld'].mean() for result in results])}
        for name, (results, _) in models.items()
    }
    first, *_, last = [*klds.values(), *klds.values()]
    badness = first['kld'] if len(klds) == 1 else paired('kld', first, last)
    results = next(iter(models.values()))[0]

    def read(index: int) -> ShownPair:
        sample = results[index].pair.sample
        image = tile(read_image(sample.image_path))
        scale = np.divide(image.shape[1::-1], sample.image_size)
        said = [f'KLD of {name} {own["kld"][index]:.2f}' for name, own in klds.items()]
        if best := best_action(results[index].action_scores):
            said.append(f'says {best}')
        actions = ', '.join(action_names[action] for action in dict.fromkeys(sample.actions))
        points, scene = np.concatenate(sample.points), sample.scene
        return ShownPair(
            f'{sample.sample_id}, {actions}: {", ".join(said)}',
            list(read_video(sample.video_path, _FRAMES, sample.clip)),
            image,
            (points if scene is None else points[:0] + 0.5) * scale - 0.5,
            () if scene is None else [(scene.polygons[scene.element] + 0.5) * scale - 0.5],
        )

    def open_model(open_run: Callable[[], ModelRun]) -> Predict:
        run = open_run()

        def predict(index: int) -> tuple[FloatArray, Point]:
            grounding = run.ground(results[index].pair)
            (height, width), peak = grounding.heatmap.shape, grounding.peaks[0]
            return grounding.heatmap, ((peak.u + 0.5) / width, (peak.v + 0.5) / height)

        return predict

    opening = [partial(open_model, open_run) for _, open_run in models.values()]
    return draw_examples(badness.tolist(), read, opening)


def examples_of_parts(
    pairs: Sequence[PartPair],
    scores: Sequence[PartScores],
    models: Sequence[PointPredictor],
    frame_count: int,
) -> dict[str, RgbImage]:
    """Draw pairs with outlined parts, ordered by the distance of the best point.

    Args:
        pairs: measured pairs.
        scores: scores of the pairs, of the first model.
        models: models whose heatmaps are shown.
        frame_count: maximum number of frames of a clip.
    """

    def read(index: int) -> ShownPair:
        pair, score = pairs[index], scores[index]
        image, clip = tile(read_image(pair.sample.image_path)), read_clip(pair, frame_count)
        scale = np.divide(image.shape[1::-1], pair.sample.image_size)
        away = 'no point' if score['distance'] is None else f'{score["distance"]:.1f} % away'
        said = 'inside' if score['inside'] else away
        return ShownPair(
            f'{pair.sample.sample_id}, {" or ".join(pair.accepted_actions)}: {said}',
            [clip.frames[number] for number in uniform_indices(len(clip.frames), _FRAMES)],
            image,
            np.empty((0, 2)),
            [(part + 0.5) * scale - 0.5 for part in pair.parts],
        )

    def open_model(predictor: PointPredictor) -> Predict:
        def predict(index: int) -> tuple[FloatArray | None, Point | None]:
            image = read_image(pairs[index].sample.image_path)
            found = predictor.predict(image, read_clip(pairs[index], frame_count))
            return found.heatmap, next(iter(found.points), None)

        return predict

    badness = [math.inf if s['distance'] is None else s['distance'] for s in scores]
    opening = [partial(open_model, predictor) for predictor in models]
    return draw_examples(badness, read, opening)


def tile(image: RgbImage) -> RgbImage:
    """Resize an image to the height of a row."""
    width = max(1, round(image.shape[1] * _HEIGHT / image.shape[0]))
    return np.asarray(cv2.resize(image, (width, _HEIGHT), interpolation=cv2.INTER_AREA))


def _overlay(image: RgbImage, heatmap: FloatArray | None, point: Point | None) -> RgbImage:
    height, width = image.shape[:2]
    resized = (
        np.zeros((height, width)) if heatmap is None else cv2.resize(heatmap, (width, height))
    )
    peaks = [] if point is None else [Peak(point[0] * width - 0.5, point[1] * height - 0.5, 1.0)]
    return draw_overlay(image, np.asarray(resized, np.float32), peaks, '', _OPACITY)
