# SPDX-License-Identifier: Apache-2.0
"""Groundings against annotations."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.evaluation.metrics.scoring import measure
from afformer_core.evaluation.protocols.protocols import ProtocolRow, RowsProtocol
from afformer_core.geometry.calibration import Calibration
from afformer_core.media.polygons import contains
from afformer_core.outputs.results import StreamedGrounding
from afformer_core.replay.annotations import ImageAnnotation
from afformer_core.replay.replayed_image import ImageScores


class AnnotationScorer:
    """A scorer of groundings like `afformer evaluate`, at the size of its protocol.

    Args:
        seed: seed of the jitter in AUC-J.
    """

    def __init__(self, seed: int = 0) -> None:
        self._protocol = RowsProtocol()
        self._generator = np.random.default_rng(seed)

    def score(
        self,
        result: StreamedGrounding,
        annotation: ImageAnnotation,
        measured: ImageAnnotation | None,
    ) -> ImageScores:
        """Score a grounding against the annotations of its image.

        The heatmap is measured for every image; the peak, its position and its normal only if the
        element was found. The distance in pixels refers to the mean of the points. If there is
        only a position, its pixel is the point, if the calibration is known.

        Args:
            result: result of the image.
            annotation: annotation of the image.
            measured: measurement of the image to which the position belongs, an earlier one if the
                result is held; None if there is none.
        """
        points = annotation.points
        if not len(points) and annotation.position is not None:
            points = _pixels(annotation.position, result.view.calibration)
        kld, sim, auc_judd = self._heatmap(result.grounding.heatmap, points)
        pixels = millimetres = degrees = inside = None
        if result.found:
            peak, surface = result.grounding.peaks[0], result.surfaces[0]
            position = np.array([peak.u, peak.v])
            if len(points):
                pixels = float(np.linalg.norm(points.mean(axis=0) - position))
            if annotation.outline is not None:
                inside = contains(annotation.outline, (peak.u, peak.v))
            target = None if measured is None else measured.position
            if surface.position is not None and target is not None:
                millimetres = 1000 * float(np.linalg.norm(surface.position - target))
            normal = None if measured is None else measured.normal
            if surface.normal is not None and normal is not None:
                degrees = _angle(surface.normal, normal)
        return ImageScores(kld, sim, auc_judd, pixels, millimetres, degrees, inside)

    def _heatmap(
        self, heatmap: NDArray[np.float32], points: NDArray[np.float64]
    ) -> tuple[float | None, float | None, float | None]:
        if not len(points):
            return None, None, None
        height, width = heatmap.shape
        target = self._protocol.targets([ProtocolRow(0, '', points, (width, height))])
        predicted = self._protocol.prediction(heatmap)[None]
        scores = measure(predicted, target, self._generator)
        return float(scores.kld[0]), float(scores.sim[0]), float(scores.auc_judd[0])


def _angle(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Compute the angle between two vectors in degrees."""
    cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
    return math.degrees(math.acos(float(np.clip(cosine, -1, 1))))


def _pixels(position: NDArray[np.float64], calibration: Calibration | None) -> NDArray[np.float64]:
    """Project a point in front of a camera: [1, 2] pixels; [0, 2] without a calibration."""
    if calibration is None:
        return np.zeros((0, 2))
    local = (position - calibration.centre).reshape(1, 1, 3)
    if local[0, 0, 2] <= 0:
        return np.zeros((0, 2))
    still, coefficients = np.zeros(3), np.array(calibration.distortion)
    if calibration.distortion_model == 'equidistant':
        pixels, _ = cv2.fisheye.projectPoints(
            local, still, still, calibration.matrix, coefficients
        )
    else:
        pixels, _ = cv2.projectPoints(local, still, still, calibration.matrix, coefficients)
    return np.asarray(pixels, np.float64).reshape(1, 2)
