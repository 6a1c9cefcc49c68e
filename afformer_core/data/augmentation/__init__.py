# SPDX-License-Identifier: Apache-2.0
"""Random changes of training examples that keep the annotations valid."""

from afformer_core.data.augmentation.augmentation import (
    Augmentation,
    AugmentationOptions,
    Example,
    ImageOptions,
    changed_images,
)
from afformer_core.data.augmentation.flips import FlipOptions
from afformer_core.data.augmentation.geometric import CropOptions, PerspectiveOptions
from afformer_core.data.augmentation.photometric import PhotometricOptions

__all__ = [
    'Augmentation',
    'AugmentationOptions',
    'CropOptions',
    'Example',
    'FlipOptions',
    'ImageOptions',
    'PerspectiveOptions',
    'PhotometricOptions',
    'changed_images',
]
