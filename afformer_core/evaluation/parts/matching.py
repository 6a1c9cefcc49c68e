# SPDX-License-Identifier: Apache-2.0
"""Matching: the point most similar to the demonstration's contact, by frozen features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.evaluation.parts.clips import Clip, MarkedFrame
from afformer_core.evaluation.parts.predictors import (
    MOST_POINTS,
    ContactPredictor,
    PointPrediction,
)
from afformer_core.runtime.matching.descriptors import (
    correlation_map,
    highest_positions,
    resize_for_features,
)

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
        resized = resize_for_features(image)
        size = (resized.shape[0] // _STRIDE, resized.shape[1] // _STRIDE)
        correlation = correlation_map(
            self._features(resize_for_features(contact.image)),
            self._features(resized),
            contact.point,
            size,
        )
        points = tuple(
            (float(x), float(y)) for x, y in highest_positions(correlation, MOST_POINTS)
        )
        similarity = float(correlation.max())
        return PointPrediction(
            points,
            correlation,
            presence_score=similarity,
            confidence_scores={'similarity': similarity},
        )
