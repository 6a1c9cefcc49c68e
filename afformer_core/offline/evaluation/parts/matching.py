# SPDX-License-Identifier: Apache-2.0
"""Matching: the point most similar to the demonstration's contact, by frozen features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.media.images import resize_to_input
from afformer_core.offline.evaluation.parts.clips import Clip, MarkedFrame
from afformer_core.offline.evaluation.parts.predictors import (
    MOST_POINTS,
    ContactPredictor,
    PointPrediction,
)
from afformer_core.runtime.matching.matcher import FeatureMap, PointDescriptors, similarity_maps
from afformer_core.runtime.peaks import NEIGHBOURHOOD

# Longer side of the images, and the multiple of which both sides are, in pixels.
_LONG_SIDE, _STEP = 512, 32
# Distance between cells of the correlation map, in pixels of the resized image.
_STRIDE = 8

Features = Callable[[NDArray[np.uint8]], list[FloatArray]]
"""Feature maps, fine to coarse, of uint8 RGB [H, W, 3] with sides that are multiples of 32."""

Contact = Callable[[Clip], MarkedFrame | None]
"""Function from a clip to its contact, or None if that is unknown."""


def marked_contact(clip: Clip) -> MarkedFrame | None:
    """Return the marked contact."""
    return clip.marked


class FoundContact:
    """The contact that a model reads from the clip.

    Args:
        model: model that reads the contact.
    """

    def __init__(self, model: ContactPredictor) -> None:
        self._model = model

    def __call__(self, clip: Clip) -> MarkedFrame | None:
        """Find the contact."""
        contact = self._model.read_contact(clip)
        return None if contact is None else MarkedFrame(clip.frames[0], contact.point)


class NearestFeaturePredictor:
    """The nearest neighbour of the contact's features; their largest similarity is its score.

    Args:
        features: feature maps of an image.
        contact: contact of a clip.
    """

    def __init__(self, features: Features, contact: Contact) -> None:
        self._features = features
        self._contact = contact

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> PointPrediction:
        """See `PointPredictor.predict`."""
        contact = self._contact(clip)
        if contact is None:
            return PointPrediction(())
        resized = _resized(image)
        size = (resized.shape[0] // _STRIDE, resized.shape[1] // _STRIDE)
        source = tuple(map(FeatureMap, self._features(_resized(contact.image))))
        target = tuple(map(FeatureMap, self._features(resized)))
        descriptors = PointDescriptors.of(source, [contact.point])
        correlation = similarity_maps(descriptors, target, size)[0]
        points = tuple(
            (float(x), float(y)) for x, y in _highest_positions(correlation, MOST_POINTS)
        )
        similarity = float(correlation.max())
        return PointPrediction(
            points,
            correlation,
            presence_score=similarity,
            confidence_scores={'similarity': similarity},
        )


def _resized(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Resize an image to 512 pixels on the longer side, and keep its aspect."""
    scale = _LONG_SIDE / max(image.shape[:2])
    height, width = (max(_STEP, round(side * scale / _STEP) * _STEP) for side in image.shape[:2])
    return resize_to_input(image, (height, width))


def _highest_positions(correlation: FloatArray, count: int) -> NDArray[np.float64]:
    """Find the highest cells that are at least a tenth of the shorter side apart.

    Args:
        correlation: float32 [h, w].
        count: largest number of points, at least 1.

    Returns:
        [K, 2] (x, y) as shares of width and height, best first.
    """
    height, width = correlation.shape
    rows, columns = np.mgrid[:height, :width]
    left = correlation.astype(np.float64)
    radius = NEIGHBOURHOOD * min(height, width)
    found: list[tuple[float, float]] = []
    while len(found) < count and np.isfinite(left).any():
        row, column = divmod(int(left.argmax()), width)
        found.append(((column + 0.5) / width, (row + 0.5) / height))
        left[np.hypot(rows - row, columns - column) < max(radius, 1.0)] = -np.inf
    return np.array(found)
