# SPDX-License-Identifier: Apache-2.0
"""Masks as outlines: membership, distances, tracing, and the points that stand for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from afformer_core.offline.data.heatmaps import blurred_maps, pad_points, target_heatmaps
from afformer_core.offline.data.polygon_mask import PolygonMask, union

SQUARE = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float)


def pixels_of(mask: PolygonMask, size: tuple[int, int]) -> np.ndarray:
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    return mask.contains(np.stack((x, y), 2).reshape(-1, 2).astype(float)).reshape(x.shape)


def test_overlapping_outlines_are_one_region_without_holes() -> None:
    mask = PolygonMask((SQUARE, SQUARE[::-1] + 5))

    assert mask.contains(np.array([[7, 7], [2, 2], [14, 14], [2, 14]], float)).tolist() == [
        True,
        True,
        True,
        False,
    ]


def test_a_hole_is_outside_and_its_edge_is_the_nearest() -> None:
    mask = PolygonMask((SQUARE,), (SQUARE * 0.4 + 3,))

    assert mask.contains(np.array([[5, 5], [1, 5]], float)).tolist() == [False, True]
    assert mask.distances(np.array([[5, 6], [1, 5], [13, 14]], float)).tolist() == [1, 0, 5]


@pytest.mark.parametrize('seed', range(3))
def test_the_same_pixels_are_inside_a_traced_mask(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.random((30, 40)) < 0.5
    pixels[5:25, 5:25] = True
    pixels[8:20, 8:20] = False
    pixels[12:15, 12:15] = True

    mask = PolygonMask.of_pixels(pixels)

    assert np.array_equal(pixels_of(mask, (40, 30)), pixels)


def test_a_mask_of_one_pixel_is_traced() -> None:
    pixels = np.zeros((6, 8), bool)
    pixels[2, 5] = True

    mask = PolygonMask.of_pixels(pixels)

    assert np.array_equal(pixels_of(mask, (8, 6)), pixels)
    assert mask.even_points((8, 6)).mean(0) == pytest.approx([5, 2], abs=0.05)


@pytest.mark.parametrize(
    'mask',
    [
        PolygonMask((SQUARE * 25.6,)),
        PolygonMask((SQUARE * 12 + 60,), (SQUARE * 6 + 90,)),
        PolygonMask((SQUARE * (20, 0.4) + (20, 100),)),
        PolygonMask((SQUARE * 3 + 20, SQUARE * 5 + 150)),
        PolygonMask((SQUARE * 0.2 + 100.3,)),
    ],
    ids=['whole image', 'ring', 'bar', 'two squares', 'two pixels'],
)
def test_the_heatmap_of_the_points_is_that_of_the_pixels(mask: PolygonMask) -> None:
    size = (256, 256)
    points = target_heatmaps(pad_points([mask.even_points(size) + 0.5]), size)
    pixels = torch.from_numpy(pixels_of(mask, size).astype(np.float32))[None]

    expected = blurred_maps(pixels)

    assert float((points - expected).abs().sum()) / 2 < 0.05


def test_points_lie_in_the_image_and_are_few() -> None:
    for mask in (PolygonMask((SQUARE * 500 - 1000,)), PolygonMask((SQUARE * 10,))):
        points = mask.even_points((1920, 1080))
        assert 64 <= len(points) <= 256
        assert ((points >= -0.5) & (points <= (1919.5, 1079.5))).all()


def test_a_mask_outside_of_the_image_has_no_points() -> None:
    with pytest.raises(ValueError, match=r'lies outside of the image of 64x48'):
        PolygonMask((SQUARE + 70,)).even_points((64, 48))


def test_a_union_contains_what_either_does() -> None:
    mask = union([PolygonMask((SQUARE,)), PolygonMask((SQUARE + 20,), (SQUARE * 0.2 + 24,))])

    points = np.array([[5, 5], [21, 21], [25, 25]], float)
    assert mask.contains(points).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ('outlines', 'expected'),
    [
        ((), 'a mask has no outline'),
        ((SQUARE[:2],), 'at least 3 corners'),
        ((SQUARE * np.nan,), 'a corner is not finite'),
    ],
)
def test_a_wrong_outline_is_an_error(outlines: tuple[np.ndarray, ...], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        PolygonMask(outlines)
