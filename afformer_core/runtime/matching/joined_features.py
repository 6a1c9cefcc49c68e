# SPDX-License-Identifier: Apache-2.0
"""The features of a decoder's encoder and of a matching network, joined."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.models.configuration import AfformerConfiguration


@dataclass(frozen=True)
class JoinedFeatures:
    """The layout of the features of a decoder's encoder and of a matching network, joined.

    Attributes:
        decoder: configuration of the model with the decoder.
        matching: configuration of the matching network.

    Raises:
        ValueError: the matching network's images are not twice as large as the decoder's, or its
            number of frames is different.
    """

    decoder: AfformerConfiguration
    matching: AfformerConfiguration

    def __post_init__(self) -> None:
        height, width = self.decoder.input_size
        if self.matching.input_size != (2 * height, 2 * width):
            raise ValueError(
                f'input_size of the matching network is {self.matching.input_size}; expected '
                f'{(2 * height, 2 * width)}, twice that of the decoder'
            )
        if self.matching.maximum_frames != self.decoder.maximum_frames:
            raise ValueError(
                f'maximum_frames of the matching network is {self.matching.maximum_frames}; '
                f'expected {self.decoder.maximum_frames}, as the decoder has'
            )

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of images and frames, which is that of the matching network."""
        return self.matching.input_size

    def join(self, decoder: FloatArray, matching: FloatArray) -> FloatArray:
        """Join features [..., C, h, w] of both to [..., C', 1, 1]."""
        leading = decoder.shape[:-3]
        flat = [each.reshape(*leading, -1) for each in (decoder, matching)]
        return np.concatenate(flat, axis=-1)[..., None, None]

    def split(self, joined: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Split joined features [..., C', 1, 1] into those [..., C, h, w] of both."""
        both = self.decoder, self.matching
        shapes = [(one.feature_channels, *one.feature_size) for one in both]
        leading, border = joined.shape[:-3], math.prod(shapes[0])
        flat = joined[..., 0, 0]
        parts = flat[..., :border], flat[..., border:]
        first, second = (
            np.ascontiguousarray(part.reshape(*leading, *shape))
            for part, shape in zip(parts, shapes, strict=True)
        )
        return first, second

    def halved(self, image: UInt8Array) -> UInt8Array:
        """Halve both sides of uint8 RGB [2 * h, 2 * w, 3], by the mean of four pixels."""
        size = image.shape[1] // 2, image.shape[0] // 2
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
