# SPDX-License-Identifier: Apache-2.0
"""Random changes of training examples that keep the annotations valid."""

from afformer_core.offline.data.augmentation.augmentation import (
    Augmentation,
    AugmentationSettings,
    Example,
    ImageSettings,
    changed_images,
)
from afformer_core.offline.data.augmentation.flips import FlipSettings
from afformer_core.offline.data.augmentation.geometric import CropSettings, PerspectiveSettings
from afformer_core.offline.data.augmentation.photometric import PhotometricSettings

__all__ = [
    'Augmentation',
    'AugmentationSettings',
    'CropSettings',
    'Example',
    'FlipSettings',
    'ImageSettings',
    'PerspectiveSettings',
    'PhotometricSettings',
    'changed_images',
]
