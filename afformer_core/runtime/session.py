# SPDX-License-Identifier: Apache-2.0
"""The interfaces between the runtime and its backends: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray, UInt8Array

Stages = tuple[FloatArray, ...]
"""Backbone stages of a matching network, coarse to fine: each float32 [C, h, w] of an image, or
[T, C, h, w] of T frames."""


MOST_FRAMES_AT_ONCE = 8
"""Frames that are encoded at once on a GPU, whose memory other nodes of the robot need, too."""

Feed = Mapping[str, NDArray[Any]]
"""Input arrays of a graph by name."""


@dataclass(frozen=True)
class OpenedGraph:
    """An exported graph that is ready to run, whatever library runs it.

    Attributes:
        run: function from the inputs to the outputs, in the order of the graph, as arrays that
            later runs do not overwrite.
        input_types: type of each input by name.
    """

    run: Callable[[Feed], Sequence[NDArray[Any]]]
    input_types: Mapping[str, np.dtype[Any]]


@dataclass(frozen=True)
class Memory:
    """The memory of a demonstration, in the array type of the session that made it.

    Attributes:
        keys: one array for each image level, [heads, M_level, D'].
        values: one array for each image level, [heads, M_level, D].
    """

    keys: tuple[Any, ...]
    values: tuple[Any, ...]

    @classmethod
    def of(cls, arrays: Sequence[Any]) -> Memory:
        """Build a memory from all keys, followed by all values."""
        levels = len(arrays) // 2
        return cls(tuple(arrays[:levels]), tuple(arrays[levels:]))


@dataclass(frozen=True, eq=False)
class EncodedLevels:
    """One image, encoded once for any number of demonstrations.

    Attributes:
        image: uint8 RGB [h, w, 3] at the input size.
        levels: image levels, coarse to fine, in the array type of the session that encoded it,
            which is the only one that can decode them.
        features: float32 [C, rows, columns], the image encoded as `encode_frames` would.
    """

    image: UInt8Array
    levels: tuple[Any, ...]
    features: FloatArray


class Decoded(NamedTuple):
    """The output of decoding one image.

    Attributes:
        heatmap_logits: float32 [heatmaps, h, w].
        action_logits: float32 [actions].
    """

    heatmap_logits: FloatArray
    action_logits: FloatArray


class Session(Protocol):
    """A network with a decoder, ready to run. Not thread-safe: one thread owns it."""

    @property
    def backend(self) -> str:
        """Short name of the backend, such as 'torch'."""

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute features [N, C, rows, columns] of uint8 RGB [N, h, w, 3] at the input size."""

    def memorize(self, features: FloatArray) -> Memory:
        """Compute the memory of one demonstration from its features [T, C, rows, columns].

        T is from 1 to the model's maximum number of frames.
        """

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        """Encode uint8 RGB [h, w, 3] at the input size."""

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        """Ground a memory in an image that this session encoded."""


class MatchingSession(Protocol):
    """A matching network, ready to run. Not thread-safe: one thread owns it."""

    @property
    def backend(self) -> str:
        """Short name of the backend, such as 'torch'."""

    def encode(self, images: UInt8Array) -> Stages:
        """Compute the stages [N, C, h, w] of uint8 RGB [N, H, W, 3] at the input size."""

    def find_contact(self, stages: Stages) -> FloatArray:
        """Compute the log-probability of the contact over the first frame, [rows, columns].

        Args:
            stages: stages of the frames of one demonstration, each [T, C, h, w]; T is from 1 to
                the maximum number of frames.
        """
