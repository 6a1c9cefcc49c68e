# SPDX-License-Identifier: Apache-2.0
"""The networks of a model: its decoder's, and its matching network if it has one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import DemonstrationError
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.demonstration import DemonstrationMemory, EncodedFrames
from afformer_core.runtime.features import FrameFeatures, ImageFeatures, Stages
from afformer_core.runtime.matching.contact_map import marked_contact, read_contact
from afformer_core.runtime.matching.matching import Matching, MatchingMemory
from afformer_core.runtime.memories.compact_features import CompactFeatures
from afformer_core.runtime.memories.recent_copies import RecentCopies
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory, Session

# Bytes of memories that are kept for the next image: nine of the shipped model, which are those
# of seven demonstrations and two zoom stages.
_MEMORY_BYTES = 2**26
# One image needs those of all its stages.
_FEWEST_MEMORIES = 4


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """One image, encoded by all networks once for any number of demonstrations.

    Attributes:
        levels: image encoded for the decoder.
        stages: its stages in the matching network; empty without one.
    """

    levels: EncodedLevels
    stages: Stages = ()

    @property
    def features(self) -> ImageFeatures:
        """Features of the image, as `encode_frames` would compute them."""
        return ImageFeatures(self.levels.features, self.stages)


class Output(NamedTuple):
    """The output of grounding one image.

    Attributes:
        heatmap_logits: float32 [heatmaps, h, w].
        action_logits: float32 [actions].
        image_features: features of the image.
        decoder_weight: weight of the decoder in the heatmaps, 0 to 1; 1 without a matching
            network.
    """

    heatmap_logits: FloatArray
    action_logits: FloatArray
    image_features: ImageFeatures
    decoder_weight: float = 1.0

    @classmethod
    def mean(cls, outputs: Sequence[Output]) -> Output:
        """Average the logits of one image over several memories, at least one."""
        heatmaps, actions, features, weights = zip(*outputs, strict=True)
        return cls(
            np.mean(heatmaps, axis=0, dtype=np.float32),
            np.mean(actions, axis=0, dtype=np.float32),
            features[0],
            float(np.mean(weights)),
        )


@dataclass(frozen=True)
class Networks:
    """The networks of a model, ready to run. Not thread-safe: one thread owns them.

    With a matching network, images and frames have its input size, which is twice that of the
    decoder, and the heatmaps of both are averaged with weights.

    Attributes:
        configuration: configuration of the model.
        decoder: session of the network with the decoder, which also runs the zoom stages.
        matching: the matching network; None for a model without one.
    """

    configuration: AfformerConfiguration
    decoder: Session
    matching: Matching | None = None
    _memories: RecentCopies[CompactFeatures, Memory] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        configuration = self.configuration
        shapes = configuration.memory_shapes(configuration.maximum_frames)
        size = 4 * sum(math.prod(shape) for level in shapes for shape in level)
        most = max(_FEWEST_MEMORIES, _MEMORY_BYTES // size)
        decoder = self.decoder
        memories: RecentCopies[CompactFeatures, Memory] = RecentCopies(
            lambda features: decoder.memorize(features.expanded()), most
        )
        object.__setattr__(self, '_memories', memories)

    @property
    def backend(self) -> str:
        """Short name of the decoder's backend."""
        return self.decoder.backend

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of images and frames."""
        return (self.matching or self).configuration.input_size

    def encode_frames(self, frames: UInt8Array) -> FrameFeatures:
        """Compute the features of uint8 RGB [T, h, w, 3] at the input size."""
        if self.matching is None:
            return FrameFeatures(self.decoder.encode_frames(frames))
        halves = np.stack([halved(frame) for frame in frames])
        return FrameFeatures(
            self.decoder.encode_frames(halves), self.matching.session.encode(frames)
        )

    def memorize(self, encoded: EncodedFrames) -> DemonstrationMemory:
        """Compute the memory of a demonstration, with its contact if that was marked or read.

        Raises:
            DemonstrationError: the contact is marked, and the model has no matching network.
        """
        matching = self._memorize_contact(encoded)
        return DemonstrationMemory(self.memorize_features(encoded.features.decoder), matching)

    def memorize_features(self, features: FloatArray) -> CompactFeatures:
        """Compute the decoder's memory of features [T, C, rows, columns] of its encoder.

        Returns:
            the features, for `decode`. Their memory is computed here for the next image, and again
            only after those of many others.
        """
        compact = CompactFeatures.of(features)
        self._memories.of(compact)
        return compact

    def decode(self, image: EncodedLevels, features: CompactFeatures) -> Decoded:
        """Ground the memory of features in an image that the decoder's session encoded."""
        return self.decoder.decode(image, self._memories.of(features))

    def _memorize_contact(self, encoded: EncodedFrames) -> MatchingMemory | None:
        if self.matching is None:
            if encoded.contact is None:
                return None
            raise DemonstrationError(
                'the contact is marked, but the model has no matching network; expected one, such '
                'as the shipped model. Leave the mark out'
            )
        stages, size = encoded.features.stages, self.matching.configuration.contact_size
        if encoded.contact is not None:
            # A marked contact needs no exemplars.
            return self.matching.memorize_marked(stages, marked_contact(encoded.contact, size))
        if encoded.contact_map is None:
            return self.matching.memorize(stages)
        return self.matching.memorize(stages, read_contact(encoded.contact_map, size))

    def encode_image(self, image: UInt8Array) -> EncodedImage:
        """Encode uint8 RGB [h, w, 3] at the input size."""
        if self.matching is None:
            return EncodedImage(self.decoder.encode_image(image))
        stages = tuple(stage[0] for stage in self.matching.session.encode(image[None]))
        return EncodedImage(self.decoder.encode_image(halved(image)), stages)

    def ground(self, image: EncodedImage, memory: DemonstrationMemory) -> Output:
        """Ground a demonstration in an encoded image."""
        decoded = self.decode(image.levels, memory.decoder)
        if self.matching is None or memory.matching is None:
            return Output(decoded.heatmap_logits, decoded.action_logits, image.features)
        correlation = self.matching.correlate(image.stages, memory.matching)
        best = (
            int(np.argmax(decoded.action_logits)) if self.configuration.heatmap_per_action else 0
        )
        heatmaps, weight = self.matching.settings.weigh(
            decoded.heatmap_logits, correlation[None], best
        )
        return Output(heatmaps, decoded.action_logits, image.features, weight)


def halved(image: UInt8Array) -> UInt8Array:
    """Halve both sides of uint8 RGB [2 * h, 2 * w, 3], by the mean of four pixels."""
    size = image.shape[1] // 2, image.shape[0] // 2
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
