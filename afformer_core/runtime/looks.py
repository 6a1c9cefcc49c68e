# SPDX-License-Identifier: Apache-2.0
"""All looks at an image, and at the frames of a demonstration, from the whole to the closest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.closer_look import CloserLook, Place, place_to_look_at, refined
from afformer_core.runtime.encoded_frames import EncodedFrames
from afformer_core.runtime.grounding import Demonstration
from afformer_core.runtime.preprocessing import resize_to_input
from afformer_core.runtime.session import FloatArray, Memory, Output, Session, UInt8Array

# As many as engines are compiled for; a GPU is idle with fewer.
_FRAMES_AT_ONCE = 8


@dataclass(frozen=True)
class Looks:
    """How a model looks: once at the whole, then closer at what the looks before found.

    Attributes:
        configuration: of the model.
        session: what runs it.
        closer: each closer look, in order; empty: there is none.
    """

    configuration: AfformerConfiguration
    session: Session
    closer: tuple[CloserLook, ...]

    def memorize_closer(self, encoded: EncodedFrames, memory: Memory) -> tuple[Memory, ...]:
        """What each closer look sees of a demonstration, around the place where it acts.

        Args:
            encoded: the frames that the model keeps.
            memory: of these frames as they are.
        """
        if not self.closer:
            return ()
        # The hand comes later: the first frame shows best what it will touch.
        first_frame = encoded.images[0]
        output = self.session.ground(first_frame, memory)
        memories: list[Memory] = []
        for look in self.closer:
            place = place_to_look_at(output, self.configuration, look.demonstration_zoom)
            crops = [self._cropped(image, place) for image in encoded.images]
            memories.append(self.session.memorize(self._encoded(crops)))
            if len(memories) < len(self.closer):
                seen = self.session.ground(crops[0], memories[-1])
                output = refined(output, seen, place)
        return tuple(memories)

    def ground(
        self, image: NDArray[Any], resized: UInt8Array, shown: Sequence[Demonstration]
    ) -> Output:
        """What all looks together say: actions have the mean of the scores of all looks.

        Args:
            image: uint8 RGB [H, W, 3], any size.
            resized: the same at the model's input size.
            shown: demonstrations of one skill, at least one. The mean of what all see counts, in
                each look. One that was memorized before there were as many closer looks keeps all
                from looking closer.
        """
        output = Output.mean([self.session.ground(resized, one.memory) for one in shown])
        if any(len(one.closer_memories) < len(self.closer) for one in shown):
            return output
        logits = [output.action_logits]
        for number, look in enumerate(self.closer):
            place = place_to_look_at(output, self.configuration, look.image_zoom)
            crop = self._cropped(image, place)
            memories = [one.closer_memories[number] for one in shown]
            seen = Output.mean([self.session.ground(crop, memory) for memory in memories])
            output = refined(output, seen, place)
            logits.append(seen.action_logits)
        activation = self.configuration.action_activation
        return output._replace(action_logits=of_mean_scores(logits, activation))

    def _encoded(self, frames: Sequence[UInt8Array]) -> FloatArray:
        """Features [T, C, rows, columns] of as many frames at a time as are worth the memory."""
        return np.concatenate(
            [
                self.session.encode_frames(np.stack(frames[first : first + _FRAMES_AT_ONCE]))
                for first in range(0, len(frames), _FRAMES_AT_ONCE)
            ]
        )

    def _cropped(self, picture: NDArray[Any], place: Place) -> UInt8Array:
        return resize_to_input(place.crop(picture), self.configuration.input_size)


def of_mean_scores(looks: Sequence[FloatArray], activation: str) -> FloatArray:
    """Action logits [A] of the mean of the scores that several looks give.

    Args:
        looks: logits [A] of each, at least one.
        activation: that makes scores of logits, 'softmax' or 'sigmoid'.
    """
    logits = np.stack(looks).astype(np.float64)
    if activation == 'sigmoid':
        positive, negative = (-np.logaddexp(0, -sign * logits) for sign in (1, -1))
        odds = np.logaddexp.reduce(positive, axis=0) - np.logaddexp.reduce(negative, axis=0)
        return np.asarray(odds, dtype=np.float32)
    shares = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    mean = np.logaddexp.reduce(shares, axis=0) - np.log(len(logits))
    return np.asarray(mean, dtype=np.float32)
