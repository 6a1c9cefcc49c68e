# SPDX-License-Identifier: Apache-2.0
"""The interface between the runtime and its backends: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array


@dataclass(frozen=True)
class Memory:
    """The memory of a demonstration, in the array type of the session that made it.

    Attributes:
        keys: one array for each image level, [heads, M_level, D'].
        values: one array for each image level, [heads, M_level, D].

    Raises:
        ValueError: there are none, or the numbers of keys and values differ.
    """

    keys: tuple[Any, ...]
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.keys or len(self.keys) != len(self.values):
            raise ValueError(
                f'a memory has {len(self.keys)} keys and {len(self.values)} values; '
                'expected one of each for every image level'
            )


class Output(NamedTuple):
    """The output of grounding one image.

    Attributes:
        heatmap_logits: float32 [heatmaps, h, w].
        action_logits: float32 [actions].
        image_features: float32 [C, rows, columns], the image encoded as `encode_frames` would.
        decoder_weight: weight of the decoder in the heatmaps, 0 to 1; 1 without a matching
            network.
    """

    heatmap_logits: FloatArray
    action_logits: FloatArray
    image_features: FloatArray
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


class Session(Protocol):
    """A model ready to run. Not thread-safe: one thread owns it."""

    @property
    def backend(self) -> str:
        """Short name of the backend, such as 'torch'."""

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute features [N, C, rows, columns] of uint8 RGB [N, h, w, 3] at the input size."""

    def memorize(self, features: FloatArray) -> Memory:
        """Compute the memory of one demonstration from its features [T, C, rows, columns].

        T is from 1 to the model's maximum number of frames.
        """

    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        """Ground a memory in uint8 RGB [h, w, 3] at the input size."""
