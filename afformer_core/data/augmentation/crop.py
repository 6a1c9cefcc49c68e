# SPDX-License-Identifier: Apache-2.0
"""Random crops, enlarged to the size of the whole image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.augmentation.probability import happens, require_probability
from afformer_core.data.augmentation.warp import Homography, inside, warp_points

_ATTEMPTS = 10


@dataclass(frozen=True)
class CropOptions:
    """What part of a picture is taken.

    Attributes:
        scale: least and largest share of the area, above 0, at most 1.
        aspect: least and largest width over height, where 1 is the shape of the picture itself;
            above 0. It is drawn evenly on a logarithmic scale, and a side is never longer than
            that of the picture.
        probability: share of the examples that are cropped, 0 to 1.
    """

    scale: tuple[float, float] = (1.0, 1.0)
    aspect: tuple[float, float] = (1.0, 1.0)
    probability: float = 1.0

    def __post_init__(self) -> None:
        require_probability(self.probability)
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ValueError(f'scale is {self.scale}; above 0, at most 1, and in order is wanted')
        if not 0 < self.aspect[0] <= self.aspect[1] < math.inf:
            raise ValueError(f'aspect is {self.aspect}; above 0, finite, and in order is wanted')


def draw_crop(
    options: CropOptions,
    size: tuple[int, int],
    generator: np.random.Generator,
    points: Sequence[NDArray[np.float64]] | None = None,
) -> Homography | None:
    """A crop within the options, as the homography that enlarges it to the whole picture.

    Args:
        options: of the crop.
        size: (height, width) of the picture.
        generator: what is drawn depends on it alone.
        points: sets of annotated points, float64 [P, 2] (x, y): of each set that has points in
            the picture, at least one must stay there. None: nothing is annotated.

    Returns:
        [3, 3]; None where there is no crop, no point lies in the picture, or ten crops one after
        another lose all points of a set.
    """
    if options.scale == options.aspect == (1.0, 1.0):
        return None
    if not happens(options.probability, generator):
        return None
    needed = [each for each in points or () if inside(each, size).any()]
    if points is not None and not needed:
        return None
    for _ in range(_ATTEMPTS):
        crop = _draw(options, size, generator)
        if all(inside(warp_points(each, crop), size).any() for each in needed):
            return crop
    return None


def _draw(
    options: CropOptions, size: tuple[int, int], generator: np.random.Generator
) -> Homography:
    area = generator.uniform(*options.scale)
    aspect = math.exp(generator.uniform(*np.log(options.aspect)))
    width = min(math.sqrt(area * aspect), 1.0) * size[1]
    height = min(math.sqrt(area / aspect), 1.0) * size[0]
    left = generator.uniform(0, size[1] - width)
    top = generator.uniform(0, size[0] - height)
    across, down = size[1] / width, size[0] / height
    # Half a pixel, as centres of pixels are integers but the edges of the crop are not centres.
    return np.array(
        [
            [across, 0, (0.5 - left) * across - 0.5],
            [0, down, (0.5 - top) * down - 0.5],
            [0, 0, 1],
        ]
    )
