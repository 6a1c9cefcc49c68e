# SPDX-License-Identifier: Apache-2.0
"""The matching of a contact: its network and settings, and exemplars of own pairs.

The matching network reads the contact in a demonstration and searches an image for similar
positions. It is not trained on own pairs. Instead, it stores the features at their marks. For a
demonstration that resembles one of theirs, it searches for positions similar to these marks
instead of the contact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import ModelFolderError
from afformer_core.media.images import resize_to_input
from afformer_core.media.polygons import Point
from afformer_core.models.matching.configuration import (
    COARSEST_STRIDE,
    COMPARED_STAGES,
    MatchingConfiguration,
)
from afformer_core.runtime.calibrations import MatchingSettings, log_probabilities
from afformer_core.runtime.matching.matcher import (
    NEAR,
    SHARPNESS,
    ContactPositions,
    DescribedContact,
    FeaturePyramid,
    Match,
    PointDescriptors,
    ReadContact,
    cell_centres,
    distances,
    feature_pyramid,
    similarity_maps,
)
from afformer_core.runtime.session import MatchingSession, Stages

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


@dataclass(frozen=True, eq=False)
class MatchingMemory:
    """The memory of a demonstration for matching.

    Attributes:
        contact: its contact.
        recall: exemplars that the demonstration resembles; None if there are none.
    """

    contact: DescribedContact
    recall: Recall | None = None

    def match(self, image: FeaturePyramid, size: tuple[int, int]) -> Match:
        """Find the contact, or what the exemplars mark instead, in an image.

        See `DescribedContact.match` for the arguments.
        """
        found = self.contact.match(image, size)
        if self.recall is None:
            return found
        return replace(found, logits=self.recall.join(found.logits, image))

    @property
    def recalled_share(self) -> float:
        """Share of the heatmap that comes from exemplars, 0 to 1."""
        return 0.0 if self.recall is None else self.recall.share

    def match_probability(self, image: FeaturePyramid, point: Point) -> float:
        """Compute the probability that a point of an image is the match of the contact, 0 to 1.

        With exemplars, this is the mean with the probability of their heatmap around the point,
        weighted by their share.

        Args:
            image: feature maps of the image.
            point: (x, y) as shares of the image's width and height.
        """
        returned = self.contact.return_probability(image, point)
        if self.recall is None:
            return returned
        share = self.recall.share
        return (1 - share) * returned + share * self.recall.probability_near(image, point)


@dataclass(frozen=True)
class Matching:
    """A matching network, ready to find the contact of demonstrations in images.

    Attributes:
        session: session of the network.
        configuration: its architecture.
        settings: settings that weigh its heatmap against the decoder's.
        exemplars: features at the marks of own pairs; None if there are none.

    Raises:
        ModelFolderError: the exemplars are of another network.
    """

    session: MatchingSession
    configuration: MatchingConfiguration
    settings: MatchingSettings
    exemplars: Exemplars | None = None

    def __post_init__(self) -> None:
        compared = self.configuration.stage_shapes[:COMPARED_STAGES]
        scales = max(1, len(self.configuration.long_sides))
        channels = scales * sum(channels for channels, *_ in compared)
        if self.exemplars is not None and self.exemplars.marks.shape[1] != channels:
            raise ModelFolderError(
                f'the exemplars have {self.exemplars.marks.shape[1]} channels; expected '
                f'{channels}, as the matching network has. Train on the pairs again'
            )

    def pyramid(self, image: UInt8Array) -> FeaturePyramid:
        """Compute the feature maps of uint8 RGB [H, W, 3] at each scale."""
        return encode_pyramid(self.session, self.configuration, image)

    def contact_prior(self, frames: UInt8Array, stages: Stages) -> FloatArray:
        """Compute the log-probability of the contact at each position of the first frame.

        Args:
            frames: uint8 RGB [T, H, W, 3].
            stages: their stages at the input size, each [T, C, h, w].

        Returns:
            float32 [rows, columns], the mean over the frames and their mirror images, in which the
            contact head makes different errors.
        """
        size = self.configuration.input_size
        flipped = np.stack([resize_to_input(frame[:, ::-1], size) for frame in frames])
        mirrored = self.session.find_contact(self.session.encode(flipped))[:, ::-1]
        found = self.session.find_contact(stages)
        return np.asarray((found + mirrored) / 2, np.float32)

    def memorize(
        self,
        first_frame: FeaturePyramid,
        frame_size: tuple[int, int],
        stages: Stages,
        mark: Point | None = None,
        read: ReadContact | None = None,
    ) -> MatchingMemory:
        """Compute the memory of a demonstration.

        Args:
            first_frame: feature maps of the first frame.
            frame_size: (height, width) of the frame.
            stages: stages of all frames at the input size, each [T, C, h, w].
            mark: the contact if it was marked, (x, y) as shares of the frame's width and height.
            read: the contact that was read, if any. Without a mark and a reading, it is found.
        """
        if mark is not None:
            positions = ContactPositions.marked(mark, read, frame_size)
        elif read is not None:
            positions = ContactPositions.read(read, frame_size)
        else:
            positions = ContactPositions.found(self.session.find_contact(stages))
        described = DescribedContact.of(first_frame, positions, frame_size)
        # A marked contact needs no exemplars.
        if self.exemplars is None or mark is not None:
            return MatchingMemory(described)
        return MatchingMemory(described, self.exemplars.recall(describe_demonstration(stages)))


def encode_pyramid(
    session: MatchingSession, configuration: MatchingConfiguration, image: UInt8Array
) -> FeaturePyramid:
    """Compute the feature maps of uint8 RGB [H, W, 3] at each scale of a matching network."""
    height, width = image.shape[:2]
    encoded = [
        session.encode(resize_to_input(image, size)[None])
        for size in compared_sizes(configuration, (height, width))
    ]
    return feature_pyramid([tuple(stage[0] for stage in stages) for stages in encoded])


def compared_sizes(
    configuration: MatchingConfiguration, image_size: tuple[int, int]
) -> tuple[tuple[int, int], ...]:
    """Return the sizes (height, width) at which an image of (height, width) is compared."""
    if not configuration.long_sides:
        return (configuration.input_size,)
    height, width = (side / max(image_size) for side in image_size)
    return tuple(
        (_rounded(side * height), _rounded(side * width)) for side in configuration.long_sides
    )


def _rounded(side: float) -> int:
    """Round a side to a multiple of the coarsest stride, at least one."""
    return max(COARSEST_STRIDE, round(side / COARSEST_STRIDE) * COARSEST_STRIDE)
