# SPDX-License-Identifier: Apache-2.0
"""Groundings against annotations."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.calibration import Calibration
from afformer_core.media.polygons import contains
from afformer_core.outputs.results import StreamedGrounding
from afformer_core.replay.annotations import ImageAnnotation
from afformer_core.replay.replayed_image import ImageScores


def score(
    result: StreamedGrounding, annotation: ImageAnnotation, measured: ImageAnnotation | None
) -> ImageScores:
    """Score a grounding against the annotations of its image; all None if nothing was found.

    The distance in pixels refers to the mean of the points. If there is only a position, its
    pixel is the point, if the calibration is known.

    Args:
        result: result of the image.
        annotation: annotation of the image.
        measured: measurement of the image to which the position belongs, an earlier one if the
            result is held; None if there is none.
    """
    pixels = millimetres = degrees = inside = None
    if result.found:
        points = annotation.points
        if not len(points) and annotation.position is not None:
            points = _pixels(annotation.position, result.view.calibration)
        peak, surface = result.grounding.peaks[0], result.surfaces[0]
        if len(points):
            pixels = float(np.linalg.norm(points.mean(axis=0) - [peak.u, peak.v]))
        if annotation.outline is not None:
            inside = contains(annotation.outline, (peak.u, peak.v))
        target = None if measured is None else measured.position
        if surface.position is not None and target is not None:
            millimetres = 1000 * float(np.linalg.norm(surface.position - target))
        normal = None if measured is None else measured.normal
        if surface.normal is not None and normal is not None:
            degrees = _angle(surface.normal, normal)
    return ImageScores(pixels, millimetres, degrees, inside)


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
