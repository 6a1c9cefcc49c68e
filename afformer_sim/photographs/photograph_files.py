# SPDX-License-Identifier: Apache-2.0
"""Photographs of a folder, or of installed packages."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from afformer_sim.textures.texture_images import (
    HELD_OUT_TEXTURE_IMAGES,
    TRAINING_TEXTURE_IMAGES,
    locate_texture_image,
)

_ENDINGS = ('.jpg', '.jpeg', '.png', '.webp')
# Photographs of the packages that show a scene instead of a surface.
_SCENES = (
    'skimage/data/astronaut.png',
    'skimage/data/chelsea.png',
    'skimage/data/coffee.png',
    'skimage/data/coins.png',
    'skimage/data/motorcycle_left.png',
    'skimage/data/rocket.jpg',
    'sklearn/datasets/images/china.jpg',
    'sklearn/datasets/images/flower.jpg',
)
_LARGEST = 1280
_SMALLEST = 200


def list_photographs(folder: Path | None, *, held_out: bool) -> tuple[Path, ...]:
    """List the photographs of a folder, recursively, or those of packages.

    Args:
        folder: folder of JPEG, PNG or WebP files; None for those in the wheels of scikit-image and
            scikit-learn.
        held_out: True for the packages' photographs that are kept out of training; a folder's are
            all used.

    Raises:
        ValueError: the folder has no photograph.
        ModuleNotFoundError: a package is not installed.
    """
    if folder is None:
        names = HELD_OUT_TEXTURE_IMAGES if held_out else TRAINING_TEXTURE_IMAGES
        return tuple(locate_texture_image(name) for name in names if name in _SCENES)
    found = tuple(path for path in sorted(folder.rglob('*')) if path.suffix.lower() in _ENDINGS)
    if not found:
        raise ValueError(
            f'{folder} has no photograph; expected files that end in {", ".join(_ENDINGS)}'
        )
    return found


@lru_cache(maxsize=8)
def read_photograph(path: Path) -> np.ndarray:
    """Read a photograph upright, shrunk to at most 1280 pixels: uint8 [H, W, 3] RGB.

    Raises:
        ValueError: a side has fewer than 200 pixels.
        OSError: the file is not an image.
    """
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert('RGB')
    if min(upright.size) < _SMALLEST:
        raise ValueError(
            f'{path} has {upright.width} x {upright.height} pixels; expected at least {_SMALLEST} '
            'on each side. Leave it out'
        )
    upright.thumbnail((_LARGEST, _LARGEST), Image.Resampling.LANCZOS)
    return np.asarray(upright)
