# SPDX-License-Identifier: Apache-2.0
"""Random changes of examples in training, under which what is annotated stays true."""

from afformer_core.data.augmentation.augmentation import (
    Augmentation,
    AugmentationOptions,
    PictureOptions,
    changed_pictures,
)
from afformer_core.data.augmentation.crop import CropOptions
from afformer_core.data.augmentation.example import Example
from afformer_core.data.augmentation.flip import FlipOptions
from afformer_core.data.augmentation.perspective import PerspectiveOptions
from afformer_core.data.augmentation.photometric import PhotometricOptions

__all__ = [
    'Augmentation',
    'AugmentationOptions',
    'CropOptions',
    'Example',
    'FlipOptions',
    'PerspectiveOptions',
    'PhotometricOptions',
    'PictureOptions',
    'changed_pictures',
]
