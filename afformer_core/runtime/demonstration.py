# SPDX-License-Identifier: Apache-2.0
"""Demonstrations: their frames, features and memories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.media.images import resize_to_input
from afformer_core.media.polygons import Point
from afformer_core.runtime.features import DemonstrationFeatures, FrameFeatures, ImageFeatures
from afformer_core.runtime.grounding import UNKNOWN_ROTATION, Peak, ShownRotation
from afformer_core.runtime.matching.contact import ReadContact
from afformer_core.runtime.matching.matching import MatchingMemory
from afformer_core.runtime.memories import CompactFeatures

# Of 120 simulated demonstrations, the decoder has this weight in 95 %; of 155 real ones, in 60 %.
_LEAST_WEIGHT = 0.05


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
