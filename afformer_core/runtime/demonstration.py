# SPDX-License-Identifier: Apache-2.0
"""Demonstrations: the frames that are used, their features, and their memories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.media.images import resize_to_input
from afformer_core.media.polygons import Point
from afformer_core.media.video_frames import uniform_indices
from afformer_core.runtime.matching.matcher import ReadContact
from afformer_core.runtime.matching.matching import MatchingMemory
from afformer_core.runtime.peaks import Peak
from afformer_core.runtime.session import Stages

Item = TypeVar('Item')

_SURPLUS = 4


class FrameSampler(Generic[Item]):
    """A uniform selection of the frames of a stream.

    Every frame is kept until there are four times the maximum. Then every second kept frame is
    dropped, and only every second new frame is kept, later every fourth, and so on. Memory is
    therefore bounded. The selection is exactly uniform for videos of up to four times the maximum;
    for longer videos, each frame is within three quarters of the spacing of its uniform position.

    Args:
        maximum: maximum number of frames that `selection` returns.

    Attributes:
        count: number of frames received so far.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._stride = 1
        self._kept: list[tuple[int, Item]] = []
        self.count = 0

    @property
    def kept(self) -> list[Item]:
        """The frames that are currently kept, in order; at most four times the maximum."""
        return [item for _, item in self._kept]

    def offer(self, item: Item) -> None:
        """Count the next frame, and keep it if it is a multiple of the present stride."""
        if self.count % self._stride == 0:
            self._kept.append((self.count, item))
        self.count += 1
        self._thin_out()

    def continuation(self) -> FrameSampler[Item]:
        """Return a separate sampler for the frames that come next."""
        later: FrameSampler[Item] = FrameSampler(self._maximum)
        later._stride, later.count = self._stride, self.count
        return later

    def absorb(self, later: FrameSampler[Item]) -> None:
        """Append the frames of a `continuation`, as if they had been added here."""
        self._stride, self.count = later._stride, later.count
        mine = [kept for kept in self._kept if kept[0] % self._stride == 0]
        self._kept = mine + later._kept
        self._thin_out()

    def selection(self) -> list[Item]:
        """Return at most `maximum` of the kept frames, in order; empty before the first."""
        if not self._kept:
            return []
        return [self._kept[i][1] for i in uniform_indices(len(self._kept), self._maximum)]

    def _thin_out(self) -> None:
        while len(self._kept) > _SURPLUS * self._maximum:
            self._stride *= 2
            self._kept = [kept for kept in self._kept if kept[0] % self._stride == 0]


# Standard deviation of the compared neighbourhood of the heatmap, as a share of the image's side.
_SPREAD = 1 / 8
_LEAST_SHARE = 0.1
# Neighbouring features are so similar that more positions would change the mean by only 0.005.
_MOST_POSITIONS = 96


@dataclass(frozen=True)
class ImageFeatures:
    """Features of one image or frame.

    Attributes:
        decoder: float32 [C, h, w], from the encoder of the decoder's network.
        stages: stages of the matching network; empty without one.
    """

    decoder: FloatArray
    stages: Stages = ()


@dataclass(frozen=True)
class FrameFeatures:
    """Features of the T frames of a demonstration, in order, T at least 1.

    Attributes:
        decoder: float32 [T, C, h, w], from the encoder of the decoder's network.
        stages: stages of the matching network; empty without one.

    Raises:
        ValueError: a type or shape is wrong, or the lengths differ.
    """

    decoder: FloatArray
    stages: Stages = ()

    def __post_init__(self) -> None:
        for features in (self.decoder, *self.stages):
            if features.dtype != np.float32 or features.ndim != 4:
                raise ValueError(
                    f'features are {features.dtype} {features.shape}; expected float32 '
                    '[T, C, h, w]'
                )
        lengths = {len(features) for features in (self.decoder, *self.stages)}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                f'features of {sorted(lengths)} frames are given; expected the same number in '
                'each network, at least one'
            )

    def __len__(self) -> int:
        return len(self.decoder)

    def __getitem__(self, index: int) -> ImageFeatures:
        """Return the features of one frame."""
        return ImageFeatures(self.decoder[index], tuple(stage[index] for stage in self.stages))

    def select(self, indices: Sequence[int]) -> FrameFeatures:
        """Return the features of some frames, at least one, in the given order."""
        kept = list(indices)
        return FrameFeatures(self.decoder[kept], tuple(stage[kept] for stage in self.stages))

    @classmethod
    def stack(cls, frames: Sequence[ImageFeatures]) -> FrameFeatures:
        """Stack the features of frames, at least one, into contiguous arrays."""
        stages = zip(*(frame.stages for frame in frames), strict=True)
        return cls(
            np.ascontiguousarray(np.stack([frame.decoder for frame in frames])),
            tuple(np.ascontiguousarray(np.stack(stage)) for stage in stages),
        )


class DemonstrationFeatures:
    """Features of a demonstration's first and last frame, for comparison with images.

    A softmax has a peak on any image, even of another scene or a blank wall. The heatmap alone
    therefore does not show that the element is in view. The surroundings of its peak must also be
    similar to a part of the demonstration's first or last frame, in which the hand hides least.

    Args:
        features: float32 [T, C, h, w] of the frames in order, T at least 1.
    """

    def __init__(self, features: FloatArray) -> None:
        ends = features[sorted({0, len(features) - 1})]
        positions = np.moveaxis(ends, 1, 3).reshape(-1, features.shape[1])
        self._mean = positions.mean(axis=0)
        self._scale = 1 / (positions.std(axis=0) + 1e-6)
        self._positions = self._directions(positions)

    def feature_similarity(self, image_features: FloatArray, probabilities: FloatArray) -> float:
        """Compute the feature similarity of the demonstration and the surroundings of a heatmap.

        This is the mean, over the positions around the heatmap, of the largest cosine between the
        features there and those of any position of the demonstration. The mean is weighted by the
        heatmap blurred over an eighth of the image's side; features are standardised over the
        demonstration.

        Args:
            image_features: float32 [C, h, w].
            probabilities: float32 heatmap of the same image, of any size, of sum 1.

        Returns:
            -1 to 1.
        """
        height, width = image_features.shape[1:]
        weights = cv2.resize(probabilities, (width, height), interpolation=cv2.INTER_AREA)
        weights = cv2.GaussianBlur(weights, (0, 0), _SPREAD * min(height, width)).ravel()
        near = np.flatnonzero(weights > _LEAST_SHARE * weights.max())
        near = near[:: -(-len(near) // _MOST_POSITIONS)]
        positions = self._directions(image_features.reshape(len(image_features), -1).T[near])
        best = (positions @ self._positions.T).max(axis=1)
        return float(np.average(best, weights=weights[near]))

    def describe(self, image_features: FloatArray, probabilities: FloatArray) -> FloatArray:
        """Compute a descriptor of the image at the heatmap's peak, to compare from image to image.

        Args:
            image_features: float32 [C, h, w].
            probabilities: float32 heatmap of the same image, of any size, of sum 1.

        Returns:
            float32 [C] of length 1: the mean of the standardised features where the heatmap
            exceeds a third of its maximum, weighted by it.
        """
        height, width = image_features.shape[1:]
        weights = cv2.resize(probabilities, (width, height), interpolation=cv2.INTER_AREA).ravel()
        high = np.flatnonzero(weights > weights.max() / 3)
        positions = self._directions(image_features.reshape(len(image_features), -1).T[high])
        mean = weights[high] @ positions
        return np.asarray(mean / (np.linalg.norm(mean) + 1e-6), dtype=np.float32)

    def _directions(self, positions: FloatArray) -> FloatArray:
        standardised = (positions - self._mean) * self._scale
        lengths = np.linalg.norm(standardised, axis=1, keepdims=True) + 1e-6
        return np.asarray(standardised / lengths, dtype=np.float32)


# Of 120 simulated demonstrations, the decoder has this weight in 95 %; of 155 real ones, in 60 %.
_LEAST_WEIGHT = 0.05


class Sense(str, Enum):
    """Directions of rotation, as seen by a camera that faces the surface."""

    CLOCKWISE = 'clockwise'
    COUNTERCLOCKWISE = 'counterclockwise'


@dataclass(frozen=True)
class ShownRotation:
    """The direction of rotation that a demonstration shows, or the reason why it is unknown.

    Attributes:
        sense: direction as seen by the demonstration's camera; None if unknown.
        problem: reason why it is unknown, one sentence; '' if it is known.

    Raises:
        ValueError: both a direction and a problem are given, or neither.
    """

    sense: Sense | None
    problem: str

    def __post_init__(self) -> None:
        if (self.sense is None) != bool(self.problem):
            raise ValueError(
                f'sense is {self.sense} and problem {self.problem!r}; expected one of both'
            )

    @classmethod
    def unknown(cls, problem: str) -> ShownRotation:
        """Return a rotation of unknown direction, with the reason."""
        return cls(None, problem)

    @classmethod
    def together(cls, rotations: Sequence[ShownRotation]) -> ShownRotation:
        """Return the direction of one or more demonstrations of one skill.

        Demonstrations of unknown direction are ignored unless all are unknown.
        """
        known = {rotation.sense for rotation in rotations if rotation.sense is not None}
        if len(known) > 1:
            return cls.unknown('the demonstrations turn it in different directions')
        return cls(known.pop(), '') if known else rotations[0]


UNKNOWN_ROTATION = ShownRotation.unknown('the direction of the rotation was not estimated')


@dataclass(frozen=True, eq=False)
class CompactFeatures:
    """Features of a demonstration's frames, from which its memory can be computed again.

    For the shipped model they take an eighth of the space of that memory.

    Attributes:
        values: float16 [T, C, rows, columns], or float32 if a number exceeds half precision.
    """

    values: NDArray[np.floating[Any]]

    @classmethod
    def of(cls, features: FloatArray) -> CompactFeatures:
        """Return a compact copy of float32 features [T, C, rows, columns]."""
        with np.errstate(over='ignore'):
            half = features.astype(np.float16)
        fits = np.isfinite(half).all() or not np.isfinite(features).all()
        return cls(half if fits else features.astype(np.float32))

    def expanded(self) -> FloatArray:
        """Return the features in float32."""
        return self.values.astype(np.float32)


@dataclass(frozen=True)
class EncodedFrames:
    """Frames of one demonstration, in order, with their features.

    Attributes:
        images: uint8 RGB [T, h, w, 3], of any size, T at least 1.
        features: their features.
        rotation: direction of rotation that the demonstration shows.
        contact: marked contact: (x, y) in the first frame, as shares of its width and height, 0 to
            1. None: not marked; the contact is read from the frames, or found by the model.
        read_contact: contact that was read from the demonstration (see `ContactReading`). None:
            the model finds the contact.

    Raises:
        ValueError: a type or shape is wrong, the lengths differ, or the contact lies outside the
            frame.
    """

    images: UInt8Array
    features: FrameFeatures
    rotation: ShownRotation = UNKNOWN_ROTATION
    contact: Point | None = None
    read_contact: ReadContact | None = None

    def __post_init__(self) -> None:
        if self.contact is not None and not all(0 <= share <= 1 for share in self.contact):
            raise ValueError(
                f'the contact is marked at {self.contact}; expected shares of width and height '
                'from 0 to 1'
            )
        images, features = self.images, self.features
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise ValueError(
                f'frames are {images.dtype} {images.shape}; expected uint8 [T, h, w, 3]'
            )
        if not 1 <= len(images) == len(features):
            raise ValueError(
                f'there are {len(images)} frames and features of {len(features)}; expected as '
                'many of both, at least one'
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames."""
        return int(self.images.shape[1]), int(self.images.shape[2])

    @classmethod
    def stack(cls, frames: Sequence[tuple[UInt8Array, ImageFeatures]]) -> EncodedFrames:
        """Stack an image [h, w, 3] and the features of each frame, at least one.

        Images of another size are resized to that of the first one.
        """
        images, features = zip(*frames, strict=True)
        size = images[0].shape[:2]
        resized = np.stack([resize_to_input(image, size) for image in images])
        return cls(resized, FrameFeatures.stack(features))


@dataclass(frozen=True, eq=False)
class DemonstrationMemory:
    """The memory of a demonstration in the networks of a model.

    Attributes:
        decoder: features from which the decoder's memory is computed (see `Networks.decode`).
        matching: memory for matching; None without a matching network.
        decoder_weight: weight of the decoder in the demonstration's own first frame, 0 to 1.
        action_logits: action logits of the demonstration's own first frame, float32 [actions],
            for images in which the decoder takes no part.
        contact_probability: see `Demonstration`.
    """

    decoder: CompactFeatures
    matching: MatchingMemory | None = None
    decoder_weight: float = 1.0
    action_logits: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    contact_probability: float | None = None

    @property
    def decoder_found(self) -> bool:
        """Whether the decoder found the contact in the demonstration itself."""
        return self.decoder_weight >= _LEAST_WEIGHT


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """A finished demonstration, without its frames.

    Attributes:
        name: name given by the user.
        frames_kept: number of frames that are memorized, at least 1.
        frame_count: number of frames that were received, at least `frames_kept`.
        frame_size: (height, width) of the memorized frames.
        memory: its memory, for grounding.
        features: features with which images are compared: those of its first frame in the matching
            network, or `decoder_features` without one.
        decoder_features: features of its frames in the decoder.
        zoom_features: features of the crops of each zoom stage; empty if there are none.
        rotation: direction of rotation that it shows.
        contacts: the most probable contacts that were read, in pixels of the first memorized
            frame, best first, with their probabilities; empty if the contact was marked or not
            read.
    """

    name: str
    frames_kept: int
    frame_count: int
    frame_size: tuple[int, int]
    memory: DemonstrationMemory
    features: DemonstrationFeatures
    decoder_features: DemonstrationFeatures
    zoom_features: tuple[CompactFeatures, ...] = ()
    rotation: ShownRotation = UNKNOWN_ROTATION
    contacts: tuple[Peak, ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        frame_count: int,
        encoded: EncodedFrames,
        memory: DemonstrationMemory,
        zoom_features: tuple[CompactFeatures, ...] = (),
        contacts: tuple[Peak, ...] = (),
    ) -> Demonstration:
        """Build a demonstration from its frames and their memory; see the attributes."""
        features = compared = DemonstrationFeatures(encoded.features.decoder)
        if memory.matching is not None:
            first_frame = memory.matching.contact.frame[1][None].astype(np.float32)
            compared = DemonstrationFeatures(first_frame)
        return cls(
            name=name,
            frames_kept=len(encoded),
            frame_count=frame_count,
            frame_size=encoded.size,
            memory=memory,
            features=compared,
            decoder_features=features,
            zoom_features=zoom_features,
            rotation=encoded.rotation,
            contacts=contacts,
        )

    @property
    def contact_probability(self) -> float | None:
        """Probability that the contact was read at the right position, 0 to 1.

        It is 1 if the contact was marked, and None if it was not read.
        """
        return self.memory.contact_probability
