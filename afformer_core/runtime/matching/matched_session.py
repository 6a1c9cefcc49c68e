# SPDX-License-Identifier: Apache-2.0
"""The session of a model that has a decoder and a matching network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.runtime.matching.exemplars import (
    Exemplars,
    Recall,
    describe_demonstration,
)
from afformer_core.runtime.matching.joined_features import JoinedFeatures
from afformer_core.runtime.matching.weighing import Matching
from afformer_core.runtime.session import Memory, Output, Session

ContactFinder = Callable[[FloatArray], FloatArray]
"""Function from the features of frames, float32 [T, C, h, w], to the log-probability of the
contact over the first frame, float32 [2 * h, 2 * w]."""


@dataclass(frozen=True)
class MatchedMemory(Memory):
    """The memory of a demonstration in both networks, with those of the matching network last.

    Attributes:
        decoder: memory of the decoder. Sessions identify their copies on a GPU by this object.
        matching: memory of the matching network.
        recall: exemplars that the demonstration resembles; None if there are none.
    """

    decoder: Memory
    matching: Memory
    recall: Recall | None = None

    @classmethod
    def of(cls, decoder: Memory, matching: Memory, recall: Recall | None = None) -> MatchedMemory:
        """Join the memories of both networks."""
        keys, values = (*decoder.keys, *matching.keys), (*decoder.values, *matching.values)
        return cls(keys, values, decoder, matching, recall)


class MatchedSession:
    """Two sessions as one: both encode the frames, and their heatmaps are averaged with weights.

    Images and frames have the input size of the matching network. The decoder receives them at
    half that size.

    Args:
        decoder: session of the model with the decoder.
        matching: session of the matching network.
        features: layout of the features of both.
        settings: weighting of the heatmaps.
        exemplars: features at the marks of own pairs; None if there are none.
        find_contact: the matching network's contact head; None if contacts are not read.

    Attributes:
        decoder: session of the decoder, which also runs the zoom stages.
        matching: session of the matching network.
        features, settings, exemplars: see the arguments.
    """

    def __init__(
        self,
        decoder: Session,
        matching: Session,
        features: JoinedFeatures,
        settings: Matching,
        exemplars: Exemplars | None = None,
        find_contact: ContactFinder | None = None,
    ) -> None:
        self.decoder = decoder
        self.matching = matching
        self.features = features
        self.settings = settings
        self.exemplars = exemplars
        self._find_contact = find_contact

    @property
    def backend(self) -> str:
        """Short name of the decoder's backend."""
        return self.decoder.backend

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute the features of frames (see `Session.encode_frames`)."""
        halves = np.stack([self.features.halved(frame) for frame in frames])
        return self.features.join(
            self.decoder.encode_frames(halves), self.matching.encode_frames(frames)
        )

    def contact_prior(self, frames: UInt8Array, features: FloatArray) -> FloatArray:
        """Compute the log-probability of the contact at each position of the first frame.

        Args:
            frames: uint8 RGB [T, h, w, 3] of the input size.
            features: their features, joined.

        Returns:
            float32 [rows, columns], the mean over the frames and their mirror images, in which the
            contact head makes different errors.

        Raises:
            ValueError: the session was opened without a contact head.
        """
        if self._find_contact is None:
            raise ValueError('the session has no contact head. Open it by open_session')
        flipped = self.matching.encode_frames(np.ascontiguousarray(frames[:, :, ::-1]))
        mirrored = self._find_contact(flipped)[:, ::-1]
        found = self._find_contact(self.features.split(features)[1])
        return np.asarray((found + mirrored) / 2, np.float32)

    def with_parts(self, decoder: Session, matching: Session) -> MatchedSession:
        """Return a copy with other sessions of the same networks."""
        return MatchedSession(
            decoder, matching, self.features, self.settings, self.exemplars, self._find_contact
        )

    def memorize(self, features: FloatArray) -> MatchedMemory:
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        decoder, matching = self.features.split(features)
        return self.with_contact(decoder, matching, self.matching.memorize(matching))

    def with_contact(
        self, decoder: FloatArray, matching: FloatArray, described: Memory
    ) -> MatchedMemory:
        """Compute the memory of a demonstration whose contact is already described.

        Args:
            decoder, matching: features of the frames in each network.
            described: memory of the matching network.
        """
        recall = None
        if self.exemplars is not None:
            recall = self.exemplars.recall(
                describe_demonstration(matching, self.features.matching)
            )
        return MatchedMemory.of(self.decoder.memorize(decoder), described, recall)

    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        """Ground a memory in an image (see `Session.ground`)."""
        assert isinstance(memory, MatchedMemory)
        decoded = self.decoder.ground(self.features.halved(image), memory.decoder)
        matched = self.matching.ground(image, memory.matching)
        correlation = matched.heatmap_logits
        if memory.recall is not None:
            correlation = memory.recall.join(
                correlation, matched.image_features, self.features.matching
            )
        best = 0
        if self.features.decoder.heatmap_per_action:
            best = int(np.argmax(decoded.action_logits))
        heatmaps, weight = self.settings.weigh(decoded.heatmap_logits, correlation, best)
        return Output(
            heatmaps,
            decoded.action_logits,
            self.features.join(decoded.image_features, matched.image_features),
            weight,
        )
