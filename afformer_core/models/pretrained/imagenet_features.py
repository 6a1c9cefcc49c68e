# SPDX-License-Identifier: Apache-2.0
"""Feature maps of EfficientNet-Lite0 with ImageNet weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.models.pretrained.imagenet import load_imagenet_weights

_STRIDES = (2, 4, 8, 16, 32)


class ImagenetFeatures:
    """A function from images to maps of the backbone's stages, on the CPU.

    Args:
        strides: strides of the stages, ascending, among 2, 4, 8, 16 and 32.

    Raises:
        AfformerError: the package with the weights is not installed.
    """

    def __init__(self, strides: Sequence[int] = (16, 32)) -> None:
        import timm

        indices = tuple(_STRIDES.index(stride) for stride in strides)
        self._body: Any = timm.create_model(
            'tf_efficientnet_lite0', pretrained=False, features_only=True, out_indices=indices
        )
        load_imagenet_weights(self._body)
        self._body.eval()

    def __call__(self, image: UInt8Array) -> list[FloatArray]:
        """Compute feature maps, float32 [C, H / stride, W / stride], fine to coarse.

        Args:
            image: uint8 RGB [H, W, 3], sides multiples of 32.

        Raises:
            ValueError: a side is not a multiple of 32.
        """
        if image.shape[0] % _STRIDES[-1] or image.shape[1] % _STRIDES[-1]:
            raise ValueError(
                f'the image is {image.shape[1]}x{image.shape[0]}; expected multiples of '
                f'{_STRIDES[-1]}'
            )
        # The network was trained on values from -1 to 1.
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.no_grad():
            return [np.asarray(stage[0].numpy(), np.float32) for stage in self._body(pixels)]
