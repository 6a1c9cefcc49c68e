# SPDX-License-Identifier: Apache-2.0
"""Contact sheets: demonstration frames, target, prediction and ground truth, one pair a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.data.sampling import uniform_indices
from afformer_core.data.video import read_video
from afformer_core.evaluation.model_run import ModelRun, PairResult, read_image
from afformer_core.evaluation.protocols import EvaluationProtocol

Picture = NDArray[np.uint8]

_SIDE = 192
_FRAMES = 4
_MARGIN = 4
_CAPTION = 20


def write_contact_sheets(
    folder: Path,
    results: Sequence[PairResult],
    run: ModelRun,
    protocol: EvaluationProtocol,
    count: int = 8,
) -> list[Path]:
    """Write `best.jpg`, `median.jpg` and `worst.jpg` by KLD.

    Args:
        folder: created where absent.
        results: to choose from, at least one.
        run: grounds the chosen pairs once more.
        protocol: of the ground truths.
        count: pairs on a sheet at most.

    Returns:
        the files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ranked = sorted(results, key=lambda result: float(result.scores.kld.mean()))
    middle = max(0, (len(ranked) - count) // 2)
    chosen = {
        'best': ranked[:count],
        'median': ranked[middle : middle + count],
        'worst': ranked[::-1][:count],
    }
    paths = []
    for name, each in chosen.items():
        sheet = np.concatenate([_line(result, run, protocol) for result in each])
        path = folder / f'{name}.jpg'
        ok, encoded = cv2.imencode('.jpg', cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
        if not ok:
            raise OSError(f'{path} cannot be encoded')
        path.write_bytes(encoded.tobytes())
        paths.append(path)
    return paths


def _line(result: PairResult, run: ModelRun, protocol: EvaluationProtocol) -> Picture:
    sample = result.pair.sample
    frames = read_video(sample.video_path, _FRAMES, sample.clip)
    image = _square(read_image(sample.image_path))
    predicted = protocol.prediction(run.ground(result.pair).heatmap)
    truth = protocol.truths(result.rows)[0]
    scale = np.divide((_SIDE, _SIDE), sample.image_size)
    marked = _overlay(image, predicted)
    u, v = (round(float(value)) for value in np.multiply(result.peak, scale))
    cv2.drawMarker(marked, (u, v), (255, 255, 255), cv2.MARKER_CROSS, 15, 3)
    cv2.drawMarker(marked, (u, v), (255, 0, 0), cv2.MARKER_CROSS, 15, 1)
    cells = [
        *(_square(frames[i]) for i in uniform_indices(len(frames), _FRAMES)),
        image,
        marked,
        _overlay(image, truth),
    ]
    padded = [np.pad(cell, ((0, _MARGIN), (0, _MARGIN), (0, 0))) for cell in cells]
    pictures = np.concatenate(padded, axis=1)
    return np.concatenate((_caption(result, pictures.shape[1]), pictures))


def _square(image: Picture) -> Picture:
    return np.asarray(cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA))


def _overlay(image: Picture, heatmap: NDArray[np.float32]) -> Picture:
    resized = cv2.resize(heatmap, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)
    strength = resized / resized.max()
    colours = cv2.applyColorMap((255 * strength).astype(np.uint8), cv2.COLORMAP_JET)
    colours = cv2.cvtColor(colours, cv2.COLOR_BGR2RGB)
    weight = 0.7 * np.sqrt(strength)[..., None]
    return np.asarray((1 - weight) * image + weight * colours, np.uint8)


def _caption(result: PairResult, width: int) -> Picture:
    strip = np.full((_CAPTION, width, 3), 32, np.uint8)
    best = next(iter(result.action_scores))
    text = (
        f'KLD {result.scores.kld.mean():.2f}  {best} {result.action_scores[best]:.2f}  '
        f'{result.pair.sample.sample_id}   (demonstration | image | prediction | ground truth)'
    )
    cv2.putText(
        strip, text, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA
    )
    return strip
