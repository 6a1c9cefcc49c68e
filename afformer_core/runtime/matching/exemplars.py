# SPDX-License-Identifier: Apache-2.0
"""Exemplars of a matching network: features at the marks of own pairs.

The matching network reads the contact in a demonstration and searches an image for similar
positions. It is not trained on own pairs. Instead, it stores the features at their marks. For a
demonstration that resembles one of theirs, it searches for positions similar to these marks
instead of the contact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.media.polygons import Point
from afformer_core.models.matching.configuration import COMPARED_STAGES
from afformer_core.runtime.calibrations import log_probabilities
from afformer_core.runtime.matching.contact import NEAR, cell_centres, distances
from afformer_core.runtime.matching.matcher import (
    SHARPNESS,
    FeaturePyramid,
    PointDescriptors,
    similarity_maps,
)
from afformer_core.runtime.session import Stages

# Similarity of demonstrations at which exemplars have the same weight as the contact. Among real
# demonstrations of different objects, 99 % have a similarity below 0.32; among two recordings of
# the same object, half are above 0.46, and a quarter above 0.65.
_EVEN_SIMILARITY = 0.5
# Factor of that similarity in the odds of the exemplars.
_RECALL_SHARPNESS = 20.0
# Exemplars with a smaller total weight are not recalled, and change nothing.
_LEAST_SHARE = 0.01
# Maximum number of recalled pairs, which bounds the time of an image.
_MOST_PAIRS = 16
# Sigma of the heatmap around a mark, as a share of the image's side. Annotations are blurred by as
# much for training.
_MARK_SIGMA = 0.05
_LEAST_PROBABILITY = 1e-30
_LEAST_LENGTH = 1e-9


@dataclass(frozen=True, eq=False)
class Exemplars:
    """Features at the M marks of P own pairs.

    Attributes:
        demonstrations: float32 [P, D], descriptors of their demonstrations (see
            `describe_demonstration`).
        means: float32 [P, C], mean features of their images, in all feature maps.
        marks: float32 [M, C], features at the marks, in all feature maps.
        owners: int32 [M], the pair of each mark, from 0, in ascending order.
    """

    demonstrations: FloatArray
    means: FloatArray
    marks: FloatArray
    owners: NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.demonstrations)

    def __add__(self, others: Exemplars) -> Exemplars:
        """Join two sets of exemplars."""
        return Exemplars(
            np.concatenate((self.demonstrations, others.demonstrations)),
            np.concatenate((self.means, others.means)),
            np.concatenate((self.marks, others.marks)),
            np.concatenate((self.owners, others.owners + np.int32(len(self)))),
        )

    def recall(self, demonstration: FloatArray) -> Recall | None:
        """Recall the exemplars for a demonstration; None if it resembles no pair's demonstration.

        Args:
            demonstration: its descriptor [D] (see `describe_demonstration`).
        """
        similarities = np.array([_cosine(demonstration, known) for known in self.demonstrations])
        nearest = np.argsort(-similarities, kind='stable')[:_MOST_PAIRS]
        odds = _RECALL_SHARPNESS * (similarities[nearest[0]] - _EVEN_SIMILARITY)
        share = 0.5 * (1 + math.tanh(0.5 * odds))
        if share < _LEAST_SHARE:
            return None
        shares = np.exp(_RECALL_SHARPNESS * (similarities[nearest] - similarities[nearest[0]]))
        shares *= share / shares.sum()
        recalled = [
            RecalledPair(float(weight), self.means[pair], self.marks[self.owners == pair])
            for pair, weight in zip(nearest.tolist(), shares, strict=True)
            if weight >= _LEAST_SHARE * share
        ]
        return Recall(tuple(recalled))


@dataclass(frozen=True, eq=False)
class RecalledPair:
    """The exemplars of one pair.

    Attributes:
        share: share of the heatmap that comes from them, 0 to 1.
        mean: float32 [C], mean features of its image.
        marks: float32 [M, C], features at its marks, at least one.
    """

    share: float
    mean: FloatArray
    marks: FloatArray


@dataclass(frozen=True, eq=False)
class Recall:
    """The exemplars that one demonstration resembles.

    Attributes:
        pairs: the pairs, the most similar first, at least one.
    """

    pairs: tuple[RecalledPair, ...]

    @property
    def share(self) -> float:
        """Share of the heatmap that comes from all exemplars, 0 to 1."""
        return min(sum(pair.share for pair in self.pairs), 1.0)

    def join(self, correlation: FloatArray, image: FeaturePyramid) -> FloatArray:
        """Mix the heatmap of the contact with the heatmaps of the exemplars.

        Args:
            correlation: logits [h, w] of the contact that was read.
            image: feature maps of the image.

        Returns:
            log-probabilities [h, w] of the mixture.
        """
        height, width = correlation.shape
        contact = log_probabilities(correlation[None])[0]
        own = math.log(max(1 - self.share, _LEAST_LENGTH)) + contact
        recalled = np.exp(self._match(image, (height, width)))
        sigma = _MARK_SIGMA * math.sqrt(height * width)
        # Mirrored at the edge, it keeps its sum.
        spread = cv2.GaussianBlur(recalled, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        logits = np.log(np.maximum(spread, _LEAST_PROBABILITY))
        return np.asarray(np.logaddexp(own, logits), np.float32)

    def probability_near(self, image: FeaturePyramid, point: Point) -> float:
        """Compute the probability of the exemplars' heatmap within 5 % of a point, 0 to 1.

        Args:
            image: feature maps of the image.
            point: (x, y) as shares of the image's width and height.
        """
        # The finest feature map has the aspect of the image, and as many positions as are needed.
        _, height, width = image[-1].features.shape
        found = np.exp(self._match(image, (height, width)).ravel())
        near = distances(cell_centres((height, width)), np.array([point]), (height, width)) <= NEAR
        return float(found[near[:, 0]].sum() / found.sum())

    def _match(self, image: FeaturePyramid, size: tuple[int, int]) -> FloatArray:
        """Compute the logarithm [height, width] of the exemplars' shares of the heatmap."""
        total = np.full(size, -np.inf)
        for pair in self.pairs:
            ends = np.cumsum([len(level.features) for level in image])[:-1]
            marks, means = np.split(pair.marks, ends, axis=1), np.split(pair.mean, ends)
            descriptors = PointDescriptors(tuple(marks), tuple(means))
            found = log_probabilities(SHARPNESS * similarity_maps(descriptors, image, size))
            share = math.log(pair.share / len(pair.marks))
            total = np.logaddexp(total, np.logaddexp.reduce(found, axis=0) + share)
        return np.asarray(total, np.float32)


def describe_demonstration(stages: Stages) -> FloatArray:
    """Describe the parts of a demonstration's first frame that change in later frames.

    These are the parts that the hand passes or moves. The mean over the frame, which contains the
    features that the whole scene shares, is subtracted.

    Args:
        stages: stages of the frames in order, coarse to fine, each float32 [T, C, h, w].

    Returns:
        float32 [D]; zeros where nothing changes, as in a single frame.
    """
    parts = []
    for stage in stages[:COMPARED_STAGES]:
        change = np.linalg.norm(stage - stage[:1], axis=1).mean(axis=0)
        weights = np.square(np.maximum(change - np.median(change), 0.0))
        weights /= max(float(weights.sum()), _LEAST_LENGTH)
        shown = (stage[0] * weights).sum(axis=(1, 2))
        parts.append(shown - weights.sum() * stage[0].mean(axis=(1, 2)))
    return np.concatenate(parts).astype(np.float32)


def describe_marks(
    image: FeaturePyramid, marks: NDArray[np.float64]
) -> tuple[FloatArray, FloatArray]:
    """Compute the features of an image at its marks.

    Args:
        image: feature maps of the image.
        marks: [M, 2] (x, y) as shares of width and height, M at least 1.

    Returns:
        features at the marks, float32 [M, C], and their mean over the image, float32 [C].
    """
    described = PointDescriptors.of(image, [(float(x), float(y)) for x, y in marks])
    return np.concatenate(described.values, axis=1), np.concatenate(described.means)


def _cosine(first: FloatArray, second: FloatArray) -> float:
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    return float(first @ second / max(float(lengths), _LEAST_LENGTH))
