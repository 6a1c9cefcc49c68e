# SPDX-License-Identifier: Apache-2.0
"""The matching of a contact: its network, settings and exemplars."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.runtime.features import Stages
from afformer_core.runtime.matching.descriptors import ContactDescriptors, describe_contact
from afformer_core.runtime.matching.exemplars import Exemplars, Recall, describe_demonstration
from afformer_core.runtime.matching.matcher import correlate
from afformer_core.runtime.matching.weighing import MatchingSettings
from afformer_core.runtime.session import MatchingSession


@dataclass(frozen=True, eq=False)
class MatchingMemory:
    """The memory of a demonstration for matching.

    Attributes:
        contact: descriptors of its contact.
        recall: exemplars that the demonstration resembles; None if there are none.
    """

    contact: ContactDescriptors
    recall: Recall | None = None


@dataclass(frozen=True)
class Matching:
    """A matching network, ready to find the contact of demonstrations in images.

    Attributes:
        session: session of the network.
        configuration: its architecture.
        settings: settings that weigh its heatmap against the decoder's.
        exemplars: features at the marks of own pairs; None if there are none.
    """

    session: MatchingSession
    configuration: MatchingConfiguration
    settings: MatchingSettings
    exemplars: Exemplars | None = None

    def with_session(self, session: MatchingSession) -> Matching:
        """Return a copy with another session of the same network."""
        return replace(self, session=session)

    def contact_prior(self, frames: UInt8Array, stages: Stages) -> FloatArray:
        """Compute the log-probability of the contact at each position of the first frame.

        Args:
            frames: uint8 RGB [T, h, w, 3] of the input size.
            stages: their stages.

        Returns:
            float32 [rows, columns], the mean over the frames and their mirror images, in which the
            contact head makes different errors.
        """
        flipped = self.session.encode(np.ascontiguousarray(frames[:, :, ::-1]))
        mirrored = self.session.find_contact(flipped)[:, ::-1]
        found = self.session.find_contact(stages)
        return np.asarray((found + mirrored) / 2, np.float32)

    def memorize(self, stages: Stages, logits: FloatArray | None = None) -> MatchingMemory:
        """Compute the memory of a demonstration.

        Args:
            stages: stages of the frames, each [T, C, h, w].
            logits: logits of the contact in the first frame, [rows, columns]; None to find it.
        """
        if logits is None:
            logits = self.session.find_contact(stages)
        contact = describe_contact(tuple(stage[0] for stage in stages), logits)
        if self.exemplars is None:
            return MatchingMemory(contact)
        return MatchingMemory(contact, self.exemplars.recall(describe_demonstration(stages)))

    def memorize_marked(self, stages: Stages, logits: FloatArray) -> MatchingMemory:
        """Compute the memory of a demonstration whose contact is marked: without exemplars."""
        return MatchingMemory(describe_contact(tuple(stage[0] for stage in stages), logits))

    def correlate(self, stages: Stages, memory: MatchingMemory) -> FloatArray:
        """Compute logits [h, w] of the positions in an image that correspond to the contact.

        Args:
            stages: stages of the image, each [C, h, w].
            memory: memory of the demonstration.
        """
        correlation = correlate(memory.contact, stages, self.configuration.contact_size)
        return correlation if memory.recall is None else memory.recall.join(correlation, stages)
