# SPDX-License-Identifier: Apache-2.0
"""Images with bright dots, whose positions can be measured after any change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest


def _dot_image(size: tuple[int, int], dots: Sequence[tuple[float, float]]) -> np.ndarray:
    rows, columns = np.mgrid[: size[0], : size[1]]
    image = np.full(size, 20.0)
    for x, y in dots:
        image += 220 * np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / 2.0**2)
    return np.repeat(image.round().astype(np.uint8)[..., None], 3, axis=2)


def _dot_position(image: np.ndarray, near: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    weight = image[..., 0].astype(float) - 20
    weight[np.hypot(columns - near[0], rows - near[1]) > 12] = 0
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


@pytest.fixture(scope='session')
def dot_image() -> Callable[..., np.ndarray]:
    """uint8 [H, W, 3] of a size (height, width) with dots at (x, y)."""
    return _dot_image


@pytest.fixture(scope='session')
def dot_position() -> Callable[..., np.ndarray]:
    """Where the middle (x, y) of the dot is, within 12 pixels of a point; NaN without one."""
    return _dot_position
