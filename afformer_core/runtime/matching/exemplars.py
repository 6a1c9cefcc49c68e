# SPDX-License-Identifier: Apache-2.0
"""Exemplars of a matching network: features at the marks of own pairs.

The matching network reads the contact in a demonstration and searches an image for similar
positions. It is not trained on own pairs. Instead, it stores the features at their marks. For a
demonstration that resembles one of theirs, it searches for positions similar to these marks
instead of the contact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.models.configuration import COMPARED_STAGES, AfformerConfiguration
from afformer_core.runtime.matching.correspondence import (
    SIMILARITY_WEIGHT,
    compared_stages,
    cosine_map,
    describe,
)
from afformer_core.runtime.matching.weighing import log_probabilities

# Similarity of demonstrations at which exemplars have the same weight as the contact. Among real
# demonstrations of different objects, 99 % have a similarity below 0.32; among two recordings of
# the same object, half are above 0.46, and a quarter above 0.65.
_EVEN_SIMILARITY = 0.5
# Exemplars with a smaller total weight are not recalled, and change nothing.
_LEAST_SHARE = 0.01
# Maximum number of recalled pairs, which bounds the time of an image.
_MOST_PAIRS = 16
_LEAST_LENGTH = 1e-9


@dataclass(frozen=True, eq=False)
class Exemplars:
    """Features at the M marks of P own pairs.

    Attributes:
        demonstrations: float32 [P, C], descriptors of their demonstrations (see
            `describe_demonstration`).
        means: float32 [P, C], mean features of their images.
        marks: float32 [M, C], features at the marks.
        owners: int32 [M], the pair of each mark, from 0, in ascending order.

    Raises:
        ValueError: there is no pair, or the shapes do not match.
    """

    demonstrations: FloatArray
    means: FloatArray
    marks: FloatArray
    owners: NDArray[np.int32]

    def __post_init__(self) -> None:
        pairs, channels = self.demonstrations.shape
        numbers = np.unique(self.owners)
        if not (
            self.means.shape == (pairs, channels)
            and self.marks.shape == (len(self.owners), channels)
            and np.array_equal(numbers, np.arange(pairs))
            and (np.diff(self.owners) >= 0).all()
            and pairs > 0
        ):
            raise ValueError(
                f'the exemplars are of {pairs} demonstrations, {len(self.means)} images, '
                f'{len(self.marks)} marks and {len(numbers)} pairs with marks; expected at least '
                'one pair, with marks of each'
            )

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
            demonstration: its descriptor [C] (see `describe_demonstration`).
        """
        similarities = np.array([_cosine(demonstration, each) for each in self.demonstrations])
        nearest = np.argsort(-similarities, kind='stable')[:_MOST_PAIRS]
        odds = SIMILARITY_WEIGHT * (similarities[nearest[0]] - _EVEN_SIMILARITY)
        share = 0.5 * (1 + math.tanh(0.5 * odds))
        if share < _LEAST_SHARE:
            return None
        shares = np.exp(SIMILARITY_WEIGHT * (similarities[nearest] - similarities[nearest[0]]))
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

    def join(
        self, correlation: FloatArray, features: FloatArray, configuration: AfformerConfiguration
    ) -> FloatArray:
        """Mix the heatmap of the contact with the heatmaps of the exemplars.

        Args:
            correlation: logits [1, h, w] of the contact that was read.
            features: float32 [C', rows, columns] of the image.
            configuration: configuration of the matching network.

        Returns:
            log-probabilities [1, h, w] of the mixture.
        """
        size = correlation.shape[1:]
        stages = compared_stages(features, configuration)
        mixed = math.log(max(1 - self.share, _LEAST_LENGTH)) + log_probabilities(correlation)
        for pair in self.pairs:
            found = log_probabilities(SIMILARITY_WEIGHT * similarity_maps(pair, stages, size))
            each = math.log(pair.share / len(pair.marks))
            mixed = np.logaddexp(mixed, np.logaddexp.reduce(found, axis=0)[None] + each)
        return np.asarray(mixed, np.float32)


def similarity_maps(
    pair: RecalledPair, stages: Sequence[FloatArray], size: Sequence[int]
) -> FloatArray:
    """Compute the similarity of each position of an image to each mark of a pair.

    Args:
        pair: the marks.
        stages: features of the image, coarse to fine, each float32 [C, height, width].
        size: (height, width) of the result.

    Returns:
        float32 [M, height, width], the mean over the stages of the cosine of features from which
        the mean of both images was subtracted; -1 to 1.
    """
    ends = np.cumsum([len(stage) for stage in stages])[:-1]
    height, width = size
    maps = np.zeros((len(pair.marks), height, width), np.float32)
    means, marks = np.split(pair.mean, ends), np.split(pair.marks, ends, axis=1)
    for stage, mean, described in zip(stages, means, marks, strict=True):
        common = (stage.mean(axis=(1, 2)) + mean) / 2
        centred = stage - common[:, None, None]
        for number, mark in enumerate(described):
            cosines = cosine_map(centred, mark - common)
            maps[number] += cv2.resize(cosines, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(maps / len(stages), np.float32)


def describe_demonstration(
    features: FloatArray, configuration: AfformerConfiguration
) -> FloatArray:
    """Describe the parts of a demonstration's first frame that change in later frames.

    These are the parts that the hand passes or moves. The mean over the frame, which contains the
    features that the whole scene shares, is subtracted.

    Args:
        features: float32 [T, C', rows, columns] of the frames in order, T at least 1.
        configuration: configuration of the matching network.

    Returns:
        float32 [C]; zeros where nothing changes, as in a single frame.
    """
    frames = [compared_stages(frame, configuration) for frame in features]
    parts = []
    for level in range(COMPARED_STAGES):
        stage = np.stack([stages[level] for stages in frames])
        change = np.linalg.norm(stage - stage[:1], axis=1).mean(axis=0)
        weights = np.square(np.maximum(change - np.median(change), 0.0))
        weights /= max(float(weights.sum()), _LEAST_LENGTH)
        shown = (stage[0] * weights).sum(axis=(1, 2))
        parts.append(shown - weights.sum() * stage[0].mean(axis=(1, 2)))
    return np.concatenate(parts).astype(np.float32)


def describe_marks(
    features: FloatArray, marks: NDArray[np.float64], configuration: AfformerConfiguration
) -> tuple[FloatArray, FloatArray]:
    """Compute the features of an image at its marks.

    Args:
        features: float32 [C', rows, columns] of the image.
        marks: [M, 2] (x, y) as shares of width and height, M at least 1.
        configuration: configuration of the matching network.

    Returns:
        features at the marks, float32 [M, C], and their mean over the image, float32 [C].
    """
    stages = compared_stages(features, configuration)
    described = [
        np.concatenate([describe(stage, (float(x), float(y))) for stage in stages])
        for x, y in marks
    ]
    mean = np.concatenate([stage.mean(axis=(1, 2)) for stage in stages])
    return np.stack(described), mean.astype(np.float32)


def _cosine(first: FloatArray, second: FloatArray) -> float:
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    return float(first @ second / max(float(lengths), _LEAST_LENGTH))
