# SPDX-License-Identifier: Apache-2.0
"""Importer of the COCO weights of detectron2's `mask_rcnn_vitdet_b`, and of its pickled arrays."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from afformer_core.models.backbones.encoder import Encoder
from afformer_core.models.backbones.vitdet import DEPTH, POSITIONS
from afformer_core.models.backbones.vitdet_encoder import SimpleFeaturePyramid
from afformer_core.models.layers.relative_position import resampled_positions
from afformer_core.models.pretrained.checkpoint_file import (
    CheckpointError,
    load_strictly,
    read_checkpoint,
)

_NET = 'backbone.net.'
_BODY = 'backbone_with_fpn.body.'
_PYRAMID = 'backbone_with_fpn.fpn.'
_LAST_BLOCK = f'blocks.{DEPTH - 1}.'
# Index of the first convolution in the pyramid's p4 and p5; in p5 pooling comes before it.
_FIRST_CONVOLUTION = {'4': 0, '5': 1}
# Parts of the detector that a grounding model lacks: levels of the pyramid, and the heads.
_OF_THE_DETECTOR = (
    'backbone.simfp_',
    'proposal_generator.',
    'roi_heads.',
    'pixel_mean',
    'pixel_std',
)


def load_detectron2_weights(encoder: Encoder, file: Path) -> None:
    """Load the backbone and, where it has 256 channels, the simple feature pyramid, in place.

    A pyramid unlike the detector's keeps its values.

    Args:
        encoder: encoder of a ViTDet-B; separate last blocks of images and frames both receive the
            detector's last block.
        file: file of detectron2's model zoo (.pkl, read without running code in it), or the same
            saved by torch (.pth).

    Raises:
        CheckpointError: the file is missing, damaged, not of that detector, lacks a tensor or has
            an unknown one; the encoder is unchanged.
    """
    if zipfile.is_zipfile(file):
        adopt_detectron2(encoder, read_checkpoint(file)['state_dict'])
    else:
        arrays = read_array_pickle(file)
        adopt_detectron2(encoder, {name: torch.from_numpy(x) for name, x in arrays.items()})


def adopt_detectron2(encoder: Encoder, state: Mapping[str, Tensor]) -> None:
    """Load the detector's tensors, given by name, like `load_detectron2_weights`."""
    own = encoder.state_dict()
    fpn = encoder.backbone_with_fpn.fpn
    same_pyramid = isinstance(fpn, SimpleFeaturePyramid) and len(next(fpn.parameters())) == 256
    found = {name: own[name] for name in own if name.startswith(_PYRAMID) and not same_pyramid}
    unknown = []
    for name, tensor in state.items():
        names = [candidate for candidate in _own_names(name) if candidate in own]
        if not names and not name.startswith(_OF_THE_DETECTOR):
            unknown.append(name)
        for own_name in names:
            if own_name not in found:
                found[own_name] = fitted(own_name, tensor.float(), own[own_name])
    if unknown:
        raise CheckpointError(
            f'the weights have {len(unknown)} unknown tensors, such as {", ".join(unknown[:3])}. '
            "Give the weights of detectron2's mask_rcnn_vitdet_b"
        )
    load_strictly(encoder, found, 'the ViTDet-B encoder')


def fitted(name: str, tensor: Tensor, own: Tensor) -> Tensor:
    """Convert a parameter of detectron2's backbone to the shape in our backbone.

    Absolute positions become a grid without the class token. Relative positions are resampled to
    our grid, whereas detectron2 resamples them for each image.
    """
    if name.endswith('pos_embed') and tensor.shape[1:2] == (1 + POSITIONS**2,):
        return tensor[:, 1:].unflatten(1, (POSITIONS, POSITIONS))
    if 'rel_pos_' in name and tensor.ndim == 2:
        return resampled_positions(tensor, len(own))
    return tensor


def _own_names(name: str) -> list[str]:
    """List the names in the encoders that correspond to a tensor of the detector."""
    if name.startswith(_NET):
        rest = name.removeprefix(_NET)
        names = [_BODY + rest]
        if rest.startswith(_LAST_BLOCK):
            last = rest.removeprefix(_LAST_BLOCK)
            names += [f'image_block.{last}', f'video_block.{last}']
        return names
    part = re.fullmatch(r'backbone\.simfp_([45])\.(\d)(\.norm)?\.(weight|bias)', name)
    if part is None:
        return []
    level, position, norm, parameter = part.groups()
    layer = 2 * (int(position) - _FIRST_CONVOLUTION[level]) + (1 if norm else 0)
    return [f'{_PYRAMID}p{level}.{layer}.{parameter}']


# A pickle can call any object that it names; here it can only name the parts of arrays.
_ADMITTED = (
    'collections.OrderedDict',
    '_codecs.encode',
    'numpy.dtype',
    'numpy.ndarray',
    *(
        f'numpy.{core}.{part}'
        for core in ('core', '_core')
        for part in ('multiarray._reconstruct', 'multiarray.scalar', 'numeric._frombuffer')
    ),
)


def read_array_pickle(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays under `model` in a pickle.

    Raises:
        CheckpointError: the file is missing or damaged, contains anything except arrays, numbers
            and text, or has no arrays under `model`.
    """
    try:
        with path.open('rb') as file:
            # Python 2 pickled bytes as text.
            content = _Unpickler(file, encoding='latin1').load()
    except FileNotFoundError as error:
        raise CheckpointError(
            f'{path} does not exist; expected a pickle of arrays. Check the path'
        ) from error
    except Exception as error:
        raise CheckpointError(
            f'{path} is damaged or not a pickle of arrays: {error}. Give the file as detectron2 '
            'published it'
        ) from error
    arrays = content.get('model') if isinstance(content, Mapping) else None
    if not (isinstance(arrays, Mapping) and arrays):
        raise CheckpointError(
            f"{path} has no arrays under 'model'; expected a file of detectron2's model zoo"
        )
    found = {str(name): np.asarray(value) for name, value in arrays.items()}
    for name, array in found.items():
        if array.dtype.kind not in 'biuf':
            raise CheckpointError(
                f'{name!r} of {path} is of type {array.dtype}; expected an array of numbers'
            )
    # PyTorch takes arrays of this machine's byte order only.
    return {name: array.astype(array.dtype.newbyteorder('=')) for name, array in found.items()}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        name = f'{module_name}.{global_name}'
        if name not in _ADMITTED:
            raise pickle.UnpicklingError(
                f'it holds {name}; expected only arrays, numbers and text, since anything else '
                'could run any code when it is loaded'
            )
        return super().find_class(module_name, global_name)
