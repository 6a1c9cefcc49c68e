# SPDX-License-Identifier: Apache-2.0
"""The networks of a model: its decoder's, and its matching network if it has one."""

from __future__ import annotations

import math
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import DemonstrationError
from afformer_core.media.images import resize_to_input
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.demonstration import (
    CompactFeatures,
    DemonstrationMemory,
    EncodedFrames,
    FrameFeatures,
)
from afformer_core.runtime.matching.matcher import FeaturePyramid, Match
from afformer_core.runtime.matching.matching import Matching, MatchingMemory
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory, Session

# Bytes of memories that are kept for the next image: nine of the shipped model, which are those
# of seven demonstrations and two zoom stages.
_MEMORY_BYTES = 2**26
# One image needs those of all its stages.
_FEWEST_MEMORIES = 4
# Similarity from which the matching network has found the contact. Of 155 real parts in view, 86 %
# reach it; of 100 simulated ones, 59 %.
_FOUND = 0.38
# Probability that the matching network is right from which it decides alone. Look-alikes keep it
# lower, because the best point also resembles them when it is matched back.
_SURE = 0.6


class RecentMemories:
    """Memories of the most recently used features, kept as long as the features exist.

    Args:
        memorize: function that computes the memory of features.
        most: maximum number of memories; the least recently used ones are freed.
    """

    def __init__(self, memorize: Callable[[CompactFeatures], Memory], most: int) -> None:
        self._memorize = memorize
        self._most = most
        # By identity. Features may be freed in any thread: each step on the dictionary is atomic.
        self._memories: OrderedDict[int, tuple[weakref.ref[CompactFeatures], Memory]]
        self._memories = OrderedDict()

    def __len__(self) -> int:
        return len(self._memories)

    def of(self, features: CompactFeatures) -> Memory:
        """Return the memory of features, the same one as long as it is kept."""
        key, memories = id(features), self._memories
        if key in memories:
            memories.move_to_end(key)
            return memories[key][1]
        # Evict before computing, so that both never coexist.
        while len(memories) >= self._most:
            memories.popitem(last=False)
        memory = self._memorize(features)
        memories[key] = weakref.ref(features, lambda _: memories.pop(key, None)), memory
        return memory


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """One image, encoded by each network at most once, when a demonstration needs it.

    Attributes:
        image: uint8 RGB [H, W, 3].
        networks: networks that encode it.
    """

    image: UInt8Array
    networks: Networks

    @cached_property
    def levels(self) -> EncodedLevels:
        """The image encoded for the decoder."""
        networks = self.networks
        size = networks.configuration.input_size
        return networks.decoder.encode_image(resize_to_input(self.image, size))

    @cached_property
    def pyramid(self) -> FeaturePyramid:
        """Its feature maps in the matching network; empty without one."""
        matching = self.networks.matching
        return () if matching is None else matching.pyramid(self.image)

    @property
    def features(self) -> FloatArray:
        """Features in which images are compared with each other, float32 [C, h, w].

        These are those of the matching network, or those of the decoder's frames without one.
        """
        return self.pyramid[1].features if self.pyramid else self.levels.features


class Output(NamedTuple):
    """The output of grounding one image.

    Attributes:
        heatmap_logits: float32 [heatmaps, h, w].
        action_logits: float32 [actions].
        image: the encoded image.
        similarity: largest similarity of the image and the contact, -1 to 1; None without a
            matching network.
        decoder_weight: weight of the decoder in the heatmaps, 0 to 1; 1 without a matching
            network, 0 if the decoder has no part in them.
    """

    heatmap_logits: FloatArray
    action_logits: FloatArray
    image: EncodedImage
    similarity: float | None = None
    decoder_weight: float = 1.0

    @classmethod
    def mean(cls, outputs: Sequence[Output]) -> Output:
        """Average the logits of one image over several memories, at least one."""
        heatmaps, actions, images, similarities, weights = zip(*outputs, strict=True)
        known = [similarity for similarity in similarities if similarity is not None]
        return cls(
            np.mean(heatmaps, axis=0),
            np.mean(actions, axis=0, dtype=np.float32),
            images[0],
            max(known, default=None),
            float(np.mean(weights)),
        )


@dataclass(frozen=True)
class Networks:
    """The networks of a model, ready to run. Not thread-safe: one thread owns them.

    With a matching network, the heatmaps of both are averaged with weights where the decoder takes
    part (see `ground`).

    Attributes:
        configuration: configuration of the model.
        decoder: session of the network with the decoder, which also runs the zoom stages.
        matching: the matching network; None for a model without one.
    """

    configuration: AfformerConfiguration
    decoder: Session
    matching: Matching | None = None
    _memories: RecentMemories = field(init=False, repr=False, compare=False)
    _heatmap_size: tuple[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        configuration = self.configuration
        shapes = configuration.memory_shapes(configuration.maximum_frames)
        size = 4 * sum(math.prod(shape) for level in shapes for shape in level)
        most = max(_FEWEST_MEMORIES, _MEMORY_BYTES // size)
        decoder = self.decoder
        memories = RecentMemories(lambda features: decoder.memorize(features.expanded()), most)
        object.__setattr__(self, '_memories', memories)
        object.__setattr__(self, '_heatmap_size', configuration.heatmap_size)

    @property
    def backend(self) -> str:
        """Short name of the decoder's backend."""
        return self.decoder.backend

    @property
    def frame_side(self) -> int:
        """Longest side of frames that the networks use; longer ones are shrunk to it."""
        own = self.configuration.input_size
        if self.matching is None:
            return max(own)
        matching = self.matching.configuration
        return max(*own, *matching.input_size, *matching.long_sides)

    def encode_frames(self, frames: UInt8Array) -> FrameFeatures:
        """Compute the features of frames, uint8 RGB [T, H, W, 3], T at least 1."""
        size = self.configuration.input_size
        features = self.decoder.encode_frames(
            np.stack([resize_to_input(frame, size) for frame in frames])
        )
        if self.matching is None:
            return FrameFeatures(features)
        size = self.matching.configuration.input_size
        resized = np.stack([resize_to_input(frame, size) for frame in frames])
        return FrameFeatures(features, self.matching.session.encode(resized))

    def memorize(self, encoded: EncodedFrames, first_frame: EncodedImage) -> DemonstrationMemory:
        """Compute the memory of a demonstration, with its contact if that was marked or read.

        Args:
            encoded: its frames.
            first_frame: the first of them, from `encode_image`.

        Raises:
            DemonstrationError: the contact is marked, and the model has no matching network.
        """
        features = encoded.features
        if self.matching is None:
            if encoded.contact is not None:
                raise DemonstrationError(
                    'the contact is marked, but the model has no matching network; expected one, '
                    'such as the shipped model. Leave the mark out'
                )
            return DemonstrationMemory(self.memorize_features(features.decoder))
        matching = self.matching.memorize(
            first_frame.pyramid,
            encoded.size,
            features.stages,
            encoded.contact,
            encoded.read_contact,
        )
        memory = DemonstrationMemory(self.memorize_features(features.decoder), matching)
        shown = self.ground(first_frame, memory)
        return replace(
            memory,
            decoder_weight=shown.decoder_weight,
            action_logits=shown.action_logits,
            contact_probability=_contact_probability(encoded, matching),
        )

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

    def encode_image(self, image: UInt8Array) -> EncodedImage:
        """Prepare uint8 RGB [H, W, 3] for any number of demonstrations."""
        return EncodedImage(image, self)

    def ground(self, image: EncodedImage, memory: DemonstrationMemory) -> Output:
        """Ground a demonstration in an image.

        The decoder takes part only where it can change the answer: where the matching network does
        not find the contact, or is not sure and the decoder found it in the demonstration itself.
        """
        if memory.matching is None:
            decoded = self.decode(image.levels, memory.decoder)
            return Output(decoded.heatmap_logits, decoded.action_logits, image)
        match = memory.matching.match(image.pyramid, self._heatmap_size)
        if self._is_decided(image, match, memory):
            heatmaps = np.stack([match.logits] * self.configuration.heatmaps)
            return Output(heatmaps, memory.action_logits, image, match.similarity, 0.0)
        return self._weighed(image, self.decode(image.levels, memory.decoder), match)

    def _is_decided(self, image: EncodedImage, match: Match, memory: DemonstrationMemory) -> bool:
        """Check whether the decoder cannot change the answer of the matching network."""
        if match.similarity < _FOUND or memory.matching is None:
            return False
        if not memory.decoder_found:
            return True
        if memory.contact_probability is None:
            return False
        height, width = match.logits.shape
        row, column = divmod(int(match.logits.argmax()), width)
        point = (column + 0.5) / width, (row + 0.5) / height
        returned = memory.matching.match_probability(image.pyramid, point)
        return memory.contact_probability * returned >= _SURE

    def _weighed(self, image: EncodedImage, decoded: Decoded, match: Match) -> Output:
        """Average the heatmaps of the decoder and of the matching network."""
        assert self.matching is not None
        best = (
            int(np.argmax(decoded.action_logits)) if self.configuration.heatmap_per_action else 0
        )
        heatmaps, weight = self.matching.settings.weigh(decoded.heatmap_logits, match.logits, best)
        return Output(heatmaps, decoded.action_logits, image, match.similarity, weight)


def _contact_probability(encoded: EncodedFrames, memory: MatchingMemory) -> float | None:
    """Return the probability that the memory contains the right contact."""
    if encoded.contact is not None:
        return 1.0
    if encoded.read_contact is None:
        return None
    # Exemplars determine the part without the contact.
    share = memory.recalled_share
    return share + (1 - share) * encoded.read_contact.probability
