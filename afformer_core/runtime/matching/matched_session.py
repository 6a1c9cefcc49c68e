# SPDX-License-Identifier: Apache-2.0
"""The session of a model with a matching network beside its decoder."""

from __future__ import annotations

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


@dataclass(frozen=True)
class MatchedMemory(Memory):
    """The memory of a demonstration in both networks, keys and values of the matching one last.

    Attributes:
        decoder: the decoder's memory. Sessions keep what they copied to a GPU by its identity.
        matching: that of the matching network.
        recall: exemplars that the demonstration resembles; None where there are none.
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
    """Two sessions as one: frames are encoded by both, and their heatmaps are weighed.

    Images and frames have the matching network's input size. The decoder sees them at half that
    size.

    Args:
        decoder: session of the model with the decoder.
        matching: session of the matching network.
        features: layout of the features of both.
        settings: how the heatmaps are weighed.
        exemplars: what own pairs mark; None where there are none.

    Attributes:
        decoder: the decoder's session, which zoom stages use alone.
        matching: the matching network's.
        features, settings, exemplars: see the arguments.
    """

    def __init__(
        self,
        decoder: Session,
        matching: Session,
        features: JoinedFeatures,
        settings: Matching,
        exemplars: Exemplars | None = None,
    ) -> None:
        self.decoder = decoder
        self.matching = matching
        self.features = features
        self.settings = settings
        self.exemplars = exemplars

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

    def memorize(self, features: FloatArray) -> MatchedMemory:
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        decoder, matching = self.features.split(features)
        recall = None
        if self.exemplars is not None:
            described = describe_demonstration(matching, self.features.matching)
            recall = self.exemplars.recall(described)
        memories = self.decoder.memorize(decoder), self.matching.memorize(matching)
        return MatchedMemory.of(*memories, recall)

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
