# SPDX-License-Identifier: Apache-2.0
"""The records of the camera images of a replay, with their scores, as lines of a CSV file."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.camera import Calibration
from afformer_core.media.polygons import contains
from afformer_core.outputs.results import StreamedGrounding
from afformer_core.replay.annotations import BagAnnotations

FOUND, HELD, ABSTAINED, UNREADABLE = 'found', 'held', 'abstained', 'unreadable'
STAGES = ('decode_ms', 'predict_ms', 'stream_ms')
SCORES = ('peak_pixels', 'peak_millimetres', 'normal_degrees', 'inside')


COLUMNS = (
    'stamp', 'state', 'presence', 'certainty', 'confidence', 'feature_similarity', 'continuity',
    'age', 'action', 'u', 'v', 'score', 'x', 'y', 'z', 'normal_x', 'normal_y', 'normal_z',
    'problem', 'restart', *SCORES, *STAGES,
)  # fmt: skip
"""Columns of the table.

- `stamp`: stamp of the image's header, nanoseconds.
- `state`: `FOUND`, `HELD` (found, but in an earlier image), `ABSTAINED` or `UNREADABLE`.
- `presence`, `confidence`, `feature_similarity`, `continuity`, `age`: see `StreamedGrounding`.
- `certainty`: see `Grounding`.
- `action`: name of the best one.
- `u`, `v`, `score`: the best peak, if something was found.
- `x`, `y`, `z`, `normal_x`, `normal_y`, `normal_z`: position and normal of the best peak in the
  frame of the camera.
- `problem`: reason why there is no position, or why the image is unreadable.
- `restart`: reason why earlier images were not used.
- `peak_pixels`: distance from the best peak to the mean of the annotated points.
- `peak_millimetres`: distance from the measured position to the annotated one.
- `normal_degrees`: angle between the measured normal and the annotated one.
- `inside`: whether the best peak lies inside the annotated outline.
- `decode_ms`, `predict_ms`, `stream_ms`: milliseconds of each stage.
"""

ReplayedImage = Mapping[str, Any]
"""One camera image of a replay, by the names of `COLUMNS`; what is unknown is None or absent."""


def replayed_image(
    stamp: int,
    result: StreamedGrounding,
    milliseconds: Sequence[float],
    annotations: BagAnnotations | None,
) -> ReplayedImage:
    """Describe a grounded image.

    Args:
        stamp: stamp of the image, nanoseconds.
        result: its result.
        milliseconds: milliseconds of each of `STAGES`.
        annotations: annotations of the bag, or None.
    """
    known: dict[str, Any] = dict(zip(STAGES, milliseconds, strict=True))
    state = ABSTAINED
    if result.found:
        state = HELD if result.held else FOUND
        peak, surface = result.grounding.peaks[0], result.surfaces[0]
        known |= {'u': peak.u, 'v': peak.v, 'score': peak.score, 'problem': surface.problem}
        if surface.position is not None:
            known |= zip('xyz', surface.position.tolist(), strict=True)
        if surface.normal is not None:
            names = ('normal_x', 'normal_y', 'normal_z')
            known |= zip(names, surface.normal.tolist(), strict=True)
        if annotations is not None:
            known |= score(result, annotations, stamp)
    of_stream = ('presence', 'confidence', 'feature_similarity', 'continuity', 'age', 'restart')
    return {
        'stamp': stamp,
        'state': state,
        'certainty': result.grounding.certainty,
        'action': result.grounding.action,
        **{name: getattr(result, name) for name in of_stream},
        **known,
    }


def write_table(path: Path, rows: Sequence[ReplayedImage]) -> None:
    """Write one line for each record; unknown values are empty."""
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _text(value) for name, value in row.items()})


def _text(value: Any) -> str:
    if value is None:
        return ''
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return f'{value:.6g}' if isinstance(value, float) else str(value)


def score(
    result: StreamedGrounding, annotations: BagAnnotations, stamp: int
) -> dict[str, float | bool]:
    """Score what was found against the annotations of an image, by the names of `SCORES`.

    The distance in pixels refers to the mean of the points. If there is only a position, its
    pixel is the point, if the calibration is known. The position and the normal of a held result
    are compared with the annotation of the image in which they were measured.

    Args:
        result: result of the image, in which something was found.
        annotations: annotations of the bag.
        stamp: stamp of the image, nanoseconds.
    """
    scores: dict[str, float | bool] = {}
    annotation, measured = annotations.of(stamp), annotations.of(result.stamp)
    if annotation is None:
        return scores
    points = annotation.points
    if not len(points) and annotation.position is not None:
        points = _pixels(annotation.position, result.view.calibration)
    peak, surface = result.grounding.peaks[0], result.surfaces[0]
    if len(points):
        scores['peak_pixels'] = float(np.linalg.norm(points.mean(axis=0) - [peak.u, peak.v]))
    if annotation.outline is not None:
        scores['inside'] = contains(annotation.outline, (peak.u, peak.v))
    if measured is None:
        return scores
    if surface.position is not None and measured.position is not None:
        metres = float(np.linalg.norm(surface.position - measured.position))
        scores['peak_millimetres'] = 1000 * metres
    if surface.normal is not None and measured.normal is not None:
        scores['normal_degrees'] = _angle(surface.normal, measured.normal)
    return scores


def _angle(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Compute the angle between two vectors in degrees."""
    cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
    return math.degrees(math.acos(float(np.clip(cosine, -1, 1))))


def _pixels(position: NDArray[np.float64], calibration: Calibration | None) -> NDArray[np.float64]:
    """Project a point in front of a camera: [1, 2] pixels; [0, 2] without a calibration."""
    if calibration is None or position[2] <= calibration.centre[2]:
        return np.zeros((0, 2))
    fisheye = calibration.distortion_model == 'equidistant'
    project = cv2.fisheye.projectPoints if fisheye else cv2.projectPoints
    pixels, _ = project(
        (position - calibration.centre).reshape(1, 1, 3),
        np.zeros(3),
        np.zeros(3),
        calibration.matrix,
        np.array(calibration.distortion),
    )
    return np.asarray(pixels, np.float64).reshape(1, 2)
